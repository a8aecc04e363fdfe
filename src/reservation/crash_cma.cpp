// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/reservation/crash_cma.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "loader/machine.h"
#include "src/base/file.h"
#include "src/base/size.h"

namespace lifeboat::reservation {
namespace {

enum class Symbols { unreadable, neither, function, counter };

// BTF has the name of each function of the kernel and is read in milliseconds; to list all symbols takes the
// kernel a hundred times as long. nullopt: there is no BTF.
std::optional<bool> btf_has_function(const std::string& sys) {
  constexpr std::string_view kName("\0reserve_crashkernel_cma\0", 25);
  const auto btf = read_file(sys + "/kernel/btf/vmlinux", 64_MiB);
  if (!btf || btf->empty()) return std::nullopt;
  return as_text(*btf).find(kName) != std::string_view::npos;
}

// The counter is there only in a kernel whose allocator can do it. A kernel that lists no data has the
// function.
Symbols cma_symbols(const SystemPaths& paths) {
  if (const auto function = btf_has_function(paths.sys))
    return *function ? Symbols::function : Symbols::neither;
  std::ifstream file(paths.proc + "/kallsyms");
  Symbols found = Symbols::unreadable;
  for (std::string line; std::getline(file, line);) {
    if (found == Symbols::unreadable) found = Symbols::neither;
    if (line.ends_with(" crashk_cma_cnt")) return Symbols::counter;
    if (line.ends_with(" reserve_crashkernel_cma")) found = Symbols::function;
    // A module's symbols have its name behind, and come after the kernel's.
    if (line.ends_with(']')) break;
  }
  return found;
}

}  // namespace

bool shows_crash_cma(const SystemPaths& paths) {
  return ::access((paths.sys + "/kernel/kexec/crash_cma_ranges").c_str(), F_OK) == 0;
}

CmaSupport crash_cma_support(const SystemPaths& paths) {
  if (!read_crash_cma(paths.sys).empty()) return CmaSupport::yes;
  switch (cma_symbols(paths)) {
    case Symbols::counter:
      return CmaSupport::yes;
    case Symbols::neither:
      return CmaSupport::no;
    case Symbols::function:
      break;
    case Symbols::unreadable:
      if (!shows_crash_cma(paths)) return CmaSupport::unknown;
      break;
  }
  // The kernel knows the parameter. Without the allocator it ignores it (fs/proc/meminfo.c has this line
  // under CONFIG_CMA).
  const auto meminfo = read_text(paths.proc + "/meminfo");
  if (!meminfo) return CmaSupport::unknown;
  return meminfo->find("CmaTotal:") == std::string::npos ? CmaSupport::no : CmaSupport::yes;
}

std::vector<std::string> crash_cma_costs() {
  return {
      "at a panic the kernel waits 10 s for devices that may still write there, and one that writes later "
      "damages the capture",
      "pages of programs that lie there are not in the dump, whatever its level"};
}

std::optional<int> level_with_user_pages(const std::vector<int>& levels) {
  constexpr int kUserPages = 8;
  const auto found =
      std::ranges::find_if(levels, [](int level) { return level >= 0 && (level & kUserPages) == 0; });
  return found == levels.end() ? std::nullopt : std::optional(*found);
}

}  // namespace lifeboat::reservation
