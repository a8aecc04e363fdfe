// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/reservation/bounce_buffers.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstddef>
#include <utility>

#include "loader/command_line.h"
#include "src/base/bytes.h"
#include "src/base/size.h"

namespace lifeboat::reservation {
namespace {

// include/linux/swiotlb.h: IO_TLB_DEFAULT_SIZE, IO_TLB_SHIFT, IO_TLB_SEGSIZE.
constexpr uint64_t kDefault = 64_MiB, kSlab = 2_KiB, kSegment = 128;
// What a guest's kernel takes of its memory.
constexpr uint64_t kPercent = 6, kMaximum = 1_GiB;
// More slabs than that are no size of a machine's memory.
constexpr uint64_t kMaxSlabs = uint64_t{1} << 32;

// "65536,4,force": slabs, areas, and a word; each may be left out. Once set, what is not given again stays.
void apply(BounceBuffers& buffers, std::string_view value) {
  const std::string_view number = value.substr(0, value.find_first_not_of("0123456789"));
  const auto slabs = number.empty() ? std::nullopt : parse_number(number);
  if (slabs && *slabs != 0) buffers.asked = align_up(std::min(*slabs, kMaxSlabs), kSegment) * kSlab;
  const std::string_view word =
      value.substr(value.rfind(',') == std::string_view::npos ? 0 : value.rfind(',') + 1);
  if (word == "force") buffers.forced = true;
  if (word == "noforce") {
    buffers.disabled = true;
    // The kernel then allocates one segment only, which it does not use.
    buffers.asked.reset();
  }
}

}  // namespace

BounceBuffers bounce_buffers(std::string_view command_line, MemoryEncryptionState encryption) {
  BounceBuffers buffers{.encryption = std::move(encryption), .asked = {}};
  for (const auto& parameter : split_parameters(command_line)) {
    if (parameter == "--") break;
    if (parameter_name(parameter) != "swiotlb") continue;
    const size_t equals = parameter.find('=');
    if (equals != std::string::npos) apply(buffers, std::string_view(parameter).substr(equals + 1));
  }
  return buffers;
}

uint64_t bounce_buffer_size(const BounceBuffers& buffers, uint64_t memory) {
  if (buffers.disabled) return 0;
  if (buffers.encryption.kind == MemoryEncryption::none && !buffers.forced) return 0;
  if (buffers.asked) return *buffers.asked;
  if (buffers.encryption.kind != MemoryEncryption::guest) return kDefault;
  return std::clamp(memory / 100 * kPercent, kDefault, kMaximum);
}

std::string bounce_buffer_source(const BounceBuffers& buffers) {
  const auto& encryption = buffers.encryption;
  if (buffers.disabled) return "none, by swiotlb=noforce";
  if (encryption.kind == MemoryEncryption::none && !buffers.forced)
    return "none: nothing shows that memory is encrypted";
  const std::string why = encryption.kind == MemoryEncryption::none
                              ? "swiotlb=force"
                              : fmt::format("{} ({})", encryption.name, encryption.source);
  return fmt::format("{}; {}", why,
                     buffers.asked ? "the size is that of swiotlb=" : "the size that the kernel takes");
}

}  // namespace lifeboat::reservation
