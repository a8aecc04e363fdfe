// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/x86_64/purgatory/purgatory.h"

#include <algorithm>

#include "loader/x86_64/purgatory/parameters.h"
#include "src/base/sha256.h"

// The flat image that freestanding/ builds; LIFEBOAT_PURGATORY_IMAGE is its path.
asm(".pushsection .rodata\n"
    ".globl lifeboat_purgatory_image, lifeboat_purgatory_image_end\n"
    ".hidden lifeboat_purgatory_image, lifeboat_purgatory_image_end\n"
    ".balign 16\n"
    "lifeboat_purgatory_image:\n"
    ".incbin \"" LIFEBOAT_PURGATORY_IMAGE
    "\"\n"
    "lifeboat_purgatory_image_end:\n"
    ".popsection\n");
extern "C" [[gnu::visibility("hidden")]] const std::byte lifeboat_purgatory_image[];
extern "C" [[gnu::visibility("hidden")]] const std::byte lifeboat_purgatory_image_end[];

namespace lifeboat::x86_64 {
namespace {

ByteSpan built_image() {
  return {lifeboat_purgatory_image, lifeboat_purgatory_image_end};
}

bool wraps(uint64_t address, uint64_t size) {
  return size > UINT64_MAX - address;
}

Result<> check_digested(const PurgatoryArguments& arguments) {
  if (arguments.digested.size() > kMaxRegions) {
    return fail(ErrorCode::usage, "purgatory checks at most {} regions of memory, {} were given", kMaxRegions,
                arguments.digested.size());
  }
  const size_t wanted = arguments.digested.empty() ? 0 : Sha256::kDigestBytes;
  if (arguments.digest.size() != wanted) {
    return fail(ErrorCode::usage, "purgatory: a digest of {} bytes for {} regions, it must have {}",
                arguments.digest.size(), arguments.digested.size(), wanted);
  }
  for (const auto& region : arguments.digested) {
    if (wraps(region.address, region.size)) {
      return fail(ErrorCode::usage,
                  "purgatory (checks the new kernel before it starts): the region at {:#x} with {:#x} bytes "
                  "goes past the end of memory",
                  region.address, region.size);
    }
  }
  return {};
}

Result<> check_copy(const PurgatoryArguments& arguments) {
  const uint64_t from = arguments.copy_from, to = arguments.copy_to, size = arguments.copy_size;
  if (wraps(from, size) || wraps(to, size)) {
    return fail(ErrorCode::usage,
                "purgatory cannot copy {:#x} bytes from {:#x} to {:#x}: that goes past the end of memory",
                size, from, to);
  }
  if (size != 0 && from < to + size && to < from + size) {
    return fail(ErrorCode::usage,
                "purgatory cannot copy {:#x} bytes from {:#x} to {:#x}: the two regions overlap", size, from,
                to);
  }
  return {};
}

}  // namespace

uint64_t purgatory_size() {
  return built_image().size();
}

Result<std::vector<std::byte>> make_purgatory(const PurgatoryArguments& arguments) {
  TRY_VOID(check_digested(arguments));
  TRY_VOID(check_copy(arguments));
  const ByteSpan built = built_image();
  auto parameters = TRY(load<PurgatoryParameters>(built, kParametersOffset, "purgatory's parameter block"));
  if (parameters.magic != kParametersMagic) {
    return fail(ErrorCode::corrupt,
                "purgatory's parameter block is not at offset {:#x} of its image: this program was built "
                "incorrectly",
                kParametersOffset);
  }
  parameters.kernel_entry = arguments.kernel_entry;
  parameters.boot_params = arguments.boot_params;
  parameters.copy_from = arguments.copy_from;
  parameters.copy_to = arguments.copy_to;
  parameters.copy_size = arguments.copy_size;
  parameters.region_count = static_cast<uint32_t>(arguments.digested.size());
  parameters.serial_port = arguments.serial_port;
  std::ranges::copy(arguments.digest, std::as_writable_bytes(std::span(parameters.digest)).begin());
  std::ranges::transform(arguments.digested, parameters.regions, [](const PurgatoryRegion& region) {
    return PurgatoryParameters::Region{region.address, region.size};
  });
  std::vector image(built.begin(), built.end());
  std::ranges::copy(object_bytes(parameters), image.begin() + kParametersOffset);
  return image;
}

}  // namespace lifeboat::x86_64
