// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/image/arm64/arm64_image.h"

#include "src/base/size.h"
#include "src/image/banner.h"
#include "src/image/image.h"

namespace lifeboat {
namespace {

// struct arm64_image_header. The numbers are little-endian on every kernel.
struct Header {
  uint32_t code[2];
  uint64_t text_offset;
  uint64_t image_size;
  uint64_t flags;
  uint64_t reserved[3];
  char magic[4];
  uint32_t pe_offset;
};
static_assert(sizeof(Header) == 64);

constexpr uint64_t kBigEndian = 1 << 0, kAnywhere = 1 << 3;

uint32_t page_size_of(uint64_t flags) {
  switch ((flags >> 1) & 3) {
    case 1:
      return 4 << 10;
    case 2:
      return 16 << 10;
    case 3:
      return 64 << 10;
    default:
      return 0;
  }
}

}  // namespace

Result<Arm64Image> Arm64Image::parse(ByteSpan file, std::string_view name) {
  const ImageKind kind = identify_image(file.first(std::min(file.size(), kIdentifyBytes)));
  if (kind != ImageKind::arm64_image)
    return fail(ErrorCode::unsupported, "{} is not an arm64 kernel: it is {}", name, image_kind_name(kind));
  const auto header = TRY_CONTEXT(load<Header>(file, 0, "arm64 header"), "{}", name);
  Arm64Image image;
  image.text_offset = header.text_offset;
  image.image_size = header.image_size;
  image.page_size = page_size_of(header.flags);
  image.big_endian = (header.flags & kBigEndian) != 0;
  image.anywhere = (header.flags & kAnywhere) != 0;
  image.release = banner_release(file);
  return image;
}

std::string Arm64Image::description() const {
  std::string text(image_kind_name(ImageKind::arm64_image));
  if (!release.empty()) text += " " + release;
  if (page_size != 0) text += fmt::format(", {} KiB pages", page_size >> 10);
  text += big_endian ? ", big-endian" : ", little-endian";
  if (image_size != 0) text += fmt::format(", {} in memory", format_size(image_size));
  return text;
}

}  // namespace lifeboat
