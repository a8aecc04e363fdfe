// SPDX-License-Identifier: GPL-2.0-or-later
// Pages of every codec and level, read by libkdumpfile (the reader of drgn), and by the libraries that crash
// and makedumpfile call.
#include <gtest/gtest.h>
#include <libkdumpfile/kdumpfile.h>
#include <zlib.h>
#include <zstd.h>

#include <map>

#include "src/base/file.h"
#include "src/dump/codec.h"
#include "src/dump/kdump_writer.h"
#include "tests/support/pages.h"
#include "tests/support/results.h"

namespace lifeboat {
namespace {

using test::noise;
using test::patterned_page;
using test::why;

std::vector<CompressionChoice> every_choice() {
  std::vector<CompressionChoice> choices = {{.compression = Compression::none},
                                            {.compression = Compression::lzo},
                                            {.compression = Compression::snappy}};
  for (int level = 1; level <= 9; ++level)
    choices.push_back({.compression = Compression::zlib, .level = level});
  for (const int level : {-131072, -1000, -50, -5, -1, 1, 3, 6, 9, 12, 15, 19})
    choices.push_back({.compression = Compression::zstd, .level = level});
  return choices;
}

// What a kernel's pages are like: tables, text, and some that do not become smaller.
std::vector<std::vector<std::byte>> pages_of(PageSize page_size) {
  std::vector<std::vector<std::byte>> pages;
  for (uint64_t seed = 0; seed < 6; ++seed) {
    auto page = patterned_page(seed, page_size);
    const auto tail = noise(seed, page.size() * seed / 6);
    std::ranges::copy(tail, page.end() - static_cast<ptrdiff_t>(tail.size()));
    pages.push_back(std::move(page));
  }
  pages.push_back(noise(9, page_size.bytes()));
  return pages;
}

class CodecReaders : public testing::TestWithParam<uint64_t> {
 protected:
  // One file with each page in each way; the contents by page frame.
  std::map<uint64_t, std::vector<std::byte>> write_dump() {
    const auto choices = every_choice();
    const auto pages = pages_of(page_size_);
    KdumpWriterOptions options;
    options.page_size = page_size_;
    options.max_pfn = choices.size() * pages.size();
    // A kernel that has pages of this size.
    options.uts.machine = page_size_ == PageSize() ? "x86_64" : "aarch64";
    auto writer = KdumpWriter::create(fd_.get(), "vmcore", options);
    EXPECT_TRUE(writer) << why(writer);
    std::vector<std::byte> bits(options.max_pfn / 8 + 1);
    for (uint64_t pfn = 0; pfn < options.max_pfn; ++pfn)
      bits[pfn / 8] |= static_cast<std::byte>(1U << pfn % 8);
    EXPECT_TRUE(writer->write_ram_bits(0, bits));
    EXPECT_TRUE(writer->write_stored_bits(0, bits));
    EXPECT_TRUE(writer->begin_pages(options.max_pfn));
    std::map<uint64_t, std::vector<std::byte>> contents;
    for (const auto& choice : choices) {
      const auto compressor = PageCompressor::create(choice).value();
      for (const auto& page : pages) {
        const ByteSpan packed = compressor->compress(page).value();
        EXPECT_TRUE(packed.empty() ? writer->add_page(page, 0)
                                   : writer->add_page(packed, kdump_codec_flag(choice.compression)));
        contents[contents.size()] = page;
      }
    }
    const auto outcome = writer->finish();
    EXPECT_TRUE(outcome) << why(outcome);
    return contents;
  }

  PageSize page_size_ = PageSize::of(GetParam()).value();
  TempDir temp_ = TempDir::create("codec-readers").value();
  UniqueFd fd_ = open_file(temp_.path() / "vmcore", O_RDWR | O_CREAT, 0600).value();
};

TEST_P(CodecReaders, LibkdumpfileReadsEveryPage) {
  const auto contents = write_dump();
  const std::unique_ptr<kdump_ctx_t, decltype(&kdump_free)> context(kdump_new(), kdump_free);
  ASSERT_EQ(kdump_open_fd(context.get(), fd_.get()), KDUMP_OK) << kdump_get_err(context.get());
  std::vector<std::byte> out(page_size_.bytes());
  for (const auto& [pfn, page] : contents) {
    size_t size = out.size();
    ASSERT_EQ(kdump_read(context.get(), KDUMP_MACHPHYSADDR, page_size_.address(pfn), out.data(), &size),
              KDUMP_OK)
        << pfn << ": " << kdump_get_err(context.get());
    ASSERT_EQ(out, page) << pfn;
  }
}

TEST_P(CodecReaders, WeReadEveryPage) {
  const auto contents = write_dump();
  const auto dump = Dump::open(temp_.path() / "vmcore");
  ASSERT_TRUE(dump) << why(dump);
  std::vector<std::byte> out(page_size_.bytes());
  for (const auto& [pfn, page] : contents) {
    const auto read = (*dump)->read(page_size_.address(pfn), out);
    ASSERT_TRUE(read) << pfn << ": " << why(read);
    ASSERT_EQ(out, page) << pfn;
  }
}

// 64 KiB: the largest that readers have.
INSTANTIATE_TEST_SUITE_P(PageSizes, CodecReaders, testing::Values(4096, 65536));

// crash, makedumpfile and every older reader call these, with room for a page.
TEST(CodecLibraries, DecompressWhatWeCompress) {
  for (const auto& page : pages_of({})) {
    std::vector<std::byte> out(page.size());
    for (const auto& choice : every_choice()) {
      const auto compressor = PageCompressor::create(choice).value();
      const ByteSpan packed = compressor->compress(page).value();
      if (packed.empty()) continue;
      if (choice.compression == Compression::zlib) {
        uLongf size = out.size();
        ASSERT_EQ(::uncompress(reinterpret_cast<Bytef*>(out.data()), &size,
                               reinterpret_cast<const Bytef*>(packed.data()), packed.size()),
                  Z_OK);
        EXPECT_EQ(size, page.size());
        EXPECT_EQ(out, page);
      }
      if (choice.compression == Compression::zstd) {
        EXPECT_EQ(ZSTD_decompress(out.data(), out.size(), packed.data(), packed.size()), page.size());
        EXPECT_EQ(out, page);
        // Some readers ask for it before they decompress.
        EXPECT_EQ(ZSTD_getFrameContentSize(packed.data(), packed.size()), page.size());
      }
    }
  }
}

// What other writers make, by zlib itself.
TEST(CodecLibraries, CompressWhatWeDecompress) {
  PageDecompressor decompressor;
  for (const auto& page : pages_of({})) {
    std::vector<std::byte> out(page.size());
    for (int level = 0; level <= 9; ++level) {
      std::vector<std::byte> packed(::compressBound(page.size()));
      uLongf size = packed.size();
      ASSERT_EQ(::compress2(reinterpret_cast<Bytef*>(packed.data()), &size,
                            reinterpret_cast<const Bytef*>(page.data()), page.size(), level),
                Z_OK);
      const auto read = decompressor.decompress(Compression::zlib, ByteSpan(packed).first(size), out);
      ASSERT_TRUE(read) << why(read);
      EXPECT_EQ(out, page);
    }
  }
}

}  // namespace
}  // namespace lifeboat
