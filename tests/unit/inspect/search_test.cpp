// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/inspect/search.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "src/base/file.h"
#include "src/dump/byte_source.h"
#include "src/dump/kdump_writer.h"
#include "tests/support/elf_builder.h"
#include "tests/support/failing_source.h"
#include "tests/support/kdump_builder.h"
#include "tests/support/measured_child.h"
#include "tests/support/usual_page_size.h"

namespace lifeboat::inspect {
namespace {

using test::KdumpBuilder;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::chrono::minutes kLong(1);

std::vector<std::byte> page_with(uint64_t offset, std::string_view text) {
  std::vector<std::byte> page(kPageSize);
  for (size_t at = 0; at < text.size() && offset + at < page.size(); ++at)
    page[offset + at] = static_cast<std::byte>(text[at]);
  return page;
}

std::unique_ptr<Dump> open(const KdumpBuilder& builder) {
  return Dump::open(memory_byte_source(builder.build(), "search")).value();
}

std::vector<uint64_t> find(Dump& dump, std::string_view text, uint64_t alignment = 1,
                           SearchResult* result = nullptr, size_t most = 100) {
  std::vector<uint64_t> finds;
  const auto searched = search_memory(dump, as_byte_span(text), alignment, kLong, [&](uint64_t address) {
    finds.push_back(address);
    return finds.size() < most;
  });
  if (result != nullptr) *result = searched;
  return finds;
}

TEST(Search, FindsAtEveryPlaceOfAPage) {
  const auto dump = open(KdumpBuilder(64).page(3, page_with(0, "needle")).page(9, page_with(4090, "needle")));
  EXPECT_THAT(find(*dump, "needle"), ElementsAre(0x3000, 0x9ffa));
  EXPECT_THAT(find(*dump, "needles"), IsEmpty());
}

TEST(Search, AcrossTheBorderOfStoredPagesOnly) {
  KdumpBuilder builder(64);
  for (const uint64_t pfn : {3, 4, 10, 12})
    builder.page(pfn, page_with(0, pfn == 4 || pfn == 12 ? "dle" : ""));
  builder.page(3, page_with(4093, "nee")).page(10, page_with(4093, "nee")).ram(11);
  EXPECT_THAT(find(*open(builder), "needle"), ElementsAre(0x3ffd));
}

TEST(Search, ByAlignment) {
  const auto dump =
      open(KdumpBuilder(64).page(3, page_with(4, "abcdefgh")).page(5, page_with(8, "abcdefgh")));
  EXPECT_THAT(find(*dump, "abcdefgh", 8), ElementsAre(0x5008));
}

TEST(Search, StopsWhenAsked) {
  const auto dump = open(KdumpBuilder(64).page(3, page_with(0, "aaaa")));
  SearchResult result;
  EXPECT_THAT(find(*dump, "a", 1, &result, 2), ElementsAre(0x3000, 0x3001));
  EXPECT_TRUE(result.stopped);
  EXPECT_EQ(result.end, 0x3001u);
}

TEST(Search, CountsWhatCannotBeRead) {
  const auto dump =
      open(KdumpBuilder(64).page(3, page_with(0, "needle")).lost_page(4).page(5, page_with(0, "needle")));
  SearchResult result;
  EXPECT_THAT(find(*dump, "needle", 1, &result), ElementsAre(0x3000, 0x5000));
  EXPECT_EQ(result.pages, 3u);
  EXPECT_EQ(result.unreadable, 1u);
}

// The second bitmap is on a bad sector: what is stored there is not known.
TEST(Search, CountsPagesOfAnUnreadableBitmap) {
  KdumpBuilder builder(100);
  builder.page(5, page_with(0, "needle")).page(6, page_with(0, "needle"));
  auto file = std::make_unique<test::FailingSource>(builder.build());
  auto* const disk = file.get();
  const auto dump = Dump::open(std::move(file)).value();
  disk->fail_at(builder.layout().second_bitmap, builder.layout().descriptors);
  SearchResult result;
  EXPECT_THAT(find(*dump, "needle", 1, &result), IsEmpty());
  EXPECT_EQ(result.unreadable, 2u);
}

// Two pages at the ends of 2^44 bytes of address space.
TEST(Search, PassesOverWhatIsNotStored) {
  constexpr uint64_t kFar = uint64_t{1} << 32;
  const auto temp = TempDir::create("search-test").value();
  const std::string path = temp.path() / "dump";
  const UniqueFd fd = open_file(path, O_RDWR | O_CREAT, 0600).value();
  auto writer = KdumpWriter::create(fd.get(), path, {.max_pfn = kFar + 8}).value();
  const std::byte one{1};
  for (const uint64_t pfn : {uint64_t{0}, kFar})
    ASSERT_TRUE(writer.write_ram_bits(pfn, {&one, 1}) && writer.write_stored_bits(pfn, {&one, 1}));
  ASSERT_TRUE(writer.begin_pages(2) && writer.add_page(page_with(0, "needle"), 0) &&
              writer.add_page(page_with(8, "needle"), 0) && writer.finish());
  test::expect_cheap([&] {
    const auto dump = Dump::open(path).value();
    EXPECT_THAT(find(*dump, "needle"), ElementsAre(0, kFar * kPageSize + 8));
  });
}

// A file of terabytes may have nothing but holes between two pages.
TEST(Search, PassesOverHoles) {
  constexpr uint64_t kSize = uint64_t{1} << 40;
  test::ElfBuilder builder;
  builder.load(0, page_with(4093, "nee"), kSize).patch_segment(0, [](Elf64_Phdr& segment) {
    segment.p_filesz = kSize;
  });
  const TempDir folder = TempDir::create("search-test").value();
  const std::string path = folder.path() / "holes";
  const UniqueFd fd = open_file(path, O_RDWR | O_CREAT, 0600).value();
  ASSERT_TRUE(pwrite_all(fd.get(), 0, builder.build(), path));
  const uint64_t contents = builder.contents_offset();
  if (::ftruncate(fd.get(), static_cast<off_t>(contents + kSize)) != 0)
    GTEST_SKIP() << "no file of 1 TiB can be here";
  constexpr uint64_t kFar = kSize / 2;
  ASSERT_TRUE(pwrite_all(fd.get(), contents + kFar, page_with(2, "dle"), path));
  test::expect_cheap([&] {
    const auto dump = Dump::open(path).value();
    SearchResult result;
    EXPECT_THAT(find(*dump, "dle", 1, &result), ElementsAre(kFar + 2));
    EXPECT_EQ(result.pages, kSize / kPageSize);
    // Zeros of the hole in front of a text and behind it belong to a match.
    EXPECT_THAT(find(*dump, {"\0\0\0\0dle", 7}), ElementsAre(kFar - 2));
    EXPECT_THAT(find(*dump, {"nee\0\0\0", 6}), ElementsAre(4093));
    EXPECT_THAT(find(*dump, "nee"), ElementsAre(4093));
  });
}

TEST(Search, EndsWithItsTime) {
  const auto dump = open(KdumpBuilder(64).page(3, page_with(0, "needle")));
  const auto result = search_memory(*dump, as_byte_span("needle"), 1, std::chrono::milliseconds(0),
                                    [](uint64_t) { return true; });
  EXPECT_TRUE(result.timed_out);
  EXPECT_EQ(result.pages, 0u);
}

TEST(Search, NothingAndTooMuchAreNowhere) {
  const auto dump = open(KdumpBuilder(64).page(3, page_with(0, "needle")));
  EXPECT_THAT(find(*dump, ""), IsEmpty());
  EXPECT_THAT(find(*dump, std::string(kPageSize + 1, '\0')), IsEmpty());
}

}  // namespace
}  // namespace lifeboat::inspect
