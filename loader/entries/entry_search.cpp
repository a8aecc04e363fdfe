// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/entries/entry_search.h"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "loader/entries/boot_entry_file.h"
#include "src/base/file.h"

namespace lifeboat {

namespace fs = std::filesystem;

namespace {

// A folder with more is not read further: no boot menu is that long.
constexpr size_t kMaxEntries = 500;

}  // namespace

std::vector<fs::path> files_ending_in(const fs::path& folder, std::string_view ending) {
  std::vector<fs::path> files;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end && files.size() < kMaxEntries;
       it.increment(error)) {
    std::string name = it->path().filename().string();
    // FAT, the usual file system of the boot partition, ignores case.
    std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
    std::error_code ignored;
    if (!name.starts_with('.') && name.ends_with(ending) && it->is_regular_file(ignored))
      files.push_back(it->path());
  }
  std::ranges::sort(files);
  return files;
}

bool is_regular_file(const std::string& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored);
}

std::string small_boot_file(const std::string& path) {
  return is_regular_file(path) ? read_text(path, kLargestBootEntryFile).value_or("") : "";
}

Result<ImageKind> boot_file_kind(const std::string& path) {
  if (!is_regular_file(path)) return fail(ErrorCode::not_found, "there is no {}", path);
  std::array<std::byte, kIdentifyBytes> buffer;
  const auto fd = TRY(open_file(path, O_RDONLY | O_NONBLOCK));
  const size_t count = TRY(pread_some(fd.get(), 0, buffer, path));
  const ImageKind kind = identify_image(ByteSpan(buffer).first(count));
  if (is_kernel(kind) || is_compressed(kind) || kind == ImageKind::efi_zboot || kind == ImageKind::uki)
    return kind;
  return fail(ErrorCode::unsupported, "{} is not a kernel but {}", path, image_kind_name(kind));
}

}  // namespace lifeboat
