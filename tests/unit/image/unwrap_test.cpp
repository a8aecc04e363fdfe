// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/image/unwrap/unwrap.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/support/bzimage_builder.h"
#include "tests/support/compressors.h"
#include "tests/support/elf_kernel_builder.h"
#include "tests/support/results.h"
#include "tests/support/zboot_builder.h"

namespace lifeboat {
namespace {

using test::build_bzimage;
using test::code_of;
using test::compressed;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

using Bytes = std::vector<std::byte>;

Result<KernelFile> unwrap(const Bytes& bytes, const UnwrapLimits& limits = {}) {
  KernelFile file;
  file.name = "vmlinuz";
  file.bytes = bytes;
  return unwrap_kernel(std::move(file), limits);
}
std::string refusal(const Bytes& bytes, const UnwrapLimits& limits = {}) {
  const auto file = unwrap(bytes, limits);
  if (!file && file.error().fix.empty()) return "no hint";
  return file ? "accepted" : file.error().to_string();
}

constexpr std::array kCompressions{ImageKind::gzip, ImageKind::bzip2, ImageKind::xz,       ImageKind::lzma,
                                   ImageKind::zstd, ImageKind::lz4,   ImageKind::lz4_frame};

Bytes noise(size_t size) {
  Bytes bytes(size);
  uint32_t state = 1;
  for (auto& byte : bytes) {
    state = state * 1664525 + 1013904223;
    byte = static_cast<std::byte>(state >> 24);
  }
  return bytes;
}

TEST(Unwrap, EveryCompressionGivesTheSameBytes) {
  auto kernel = build_bzimage();
  const auto tail = noise(1 << 20);  // an appended signature, larger than any buffer on the way
  kernel.insert(kernel.end(), tail.begin(), tail.end());
  for (const auto kind : kCompressions) {
    const auto file = unwrap(compressed(kind, kernel));
    ASSERT_TRUE(file) << image_kind_name(kind) << ": " << test::why(file);
    EXPECT_EQ(file->bytes, kernel) << image_kind_name(kind);
    EXPECT_EQ(file->kind, ImageKind::bzimage);
    EXPECT_THAT(file->wrappers, ElementsAre(kind));
    EXPECT_EQ(file_size(file->fd.get(), "memfd").value(), kernel.size());
    Bytes copy(kernel.size());
    ASSERT_TRUE(pread_exact(file->fd.get(), 0, copy, "memfd"));
    EXPECT_EQ(copy, kernel);
    EXPECT_NE(fcntl(file->fd.get(), F_GET_SEALS) & F_SEAL_WRITE, 0);
  }
}

TEST(Unwrap, BareKernelsStayAsTheyAre) {
  for (const auto& bytes : {build_bzimage(), test::build_elf_kernel(), test::build_arm64_image()}) {
    const auto file = unwrap(bytes);
    ASSERT_TRUE(file) << test::why(file);
    EXPECT_EQ(file->bytes, bytes);
    EXPECT_FALSE(file->fd.valid());  // there was none: nothing took its place
    EXPECT_TRUE(file->wrappers.empty());
  }
}

// A format without an end or a checksum may accept what was cut off or changed; the kernel inside is whole
// then, or its own parser sees it.
TEST(Unwrap, EveryTruncationIsRefused) {
  const auto kernel = build_bzimage();
  for (const auto kind : kCompressions) {
    const auto whole = compressed(kind, kernel);
    for (size_t size = 0; size < whole.size(); size += 7) {
      const auto file = unwrap({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)});
      if (file) {
        ASSERT_EQ(file->bytes, kernel) << image_kind_name(kind) << " " << size;
      } else {
        ASSERT_FALSE(file.error().fix.empty()) << image_kind_name(kind) << " " << size;
      }
    }
  }
}

TEST(Unwrap, DamagedDataAreNoticed) {
  const auto kernel = noise(100'000);
  for (const auto kind : kCompressions) {
    // These never have a checksum.
    if (kind == ImageKind::lzma || kind == ImageKind::lz4) continue;
    auto packed = compressed(kind, kernel);
    packed[packed.size() / 2] ^= std::byte{1};
    EXPECT_EQ(code_of(unwrap(packed)), ErrorCode::corrupt) << image_kind_name(kind);
  }
}

// What other builds append, or the kernel's own to lz4: the size of what is packed.
TEST(Unwrap, OtherDataBehindTheEnd) {
  const auto kernel = build_bzimage();
  for (const auto kind : {ImageKind::bzip2, ImageKind::lz4, ImageKind::lz4_frame}) {
    auto packed = compressed(kind, kernel);
    const auto unpacked = static_cast<uint32_t>(kernel.size());
    const ByteSpan size = object_bytes(unpacked);
    packed.insert(packed.end(), size.begin(), size.end());
    EXPECT_EQ(unwrap(packed).value().bytes, kernel) << image_kind_name(kind);
  }
  auto packed = compressed(ImageKind::lz4, kernel);
  packed.resize(packed.size() + 100);  // padding: the kernel takes a size of zero for the end
  EXPECT_EQ(unwrap(packed).value().bytes, kernel);
}

TEST(Unwrap, SeveralFramesAreOneFile) {
  const auto kernel = build_bzimage();
  const auto joined = [&kernel](ImageKind first, ImageKind second) {
    auto packed = compressed(first, ByteSpan(kernel).first(1000));
    const auto rest = compressed(second, ByteSpan(kernel).subspan(1000));
    packed.insert(packed.end(), rest.begin(), rest.end());
    return packed;
  };
  for (const auto& [first, second] : {std::pair{ImageKind::bzip2, ImageKind::bzip2},
                                      {ImageKind::zstd, ImageKind::zstd},
                                      {ImageKind::lz4_frame, ImageKind::lz4_frame},
                                      {ImageKind::lz4, ImageKind::lz4},
                                      {ImageKind::lz4, ImageKind::lz4_frame},
                                      {ImageKind::lz4_frame, ImageKind::lz4}}) {
    const auto file = unwrap(joined(first, second));
    ASSERT_TRUE(file) << image_kind_name(first) << ": " << test::why(file);
    EXPECT_EQ(file->bytes, kernel) << image_kind_name(first);
  }
}

// A legacy block is at most 8 MiB, whatever its packed size allows.
TEST(Unwrap, Lz4BlockThatIsTooLong) {
  const auto literals = noise((8 << 20) + 1);
  Bytes block = {std::byte{0xf0}};
  block.insert(block.end(), (literals.size() - 15) / 255, std::byte{255});
  block.push_back(static_cast<std::byte>((literals.size() - 15) % 255));
  block.insert(block.end(), literals.begin(), literals.end());
  Bytes packed = {std::byte{0x02}, std::byte{0x21}, std::byte{0x4c}, std::byte{0x18}};
  const auto block_size = static_cast<uint32_t>(block.size());
  const ByteSpan size = object_bytes(block_size);
  packed.insert(packed.end(), size.begin(), size.end());
  packed.insert(packed.end(), block.begin(), block.end());
  EXPECT_EQ(code_of(unwrap(packed)), ErrorCode::corrupt) << test::why(unwrap(packed));
}

// Frame header: magic, descriptor (no single segment), window of 256 MiB.
TEST(Unwrap, ZstdWindowLargerThanAnyKernels) {
  Bytes packed = compressed(ImageKind::zstd, build_bzimage());
  packed.resize(4);
  for (const uint8_t byte : {0x00, (28 - 10) << 3, 0x01, 0x00, 0x00, 0, 0, 0, 0, 0})
    packed.push_back(std::byte{byte});
  EXPECT_THAT(refusal(packed), HasSubstr("needs more than 128.0 MiB"));
}

TEST(Unwrap, Lzop) {
  const std::string_view lzop("\x89LZO\0\r\n\x1a\n", 9);
  const ByteSpan bytes = as_byte_span(lzop);
  EXPECT_THAT(refusal({bytes.begin(), bytes.end()}),
              AllOf(HasSubstr("lzo"), HasSubstr("extract the kernel by hand")));
}

TEST(Unwrap, DictionaryLargerThanAnyKernels) {
  auto packed = compressed(ImageKind::lzma, build_bzimage());
  packed[4] = std::byte{0x80};  // 2 GiB
  EXPECT_THAT(refusal(packed), HasSubstr("needs more than 256.0 MiB"));
}

TEST(Unwrap, SeveralGzipMembersAreOneFile) {
  const auto kernel = build_bzimage();
  auto packed = compressed(ImageKind::gzip, ByteSpan(kernel).first(1000));
  const auto rest = compressed(ImageKind::gzip, ByteSpan(kernel).subspan(1000));
  packed.insert(packed.end(), rest.begin(), rest.end());
  packed.resize(packed.size() + 100);  // padding
  EXPECT_EQ(unwrap(packed).value().bytes, kernel);
}

TEST(Unwrap, WhatIsInsideIsNoKernel) {
  const auto initramfs = compressed(ImageKind::zstd, as_byte_span("070701 an initramfs"));
  EXPECT_THAT(refusal(initramfs), AllOf(HasSubstr("the contents of vmlinuz (a zstd-compressed file)"),
                                        HasSubstr("kernel first")));
  EXPECT_THAT(refusal({}), HasSubstr("an empty file"));
}

TEST(Unwrap, DepthIsBounded) {
  Bytes bytes = build_bzimage();
  for (int depth = 0; depth < 4; ++depth) bytes = compressed(ImageKind::gzip, bytes);
  EXPECT_EQ(unwrap(bytes).value().wrappers.size(), 4u);
  EXPECT_THAT(refusal(compressed(ImageKind::gzip, bytes)), HasSubstr("more than 4 wrappers"));
}

TEST(Unwrap, SizeIsBounded) {
  const auto kernel = build_bzimage();
  for (const auto kind : kCompressions) {
    const auto packed = compressed(kind, kernel);
    EXPECT_EQ(refusal(packed, {.unpacked = kernel.size()}), "accepted") << image_kind_name(kind);
    EXPECT_THAT(refusal(packed, {.unpacked = kernel.size() - 1}), HasSubstr("decompresses to more than"))
        << image_kind_name(kind);
  }
}

TEST(Unwrap, FileOnADisk) {
  const auto folder = TempDir::create("unwrap-test").value();
  const std::string path = folder.path() / "vmlinuz.zst";
  const auto kernel = build_bzimage();
  ASSERT_TRUE(write_file_atomically(path, compressed(ImageKind::zstd, kernel), 0600));
  const auto file = open_kernel_file(path);
  ASSERT_TRUE(file) << test::why(file);
  EXPECT_EQ(file->bytes, kernel);
  EXPECT_EQ(kernel_file_release(*file), "6.12.1-test");

  // Not wrapped: the very file, with its extended attributes.
  ASSERT_TRUE(write_file_atomically(path, kernel, 0600));
  const auto bare = open_kernel_file(path).value();
  struct stat opened{}, named{};
  ASSERT_EQ(fstat(bare.fd.get(), &opened), 0);
  ASSERT_EQ(stat(path.c_str(), &named), 0);
  EXPECT_EQ(opened.st_ino, named.st_ino);
}

class Zboot : public testing::Test {
 protected:
  const Bytes kernel_ = test::build_arm64_image();
  test::ZbootFields fields_{.payload = compressed(ImageKind::gzip, kernel_)};
};

TEST_F(Zboot, GivesTheArm64KernelInside) {
  const auto file = unwrap(test::build_zboot(fields_));
  ASSERT_TRUE(file) << test::why(file);
  EXPECT_EQ(file->kind, ImageKind::arm64_image);
  EXPECT_EQ(file->bytes, kernel_);
  EXPECT_THAT(file->wrappers, ElementsAre(ImageKind::efi_zboot, ImageKind::gzip));
  EXPECT_THAT(describe_kernel_file(*file),
              AllOf(HasSubstr("an arm64 kernel (Image) 6.12.1-arm64"), HasSubstr("zboot")));
}

TEST_F(Zboot, EveryCompressionThatTheKernelNames) {
  for (const auto& [name, kind] :
       {std::pair{"lz4", ImageKind::lz4}, std::pair{"lzma", ImageKind::lzma},
        std::pair{"xzkern", ImageKind::xz}, std::pair{"zstd22", ImageKind::zstd}}) {
    const auto file = unwrap(test::build_zboot({.payload = compressed(kind, kernel_), .compression = name}));
    ASSERT_TRUE(file) << name << ": " << test::why(file);
    EXPECT_EQ(file->bytes, kernel_) << name;
  }
}

TEST_F(Zboot, OneSpoiltFieldEach) {
  const auto with = [this](auto change) {
    auto fields = fields_;
    change(fields);
    return refusal(test::build_zboot(fields));
  };
  EXPECT_THAT(with([](auto& f) { f.compression = "zip"; }), HasSubstr("its compression 'zip' is unknown"));
  EXPECT_THAT(with([](auto& f) { f.compression = "\x1b[2J"; }), HasSubstr("unprintable"));
  EXPECT_THAT(with([](auto& f) { f.compression = ""; }), HasSubstr("is unknown"));
  EXPECT_THAT(with([](auto& f) { f.compression = std::string(32, 'g'); }), HasSubstr("is unknown"));
  EXPECT_THAT(with([](auto& f) { f.compression = "zstd22"; }),
              HasSubstr("names zstd22, but its payload is a gzip"));
  EXPECT_THAT(with([](auto& f) { f.payload_offset = 0xffffffff; }), HasSubstr("zboot payload"));
  EXPECT_THAT(with([](auto& f) { f.payload_size = 0xffffffff; }), HasSubstr("zboot payload"));
  EXPECT_THAT(with([](auto& f) { f.payload_size = 0; }), HasSubstr("an empty file"));
  EXPECT_THAT(with([](auto& f) { f.payload_offset = 0; }), HasSubstr("but its payload is"));
  EXPECT_THAT(with([](auto& f) { f.payload_size = 100; }), HasSubstr("truncated"));
}

TEST_F(Zboot, EveryTruncationIsRefused) {
  const auto whole = test::build_zboot(fields_);
  for (size_t size = 0; size < 4096 + fields_.payload.size(); size += 11) {
    const Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    ASSERT_FALSE(unwrap(cut)) << size;
  }
}

}  // namespace
}  // namespace lifeboat
