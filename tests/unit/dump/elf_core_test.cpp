// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/dump/elf_core.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/dump/other_machine.h"
#include "tests/support/elf_builder.h"
#include "tests/support/pages.h"
#include "tests/support/results.h"
#include "tests/support/usual_page_size.h"

namespace lifeboat {
namespace {

using test::code_of;
using test::ElfBuilder;
using test::patterned_page;
using test::patterned_pages;
using test::why;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr uint64_t kMax = ~uint64_t{0};
constexpr uint64_t kLow = 0x1000, kHigh = 0x100000;

// Notes and two stretches of memory: pages 1 and 2, and pages 0x100 to 0x103, of which the last two are zero.
ElfBuilder valid() {
  ElfBuilder builder;
  builder.vmcoreinfo("OSRELEASE=6.1.0-test\n").cpu().cpu();
  builder.load(kLow, patterned_pages(1, 2));
  builder.load(kHigh, patterned_pages(0x100, 2), 4 * kPageSize);
  return builder;
}

Result<std::unique_ptr<ElfCore>> open(ByteSpan bytes) {
  return ElfCore::open(memory_byte_source(bytes, "test.elf"));
}

Result<std::vector<std::byte>> page_of(Dump& dump, uint64_t address, size_t size = kPageSize) {
  std::vector<std::byte> out(size, std::byte{0xee});
  TRY_VOID(dump.read(address, out));
  return out;
}

TEST(ElfCore, ReportsItsContents) {
  const auto dump = open(valid().build());
  ASSERT_TRUE(dump) << why(dump);
  const DumpInfo& info = (*dump)->info();
  EXPECT_EQ(info.format, DumpFormat::elf);
  EXPECT_FALSE(info.incomplete);
  EXPECT_EQ(info.dump_level, std::nullopt);
  EXPECT_EQ(info.cpus, 2);
  EXPECT_EQ(info.vmcoreinfo, "OSRELEASE=6.1.0-test\n");
  EXPECT_EQ(info.max_pfn, 0x104u);
  EXPECT_EQ(info.ram_pages, 6u);
  EXPECT_EQ(info.stored_pages, 6u);
  EXPECT_THAT((*dump)->ram(), ElementsAre(PhysicalRange{kLow, kLow + 2 * kPageSize},
                                          PhysicalRange{kHigh, kHigh + 4 * kPageSize}));
}

TEST(ElfCore, ReadsAcrossPagesAndFillsWithZeros) {
  const auto dump = open(valid().build()).value();
  EXPECT_EQ(page_of(*dump, kLow).value(), patterned_page(1));
  EXPECT_EQ(page_of(*dump, kHigh, 2 * kPageSize).value(), patterned_pages(0x100, 2));
  EXPECT_EQ(page_of(*dump, kHigh + 2 * kPageSize).value(), std::vector<std::byte>(kPageSize));
  const auto across = page_of(*dump, kHigh + 2 * kPageSize - 8, 16).value();
  EXPECT_TRUE(std::ranges::equal(ByteSpan(across).first(8), ByteSpan(patterned_page(0x101)).last(8)));
  EXPECT_TRUE(std::ranges::equal(ByteSpan(across).last(8), std::vector<std::byte>(8)));
}

TEST(ElfCore, HolesAreNotPresent) {
  const auto dump = open(valid().build()).value();
  for (const uint64_t address : {uint64_t{0}, kLow - 1, kLow + 2 * kPageSize, kHigh - 1,
                                 kHigh + 4 * kPageSize, uint64_t{1} << 52, kMax}) {
    EXPECT_EQ(code_of(page_of(*dump, address, 1)), ErrorCode::not_present) << std::hex << address;
  }
  EXPECT_EQ(code_of(page_of(*dump, kLow + kPageSize, 2 * kPageSize)), ErrorCode::not_present);
}

TEST(ElfCore, PageStatesFollowTheRam) {
  const auto dump = open(valid().build()).value();
  for (uint64_t pfn = 0; pfn < 0x110; ++pfn) {
    const bool ram = (pfn >= 1 && pfn < 3) || (pfn >= 0x100 && pfn < 0x104);
    EXPECT_EQ(dump->page_state(pfn), ram ? PageState::stored : PageState::absent) << pfn;
  }
  EXPECT_EQ(dump->page_state(kMax), PageState::absent);
  EXPECT_EQ(dump->page_state((uint64_t{1} << 52) + 1), PageState::absent) << "the address must not wrap";
}

TEST(ElfCore, ExtendedNumberingReadsTheSame) {
  const auto dump = open(valid().extended_numbering().build());
  ASSERT_TRUE(dump) << why(dump);
  EXPECT_EQ((*dump)->info().ram_pages, 6u);
  EXPECT_EQ((*dump)->info().cpus, 2);
  EXPECT_EQ(page_of(**dump, kHigh).value(), patterned_page(0x100));
}

TEST(ElfCore, MoreSegmentsThanAHalfWordCounts) {
  ElfBuilder builder;
  constexpr uint64_t kCount = 70'000;
  for (uint64_t index = 0; index < kCount; ++index)
    builder.load(index * 2 * kPageSize, as_byte_span("x"), kPageSize);
  const auto dump = open(builder.extended_numbering().build());
  ASSERT_TRUE(dump) << why(dump);
  EXPECT_EQ((*dump)->ram().size(), kCount);
}

TEST(ElfCore, OverlappingSegmentsCountOnce) {
  ElfBuilder builder;
  builder.load(kHigh, patterned_pages(0, 8));
  builder.load(kHigh + 2 * kPageSize, patterned_pages(2, 2));
  const auto dump = open(builder.build()).value();
  EXPECT_EQ(dump->info().ram_pages, 8u);
  for (uint64_t page = 0; page < 8; ++page)
    EXPECT_EQ(page_of(*dump, kHigh + page * kPageSize).value(), patterned_page(page)) << page;
}

TEST(ElfCore, SegmentThatEndsWithinAPageIsFilledWithZeros) {
  ElfBuilder builder;
  builder.load(kLow + 16, as_byte_span("inside"));
  const auto dump = open(builder.build()).value();
  const auto page = page_of(*dump, kLow).value();
  EXPECT_EQ(as_text(ByteSpan(page).subspan(16, 6)), "inside");
  EXPECT_EQ(page[0], std::byte{0});
  EXPECT_EQ(page[22], std::byte{0});
  EXPECT_EQ(page.back(), std::byte{0});
}

// kcore's way of saying that a segment is no physical memory.
TEST(ElfCore, SegmentsWithoutAPhysicalAddressAreSkipped) {
  const auto dump =
      open(valid().patch_segment(1, [](Elf64_Phdr& segment) { segment.p_paddr = kMax; }).build());
  ASSERT_TRUE(dump) << why(dump);
  EXPECT_EQ((*dump)->info().ram_pages, 4u);
}

TEST(ElfCore, WriterMayMarkItIncomplete) {
  const auto dump =
      open(valid().patch_header([](Elf64_Ehdr& header) { header.e_flags = 1; }).build()).value();
  EXPECT_TRUE(dump->info().incomplete);
}

// --- One field made a lie.

struct HeaderCase {
  const char* name;
  void (*patch)(Elf64_Ehdr&);
  ErrorCode code;
  const char* message;
};
class ElfHeader : public testing::TestWithParam<HeaderCase> {};

TEST_P(ElfHeader, WrongFieldIsRejected) {
  const auto& [name, patch, code, message] = GetParam();
  const auto dump = open(valid().patch_header(patch).build());
  EXPECT_EQ(code_of(dump), code);
  EXPECT_THAT(why(dump), HasSubstr(message));
}

// Its memory cannot be understood, its container can be read.
TEST(ElfCore, OfAnotherArchitectureIsReadAndReportsWhatItKnows) {
  ElfBuilder builder;
  builder.machine(EM_AARCH64)
      .vmcoreinfo("OSRELEASE=6.1.0-arm64\nPAGESIZE=4096\nCRASHTIME=1795423348\n")
      .load(kLow, patterned_pages(0, 1));
  const auto dump = open(builder.build());
  ASSERT_TRUE(dump) << why(dump);
  EXPECT_EQ((*dump)->info().machine, "aarch64");
  EXPECT_EQ(page_of(**dump, kLow).value(), patterned_page(0));
  const Error error = other_machine((*dump)->info(), "test.elf");
  EXPECT_EQ(error.code, ErrorCode::unsupported);
  EXPECT_THAT(error.message, HasSubstr("test.elf"));
  EXPECT_THAT(error.message, HasSubstr("(aarch64)"));
  EXPECT_THAT(error.message, HasSubstr("its kernel is 6.1.0-arm64, which crashed at 2026-11-23T08:42:28Z"));
}

INSTANTIATE_TEST_SUITE_P(
    OneField, ElfHeader,
    testing::Values(
        HeaderCase{"magic", [](Elf64_Ehdr& h) { h.e_ident[0] = 'X'; }, ErrorCode::unsupported,
                   "not an ELF file"},
        HeaderCase{"class32", [](Elf64_Ehdr& h) { h.e_ident[EI_CLASS] = ELFCLASS32; }, ErrorCode::unsupported,
                   "32-bit"},
        HeaderCase{"big_endian", [](Elf64_Ehdr& h) { h.e_ident[EI_DATA] = ELFDATA2MSB; },
                   ErrorCode::unsupported, "big-endian"},
        HeaderCase{"version", [](Elf64_Ehdr& h) { h.e_ident[EI_VERSION] = 2; }, ErrorCode::corrupt,
                   "version 2 of ELF"},
        HeaderCase{"aarch64", [](Elf64_Ehdr& h) { h.e_machine = EM_AARCH64; }, ErrorCode::unsupported,
                   "aarch64 has more than one page size"},
        HeaderCase{"i386", [](Elf64_Ehdr& h) { h.e_machine = EM_386; }, ErrorCode::unsupported,
                   "32-bit machine (i386)"},
        HeaderCase{"arm", [](Elf64_Ehdr& h) { h.e_machine = EM_ARM; }, ErrorCode::unsupported,
                   "32-bit machine (arm)"},
        HeaderCase{"s390", [](Elf64_Ehdr& h) { h.e_machine = EM_S390; }, ErrorCode::unsupported,
                   "ELF-machine-22"},
        HeaderCase{"unknown_machine", [](Elf64_Ehdr& h) { h.e_machine = 60000; }, ErrorCode::unsupported,
                   "machine-60000"},
        HeaderCase{"executable", [](Elf64_Ehdr& h) { h.e_type = ET_EXEC; }, ErrorCode::unsupported,
                   "not a core"},
        HeaderCase{"entry_size", [](Elf64_Ehdr& h) { h.e_phentsize = 32; }, ErrorCode::corrupt, "32 bytes"},
        HeaderCase{"no_segments", [](Elf64_Ehdr& h) { h.e_phnum = 0; }, ErrorCode::corrupt, "no memory"},
        HeaderCase{"too_many_segments", [](Elf64_Ehdr& h) { h.e_phnum = 0xfffe; }, ErrorCode::truncated,
                   "program headers"},
        HeaderCase{"segments_far_away", [](Elf64_Ehdr& h) { h.e_phoff = kMax; }, ErrorCode::truncated,
                   "program headers"},
        HeaderCase{"segments_wrap", [](Elf64_Ehdr& h) { h.e_phoff = kMax - 100; }, ErrorCode::truncated,
                   "program headers"},
        HeaderCase{"xnum_without_section", [](Elf64_Ehdr& h) { h.e_phnum = PN_XNUM; }, ErrorCode::corrupt,
                   "PN_XNUM"},
        HeaderCase{"xnum_section_far_away",
                   [](Elf64_Ehdr& h) {
                     h.e_phnum = PN_XNUM;
                     h.e_shoff = kMax;
                   },
                   ErrorCode::truncated, "test.elf"}),
    [](const auto& which) { return std::string(which.param.name); });

TEST(ElfCore, ExtendedCountIsNotTrusted) {
  for (const uint32_t count : {0xffffffffu, 0x80000000u, 10'000'000u}) {
    auto builder = valid().extended_numbering();
    builder.patch_section([count](Elf64_Shdr& section) { section.sh_info = count; });
    EXPECT_EQ(code_of(open(builder.build())), ErrorCode::truncated) << count;
  }
}

struct SegmentCase {
  const char* name;
  void (*patch)(Elf64_Phdr&);
  ErrorCode code;
};
class ElfSegment : public testing::TestWithParam<SegmentCase> {};

TEST_P(ElfSegment, WrongFieldIsRejected) {
  const auto& [name, patch, code] = GetParam();
  EXPECT_EQ(code_of(open(valid().patch_segment(2, patch).build())), code);
}

INSTANTIATE_TEST_SUITE_P(
    OneField, ElfSegment,
    testing::Values(
        SegmentCase{"larger_in_file", [](Elf64_Phdr& s) { s.p_filesz = s.p_memsz + 1; }, ErrorCode::corrupt},
        SegmentCase{"file_size_most", [](Elf64_Phdr& s) { s.p_filesz = kMax; }, ErrorCode::corrupt},
        SegmentCase{"memory_size_most", [](Elf64_Phdr& s) { s.p_memsz = kMax; }, ErrorCode::corrupt},
        SegmentCase{"both_sizes_most", [](Elf64_Phdr& s) { s.p_memsz = s.p_filesz = kMax; },
                    ErrorCode::corrupt},
        SegmentCase{"address_beyond_52_bits", [](Elf64_Phdr& s) { s.p_paddr = uint64_t{1} << 52; },
                    ErrorCode::corrupt},
        SegmentCase{"end_beyond_52_bits", [](Elf64_Phdr& s) { s.p_paddr = (uint64_t{1} << 52) - kPageSize; },
                    ErrorCode::corrupt},
        SegmentCase{"address_wraps", [](Elf64_Phdr& s) { s.p_paddr = kMax - kPageSize; },
                    ErrorCode::corrupt}),
    [](const auto& which) { return std::string(which.param.name); });

struct LostCase {
  const char* name;
  uint64_t offset;
};
class ElfOffset : public testing::TestWithParam<LostCase> {};

// The rest of the dump can still be used.
TEST_P(ElfOffset, BeyondTheFileMeansLost) {
  const uint64_t offset = GetParam().offset;
  const auto dump = open(valid().patch_segment(2, [offset](Elf64_Phdr& s) { s.p_offset = offset; }).build());
  ASSERT_TRUE(dump) << why(dump);
  EXPECT_TRUE((*dump)->info().incomplete);
  EXPECT_EQ(page_of(**dump, kLow).value(), patterned_page(1));
  for (const uint64_t page : {0, 1}) {
    EXPECT_EQ(code_of(page_of(**dump, kHigh + page * kPageSize)), ErrorCode::lost) << page;
  }
  EXPECT_EQ(page_of(**dump, kHigh + 2 * kPageSize).value(), std::vector<std::byte>(kPageSize));
}

INSTANTIATE_TEST_SUITE_P(Borders, ElfOffset,
                         testing::Values(LostCase{"just_beyond", 1 << 20}, LostCase{"most", kMax},
                                         // offset + page wraps to the file's beginning
                                         LostCase{"wraps_at_the_second_page", kMax - kPageSize + 1},
                                         LostCase{"wraps_within_a_page", kMax - 100}),
                         [](const auto& which) { return std::string(which.param.name); });

struct NoteCase {
  const char* name;
  void (*patch)(Elf64_Phdr&);
  std::optional<ErrorCode> code;  // nullopt: opens, without notes and incomplete
};
class ElfNoteSegment : public testing::TestWithParam<NoteCase> {};

TEST_P(ElfNoteSegment, WrongFieldCostsTheNotesAtMost) {
  const auto& [name, patch, code] = GetParam();
  const auto dump = open(valid().patch_segment(0, patch).build());
  EXPECT_EQ(code_of(dump), code);
  if (!dump) return;
  EXPECT_TRUE((*dump)->info().incomplete);
  EXPECT_EQ((*dump)->info().vmcoreinfo, "");
  EXPECT_EQ(page_of(**dump, kLow).value(), patterned_page(1));
}

INSTANTIATE_TEST_SUITE_P(
    OneField, ElfNoteSegment,
    testing::Values(NoteCase{"size_most", [](Elf64_Phdr& s) { s.p_filesz = kMax; }, ErrorCode::corrupt},
                    NoteCase{"size_100M", [](Elf64_Phdr& s) { s.p_filesz = 100 << 20; }, std::nullopt},
                    NoteCase{"offset_most", [](Elf64_Phdr& s) { s.p_offset = kMax; }, std::nullopt},
                    NoteCase{"offset_wraps", [](Elf64_Phdr& s) { s.p_offset = kMax - 8; }, std::nullopt}),
    [](const auto& which) { return std::string(which.param.name); });

// A thousand headers that all point at the same notes would cost a thousand times the file.
TEST(ElfCore, NotesThatAddUpToMoreThanTheFileAreCorrupt) {
  ElfBuilder builder;
  builder.raw_notes(std::vector<std::byte>(1 << 20, std::byte{1}));
  for (int count = 0; count < 1000; ++count) builder.load(kLow, {}, kPageSize);
  for (size_t index = 1; index <= 1000; ++index) {
    builder.patch_segment(index, [offset = builder.contents_offset()](Elf64_Phdr& segment) {
      segment.p_type = PT_NOTE;
      segment.p_offset = offset;
      segment.p_filesz = 1 << 20;
    });
  }
  builder.load(kLow, patterned_page(1));
  EXPECT_EQ(code_of(open(builder.build())), ErrorCode::corrupt);
}

TEST(ElfCore, GarbledNotesCostNothingElse) {
  ElfBuilder builder;
  builder.vmcoreinfo("OSRELEASE=x\n").raw_notes(std::vector<std::byte>(40, std::byte{0xff}));
  builder.load(kLow, patterned_page(1));
  const auto dump = open(builder.build());
  ASSERT_TRUE(dump) << why(dump);
  EXPECT_EQ((*dump)->info().vmcoreinfo, "OSRELEASE=x\n");
}

TEST(ElfCore, EmptyOrHeaderlessIsTruncated) {
  const auto bytes = valid().build();
  for (size_t size = 0; size < sizeof(Elf64_Ehdr) + 3 * sizeof(Elf64_Phdr); ++size)
    ASSERT_EQ(code_of(open(ByteSpan(bytes).first(size))), ErrorCode::truncated) << size;
}

TEST(ElfCore, CutOffContentsAreIncompleteAndReadAsFarAsTheyGo) {
  const auto builder = valid();
  const auto bytes = builder.build();
  const uint64_t last_page = bytes.size() - kPageSize;
  for (const uint64_t size : {builder.contents_offset(), builder.contents_offset() + 1, last_page - 1,
                              last_page, last_page + 1, bytes.size() - 1}) {
    const auto dump = open(ByteSpan(bytes).first(size));
    ASSERT_TRUE(dump) << size << ' ' << why(dump);
    EXPECT_TRUE((*dump)->info().incomplete) << size;
    EXPECT_EQ(code_of(page_of(**dump, kHigh + kPageSize)), ErrorCode::lost) << size;
    const auto first = page_of(**dump, kHigh);
    EXPECT_EQ(code_of(first), size >= last_page ? std::nullopt : std::optional(ErrorCode::lost)) << size;
    if (first) {
      EXPECT_EQ(*first, patterned_page(0x100));
    }
  }
}

}  // namespace
}  // namespace lifeboat
