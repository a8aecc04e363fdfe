// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/initramfs_file.h"

#include <array>

#include "src/base/size.h"
#include "src/image/initramfs_join.h"

namespace lifeboat {
namespace {

constexpr std::string_view kNext =
    "build one for a crash with 'lifeboat build'; the distribution's is in /boot";
constexpr uint64_t kLargestInitramfs = 4_GiB;

Result<UniqueFd> open_one(const std::string& path, uint64_t& size) {
  // O_NONBLOCK: a FIFO must be refused without blocking.
  auto fd = open_file(path, O_RDONLY | O_NONBLOCK);
  if (!fd) return std::unexpected(std::move(fd).error().context("initramfs").hint(kNext));
  auto bytes = file_size(fd->get(), path);
  if (!bytes) return std::unexpected(std::move(bytes).error().context("initramfs").hint(kNext));
  size = *bytes;
  if (size > kLargestInitramfs)
    return fail(ErrorCode::unsupported, "{} has a size of {}: too large for an initramfs", path,
                format_size(size));
  std::array<std::byte, kIdentifyBytes> buffer;
  const size_t count = TRY(pread_some(fd->get(), 0, buffer, path));
  const ImageKind kind = identify_image(ByteSpan(buffer).first(count));
  if (is_initramfs(kind)) return *std::move(fd);
  return std::unexpected(Error(ErrorCode::unsupported,
                               fmt::format("{} is not an initramfs: it is {}", path, image_kind_name(kind)))
                             .hint(kNext));
}

}  // namespace

Result<UniqueFd> open_initramfs(const std::vector<std::string>& paths, const KernelFile& kernel,
                                uint64_t& size) {
  size = 0;
  // The opened file itself is loaded, so that IMA sees it.
  if (paths.size() == 1 && !kernel.entry_archive) return open_one(paths.front(), size);
  std::vector<std::vector<std::byte>> files;
  std::vector<InitramfsPart> parts;
  for (const auto& path : paths) {
    uint64_t part_size = 0;
    const UniqueFd fd = TRY(open_one(path, part_size));
    std::vector<std::byte>& bytes = files.emplace_back(part_size);
    TRY_VOID(pread_exact(fd.get(), 0, bytes, path));
    parts.push_back({path, bytes});  // the bytes stay where they are when `files` grows
  }
  if (paths.empty() && kernel.initramfs && !kernel.initramfs->empty())
    parts.push_back({kernel.name, *kernel.initramfs});
  if (kernel.entry_archive) parts.push_back({"files of the boot entry", *kernel.entry_archive});
  if (parts.empty()) return UniqueFd();
  const auto joined = TRY(join_initramfs(parts));
  size = joined.size();
  return sealed_memory_file("initramfs", joined);
}

}  // namespace lifeboat
