// SPDX-License-Identifier: GPL-2.0-or-later
// /etc/kdump.conf of kdump-utils (Fedora, RHEL and their relatives), as kdump.conf(5) describes it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "src/migration/draft.h"

namespace lifeboat::migration {

// Programs in the folders /etc/kdump/{pre,post,emergency}.d, by name in the order in which they run: paths on
// that system.
struct HookFolders {
  std::vector<std::string> pre, post, emergency;
};

void translate_kdump_conf(Draft& draft, const std::string& file, std::string_view text,
                          const HookFolders& hooks);

}  // namespace lifeboat::migration
