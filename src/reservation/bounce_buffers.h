// SPDX-License-Identifier: GPL-2.0-or-later
// The bounce buffers (swiotlb) that a capture kernel allocates when it starts: memory below 4 GiB through
// which devices read and write where they cannot reach the rest.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "loader/memory_encryption.h"

namespace lifeboat::reservation {

struct BounceBuffers {
  MemoryEncryptionState encryption;
  std::optional<uint64_t> asked;  // bytes, by swiotlb=N; rounded as the kernel does
  bool forced = false;            // swiotlb=force: also without encryption
  bool disabled = false;          // swiotlb=noforce
};

// By the capture kernel's command line: the last swiotlb= counts.
BounceBuffers bounce_buffers(std::string_view command_line, MemoryEncryptionState encryption);

// What a capture kernel with `memory` bytes of RAM allocates. A confidential guest takes 6 % of its memory,
// at least 64 MiB and at most 1 GiB; any other kernel 64 MiB; swiotlb=N replaces both (mem_encrypt.c,
// kernel/dma/swiotlb.c). 0: none.
uint64_t bounce_buffer_size(const BounceBuffers& buffers, uint64_t memory);
// Where that number is from: one clause.
std::string bounce_buffer_source(const BounceBuffers& buffers);

}  // namespace lifeboat::reservation
