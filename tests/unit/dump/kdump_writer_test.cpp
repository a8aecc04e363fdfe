// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/dump/kdump_writer.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "src/dump/kdump_reader.h"
#include "src/dump/verify.h"
#include "tests/support/elf_builder.h"
#include "tests/support/faults.h"
#include "tests/support/kdump_builder.h"
#include "tests/support/pages.h"
#include "tests/support/results.h"
#include "tests/support/usual_page_size.h"

namespace lifeboat {
namespace {

using test::code_of;
using test::FaultInjection;
using test::noise;
using test::patterned_page;
using test::why;

constexpr uint64_t kPages = 600;  // of noise: more than one buffer of page data
constexpr std::string_view kText = "OSRELEASE=6.1.0-test\n";

class KdumpWriterTest : public testing::Test {
 protected:
  void SetUp() override {
    notes_ = test::elf_note("VMCOREINFO", 0, as_byte_span(kText));
    options_.max_pfn = kPages;
    options_.dump_level = 31;
    options_.timestamp_seconds = 1795423348;
    options_.cpus = 3;
    options_.uts = {"Linux", "host", "6.1.0", "#1", "x86_64", std::string(100, 'd')};
    options_.notes = notes_;
    options_.vmcoreinfo_offset = notes_.size() - align_up(kText.size(), 4);
    options_.vmcoreinfo_size = kText.size();
    reset();
  }
  void reset() { fd_ = open_file(path(), O_RDWR | O_CREAT | O_TRUNC, 0600).value(); }
  [[nodiscard]] std::string path() const { return temp_.path() / "vmcore"; }

  // Every third page is zero, page 7 packed, the others noise.
  static Result<> add(KdumpWriter& writer, uint64_t pfn) {
    if (pfn % 3 == 0) return writer.add_zero_page();
    if (pfn != 7) return writer.add_page(noise(pfn, kPageSize), 0);
    const auto compressor = PageCompressor::create(Compression::zstd).value();
    return writer.add_page(compressor->compress(patterned_page(7)).value(), kdump::kStatusZstd);
  }
  static std::vector<std::byte> expected(uint64_t pfn) {
    if (pfn % 3 == 0) return std::vector<std::byte>(kPageSize);
    return pfn == 7 ? patterned_page(7) : noise(pfn, kPageSize);
  }

  static Result<> write_pages(KdumpWriter& writer) {
    const std::vector<std::byte> bits(kPages / 8, std::byte{0xff});
    TRY_VOID(writer.write_ram_bits(0, bits));
    TRY_VOID(writer.write_stored_bits(0, bits));
    TRY_VOID(writer.begin_pages(kPages));
    for (uint64_t pfn = 0; pfn < kPages; ++pfn) TRY_VOID(add(writer, pfn));
    TRY_VOID(writer.finish());
    return {};
  }
  // As a capture does it: what fails is abandoned.
  Result<> write_all_of_it() {
    auto writer = TRY(KdumpWriter::create(fd_.get(), "vmcore", options_));
    auto written = write_pages(writer);
    if (!written) writer.abandon();
    return written;
  }
  // Whatever the file gives is right; returns how many pages it gives.
  static uint64_t check_pages(Dump& dump) {
    uint64_t good = 0;
    std::vector<std::byte> page(kPageSize);
    for (uint64_t pfn = 0; pfn < kPages; ++pfn) {
      if (dump.page_state(pfn).value() != PageState::stored) continue;
      const auto read = dump.read(pfn * kPageSize, page);
      if (read) {
        EXPECT_EQ(page, expected(pfn)) << pfn;
        ++good;
      } else {
        EXPECT_EQ(read.error().code, ErrorCode::lost) << pfn << ' ' << read.error().to_string();
      }
    }
    return good;
  }

  TempDir temp_ = TempDir::create("writer-test").value();
  std::vector<std::byte> notes_;
  KdumpWriterOptions options_;
  UniqueFd fd_;
};

TEST_F(KdumpWriterTest, WholeFileReadsBack) {
  ASSERT_TRUE(write_all_of_it());
  const auto dump = Dump::open(path());
  ASSERT_TRUE(dump) << why(dump);
  const DumpInfo& info = (*dump)->info();
  EXPECT_FALSE(info.incomplete);
  EXPECT_EQ(info.dump_level, 31);
  EXPECT_EQ(info.compression, Compression::zstd);
  EXPECT_EQ(info.timestamp, 1795423348u);
  EXPECT_EQ(info.max_pfn, kPages);
  EXPECT_EQ(info.stored_pages, kPages);
  EXPECT_EQ(info.vmcoreinfo, kText);
  EXPECT_EQ(info.notes, notes_);
  EXPECT_EQ(info.cpus, 3);
  EXPECT_EQ(info.uts.release, "6.1.0");
  EXPECT_EQ(info.uts.domainname, std::string(64, 'd')) << "cut, with its NUL kept";
  EXPECT_EQ(check_pages(**dump), kPages);
  EXPECT_TRUE(verify_dump(path(), no_progress())->whole);
}

TEST_F(KdumpWriterTest, CodecMayBeChosenAfterTheHeaderIsWritten) {
  for (const Compression codec : {Compression::lzo, Compression::none, Compression::zlib}) {
    reset();
    auto writer = KdumpWriter::create(fd_.get(), "vmcore", options_);
    ASSERT_TRUE(writer) << why(writer);
    ASSERT_TRUE(writer->set_compression(codec));
    const auto begun = Dump::open(path());
    ASSERT_TRUE(begun) << why(begun);
    EXPECT_EQ((*begun)->info().compression, codec);
    EXPECT_TRUE((*begun)->info().incomplete) << "the mark stays";
    ASSERT_TRUE(write_pages(*writer));
    const auto dump = Dump::open(path());
    ASSERT_TRUE(dump) << why(dump);
    EXPECT_EQ((*dump)->info().compression, codec);
    EXPECT_FALSE((*dump)->info().incomplete);
    EXPECT_EQ(check_pages(**dump), kPages);
  }
}

TEST_F(KdumpWriterTest, ZeroPagesShareOneCopy) {
  ASSERT_TRUE(write_all_of_it());
  const auto dump =
      KdumpReader::open(open_byte_source(open_file(path(), O_RDONLY).value(), path()).value()).value();
  const auto first = dump->descriptor(0).value();
  EXPECT_EQ(first.offset, dump->data_offset());
  for (uint64_t pfn = 3; pfn < kPages; pfn += 3)
    ASSERT_EQ(dump->descriptor(pfn)->offset, first.offset) << pfn;
}

TEST_F(KdumpWriterTest, BitmapsReadBackChunkByChunk) {
  const auto writer = KdumpWriter::create(fd_.get(), "vmcore", options_);
  ASSERT_TRUE(writer);
  auto& open = const_cast<KdumpWriter&>(*writer);
  ASSERT_TRUE(open.write_ram_bits(0, std::vector<std::byte>(kPages / 8, std::byte{0xff})));
  ASSERT_TRUE(open.write_stored_bits(64, noise(1, 16)));
  std::vector<std::byte> bits(16);
  ASSERT_TRUE(writer->read_stored_bits(64, bits));
  EXPECT_EQ(bits, noise(1, 16));
  ASSERT_TRUE(writer->read_stored_bits(192, bits));
  EXPECT_EQ(bits, std::vector<std::byte>(16)) << "never written";
}

// The mark is cleared last: a writer that dies at any moment before leaves it.
TEST_F(KdumpWriterTest, UnfinishedFileIsMarkedIncomplete) {
  auto writer = KdumpWriter::create(fd_.get(), "vmcore", options_).value();
  const auto incomplete = [&] { return Dump::open(path()).value()->info().incomplete; };
  EXPECT_TRUE(incomplete());
  const std::vector<std::byte> bits(kPages / 8, std::byte{0xff});
  ASSERT_TRUE(writer.write_ram_bits(0, bits));
  ASSERT_TRUE(writer.write_stored_bits(0, bits));
  ASSERT_TRUE(writer.begin_pages(kPages));
  EXPECT_TRUE(incomplete());
  for (uint64_t pfn = 0; pfn < kPages; ++pfn) ASSERT_TRUE(add(writer, pfn));
  EXPECT_TRUE(incomplete());
  EXPECT_EQ(writer.finish().value(), DumpOutcome::whole);
  EXPECT_FALSE(incomplete());
}

TEST_F(KdumpWriterTest, LostPageKeepsTheMark) {
  auto writer = KdumpWriter::create(fd_.get(), "vmcore", options_).value();
  const std::vector<std::byte> bits{std::byte{7}};
  ASSERT_TRUE(writer.write_ram_bits(0, bits));
  ASSERT_TRUE(writer.write_stored_bits(0, bits));
  ASSERT_TRUE(writer.begin_pages(3));
  ASSERT_TRUE(writer.add_zero_page());
  ASSERT_TRUE(writer.add_lost_page());
  ASSERT_TRUE(writer.add_page(noise(2, kPageSize), 0));
  EXPECT_EQ(writer.finish().value(), DumpOutcome::incomplete);
  EXPECT_EQ(writer.lost_pages(), 1u);
  const auto dump = Dump::open(path()).value();
  EXPECT_TRUE(dump->info().incomplete);
  EXPECT_EQ(check_pages(*dump), 2u);
}

TEST_F(KdumpWriterTest, MissingPagesKeepTheMarkAndMoreThanAnnouncedAreRefused) {
  auto writer = KdumpWriter::create(fd_.get(), "vmcore", options_).value();
  ASSERT_TRUE(writer.begin_pages(2));
  ASSERT_TRUE(writer.add_zero_page());
  EXPECT_EQ(code_of(writer.finish()), ErrorCode::corrupt) << "one page of two is not a dump";
  EXPECT_TRUE(Dump::open(path()).value()->info().incomplete);
  ASSERT_TRUE(writer.add_zero_page());
  EXPECT_EQ(writer.finish().value(), DumpOutcome::whole);
  EXPECT_EQ(code_of(writer.add_zero_page()), ErrorCode::corrupt);
}

TEST_F(KdumpWriterTest, CopyOfAnIncompleteSourceKeepsTheMark) {
  options_.source_incomplete = true;
  auto writer = KdumpWriter::create(fd_.get(), "vmcore", options_).value();
  ASSERT_TRUE(writer.begin_pages(1));
  ASSERT_TRUE(writer.add_zero_page());
  EXPECT_EQ(writer.finish().value(), DumpOutcome::incomplete);
  EXPECT_TRUE(Dump::open(path()).value()->info().incomplete);
}

TEST_F(KdumpWriterTest, WithoutAReadablePageItHasFailed) {
  auto writer = KdumpWriter::create(fd_.get(), "vmcore", options_).value();
  ASSERT_TRUE(writer.begin_pages(2));
  ASSERT_TRUE(writer.add_lost_page());
  ASSERT_TRUE(writer.add_lost_page());
  EXPECT_EQ(code_of(writer.finish()), ErrorCode::lost);
  EXPECT_TRUE(Dump::open(path()).value()->info().incomplete);
}

TEST_F(KdumpWriterTest, TooManyPagesForTheFormatAreUnsupported) {
  options_.max_pfn = ~uint64_t{0};
  EXPECT_EQ(code_of(KdumpWriter::create(fd_.get(), "vmcore", options_)), ErrorCode::unsupported);
}

// --- Each call fails once, or for good from there on: a full or broken disk.

struct FaultCase {
  const char* name;
  sys::Call call;
  int error;
  FaultInjection::Duration duration;
};
class KdumpWriterFaults : public KdumpWriterTest, public testing::WithParamInterface<FaultCase> {};

TEST_P(KdumpWriterFaults, LeaveAFileThatIsMarkedIncomplete) {
  const auto& [name, call, error, duration] = GetParam();
  int nth = 0;
  uint64_t most_pages = 0;
  for (;; ++nth) {
    reset();
    Result<> written;
    {
      const FaultInjection fault(call, nth, error, duration);
      written = write_all_of_it();
      if (!fault.fired()) break;
    }
    ASSERT_FALSE(written) << "call " << nth << " failed without an error";
    EXPECT_EQ(written.error().sys_errno, error);
    const auto dump = Dump::open(path());
    // Failing while the headers are written: not a dump yet, or one without memory.
    if (!dump) continue;
    const uint64_t good = check_pages(**dump);
    most_pages = std::max(most_pages, good);
    EXPECT_TRUE((*dump)->info().incomplete) << "after call " << nth << " failed, with " << good << " pages";
    EXPECT_FALSE(verify_dump(path(), no_progress())->whole);
  }
  EXPECT_GT(nth, 0) << "the writer never made this call";
  if (call != sys::Call::ftruncate) {
    EXPECT_GT(most_pages, 0u) << "late failures must keep what was written";
  }
  // The run that met no fault any more.
  const auto dump = Dump::open(path()).value();
  EXPECT_FALSE(dump->info().incomplete);
  EXPECT_EQ(check_pages(*dump), kPages);
}

using Duration = FaultInjection::Duration;
INSTANTIATE_TEST_SUITE_P(
    All, KdumpWriterFaults,
    testing::Values(FaultCase{"pwrite_once", sys::Call::pwrite, EIO, Duration::once},
                    FaultCase{"pwrite_for_good", sys::Call::pwrite, ENOSPC, Duration::for_good},
                    FaultCase{"fsync_once", sys::Call::fsync, EIO, Duration::once},
                    FaultCase{"fsync_for_good", sys::Call::fsync, EIO, Duration::for_good},
                    FaultCase{"ftruncate_once", sys::Call::ftruncate, ENOSPC, Duration::once}),
    [](const auto& which) { return std::string(which.param.name); });

}  // namespace
}  // namespace lifeboat
