// SPDX-License-Identifier: GPL-2.0-or-later
// Modules as they lie on a disk: compressed in several ways, or made to do harm.
#include "capture/initramfs/decompress_file.h"

#include <gtest/gtest.h>

#include "src/base/file.h"
#include "src/base/size.h"
#include "tests/support/compressors.h"
#include "tests/support/measured_child.h"

namespace lifeboat {
namespace {

using test::code_of;
using test::compressed;

using Bytes = std::vector<std::byte>;

class DecompressFile : public testing::Test {
 protected:
  Result<Bytes> decompress(const Bytes& file, uint64_t limit = 256_MiB) {
    const std::string path = folder_.path() / "module.ko";
    EXPECT_TRUE(write_file_atomically(path, file, 0600));
    return decompress_file(path, limit);
  }
  TempDir folder_ = TempDir::create("decompress-test").value();
};

Bytes module() {
  const std::string text =
      "\x7f"
      "ELF vermagic=6.12.1";
  const ByteSpan bytes = as_byte_span(text);
  return {bytes.begin(), bytes.end()};
}

TEST_F(DecompressFile, GivesWhatIsInside) {
  EXPECT_EQ(decompress(module()).value(), module());
  for (const auto kind : {ImageKind::gzip, ImageKind::xz, ImageKind::zstd})
    EXPECT_EQ(decompress(compressed(kind, module())).value(), module()) << image_kind_name(kind);
}

// One layer, which is what the kernel's own tools make.
TEST_F(DecompressFile, TakesOffOneLayer) {
  const Bytes inner = compressed(ImageKind::gzip, module());
  EXPECT_EQ(decompress(compressed(ImageKind::xz, inner)).value(), inner);
}

TEST_F(DecompressFile, RefusesWhatIsDamagedOrTooLarge) {
  EXPECT_EQ(code_of(decompress({})), ErrorCode::truncated);
  Bytes cut = compressed(ImageKind::zstd, module());
  cut.resize(cut.size() / 2);
  EXPECT_EQ(code_of(decompress(cut)), ErrorCode::corrupt);
  EXPECT_EQ(code_of(decompress(compressed(ImageKind::xz, module()), 10)), ErrorCode::unsupported);
}

TEST_F(DecompressFile, RefusesBombs) {
  for (const auto kind : {ImageKind::gzip, ImageKind::xz, ImageKind::zstd}) {
    SCOPED_TRACE(image_kind_name(kind));
    const Bytes bomb = compressed(kind, Bytes(128_MiB));
    const auto run = test::run_measured([&] { return decompress(bomb); });
    EXPECT_EQ(run.code, ErrorCode::unsupported);
    test::expect_cheap(run);
  }
}

}  // namespace
}  // namespace lifeboat
