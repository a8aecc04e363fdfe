// SPDX-License-Identifier: GPL-2.0-or-later
#include <algorithm>
#include <array>
#include <map>

#include "src/base/size.h"
#include "src/dump/block_cache.h"
#include "src/dump/byte_source.h"

namespace lifeboat {
namespace {

// struct makedumpfile_header and makedumpfile_data_header (makedumpfile.h), big-endian.
constexpr std::string_view kSignature{"makedumpfile\0\0\0\0", 16};
constexpr uint64_t kHeaderSize = 4_KiB;
constexpr uint64_t kRecordHeaderSize = 16;
constexpr uint64_t kType = 1;
constexpr uint64_t kVersion = 1;
// makedumpfile collects 64 KiB before it writes a record. Each takes about 64 bytes of memory here.
constexpr uint64_t kMaxTinyRecords = uint64_t{1} << 20;
constexpr uint64_t kLeastRecordBytes = 4_KiB;
// Headers of records near to each other are read together.
constexpr uint64_t kHeaderBlock = 4_KiB;
// No dump is larger than twice what 52 bits of physical address can hold.
constexpr uint64_t kMaxSize = uint64_t{1} << 53;

class FlattenedFile final : public ByteSource {
 public:
  explicit FlattenedFile(std::unique_ptr<ByteSource> file) : file_(std::move(file)) {}
  [[nodiscard]] uint64_t size() const override { return size_; }
  [[nodiscard]] uint64_t stored_size() const override { return file_->size(); }
  [[nodiscard]] const std::string& name() const override { return file_->name(); }
  [[nodiscard]] bool flattened() const override { return true; }
  [[nodiscard]] bool complete() const override { return complete_; }

  [[nodiscard]] ByteExtent next_data(uint64_t offset) const override;

  Result<> index();
  Result<> read(uint64_t offset, MutableByteSpan out) const override;

 private:
  struct Piece {
    uint64_t size = 0;
    uint64_t file_offset = 0;
  };
  void add(uint64_t offset, uint64_t size, uint64_t file_offset);

  std::unique_ptr<ByteSource> file_;
  std::map<uint64_t, Piece> pieces_;  // by logical offset; they do not overlap
  uint64_t size_ = 0;
  bool complete_ = false;
};

// Cuts away what the new piece covers of older ones.
void FlattenedFile::add(uint64_t offset, uint64_t size, uint64_t file_offset) {
  const uint64_t end = offset + size;
  auto at = pieces_.upper_bound(offset);
  if (at != pieces_.begin()) --at;
  while (at != pieces_.end() && at->first < end) {
    const uint64_t start = at->first;
    const Piece piece = at->second;
    const uint64_t piece_end = start + piece.size;
    if (piece_end <= offset) {
      ++at;
      continue;
    }
    at = pieces_.erase(at);
    if (start < offset) pieces_[start] = {offset - start, piece.file_offset};
    if (piece_end > end)
      at = pieces_.insert_or_assign(end, Piece{piece_end - end, piece.file_offset + (end - start)}).first;
  }
  pieces_[offset] = {size, file_offset};
  size_ = std::max(size_, end);
}

Result<> FlattenedFile::index() {
  std::array<std::byte, kRecordHeaderSize> bytes{};
  TRY_VOID(file_->read(kSignature.size(), bytes));
  const auto type = TRY(load_be<uint64_t>(bytes, 0, file_->name()));
  const auto version = TRY(load_be<uint64_t>(bytes, 8, file_->name()));
  if (type != kType || version != kVersion) {
    return fail(ErrorCode::unsupported,
                "{} is a flattened file of type {}, version {}; only type 1, version 1 is supported",
                file_->name(), type, version);
  }
  BlockCache headers(*file_, 0, file_->size(), kHeaderBlock, 1);
  uint64_t at = kHeaderSize, records = 0;
  while (at <= file_->size() && file_->size() - at >= kRecordHeaderSize) {
    const ByteSpan header = TRY(headers.bytes(at, bytes));
    const auto offset = TRY(load_be<int64_t>(header, 0, file_->name()));
    const auto size = TRY(load_be<int64_t>(header, 8, file_->name()));
    ++records;
    if (records > kMaxTinyRecords && records > at / kLeastRecordBytes)
      return fail(ErrorCode::corrupt, "{}: damaged: too many small records, {} in the first {} bytes",
                  file_->name(), records, at);
    at += kRecordHeaderSize;
    if (offset == -1 && size == -1) {
      complete_ = true;
      break;
    }
    if (offset < 0 || size <= 0 || static_cast<uint64_t>(offset) > kMaxSize ||
        static_cast<uint64_t>(size) > kMaxSize)
      return fail(ErrorCode::corrupt, "{}: a record at {} claims {} bytes at {}", file_->name(), at, size,
                  offset);
    const uint64_t present = std::min<uint64_t>(static_cast<uint64_t>(size), file_->size() - at);
    if (present > 0) add(static_cast<uint64_t>(offset), present, at);
    at += static_cast<uint64_t>(size);
  }
  if (pieces_.empty()) return fail(ErrorCode::truncated, "{} is an empty flattened file", file_->name());
  return {};
}

// Where a record's own bytes are a hole of the file, they are one here as well.
ByteExtent FlattenedFile::next_data(uint64_t offset) const {
  auto at = pieces_.upper_bound(offset);
  if (at != pieces_.begin()) --at;
  for (; at != pieces_.end(); ++at) {
    const auto& [start, piece] = *at;
    if (offset >= start + piece.size) continue;
    const uint64_t within = offset > start ? offset - start : 0;
    const ByteExtent stored = file_->next_data(piece.file_offset + within);
    if (stored.start >= piece.file_offset + piece.size) continue;
    return {start + (stored.start - piece.file_offset),
            start + std::min(stored.end - piece.file_offset, piece.size)};
  }
  return {size_, size_};
}

Result<> FlattenedFile::read(uint64_t offset, MutableByteSpan out) const {
  if (offset > size_ || out.size() > size_ - offset) {
    return fail(ErrorCode::truncated, "{}: cannot read {} bytes at offset {}: the data ends at {}", name(),
                out.size(), offset, size_);
  }
  // What no record covers was never written: holes, which read as zeros.
  std::ranges::fill(out, std::byte{0});
  auto at = pieces_.upper_bound(offset);
  if (at != pieces_.begin()) --at;
  const uint64_t end = offset + out.size();
  for (; at != pieces_.end() && at->first < end; ++at) {
    const uint64_t from = std::max(at->first, offset);
    const uint64_t to = std::min(at->first + at->second.size, end);
    if (from >= to) continue;
    TRY_VOID(file_->read(at->second.file_offset + (from - at->first), out.subspan(from - offset, to - from)));
  }
  return {};
}

}  // namespace

Result<bool> is_flattened(const ByteSource& file) {
  std::array<std::byte, kSignature.size()> begin{};
  if (file.size() < kHeaderSize) return false;
  TRY_VOID(file.read(0, begin));
  return as_text(begin) == kSignature;
}

Result<std::unique_ptr<ByteSource>> open_flattened(std::unique_ptr<ByteSource> file) {
  auto flattened = std::make_unique<FlattenedFile>(std::move(file));
  TRY_VOID(flattened->index());
  return flattened;
}

}  // namespace lifeboat
