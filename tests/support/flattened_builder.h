// SPDX-License-Identifier: GPL-2.0-or-later
// makedumpfile's flattened form (-F): a big-endian header and records that say where their bytes belong.
#pragma once

#include <vector>

#include "src/base/bytes.h"

namespace lifeboat::test {

class FlattenedBuilder {
 public:
  enum class Order { forward, backward, shuffled };

  FlattenedBuilder& record(uint64_t offset, ByteSpan bytes);
  // A record header that claims what it likes, and the bytes behind it.
  FlattenedBuilder& raw_record(uint64_t offset, uint64_t size, ByteSpan bytes);
  // A whole file, cut into records.
  FlattenedBuilder& file(ByteSpan bytes, size_t record_size, Order order = Order::forward);
  FlattenedBuilder& without_end();
  FlattenedBuilder& type(uint64_t type);
  FlattenedBuilder& version(uint64_t version);

  [[nodiscard]] std::vector<std::byte> build() const;

 private:
  struct Record {
    uint64_t offset = 0, size = 0;
    std::vector<std::byte> bytes;
  };
  std::vector<Record> records_;
  bool end_ = true;
  uint64_t type_ = 1, version_ = 1;
};

}  // namespace lifeboat::test
