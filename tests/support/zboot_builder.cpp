// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/support/zboot_builder.h"

#include <cstring>

namespace lifeboat::test {
namespace {

template <typename T>
void put(std::vector<std::byte>& file, size_t offset, const T& value) {
  std::memcpy(file.data() + offset, &value, sizeof(value));
}
void put_text(std::vector<std::byte>& file, size_t offset, std::string_view text) {
  std::memcpy(file.data() + offset, text.data(), text.size());
}

}  // namespace

std::vector<std::byte> build_arm64_image(const Arm64Fields& fields) {
  std::vector<std::byte> file(4096);
  put_text(file, 0, "MZ");
  put(file, 8, fields.text_offset);
  put(file, 16, fields.image_size);
  put(file, 24, fields.flags);
  put_text(file, 56, "ARM\x64");
  put_text(file, 1024, fields.banner);
  return file;
}

std::vector<std::byte> build_zboot(const ZbootFields& fields) {
  // Behind the payload: the size of the unpacked image, which is no part of it, and the rest of the program.
  constexpr size_t kPayloadOffset = 4096, kRest = 1024;
  std::vector<std::byte> file(kPayloadOffset + fields.payload.size() + kRest);
  put_text(file, 0, "MZ");
  put_text(file, 4, "zimg");
  put(file, 8, fields.payload_offset.value_or(kPayloadOffset));
  put(file, 12, fields.payload_size.value_or(static_cast<uint32_t>(fields.payload.size())));
  put_text(file, 24, fields.compression);
  put(file, 0x38, uint32_t{0x818223cd});  // LINUX_PE_MAGIC
  put_text(file, kPayloadOffset, as_text(fields.payload));
  return file;
}

}  // namespace lifeboat::test
