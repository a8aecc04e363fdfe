// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/dump/dump_mark.h"

#include <optional>
#include <span>

#include "src/base/file.h"
#include "src/dump/kdump_format.h"

namespace lifeboat {
namespace {

// nullopt: the file is shorter, or of another format.
Result<std::optional<kdump::Header>> read_header(int fd, std::string_view name) {
  kdump::Header header{};
  const size_t size = TRY(pread_some(fd, 0, std::as_writable_bytes(std::span(&header, 1)), name));
  if (size != sizeof header || header.signature != kdump::kSignature) return std::nullopt;
  return header;
}

}  // namespace

Result<DumpMark> read_dump_mark(int fd, std::string_view name) {
  const auto header = TRY(read_header(fd, name));
  if (!header) return DumpMark::none;
  return (header->status & kdump::kStatusIncomplete) != 0 ? DumpMark::incomplete : DumpMark::whole;
}

Result<> mark_dump_incomplete(int fd, std::string_view name) {
  auto header = TRY(read_header(fd, name));
  if (!header) return {};
  header->status |= kdump::kStatusIncomplete;
  TRY_VOID(pwrite_all(fd, 0, object_bytes(*header), name));
  return sync_file(fd, name);
}

}  // namespace lifeboat
