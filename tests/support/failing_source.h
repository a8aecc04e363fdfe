// SPDX-License-Identifier: GPL-2.0-or-later
// A file on a disk with bad sectors, which may go bad while the file is open.
#pragma once

#include <cerrno>
#include <memory>

#include "src/dump/byte_source.h"

namespace lifeboat::test {

class FailingSource final : public ByteSource {
 public:
  explicit FailingSource(ByteSpan bytes) : file_(memory_byte_source(bytes, "bad disk")) {}
  // Reads that touch [start, end) fail from now on.
  void fail_at(uint64_t start, uint64_t end) { bad_ = {start, end}; }
  void fail_nowhere() { bad_ = {}; }

  [[nodiscard]] uint64_t size() const override { return file_->size(); }
  [[nodiscard]] const std::string& name() const override { return file_->name(); }
  Result<> read(uint64_t offset, MutableByteSpan out) const override {
    if (offset < bad_.end && bad_.start < offset + out.size())
      return std::unexpected(errno_error(EIO, "cannot read bad disk"));
    return file_->read(offset, out);
  }

 private:
  std::unique_ptr<ByteSource> file_;
  ByteExtent bad_;
};

}  // namespace lifeboat::test
