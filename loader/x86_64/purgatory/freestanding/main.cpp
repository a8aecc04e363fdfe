// SPDX-License-Identifier: GPL-2.0-or-later
// Check, copy, enter; or report and reset.
#include "loader/x86_64/purgatory/freestanding/physical.h"
#include "loader/x86_64/purgatory/freestanding/purgatory_machine.h"
#include "loader/x86_64/purgatory/parameters.h"
#include "src/base/sha256.h"

extern "C" [[noreturn]] void purgatory_main();
extern "C" [[noreturn]] void enter_kernel(uint64_t entry, uint64_t boot_params);

// The loader writes into it. Its C name is for the linker script, which gives it its place.
extern "C" {
[[gnu::section(".parameters"), gnu::used]] lifeboat::x86_64::PurgatoryParameters purgatory_parameters = {
    .magic = lifeboat::x86_64::kParametersMagic};
}

namespace lifeboat::x86_64 {
namespace {

bool undamaged(const PurgatoryParameters& parameters) {
  if (parameters.region_count == 0) return true;
  if (parameters.region_count > kMaxRegions) return false;
  Sha256 sha256;
  for (uint32_t i = 0; i < parameters.region_count; ++i) {
    const auto& region = parameters.regions[i];
    sha256.update(physical<const uint8_t>(region.address), region.size);
  }
  uint8_t digest[Sha256::kDigestBytes];
  sha256.finish(digest);
  return __builtin_memcmp(digest, parameters.digest, sizeof digest) == 0;
}

// In assembler, because address 0 is a valid address here, but not in C++.
void copy_memory(uint64_t to, uint64_t from, uint64_t size) {
  asm volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(size) : : "memory");
}

}  // namespace
}  // namespace lifeboat::x86_64

void purgatory_main() {
  using namespace lifeboat::x86_64;
  const PurgatoryParameters& parameters = purgatory_parameters;
  if (!undamaged(parameters)) {
    report("lifeboat: the loaded kernel was damaged in memory (SHA-256 differs); resetting the machine",
           parameters.serial_port);
    reset_machine();
  }
  copy_memory(parameters.copy_to, parameters.copy_from, parameters.copy_size);
  enter_kernel(parameters.kernel_entry, parameters.boot_params);
}
