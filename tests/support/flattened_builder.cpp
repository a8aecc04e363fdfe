// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/support/flattened_builder.h"

#include <algorithm>
#include <random>

#include "tests/support/pages.h"

namespace lifeboat::test {
namespace {

constexpr size_t kHeaderSize = 4096;

void append_be(std::vector<std::byte>& to, uint64_t value) {
  const uint64_t swapped = swap_bytes(value);
  append(to, object_bytes(swapped));
}

}  // namespace

FlattenedBuilder& FlattenedBuilder::record(uint64_t offset, ByteSpan bytes) {
  return raw_record(offset, bytes.size(), bytes);
}

FlattenedBuilder& FlattenedBuilder::raw_record(uint64_t offset, uint64_t size, ByteSpan bytes) {
  records_.push_back({offset, size, to_bytes(bytes)});
  return *this;
}

FlattenedBuilder& FlattenedBuilder::file(ByteSpan bytes, size_t record_size, Order order) {
  const auto first = static_cast<ptrdiff_t>(records_.size());
  for (size_t at = 0; at < bytes.size(); at += record_size)
    record(at, bytes.subspan(at, std::min(record_size, bytes.size() - at)));
  if (order == Order::backward) std::reverse(records_.begin() + first, records_.end());
  if (order == Order::shuffled) std::shuffle(records_.begin() + first, records_.end(), std::mt19937(1));
  return *this;
}

FlattenedBuilder& FlattenedBuilder::without_end() {
  end_ = false;
  return *this;
}

FlattenedBuilder& FlattenedBuilder::type(uint64_t type) {
  type_ = type;
  return *this;
}

FlattenedBuilder& FlattenedBuilder::version(uint64_t version) {
  version_ = version;
  return *this;
}

std::vector<std::byte> FlattenedBuilder::build() const {
  std::vector<std::byte> bytes = to_bytes(std::string_view("makedumpfile\0\0\0\0", 16));
  append_be(bytes, type_);
  append_be(bytes, version_);
  bytes.resize(kHeaderSize);
  for (const auto& record : records_) {
    append_be(bytes, record.offset);
    append_be(bytes, record.size);
    append(bytes, record.bytes);
  }
  if (end_) {
    append_be(bytes, ~uint64_t{0});
    append_be(bytes, ~uint64_t{0});
  }
  return bytes;
}

}  // namespace lifeboat::test
