// SPDX-License-Identifier: GPL-2.0-or-later
// What is mounted where on the running system: /proc/self/mountinfo (proc(5)), read by libmount.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "src/base/error.h"

namespace lifeboat {

struct Mount {
  std::string device_number;  // "253:1"
  std::string root;           // folder of the file system that is mounted here
  std::string mount_point;
  std::string filesystem;
  std::string source;   // for messages only: it may be no file, or have another name by now
  std::string options;  // of the file system: "rw,upperdir=/up"
};

// All of them, in their order. A line that is not understood is ignored with a warning, because the mount
// that it describes may hide another one.
std::vector<Mount> parse_mounts(std::string_view mountinfo);

// The last mount whose mount point holds `path`, which is absolute and has no symbolic links; null: none.
const Mount* mount_of(const std::vector<Mount>& mounts, const std::string& path);
// The same of a text; `not_found`: none.
Result<Mount> find_mount(std::string_view mountinfo, const std::string& path);

}  // namespace lifeboat
