// SPDX-License-Identifier: GPL-2.0-or-later
// A cpio archive (newc) in memory, as the kernel unpacks it. Owner, times and inode numbers are fixed, so
// that only names and contents count. Names are given without a leading slash, a folder before what is in it.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "src/base/bytes.h"
#include "src/base/error.h"

struct archive;

namespace lifeboat {

class CpioWriter {
 public:
  static Result<CpioWriter> create();

  Result<> folder(const std::string& path);
  Result<> file(const std::string& path, mode_t mode, ByteSpan contents);
  // major:minor as in Documentation/admin-guide/devices.txt.
  Result<> character_device(const std::string& path, unsigned major, unsigned minor);

  // The whole archive; nothing can be added after it.
  Result<std::vector<std::byte>> finish();

 private:
  struct Deleter {
    void operator()(archive* writer) const;
  };
  CpioWriter();
  Result<> add(const std::string& path, unsigned type, mode_t mode, ByteSpan contents, dev_t device = 0);
  [[nodiscard]] std::unexpected<Error> error(const std::string& what) const;

  // libarchive keeps its address and writes the trailer even when the archive is abandoned: it must outlive
  // the writer.
  std::unique_ptr<std::vector<std::byte>> bytes_;
  std::unique_ptr<archive, Deleter> writer_;
  int64_t inode_ = 0;
};

}  // namespace lifeboat
