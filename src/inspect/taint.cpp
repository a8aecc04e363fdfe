// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/inspect/taint.h"

#include <array>

namespace lifeboat::inspect {
namespace {

// kernel/panic.c: taint_flags[], in the order of the bits.
constexpr std::array<Taint, 20> kTaints = {{
    {'P', "a proprietary module was loaded"},
    {'F', "a module was loaded by force"},
    {'S', "the processor is used out of its specification"},
    {'R', "a module was unloaded by force"},
    {'M', "the hardware reported a machine check"},
    {'B', "a page was in a bad state"},
    {'U', "user space set this mark"},
    {'D', "the kernel had an oops before"},
    {'A', "an ACPI table was overridden"},
    {'W', "the kernel gave a warning before"},
    {'C', "a staging driver was loaded"},
    {'I', "a bug of the firmware is worked around"},
    {'O', "a module from outside the kernel's tree was loaded"},
    {'E', "a module without a valid signature was loaded"},
    {'L', "a soft lockup happened"},
    {'K', "the kernel was live-patched"},
    {'X', "a mark of the distribution"},
    {'T', "structures are laid out at random"},
    {'N', "tests ran inside the kernel"},
    {'J', "user space changed a device by fwctl's debug interface"},
}};

}  // namespace

std::vector<Taint> read_taint(uint64_t mask) {
  std::vector<Taint> taints;
  for (unsigned bit = 0; bit < 64; ++bit) {
    if ((mask >> bit & 1) == 0) continue;
    taints.push_back(bit < kTaints.size() ? kTaints[bit]
                                          : Taint{'?', "a mark that is unknown to this program"});
  }
  return taints;
}

std::string taint_letters(uint64_t mask) {
  std::string letters;
  for (const auto& taint : read_taint(mask)) letters += taint.letter;
  return letters;
}

}  // namespace lifeboat::inspect
