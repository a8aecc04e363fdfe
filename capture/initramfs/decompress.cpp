// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/initramfs/decompress.h"

#include <archive.h>
#include <archive_entry.h>

#include <memory>

#include "base/file.h"

namespace lifeboat {
namespace {

struct ReaderDeleter {
  void operator()(archive* reader) const { archive_read_free(reader); }
};

std::unexpected<Error> unpack_error(archive* reader, const std::string& path) {
  const char* why = archive_error_string(reader);
  return fail(ErrorCode::corrupt, "cannot unpack {}: {}", path, why != nullptr ? why : "unknown error");
}

}  // namespace

Result<std::vector<std::byte>> decompress_file(const std::string& path, uint64_t limit) {
  const auto packed = TRY(read_file(path, limit));
  if (packed.empty()) return fail(ErrorCode::truncated, "{} is empty", path);
  const std::unique_ptr<archive, ReaderDeleter> reader(archive_read_new());
  archive_read_support_format_raw(reader.get());
  archive_read_support_filter_xz(reader.get());
  archive_read_support_filter_zstd(reader.get());
  archive_read_support_filter_gzip(reader.get());
  archive_entry* entry = nullptr;
  if (archive_read_open_memory(reader.get(), packed.data(), packed.size()) != ARCHIVE_OK ||
      archive_read_next_header(reader.get(), &entry) != ARCHIVE_OK)
    return unpack_error(reader.get(), path);

  std::vector<std::byte> bytes;
  constexpr size_t kStep = size_t{1} << 18;
  for (;;) {
    const size_t held = bytes.size();
    bytes.resize(held + kStep);
    const la_ssize_t count = archive_read_data(reader.get(), bytes.data() + held, kStep);
    if (count < 0) return unpack_error(reader.get(), path);
    bytes.resize(held + static_cast<size_t>(count));
    if (count == 0) return bytes;
    if (bytes.size() > limit)
      return fail(ErrorCode::unsupported, "{} unpacks to more than {} bytes", path, limit);
  }
}

}  // namespace lifeboat
