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
  // The kernel's file; one that does not belong to the dump is refused, with a note. nullopt: search the
  // usual places, and skip files that do not belong to the dump without a note.
  std::optional<std::string> vmlinux;
  std::string debug_folder = "/usr/lib/debug";
  std::string system_root = "/";
};

// Opens files only on a query: only those that the addresses are in, and reads only the parts that describe
// them. `session` must not move and must outlive the result.
std::unique_ptr<inspect::DebugInfo> kernel_debug_info(const inspect::Session& session,
                                                      DebugInfoOptions options);

}  // namespace lifeboat
