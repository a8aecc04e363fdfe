// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/support/iomem_samples.h"

#include <cstdlib>

namespace lifeboat::test {
namespace {

constexpr IomemSample kSamples[] = {
    {"small_guest",
     "00000000-00000fff : Reserved\n"
     "00001000-0009fbff : System RAM\n"
     "0009fc00-0009ffff : Reserved\n"
     "000a0000-000bffff : PCI Bus 0000:00\n"
     "000f0000-000fffff : Reserved\n"
     "  000f0000-000fffff : System ROM\n"
     "00100000-3ffd9fff : System RAM\n"
     "  2f000000-3effffff : Crash kernel\n"
     "  0ce00000-0de025f7 : Kernel code\n"
     "  0e000000-0e98bfff : Kernel rodata\n"
     "  0ea00000-0ecad4ff : Kernel data\n"
     "  0f13e000-0f5fffff : Kernel bss\n"
     "3ffda000-3fffffff : Reserved\n"
     "b0000000-bfffffff : PCI ECAM 0000 [bus 00-ff]\n"
     "  b0000000-bfffffff : Reserved\n"
     "fec00000-fec003ff : IOAPIC 0\n"
     "fed1c000-fed1ffff : Reserved\n"},
    {"two_crash_regions",
     "00001000-0009efff : System RAM\n"
     "0009f000-000fffff : Reserved\n"
     "00100000-7e9bcfff : System RAM\n"
     "  5e000000-6dffffff : Crash kernel\n"
     "7e9bd000-7e9bffff : ACPI Tables\n"
     "7e9c0000-7e9cffff : ACPI Non-volatile Storage\n"
     "7e9d0000-7fffffff : Reserved\n"
     "100000000-27fffffff : System RAM\n"
     "  25f000000-27effffff : Crash kernel\n"
     "  100000000-1018025f7 : Kernel code\n"
     "  102e8b000-1032fffff : Kernel bss\n"},
    {"many_holes_and_slivers",
     "00000000-00000fff : Reserved\n"
     "00001000-00057fff : System RAM\n"
     "00058000-00058fff : Reserved\n"
     "00059000-0009dfff : System RAM\n"
     "0009e000-000fffff : Reserved\n"
     "00100000-0edfffff : System RAM\n"
     "0ee00000-0ee00fff : ACPI Non-volatile Storage\n"
     "0ee01000-0ee01fff : System RAM\n"
     "0ee02000-0ee4afff : Reserved\n"
     "0ee4b000-0ee4bfff : System RAM\n"
     "0ee4c000-0ee4cfff : ACPI Tables\n"
     "0ee4d000-0ee4e7ff : System RAM\n"
     "0ee4e800-0ee4efff : RAM buffer\n"
     "0ee4f000-3a2fffff : System RAM\n"
     "  1e000000-2dffffff : Crash kernel\n"
     "  10000000-10ffffff : Kernel code\n"
     "3a300000-3aafffff : Unusable memory\n"
     "3ab00000-3abfffff : System RAM\n"
     "3ac00000-3fffffff : Reserved\n"},
    {"driver_managed",
     "00001000-0009fbff : System RAM\n"
     "0009fc00-000fffff : Reserved\n"
     "00100000-7ffdbfff : System RAM\n"
     "  6b000000-7affffff : Crash kernel\n"
     "  01000000-01e025f7 : Kernel code\n"
     "7ffdc000-7fffffff : Reserved\n"
     "100000000-13fffffff : System RAM\n"
     "140000000-33fffffff : virtio0\n"
     "  140000000-1bfffffff : System RAM (virtio_mem)\n"
     "340000000-3bfffffff : Persistent Memory\n"
     "  340000000-341ffffff : namespace0.0\n"
     "  342000000-3bfffffff : dax0.0\n"
     "    348000000-3bfffffff : System RAM (kmem)\n"
     "3c0000000-43fffffff : Soft Reserved\n"
     "  3c0000000-43fffffff : dax1.0\n"
     "    3c0000000-43fffffff : System RAM (kmem)\n"
     "440000000-47fffffff : Persistent Memory (legacy)\n"},
    {"gart",
     "00001000-0009fbff : System RAM\n"
     "00100000-dfe8ffff : System RAM\n"
     "  20000000-23ffffff : GART\n"
     "  27000000-36ffffff : Crash kernel\n"
     "  01000000-016025f7 : Kernel code\n"
     "dfe90000-dfea7fff : ACPI Tables\n"
     "dfea8000-dfecffff : ACPI Non-volatile Storage\n"
     "dfed0000-dfefffff : reserved\n"
     "100000000-41fffffff : System RAM\n"},
};

}  // namespace

std::span<const IomemSample> iomem_samples() {
  return kSamples;
}

std::string_view iomem_sample(std::string_view name) {
  for (const auto& sample : kSamples) {
    if (sample.name == name) return sample.text;
  }
  std::abort();
}

}  // namespace lifeboat::test
