// SPDX-License-Identifier: GPL-2.0-or-later
// A cpio archive (newc) in memory, as the kernel unpacks it
// (Documentation/driver-api/early-userspace/buffer-format.rst). Names are without a leading slash.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/bytes.h"
#include "src/base/error.h"

namespace lifeboat {

// Owner, times and inode numbers are fixed, so that only names and contents count. A folder is given before
// what is in it. `usage` for a name that the kernel would skip, `unsupported` for 4 GiB of contents.
class CpioWriter {
 public:
  Result<> folder(const std::string& path);
  Result<> file(const std::string& path, mode_t mode, ByteSpan contents);
  // major:minor as in Documentation/admin-guide/devices.txt.
  Result<> character_device(const std::string& path, unsigned major, unsigned minor);

  // The whole archive; nothing can be added after it.
  std::vector<std::byte> finish();

 private:
  struct Entry {
    mode_t mode = 0;
    unsigned links = 1, major = 0, minor = 0;
    ByteSpan contents;
  };
  Result<> add(const std::string& path, const Entry& entry);
  void append(uint32_t inode, std::string_view name, const Entry& entry);

  std::vector<std::byte> bytes_;
  uint32_t inode_ = 0;
};

struct CpioEntry {
  std::string_view name;  // as it is in the archive
  mode_t mode = 0;        // with the file's type
  ByteSpan contents;
};

// Reads one archive, up to its trailer. The entries lie in the bytes given.
class CpioReader {
 public:
  explicit CpioReader(ByteSpan archive) : archive_(archive) {}
  // nullopt: the trailer. `corrupt` for what is not a newc header, `truncated` for an entry that the bytes
  // cut off. Not checked: what the names are, and checksums (magic 070702).
  Result<std::optional<CpioEntry>> next();

 private:
  ByteSpan archive_;
  uint64_t at_ = 0;
};

}  // namespace lifeboat
