// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/image/unwrap/linked_file.h"

#include <cstring>
#include <filesystem>

#include "src/base/file.h"
#include "src/base/sha256.h"

namespace lifeboat {
namespace {

namespace fs = std::filesystem;

// Where the file is; empty: nowhere.
fs::path locate(const fs::path& image, const std::string& path) {
  // Normal, so that ".." ends at the root of the file system.
  const fs::path below = ("/" / fs::path(path)).lexically_normal().relative_path();
  for (fs::path folder = image.parent_path(); !below.empty(); folder = folder.parent_path()) {
    fs::path candidate = folder / below;
    std::error_code ignored;
    if (fs::is_regular_file(candidate, ignored)) return candidate;
    if (folder == folder.parent_path()) break;
  }
  return {};
}

bool has_digest(const std::vector<std::byte>& bytes, const UkiLink& link) {
  static_assert(sizeof(link.sha256) == Sha256::kDigestBytes);
  Sha256 sha;
  sha.update(bytes.data(), bytes.size());
  uint8_t digest[Sha256::kDigestBytes];
  sha.finish(digest);
  return std::memcmp(digest, link.sha256.data(), sizeof(digest)) == 0;
}

}  // namespace

Result<std::vector<std::byte>> read_linked_file(const std::string& image, const UkiLink& link) {
  std::error_code error;
  const fs::path absolute = fs::absolute(image, error);
  const fs::path found = error ? fs::path() : locate(absolute, link.path);
  if (found.empty()) {
    return std::unexpected(
        Error(ErrorCode::not_found,
              fmt::format("it names the file {}, which is in no folder above {}", link.path, image))
            .hint("load the image from its own file system, the EFI system partition: mount it; or install "
                  "that system's boot files again"));
  }
  auto bytes = TRY(read_file(found.string()));
  if (has_digest(bytes, link)) return bytes;
  return std::unexpected(
      Error(ErrorCode::corrupt,
            fmt::format("{} is not the file that the image was made with: its SHA-256 digest is another",
                        found.string()))
          .hint("install that system's boot files again (NixOS: nixos-rebuild boot)"));
}

}  // namespace lifeboat
