// SPDX-License-Identifier: GPL-2.0-or-later
#include <algorithm>

#include "loader/entries/boot_entry_file.h"
#include "loader/entries/uki_companions.h"
#include "loader/entries/version_order.h"

// The input is an entry of the Boot Loader Specification, a GRUB environment block, a file name, and two
// versions.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace lifeboat;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto variables = parse_assignments(text);
  const auto entry = BootEntryFile::parse(text, variables);
  auto paths = entry.extra;
  paths.insert(paths.end(), {entry.kernel, entry.efi, entry.uki});
  for (const auto& path : paths) {
    const std::string below = path_below("/boot", path);
    if (companion_kind(path) && path.size() < std::string_view(".raw").size()) __builtin_trap();
    if (!below.starts_with("/boot/") || (below + "/").find("/../") != std::string::npos) __builtin_trap();
  }
  // Nothing gets into a command line that would end it.
  if (entry.options && entry.options->find_first_of(std::string_view("\n\0", 2)) != std::string::npos)
    __builtin_trap();

  const size_t end = std::min(text.find('\n'), text.size());
  const std::string_view first = text.substr(0, end);
  const std::string_view second = text.substr(std::min(end + 1, text.size()));
  if (BootFileName::parse(first).id.size() > first.size()) __builtin_trap();
  // An order that contradicted itself would break the sorting.
  if (compare_versions(first, first) != 0) __builtin_trap();
  if ((compare_versions(first, second) < 0) != (compare_versions(second, first) > 0)) __builtin_trap();
  return 0;
}
