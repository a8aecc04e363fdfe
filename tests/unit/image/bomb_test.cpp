// SPDX-License-Identifier: GPL-2.0-or-later
// Files of some KiB that would become gigabytes: refused in little time and memory, whatever is around them.
#include <gtest/gtest.h>

#include "src/image/unpacked_size.h"
#include "src/image/unwrap/decompress.h"
#include "src/image/unwrap/unwrap.h"
#include "tests/support/bzimage_builder.h"
#include "tests/support/compressors.h"
#include "tests/support/measured_child.h"
#include "tests/support/sanitized.h"
#include "tests/support/uki_builder.h"
#include "tests/support/zboot_builder.h"

namespace lifeboat {
namespace {

using test::compressed;
using test::expect_cheap;
using test::MeasuredRun;

using Bytes = std::vector<std::byte>;

void append(Bytes& to, ByteSpan bytes) {
  to.insert(to.end(), bytes.begin(), bytes.end());
}

Bytes repeated(ByteSpan bytes, size_t times) {
  Bytes all;
  all.reserve(bytes.size() * times);
  for (size_t count = 0; count < times; ++count) append(all, bytes);
  return all;
}

// In the legacy lz4 frame a block of 8 MiB is one zero, a match that repeats it, and the five literals that
// end a block.
Bytes lz4_bomb(size_t blocks) {
  constexpr size_t kBlock = 8 << 20;
  constexpr size_t kMatch = kBlock - 1 - 5 - 15 - 4;  // the rest of its length, in bytes of 255
  Bytes block = {std::byte{0x1f}, std::byte{0}, std::byte{1}, std::byte{0}};
  block.insert(block.end(), kMatch / 255, std::byte{255});
  block.push_back(static_cast<std::byte>(kMatch % 255));
  block.push_back(std::byte{0x50});
  block.insert(block.end(), 5, std::byte{0});
  Bytes sized;
  append(sized, object_bytes(static_cast<uint32_t>(block.size())));
  append(sized, block);
  constexpr uint32_t kMagic = 0x184c2102;
  Bytes bomb;
  append(bomb, object_bytes(kMagic));
  append(bomb, repeated(sized, blocks));
  return bomb;
}

// 10 GiB of zeros; in lzma, which has no second stream, 64 MiB.
Bytes bomb(ImageKind kind) {
  constexpr size_t kPiece = 16 << 20;
  if (kind == ImageKind::lz4) return lz4_bomb(1280);
  if (kind == ImageKind::lzma) return compressed(kind, Bytes(4 * kPiece));
  return repeated(compressed(kind, Bytes(kPiece)), 640);
}

MeasuredRun unwrap_measured(const Bytes& bytes) {
  return test::run_measured([&] {
    KernelFile file;
    file.name = "vmlinuz";
    file.bytes = bytes;
    return unwrap_kernel(std::move(file));
  });
}

void expect_refused(const Bytes& bytes) {
  const MeasuredRun run = unwrap_measured(bytes);
  EXPECT_EQ(run.code, ErrorCode::unsupported);
  expect_cheap(run);
}

class Bomb : public testing::TestWithParam<ImageKind> {};

TEST_P(Bomb, IsRefused) {
  expect_refused(bomb(GetParam()));
}

TEST_P(Bomb, IsRefusedInsideOfAUnifiedKernelImage) {
  auto sections = test::usual_uki_sections();
  for (auto& section : sections)
    if (section.name == ".linux") section.bytes = bomb(GetParam());
  expect_refused(test::build_uki({.sections = sections}));
}

// The layers do not multiply: what counts is the file's own size.
TEST_P(Bomb, IsRefusedInsideOfAnother) {
  const Bytes inner = bomb(GetParam());
  expect_refused(compressed(ImageKind::gzip, inner));
  expect_refused(compressed(ImageKind::zstd, compressed(ImageKind::gzip, inner)));
}

INSTANTIATE_TEST_SUITE_P(Kinds, Bomb,
                         testing::Values(ImageKind::gzip, ImageKind::bzip2, ImageKind::xz, ImageKind::lzma,
                                         ImageKind::zstd, ImageKind::lz4, ImageKind::lz4_frame));

TEST(BombInZboot, IsRefused) {
  const std::pair<const char*, ImageKind> payloads[] = {{"gzip", ImageKind::gzip},
                                                        {"xzkern", ImageKind::xz},
                                                        {"lzma", ImageKind::lzma},
                                                        {"lz4", ImageKind::lz4},
                                                        {"zstd22", ImageKind::zstd}};
  for (const auto& [name, kind] : payloads) {
    SCOPED_TRACE(name);
    expect_refused(test::build_zboot({.payload = bomb(kind), .compression = name}));
  }
}

// Much to do, and nothing that comes out of it.
TEST(BombOfEmptyStreams, CostsLittle) {
  for (const auto kind :
       {ImageKind::gzip, ImageKind::bzip2, ImageKind::xz, ImageKind::zstd, ImageKind::lz4_frame}) {
    SCOPED_TRACE(image_kind_name(kind));
    // Its library allocates megabytes for each stream, and a sanitizer gives them back to the system each
    // time.
    if (test::kSanitized && kind == ImageKind::bzip2) continue;
    const Bytes empty = compressed(kind, {});
    const MeasuredRun run = unwrap_measured(repeated(empty, (4 << 20) / empty.size()));
    EXPECT_NE(run.code, std::nullopt);
    expect_cheap(run);
  }
}

// The two frames of lz4 want buffers of different sizes.
TEST(BombOfEmptyStreams, InTurnCostLittle) {
  Bytes both = compressed(ImageKind::lz4, {});
  append(both, object_bytes(uint32_t{1}));
  both.push_back(std::byte{0});  // a block of nothing
  append(both, compressed(ImageKind::lz4_frame, {}));
  const MeasuredRun run = unwrap_measured(repeated(both, (4 << 20) / both.size()));
  EXPECT_NE(run.code, std::nullopt);
  expect_cheap(run);
}

// 40 MB, a seventh of it: that is a kernel, not a bomb. What was read is counted right in every format.
TEST(Unpacking, LargeKernelsAreNoBombs) {
  Bytes kernel = test::build_bzimage();
  uint32_t state = 1;
  while (kernel.size() < kFreeExpansion + (8 << 20)) {
    for (int count = 0; count < 64; ++count) {
      state = state * 1664525 + 1013904223;
      kernel.push_back(static_cast<std::byte>(state >> 24));
    }
    kernel.resize(kernel.size() + 512);
  }
  for (const auto kind : {ImageKind::gzip, ImageKind::bzip2, ImageKind::zstd, ImageKind::lz4_frame}) {
    const auto unpacked = decompress(kind, compressed(kind, kernel), 512_MiB);
    ASSERT_TRUE(unpacked) << image_kind_name(kind) << ": " << test::why(unpacked);
    EXPECT_EQ(*unpacked, kernel) << image_kind_name(kind);
  }
}

TEST(Unpacking, BoundsAreExact) {
  EXPECT_TRUE(check_unpacked_size(0, kFreeExpansion, 1_GiB));
  EXPECT_EQ(test::code_of(check_unpacked_size(0, kFreeExpansion + 1, 1_GiB)), ErrorCode::unsupported);
  EXPECT_TRUE(check_unpacked_size(1_MiB, kFreeExpansion + kExpansion * 1_MiB, 1_GiB));
  EXPECT_FALSE(check_unpacked_size(1_MiB, kFreeExpansion + kExpansion * 1_MiB + 1, 1_GiB));
  EXPECT_FALSE(check_unpacked_size(1_GiB, 100, 99));
  EXPECT_TRUE(check_unpacked_size(UINT64_MAX, 100, 100)) << "no sum wraps";
}

}  // namespace
}  // namespace lifeboat
