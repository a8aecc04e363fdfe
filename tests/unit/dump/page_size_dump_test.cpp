// SPDX-License-Identifier: GPL-2.0-or-later
// Dumps of kernels with other page sizes than 4 KiB: everything in a dump is counted in pages.
#include <elf.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/dump/byte_source.h"
#include "src/dump/dump.h"
#include "src/dump/dump_machine.h"
#include "src/dump/kdump_writer.h"
#include "src/dump/limits.h"
#include "src/dump/verify.h"
#include "src/dump/vmcoreinfo_line.h"
#include "tests/support/elf_builder.h"
#include "tests/support/flattened_builder.h"
#include "tests/support/kdump_builder.h"
#include "tests/support/pages.h"
#include "tests/support/results.h"

namespace lifeboat {
namespace {

using test::code_of;
using test::ElfBuilder;
using test::KdumpBuilder;
using test::noise;
using test::patterned_page;
using test::why;
using testing::ElementsAre;
using testing::HasSubstr;

Result<std::unique_ptr<Dump>> open(ByteSpan bytes) {
  return Dump::open(memory_byte_source(bytes, "test"));
}

std::string recorded(PageSize page_size) {
  return fmt::format("OSRELEASE=6.12.0\nPAGESIZE={}\n", page_size.bytes());
}

class Pages : public testing::TestWithParam<uint64_t> {
 protected:
  static constexpr uint64_t kMaxPfn = 1000;

  [[nodiscard]] Result<std::vector<std::byte>> page_of(Dump& dump, uint64_t pfn) const {
    std::vector<std::byte> out(page_.bytes(), std::byte{0xee});
    TRY_VOID(dump.read(page_.address(pfn), out));
    return out;
  }
  [[nodiscard]] std::vector<std::byte> pattern(uint64_t pfn) const { return patterned_page(pfn, page_); }
  // One page of each kind. Page 17 is RAM that was left out.
  [[nodiscard]] KdumpBuilder kdump() const {
    KdumpBuilder builder(kMaxPfn, page_);
    builder.machine("aarch64").vmcoreinfo(recorded(page_)).cpu();
    builder.ram(16, 8).ram(992, 8);
    builder.page(16, noise(16, page_.bytes())).zero_page(18);
    builder.page(19, pattern(19), Compression::zlib).page(20, pattern(20), Compression::lzo);
    builder.page(21, pattern(21), Compression::snappy).page(22, pattern(22), Compression::zstd);
    builder.page(999, pattern(999), Compression::zstd);
    return builder;
  }
  void expect_pages(Dump& dump) const {
    EXPECT_EQ(dump.page_size(), page_);
    EXPECT_EQ(dump.info().machine, "aarch64");
    EXPECT_THAT(dump.ram(), ElementsAre(PhysicalRange{page_.address(16), page_.address(24)},
                                        PhysicalRange{page_.address(992), page_.address(1000)}));
    EXPECT_EQ(page_of(dump, 16).value(), noise(16, page_.bytes()));
    EXPECT_EQ(page_of(dump, 18).value(), std::vector<std::byte>(page_.bytes()));
    for (const uint64_t pfn : {19, 20, 21, 22, 999})
      EXPECT_EQ(page_of(dump, pfn).value(), pattern(pfn)) << pfn;
    // Pieces, from the cache the second time, and across a border.
    std::vector<std::byte> piece(16);
    for (int round = 0; round < 2; ++round) {
      ASSERT_TRUE(dump.read(page_.address(20) - 8, piece));
      EXPECT_TRUE(std::ranges::equal(ByteSpan(piece).first(8), ByteSpan(pattern(19)).last(8)));
      EXPECT_TRUE(std::ranges::equal(ByteSpan(piece).last(8), ByteSpan(pattern(20)).first(8)));
    }
    EXPECT_EQ(code_of(page_of(dump, 17)), ErrorCode::excluded);
    EXPECT_EQ(code_of(page_of(dump, 24)), ErrorCode::not_present);
  }

  const PageSize page_ = PageSize::of(GetParam()).value();
};

INSTANTIATE_TEST_SUITE_P(Sizes, Pages, testing::Values(4096, 16384, 65536),
                         [](const auto& which) { return fmt::format("{}", which.param); });

TEST_P(Pages, KdumpIsRead) {
  const auto dump = open(kdump().build());
  ASSERT_TRUE(dump) << why(dump);
  expect_pages(**dump);
  const auto report = verify_dump(**dump, "test", no_progress());
  EXPECT_TRUE(report.whole) << testing::PrintToString(report.findings);
  EXPECT_EQ(report.pages_checked, 7u);
}

TEST_P(Pages, FlattenedKdumpIsRead) {
  const auto flat =
      test::FlattenedBuilder().file(kdump().build(), 5000, test::FlattenedBuilder::Order::shuffled).build();
  const auto dump = open(flat);
  ASSERT_TRUE(dump) << why(dump);
  expect_pages(**dump);
  EXPECT_TRUE(verify_dump(**dump, "test", no_progress()).whole);
}

// Descriptors of pages 20 to 22 only; the data of page 20 come first, in the place of page 16's, which are
// larger.
TEST_P(Pages, PartOfASplitDumpIsRead) {
  auto builder = kdump();
  builder.patch_sub_header([](kdump::SubHeader& sub) {
    sub.split = 1;
    sub.start_pfn_64 = 20;
    sub.end_pfn_64 = 23;
  });
  auto bytes = builder.build();
  const uint64_t at = builder.layout().descriptors;
  constexpr size_t kThree = 3 * sizeof(kdump::PageDescriptor);
  kdump::PageDescriptor before, first;
  std::memcpy(&before, bytes.data() + at, sizeof before);
  std::memmove(bytes.data() + at, bytes.data() + at + kThree, kThree);
  std::memcpy(&first, bytes.data() + at, sizeof first);
  ASSERT_LE(first.size, before.size);
  std::memmove(bytes.data() + before.offset, bytes.data() + first.offset, first.size);
  first.offset = before.offset;
  std::memcpy(bytes.data() + at, &first, sizeof first);
  const auto dump = open(bytes);
  ASSERT_TRUE(dump) << why(dump);
  for (const uint64_t pfn : {20, 21, 22}) EXPECT_EQ(page_of(**dump, pfn).value(), pattern(pfn)) << pfn;
  EXPECT_EQ(code_of(page_of(**dump, 999)), ErrorCode::lost);
  const auto report = verify_dump(**dump, "test", no_progress());
  EXPECT_TRUE(report.whole) << testing::PrintToString(report.findings);
  EXPECT_EQ(report.pages_checked, 3u);
}

TEST_P(Pages, IncompleteKdumpStaysIncomplete) {
  const auto marked =
      kdump().patch_header([](kdump::Header& header) { header.status |= kdump::kStatusIncomplete; }).build();
  const auto dump = open(marked).value();
  EXPECT_TRUE(dump->info().incomplete);
  EXPECT_FALSE(verify_dump(*dump, "test", no_progress()).whole);
  // The last page is cut off.
  const auto bytes = kdump().build();
  const auto cut = open(ByteSpan(bytes).first(bytes.size() - 1)).value();
  EXPECT_EQ(code_of(page_of(*cut, 999)), ErrorCode::lost);
  EXPECT_EQ(verify_dump(*cut, "test", no_progress()).pages_lost, 1u);
}

TEST_P(Pages, DescriptorOfAnotherSizeIsCorrupt) {
  const auto bytes =
      kdump()
          .patch_descriptor(16,
                            [this](kdump::PageDescriptor& d) {
                              d.size = static_cast<uint32_t>(page_.bytes() == 4096 ? 8192 : 4096);
                            })
          .patch_descriptor(
              19, [this](kdump::PageDescriptor& d) { d.size = static_cast<uint32_t>(page_.bytes() + 1); })
          .build();
  const auto dump = open(bytes).value();
  EXPECT_EQ(code_of(page_of(*dump, 16)), ErrorCode::corrupt);
  EXPECT_EQ(code_of(page_of(*dump, 19)), ErrorCode::corrupt);
  EXPECT_EQ(verify_dump(*dump, "test", no_progress()).pages_damaged, 2u);
}

TEST_P(Pages, KdumpIsWritten) {
  const auto temp = TempDir::create("page-size-test").value();
  const std::string path = temp.path() / "vmcore";
  const auto fd = open_file(path, O_RDWR | O_CREAT | O_TRUNC, 0600).value();
  const auto notes = test::elf_note("VMCOREINFO", 0, as_byte_span(recorded(page_)));
  KdumpWriterOptions options;
  options.page_size = page_;
  options.max_pfn = 24;
  options.uts.machine = "aarch64";
  options.notes = notes;
  auto writer = KdumpWriter::create(fd.get(), "vmcore", options).value();
  const std::vector<std::byte> bits = {std::byte{0xff}, std::byte{0xff}, std::byte{0xff}};
  ASSERT_TRUE(writer.write_ram_bits(0, bits));
  ASSERT_TRUE(writer.write_stored_bits(0, bits));
  ASSERT_TRUE(writer.begin_pages(24));
  const auto compressor = PageCompressor::create(Compression::zstd).value();
  for (uint64_t pfn = 0; pfn < 24; ++pfn) {
    if (pfn % 3 == 0) {
      ASSERT_TRUE(writer.add_zero_page());
    } else if (pfn % 3 == 1) {
      ASSERT_TRUE(writer.add_page(noise(pfn, page_.bytes()), 0));
    } else {
      ASSERT_TRUE(writer.add_page(compressor->compress(pattern(pfn)).value(), kdump::kStatusZstd));
    }
  }
  EXPECT_TRUE(Dump::open(path).value()->info().incomplete) << "until it is finished";
  ASSERT_EQ(writer.finish().value(), DumpOutcome::whole);

  const auto dump = Dump::open(path);
  ASSERT_TRUE(dump) << why(dump);
  EXPECT_EQ((*dump)->page_size(), page_);
  EXPECT_EQ((*dump)->info().notes, notes);
  for (uint64_t pfn = 0; pfn < 24; ++pfn) {
    const auto expected = pfn % 3 == 0   ? std::vector<std::byte>(page_.bytes())
                          : pfn % 3 == 1 ? noise(pfn, page_.bytes())
                                         : pattern(pfn);
    EXPECT_EQ(page_of(**dump, pfn).value(), expected) << pfn;
  }
  EXPECT_TRUE(verify_dump(path, no_progress())->whole);
}

// More pages than the cache keeps.
TEST_P(Pages, LargeKdumpIsReadInAnyOrder) {
  constexpr uint64_t kPages = 700;
  KdumpBuilder builder(kPages, page_);
  for (uint64_t pfn = 0; pfn < kPages; ++pfn) builder.page(pfn, pattern(pfn), Compression::zstd);
  const auto dump = open(builder.build()).value();
  std::vector<std::byte> word(8);
  for (uint64_t step = 0; step < 2 * kPages; ++step) {
    const uint64_t pfn = step * 31 % kPages;
    ASSERT_TRUE(dump->read(page_.address(pfn) + 8, word));
    ASSERT_TRUE(std::ranges::equal(word, ByteSpan(pattern(pfn)).subspan(8, 8))) << pfn;
  }
}

// --- ELF cores: the segments are in bytes, the page size is in VMCOREINFO.

TEST_P(Pages, ElfIsRead) {
  const auto bytes = ElfBuilder()
                         .machine(EM_AARCH64)
                         .vmcoreinfo(recorded(page_))
                         .cpu()
                         .load(page_.address(2), test::patterned_pages(2, 3, page_))
                         // Ends within a page, the rest of which is zeros.
                         .load(page_.address(100), noise(1, page_.bytes() + 100))
                         .build();
  const auto opened = open(bytes);
  ASSERT_TRUE(opened) << why(opened);
  Dump& dump = **opened;
  EXPECT_EQ(dump.page_size(), page_);
  EXPECT_EQ(dump.info().machine, "aarch64");
  EXPECT_EQ(dump.info().ram_pages, 5u);
  EXPECT_EQ(dump.info().max_pfn, 102u);
  EXPECT_THAT(dump.ram(), ElementsAre(PhysicalRange{page_.address(2), page_.address(5)},
                                      PhysicalRange{page_.address(100), page_.address(102)}));
  EXPECT_EQ(page_of(dump, 4).value(), pattern(4));
  EXPECT_EQ(page_of(dump, 101)->back(), std::byte{0});
  EXPECT_EQ(dump.page_state(101), PageState::stored);
  EXPECT_EQ(dump.page_state(102), PageState::absent);
  EXPECT_EQ(dump.next_stored(3, 200).value(), (PfnRange{3, 5}));
  EXPECT_EQ(dump.next_stored(5, 200).value(), (PfnRange{100, 102}));
  const auto report = verify_dump(dump, "test", no_progress());
  EXPECT_TRUE(report.whole);
  EXPECT_EQ(report.pages_checked, 5u);
}

TEST_P(Pages, ElfThatIsCutOffCountsItsLostPages) {
  const auto bytes = ElfBuilder()
                         .machine(EM_AARCH64)
                         .vmcoreinfo(recorded(page_))
                         .load(0, test::patterned_pages(0, 8, page_))
                         .build();
  const auto dump = open(ByteSpan(bytes).first(bytes.size() - 2 * page_.bytes() - 1)).value();
  EXPECT_TRUE(dump->info().incomplete);
  EXPECT_EQ(dump->info().stored_pages, 6u);
  EXPECT_EQ(page_of(*dump, 4).value(), pattern(4));
  EXPECT_EQ(code_of(page_of(*dump, 5)), ErrorCode::lost);
  const auto report = verify_dump(*dump, "test", no_progress());
  EXPECT_FALSE(report.whole);
  EXPECT_EQ(report.pages_lost, 3u);
}

// --- Sizes that are unknown, or that contradict each other.

Result<std::unique_ptr<Dump>> open_elf(uint16_t machine, std::string_view vmcoreinfo) {
  ElfBuilder builder;
  builder.machine(machine).load(0, test::patterned_pages(0, 16));
  if (!vmcoreinfo.empty()) builder.vmcoreinfo(vmcoreinfo);
  return open(builder.build());
}

// VMCOREINFO is memory of the crashed kernel: what it has must not cost the dump of a machine with one size.
TEST(ElfPageSize, IsThatOfTheMachineIfItHasOnlyOne) {
  for (const uint16_t machine : {EM_X86_64, EM_RISCV}) {
    for (const char* text : {"", "OSRELEASE=6.1.0\n", "OSRELEASE=6.1.0\nPAGESIZE=\n", "PAGESIZE=4x\n",
                             "PAGESIZE=4098\n", "PAGESIZE=65536\n", "PAGESIZE=0\n"}) {
      const auto dump = open_elf(machine, text);
      ASSERT_TRUE(dump) << why(dump);
      EXPECT_EQ((*dump)->page_size(), PageSize::of(4096)) << text;
    }
  }
  for (const uint16_t machine : {EM_AARCH64, EM_PPC64, EM_LOONGARCH}) {
    for (const char* text : {"", "OSRELEASE=6.1.0\n", "OSRELEASE=6.1.0\nPAGESIZE=\n", "XPAGESIZE=4096\n"}) {
      const auto dump = open_elf(machine, text);
      EXPECT_EQ(code_of(dump), ErrorCode::unsupported) << text;
      EXPECT_THAT(why(dump), HasSubstr("page size is unknown"));
      EXPECT_THAT(dump.error().fix, HasSubstr("VMCOREINFO"));
    }
  }
}

TEST(ElfPageSize, OfAnUnknownMachineIsThatOfItsVmcoreinfo) {
  const auto dump = open_elf(60000, "PAGESIZE=16384\n");
  ASSERT_TRUE(dump) << why(dump);
  EXPECT_EQ((*dump)->page_size(), PageSize::of(16384));
  EXPECT_EQ((*dump)->info().machine, "ELF-machine-60000");
  EXPECT_EQ(code_of(open_elf(60000, "")), ErrorCode::unsupported);
}

TEST(ElfPageSize, OtherSizesAreRefusedByName) {
  for (const char* size : {"0", "1", "3000", "8192", "131072", "18446744073709551615"}) {
    for (const uint16_t machine : {EM_AARCH64, EM_PPC64}) {
      const auto dump = open_elf(machine, fmt::format("OSRELEASE=6.1.0\nPAGESIZE={}\n", size));
      EXPECT_EQ(code_of(dump), ErrorCode::unsupported) << size;
      EXPECT_THAT(why(dump), HasSubstr(fmt::format("pages of {} bytes", size)));
    }
  }
}

TEST(KdumpPageSize, MustBeThatOfItsVmcoreinfo) {
  for (const uint64_t block : {4096, 16384, 65536}) {
    const PageSize page_size = PageSize::of(block).value();
    for (const uint64_t text : {0, 3000, 4096, 8192, 16384, 65536, 131072}) {
      KdumpBuilder builder(64, page_size);
      builder.machine("aarch64");
      builder.vmcoreinfo(fmt::format("OSRELEASE=6.1.0\nPAGESIZE={}\n", text)).zero_page(3);
      const auto dump = open(builder.build());
      if (text == block) {
        EXPECT_TRUE(dump) << why(dump);
        continue;
      }
      EXPECT_EQ(code_of(dump), ErrorCode::unsupported) << block << ' ' << text;
      EXPECT_THAT(why(dump), HasSubstr(fmt::format("pages of {} bytes", block)));
      EXPECT_THAT(why(dump), HasSubstr(fmt::format("pages of {} bytes", text)));
    }
  }
}

// Of a machine with one size VMCOREINFO cannot contradict the header; another size is not that machine's.
TEST(KdumpPageSize, OfAMachineWithOnlyOneIsNotThatOfVmcoreinfo) {
  for (const char* text : {"PAGESIZE=4098\n", "PAGESIZE=65536\n", "PAGESIZE=4x\n"}) {
    KdumpBuilder builder(64);
    const auto dump = open(builder.machine("x86_64").vmcoreinfo(text).zero_page(3).build());
    ASSERT_TRUE(dump) << why(dump);
    EXPECT_EQ((*dump)->page_size(), PageSize::of(4096));
  }
  KdumpBuilder builder(64, PageSize::of(16384).value());
  builder.machine("x86_64").vmcoreinfo("PAGESIZE=4096\n").zero_page(3);
  EXPECT_EQ(code_of(open(builder.build())), ErrorCode::unsupported);
}

TEST(KdumpPageSize, IsThatOfTheHeaderWhereVmcoreinfoHasNone) {
  for (const char* text : {"OSRELEASE=6.1.0\n", "PAGESIZE=\n", "PAGESIZE=none\n"}) {
    KdumpBuilder builder(64, PageSize::of(65536).value());
    const auto dump = open(builder.vmcoreinfo(text).zero_page(3).build());
    ASSERT_TRUE(dump) << why(dump);
    EXPECT_EQ((*dump)->page_size(), PageSize::of(65536));
  }
}

TEST(KdumpPageSize, LimitsAreInPages) {
  EXPECT_EQ(max_pages(PageSize::of(65536).value()), uint64_t{1} << 36);
  const auto claims = [](int64_t beyond) {
    return code_of(open(KdumpBuilder(64, PageSize::of(65536).value())
                            .zero_page(3)
                            .patch_header([](kdump::Header& header) { header.sub_header_blocks = 2065; })
                            .patch_sub_header([beyond](kdump::SubHeader& sub) {
                              sub.max_mapnr_64 = (uint64_t{1} << 36) + static_cast<uint64_t>(beyond);
                            })
                            .build()));
  };
  // 129 MiB of sub header are 2064 blocks.
  EXPECT_EQ(claims(0), ErrorCode::corrupt);
  EXPECT_EQ(claims(1), ErrorCode::corrupt);
}

TEST(MachineName, IsThatOfUtsname) {
  EXPECT_EQ(machine_name(EM_X86_64), "x86_64");
  EXPECT_EQ(machine_name(EM_AARCH64), "aarch64");
  EXPECT_EQ(machine_name(EM_RISCV), "riscv64");
  EXPECT_EQ(machine_name(0), "ELF-machine-0");
  for (const char* name : {"i386", "i686", "armv7l", "arm"}) EXPECT_TRUE(is_32_bit_machine(name)) << name;
  for (const char* name : {"", "x86_64", "aarch64", "riscv64", "ppc64le", "ia64", "i86"})
    EXPECT_FALSE(is_32_bit_machine(name)) << name;
}

TEST(VmcoreinfoLine, IsAWholeLine) {
  static_assert(vmcoreinfo_line("A=1\nPAGESIZE=4096\nB=2", "PAGESIZE=") == "4096");
  EXPECT_EQ(vmcoreinfo_line("PAGESIZE=4096", "PAGESIZE="), "4096");
  EXPECT_EQ(vmcoreinfo_line("\n\nPAGESIZE=4096\n", "PAGESIZE="), "4096");
  EXPECT_EQ(vmcoreinfo_line("X=PAGESIZE=4096\n", "PAGESIZE="), "");
  EXPECT_EQ(vmcoreinfo_line("PAGESIZE=\n4096\n", "PAGESIZE="), "");
  EXPECT_EQ(vmcoreinfo_line("", "PAGESIZE="), "");
}

}  // namespace
}  // namespace lifeboat
