// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/image/initramfs_join.h"

#include <algorithm>

#include "src/image/image.h"

namespace lifeboat {
namespace {

// A cpio header is found at multiples of 4 only, and what follows an uncompressed cpio must begin at one as
// well
// ("broken padding", do_reset()).
constexpr uint64_t kAlignment = 4;
// The legacy lz4 frame has no end of its own: the kernel reads on with the size of the next block, and takes
// zero for the end (lib/decompress_unlz4.c, "zero-padding around initrds").
constexpr uint64_t kLz4End = 4;

Result<ImageKind> check_part(const InitramfsPart& part) {
  const ImageKind kind = identify_image(part.bytes.first(std::min(part.bytes.size(), kIdentifyBytes)));
  if (is_initramfs(kind)) return kind;
  return std::unexpected(
      Error(ErrorCode::unsupported,
            fmt::format("{} is not an initramfs: it is {}", part.name, image_kind_name(kind)))
          .hint("build one for a capture with 'lifeboat build'; for a normal kernel name its own, "
                "/boot/initrd.img-RELEASE"));
}

}  // namespace

Result<std::vector<std::byte>> join_initramfs(std::span<const InitramfsPart> parts) {
  std::vector<std::byte> joined;
  ImageKind before = ImageKind::unknown;
  for (const auto& part : parts) {
    const ImageKind kind = TRY(check_part(part));
    if (before == ImageKind::lz4) joined.resize(joined.size() + kLz4End);
    joined.resize(align_up(joined.size(), kAlignment));
    joined.insert(joined.end(), part.bytes.begin(), part.bytes.end());
    before = kind;
  }
  return joined;
}

}  // namespace lifeboat
