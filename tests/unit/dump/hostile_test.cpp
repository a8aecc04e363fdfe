// SPDX-License-Identifier: GPL-2.0-or-later
// Files whose headers claim more than they hold: time and memory stay bounded.
#include <elf.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>
#include <zlib.h>

#include "src/base/file.h"
#include "src/dump/byte_source.h"
#include "src/dump/kdump_format.h"
#include "src/dump/kdump_writer.h"
#include "src/dump/limits.h"
#include "src/dump/verify.h"
#include "tests/support/elf_builder.h"
#include "tests/support/flattened_builder.h"
#include "tests/support/kdump_builder.h"
#include "tests/support/measured_child.h"
#include "tests/support/pages.h"
#include "tests/support/results.h"
#include "tests/support/usual_page_size.h"

namespace lifeboat {
namespace {

using test::code_of;
using test::ElfBuilder;
using test::expect_cheap;
using test::patterned_page;
using test::why;

class Hostile : public testing::Test {
 protected:
  [[nodiscard]] std::string path() const { return temp_.path() / "dump"; }
  [[nodiscard]] UniqueFd create() const {
    return open_file(path(), O_RDWR | O_CREAT | O_TRUNC, 0600).value();
  }
  void write(ByteSpan bytes) const { ASSERT_TRUE(pwrite_all(create().get(), 0, bytes, path())); }
  void expect_whole(uint64_t pages) const {
    expect_cheap([&] {
      const auto report = verify_dump(path(), no_progress());
      ASSERT_TRUE(report) << why(report);
      EXPECT_TRUE(report->whole) << testing::PrintToString(report->findings);
      EXPECT_EQ(report->pages_checked, pages);
    });
  }
  void expect_refused(ErrorCode code) const {
    expect_cheap([&] { EXPECT_EQ(code_of(Dump::open(path())), code); });
  }
  TempDir temp_ = TempDir::create("hostile-test").value();
};

// Four pages at physical 2^44. Each bitmap has 512 MiB, nearly all of it a hole.
TEST_F(Hostile, MemoryFarApart) {
  constexpr uint64_t kFar = (uint64_t{1} << 44) / kPageSize;
  const UniqueFd fd = create();
  auto writer =
      KdumpWriter::create(fd.get(), path(), {.compression = Compression::none, .max_pfn = kFar + 8}).value();
  const std::byte bits{0x0f};
  ASSERT_TRUE(writer.write_ram_bits(kFar, {&bits, 1}) && writer.write_stored_bits(kFar, {&bits, 1}));
  ASSERT_TRUE(writer.begin_pages(4));
  for (int page = 0; page < 4; ++page) ASSERT_TRUE(writer.add_page(patterned_page(1), 0));
  ASSERT_TRUE(writer.finish());
  expect_whole(4);
  // The widest address, and the bitmap is not even sized for it.
  expect_cheap([&] {
    const auto dump = Dump::open(path()).value();
    EXPECT_EQ(dump->ram().size(), 1u);
    EXPECT_EQ(dump->next_stored(0, ~uint64_t{0}).value(), (PfnRange{kFar, kFar + 4}));
    std::vector<std::byte> page(kPageSize);
    EXPECT_TRUE(dump->read(kFar * kPageSize, page));
    EXPECT_EQ(page, patterned_page(1));
  });
}

TEST_F(Hostile, MorePagesThanAProcessorCanAddress) {
  const UniqueFd fd = create();
  auto bytes = test::KdumpBuilder(64)
                   .zero_page(1)
                   .patch_header([](kdump::Header& h) { h.bitmap_blocks = uint32_t{1} << 30; })
                   .patch_sub_header([](kdump::SubHeader& s) { s.max_mapnr_64 = max_pages({}) + 1; })
                   .build();
  ASSERT_TRUE(pwrite_all(fd.get(), 0, bytes, path()));
  if (::ftruncate(fd.get(), off_t{1} << 43) != 0) GTEST_SKIP() << "no file of 8 TiB can be here";
  expect_refused(ErrorCode::corrupt);
}

// Millions of bits, and a hole where their descriptors should be.
TEST_F(Hostile, PagesWithoutDescriptors) {
  constexpr uint64_t kPages = uint64_t{1} << 27;
  const UniqueFd fd = create();
  auto writer = KdumpWriter::create(fd.get(), path(), {.max_pfn = kPages}).value();
  const std::vector<std::byte> bits(kPages / 8, std::byte{0xff});
  ASSERT_TRUE(writer.write_ram_bits(0, bits) && writer.write_stored_bits(0, bits));
  ASSERT_TRUE(writer.begin_pages(kPages));
  writer.abandon();
  expect_cheap([&] {
    const auto report = verify_dump(path(), no_progress());
    ASSERT_TRUE(report) << why(report);
    EXPECT_FALSE(report->whole);
    EXPECT_EQ(report->pages_lost, kPages);
  });
}

// Each with one byte in the file, all within one that has none.
TEST_F(Hostile, ManySegmentsThatOverlap) {
  constexpr uint64_t kSegments = 200'000;
  ElfBuilder builder;
  builder.extended_numbering().load(0, {}, kSegments * kPageSize);
  const std::byte byte{7};
  for (uint64_t index = 0; index < kSegments; ++index) builder.load(index * kPageSize + 8, {&byte, 1});
  write(builder.build());
  expect_whole(kSegments);
  expect_cheap([&] {
    const auto dump = Dump::open(path()).value();
    std::vector<std::byte> page(kPageSize);
    for (uint64_t pfn = kSegments - 1000; pfn < kSegments; ++pfn) {
      ASSERT_TRUE(dump->read(pfn * kPageSize, page));
      EXPECT_EQ(page[8], byte);
      EXPECT_EQ(page[7], std::byte{0});
    }
  });
}

TEST_F(Hostile, SegmentsThatShowTheSameBytesAgain) {
  constexpr size_t kSegments = 1000;
  ElfBuilder builder;
  for (uint64_t index = 0; index < kSegments; ++index) builder.load(index << 30, {}, 1_GiB);
  builder.load(kSegments << 30, test::noise(1, 1_MiB));
  const uint64_t contents = builder.contents_offset();
  for (size_t index = 0; index < kSegments; ++index) {
    builder.patch_segment(index, [contents](Elf64_Phdr& segment) {
      segment.p_offset = contents;
      segment.p_filesz = 1_MiB;
    });
  }
  write(builder.build());
  expect_refused(ErrorCode::corrupt);
}

// Half a million descriptors of two compressed pages in turn: gigabytes, if each was decompressed.
TEST_F(Hostile, DescriptorsThatShareCompressedPages) {
  constexpr uint64_t kPages = uint64_t{1} << 19;
  const UniqueFd fd = create();
  auto writer =
      KdumpWriter::create(fd.get(), path(), {.compression = Compression::none, .max_pfn = kPages}).value();
  const std::vector<std::byte> all(kPages / 8, std::byte{0xff});
  ASSERT_TRUE(writer.write_ram_bits(0, all) && writer.write_stored_bits(0, all));
  ASSERT_TRUE(writer.begin_pages(kPages));
  for (uint64_t page = 0; page < kPages; ++page) ASSERT_TRUE(writer.add_zero_page());
  ASSERT_TRUE(writer.finish());
  std::vector<std::byte> bytes = read_file(path()).value();
  kdump::Header header;
  std::memcpy(&header, bytes.data(), sizeof header);
  const uint64_t descriptors =
      (1 + static_cast<uint64_t>(header.sub_header_blocks) + header.bitmap_blocks) * kPageSize;
  std::vector<kdump::PageDescriptor> two;
  for (const int value : {1, 2}) {
    std::vector<std::byte> page(kPageSize, static_cast<std::byte>(value)), packed(kPageSize);
    uLongf size = packed.size();
    ASSERT_EQ(::compress(reinterpret_cast<Bytef*>(packed.data()), &size,
                         reinterpret_cast<const Bytef*>(page.data()), page.size()),
              Z_OK);
    packed.resize(size);
    two.push_back({.offset = bytes.size(),
                   .size = static_cast<uint32_t>(size),
                   .flags = kdump::kStatusZlib,
                   .page_flags = 0});
    test::append(bytes, packed);
  }
  // The first one stays: by it the place of the page data is checked.
  for (uint64_t index = 1; index < kPages; ++index)
    std::memcpy(bytes.data() + descriptors + index * sizeof two[0], &two[index % 2], sizeof two[0]);
  write(bytes);
  expect_whole(kPages);
}

TEST_F(Hostile, ATerabyteOfHoles) {
  constexpr uint64_t kSize = uint64_t{1} << 40;
  ElfBuilder builder;
  builder.load(0, patterned_page(1), kSize).patch_segment(0, [](Elf64_Phdr& segment) {
    segment.p_filesz = kSize;
  });
  const UniqueFd fd = create();
  ASSERT_TRUE(pwrite_all(fd.get(), 0, builder.build(), path()));
  const uint64_t end = builder.contents_offset() + kSize;
  if (::ftruncate(fd.get(), static_cast<off_t>(end)) != 0) GTEST_SKIP() << "no file of 1 TiB can be here";
  ASSERT_TRUE(pwrite_all(fd.get(), end / 2, patterned_page(2), path()));
  expect_whole(kSize / kPageSize);
}

// The same, as one record of a flattened file.
TEST_F(Hostile, ATerabyteOfHolesInARecord) {
  constexpr uint64_t kSize = uint64_t{1} << 40;
  ElfBuilder builder;
  builder.load(0, patterned_page(1), kSize).patch_segment(0, [](Elf64_Phdr& segment) {
    segment.p_filesz = kSize;
  });
  const auto elf = builder.build();
  const uint64_t logical = builder.contents_offset() + kSize;
  const auto flat = test::FlattenedBuilder().raw_record(0, logical, elf).without_end().build();
  const UniqueFd fd = create();
  ASSERT_TRUE(pwrite_all(fd.get(), 0, flat, path()));
  const std::vector<std::byte> end_mark(16, std::byte{0xff});
  if (!pwrite_all(fd.get(), kPageSize + 16 + logical, end_mark, path()))
    GTEST_SKIP() << "no file of 1 TiB can be here";
  expect_whole(kSize / kPageSize);
}

// As large as notes may be, each as small as one can be: 6 million of a CPU's.
TEST_F(Hostile, MillionsOfNotes) {
  std::vector<std::byte> notes(kMaxNoteBytes - 64_KiB);
  const auto one = test::elf_note("CORE", NT_PRSTATUS, {});
  for (size_t at = 0; at + one.size() <= notes.size(); at += one.size())
    std::ranges::copy(one, notes.begin() + static_cast<std::ptrdiff_t>(at));
  {
    const ElfBuilder builder = ElfBuilder().raw_notes(notes).load(0, patterned_page(1));
    write(builder.build());
  }
  notes = {};
  expect_cheap([&] {
    const auto dump = Dump::open(path());
    ASSERT_TRUE(dump) << why(dump);
    EXPECT_EQ((*dump)->info().cpus, kMaxCpus);
    EXPECT_TRUE(verify_dump(**dump, path(), no_progress()).whole);
  });
}

TEST_F(Hostile, MoreNotesThanAnyMachineHas) {
  ElfBuilder builder;
  builder.cpu().load(0, patterned_page(1)).patch_segment(0, [](Elf64_Phdr& segment) {
    segment.p_filesz = kMaxNoteBytes + 1;
  });
  const UniqueFd fd = create();
  ASSERT_TRUE(pwrite_all(fd.get(), 0, builder.build(), path()));
  ASSERT_EQ(::ftruncate(fd.get(), static_cast<off_t>(kMaxNoteBytes + 1_MiB)), 0);
  expect_refused(ErrorCode::corrupt);
}

// Drivers put dumps of their devices before all other notes: those stay out, and the others count.
TEST_F(Hostile, DumpsOfDevicesAmongTheNotes) {
  constexpr uint64_t kNotes = 1_MiB, kDeviceDump = 100_MiB;
  const UniqueFd fd = create();
  uint64_t at = kNotes;
  const auto append = [&](std::vector<std::byte> note, uint32_t description) {
    if (description != 0) std::memcpy(note.data() + offsetof(Elf64_Nhdr, n_descsz), &description, 4);
    ASSERT_TRUE(pwrite_all(fd.get(), at, note, path()));
    at += note.size() + description;
  };
  for (int device = 0; device < 2; ++device) append(test::elf_note("LINUX", 0x700, {}), kDeviceDump);
  append(test::elf_note("CORE", NT_PRSTATUS, {}), 0);
  append(test::elf_note("VMCOREINFO", 0, as_byte_span("OSRELEASE=6.12\n")), 0);
  ElfBuilder builder;
  builder.cpu().load(0, patterned_page(1)).patch_segment(0, [&](Elf64_Phdr& segment) {
    segment.p_offset = kNotes;
    segment.p_filesz = at - kNotes;
  });
  ASSERT_TRUE(pwrite_all(fd.get(), 0, builder.build(), path()));
  expect_cheap([&] {
    const auto dump = Dump::open(path());
    ASSERT_TRUE(dump) << why(dump);
    EXPECT_EQ((*dump)->info().cpus, 1);
    EXPECT_EQ((*dump)->info().vmcoreinfo, "OSRELEASE=6.12\n");
    EXPECT_LT((*dump)->info().notes.size(), 1_KiB);
    EXPECT_EQ((*dump)->info().damage.size(), 1u) << "what was left out is reported";
    EXPECT_FALSE((*dump)->info().whole());
  });
}

// QEMU's dump-guest-memory -p writes a segment for each virtual mapping.
TEST_F(Hostile, SegmentsThatShowTheSameMemoryAgainAreNone) {
  const auto pages = test::patterned_pages(0, 64);
  ElfBuilder builder;
  builder.load(0, pages).load(16 * kPageSize, ByteSpan(pages).subspan(16 * kPageSize, 16 * kPageSize));
  builder.patch_segment(1, [](Elf64_Phdr& segment) { segment.p_offset -= 48 * kPageSize; });
  write(builder.build());
  const auto dump = Dump::open(path());
  ASSERT_TRUE(dump) << why(dump);
  EXPECT_EQ((*dump)->info().ram_pages, 64u);
  EXPECT_TRUE(verify_dump(**dump, path(), no_progress()).whole);
}

// What the writer takes the reader gives back.
TEST_F(Hostile, AsManyNotesAsTheWriterTakes) {
  std::vector<std::byte> notes(kMaxNoteBytes + 1);
  {
    const UniqueFd fd = create();
    EXPECT_EQ(code_of(KdumpWriter::create(fd.get(), path(), {.max_pfn = 8, .notes = notes})),
              ErrorCode::unsupported);
  }
  const UniqueFd fd = create();
  auto writer =
      KdumpWriter::create(fd.get(), path(), {.max_pfn = 8, .notes = ByteSpan(notes).first(kMaxNoteBytes)})
          .value();
  const std::byte bits{0x01};
  ASSERT_TRUE(writer.write_ram_bits(0, {&bits, 1}) && writer.write_stored_bits(0, {&bits, 1}));
  ASSERT_TRUE(writer.begin_pages(1) && writer.add_zero_page() && writer.finish());
  notes = {};
  const auto dump = Dump::open(path());
  ASSERT_TRUE(dump) << why(dump);
  EXPECT_EQ((*dump)->info().notes.size(), kMaxNoteBytes);
}

TEST_F(Hostile, ProgramHeadersWithoutEnd) {
  ElfBuilder builder;
  builder.extended_numbering().load(0, patterned_page(1)).patch_section([](Elf64_Shdr& section) {
    section.sh_info = 0xffffffff;
  });
  const UniqueFd fd = create();
  ASSERT_TRUE(pwrite_all(fd.get(), 0, builder.build(), path()));
  if (::ftruncate(fd.get(), off_t{1} << 40) != 0) GTEST_SKIP() << "no file of 1 TiB can be here";
  expect_refused(ErrorCode::corrupt);
}

// 17 bytes for each.
TEST_F(Hostile, MillionsOfRecords) {
  auto bytes = test::FlattenedBuilder().without_end().build();
  constexpr uint64_t kRecords = 3'000'000;
  bytes.reserve(bytes.size() + kRecords * 17);
  for (uint64_t index = 0; index < kRecords; ++index) {
    const uint64_t header[] = {swap_bytes(index * 2), swap_bytes(uint64_t{1})};
    test::append(bytes, std::as_bytes(std::span(header)));
    bytes.push_back(std::byte{1});
  }
  write(bytes);
  bytes = {};
  expect_refused(ErrorCode::corrupt);
}

}  // namespace
}  // namespace lifeboat
