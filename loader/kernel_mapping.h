// SPDX-License-Identifier: GPL-2.0-or-later
// The virtual addresses of the running kernel, which dump readers look for in the ELF core headers; and the
// files of /proc that list them, from which each architecture takes its own.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace lifeboat {

// The running kernel's own code and data, where they are mapped.
struct KernelText {
  uint64_t virtual_address = 0;
  uint64_t physical = 0;
  uint64_t size = 0;
};

struct KernelMapping {
  std::optional<KernelText> text;
  // The virtual address of physical address 0 in the mapping of all memory (modulo 2^64: there may be no
  // memory there).
  std::optional<uint64_t> direct_map;
};

// A segment of /proc/kcore with a physical address: RAM, or the kernel's text (fs/proc/kcore.c).
struct KcoreSegment {
  uint64_t virtual_address = 0;
  uint64_t physical = 0;
  uint64_t size = 0;
};
// Reads its headers, and no memory. Empty: a kernel without that file, or no permission.
std::vector<KcoreSegment> read_kcore_segments(const std::string& proc);

// The address of `_text` in /proc/kallsyms: "ffffffff81000000 T _text". 0: hidden, or unknown.
uint64_t read_text_symbol(const std::string& proc);

}  // namespace lifeboat
