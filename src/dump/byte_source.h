// SPDX-License-Identifier: GPL-2.0-or-later
// Bytes of a file at logical offsets: directly, or through the records of a flattened file.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "src/base/file.h"

namespace lifeboat {

// Bytes [start, end) of a file.
struct ByteExtent {
  uint64_t start = 0, end = 0;
};

class ByteSource {
 public:
  virtual ~ByteSource() = default;
  [[nodiscard]] virtual uint64_t size() const = 0;
  // The maximum number of bytes that are really stored: holes of a flattened file take no space, so its
  // logical size does not limit what may be allocated or walked over for an unchecked header.
  [[nodiscard]] virtual uint64_t stored_size() const { return size(); }
  [[nodiscard]] virtual const std::string& name() const = 0;
  // The first bytes at or behind `offset` that are stored; size() and size() when there are no more. What is
  // not stored reads as zeros: a search for other contents can skip it.
  [[nodiscard]] virtual ByteExtent next_data(uint64_t offset) const {
    return {std::min(offset, size()), size()};
  }
  // Fills `out` or fails: `truncated` past the end.
  virtual Result<> read(uint64_t offset, MutableByteSpan out) const = 0;
  // Whether several threads may read at the same time.
  [[nodiscard]] virtual bool parallel_reads() const { return false; }
  // Whether the bytes come out of a flattened file, and whether that file had its end.
  [[nodiscard]] virtual bool flattened() const { return false; }
  [[nodiscard]] virtual bool complete() const { return true; }
};

// `truncated`, unless a part that a header describes lies within the file, and is not larger than what is
// stored.
Result<> check_fits(const ByteSource& file, uint64_t offset, uint64_t size, std::string_view what);
// The bytes of a part whose size is in a header: memory is allocated only after the size is checked.
Result<std::vector<std::byte>> read_bytes(const ByteSource& file, uint64_t offset, uint64_t size,
                                          std::string_view what);

// A file as it is. /proc/vmcore and block devices are fine: the size is found by seeking.
Result<std::unique_ptr<ByteSource>> open_byte_source(UniqueFd fd, std::string name);
// Bytes in memory, for tests and fuzzing. They are copied.
std::unique_ptr<ByteSource> memory_byte_source(ByteSpan bytes, std::string name);

// True when the file begins with makedumpfile's flattened header. An Error when that cannot be read.
Result<bool> is_flattened(const ByteSource& file);
// The logical file inside a flattened one (makedumpfile -F): an index of its records, built by one walk
// over the record headers. Later records win over earlier ones, as replaying them would do.
// A file without the end mark is read as far as it goes, and is not complete(). `corrupt`: more records than
// any writer makes of so few bytes; each takes memory.
Result<std::unique_ptr<ByteSource>> open_flattened(std::unique_ptr<ByteSource> file);

}  // namespace lifeboat
