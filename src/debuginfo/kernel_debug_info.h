// SPDX-License-Identifier: GPL-2.0-or-later
// Source lines of a dumped kernel and its modules, and types of the kernel's variables, from the debug files
// that belong to them.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "src/inspect/debug_info.h"
#include "src/inspect/session.h"

namespace lifeboat {

struct DebugInfoOptions {
  // The kernel's file; one that does not belong to the dump is refused, with a note. nullopt: it is looked
  // for in the usual places, and there what does not belong to the dump is passed over in silence.
  std::optional<std::string> vmlinux;
  std::string debug_folder = "/usr/lib/debug";
  std::string system_root = "/";
};

// Opens nothing before it is asked: only files of what the addresses lie in, and of these only the parts that
// tell about them. `session` must stay where it is and outlive the result.
std::unique_ptr<inspect::DebugInfo> kernel_debug_info(const inspect::Session& session,
                                                      DebugInfoOptions options);

}  // namespace lifeboat
