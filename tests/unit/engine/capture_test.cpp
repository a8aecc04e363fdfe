// SPDX-License-Identifier: GPL-2.0-or-later
// From a built ELF core to a KDUMP file. It has no VMCOREINFO, so every page is kept.
#include "capture/engine/capture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "src/base/log.h"
#include "src/dump/byte_source.h"
#include "src/dump/verify.h"
#include "tests/support/elf_builder.h"
#include "tests/support/fake_kernel.h"
#include "tests/support/faults.h"
#include "tests/support/flattened_builder.h"
#include "tests/support/kdump_builder.h"
#include "tests/support/pages.h"
#include "tests/support/results.h"
#include "tests/support/usual_page_size.h"

namespace lifeboat {
namespace {

using test::code_of;
using test::ElfBuilder;
using test::FaultInjection;
using test::KdumpBuilder;
using test::why;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

constexpr uint64_t kHigh = 0x100000;
constexpr uint64_t kPages = 3 + 600;

// Low memory, and more than two batches of high memory, of which a third is zero.
std::vector<std::byte> source_bytes() {
  auto high = test::patterned_pages(100, 200);
  test::append(high, test::noise(1, 200 * kPageSize));
  return ElfBuilder()
      .cpu()
      .cpu()
      .load(0x1000, test::patterned_pages(1, 3))
      .load(kHigh, high, 600 * kPageSize)
      .build();
}

// The dump of another, some of whose pages cannot be read.
class Damaged final : public Dump {
 public:
  Damaged(std::unique_ptr<Dump> dump, uint64_t bad_address) : dump_(std::move(dump)), bad_(bad_address) {}
  [[nodiscard]] const DumpInfo& info() const override { return dump_->info(); }
  [[nodiscard]] Result<PageState> page_state(uint64_t pfn) const override { return dump_->page_state(pfn); }
  [[nodiscard]] const std::vector<PhysicalRange>& ram() const override { return dump_->ram(); }
  Result<> read(uint64_t address, MutableByteSpan out) override {
    if (address <= bad_ && bad_ - address < out.size())
      return fail(ErrorCode::io, "uncorrectable memory error");
    return dump_->read(address, out);
  }
  void verify(VerifyReport& report, Progress& progress) override { dump_->verify(report, progress); }

 private:
  std::unique_ptr<Dump> dump_;
  uint64_t bad_;
};

class Capture : public testing::Test {
 protected:
  void SetUp() override {
    log::set_sink([](log::Level, std::string_view) {});
    options_.levels = {31};
    options_.unfilterable = Unfilterable::keep_all;
  }
  void TearDown() override { log::set_sink({}); }

  [[nodiscard]] std::string path() const { return temp_.path() / "vmcore"; }
  Result<CaptureReport> capture(Dump& source) {
    const UniqueFd fd = TRY(open_file(path(), O_RDWR | O_CREAT | O_TRUNC, 0600));
    return capture_dump(source, fd.get(), "vmcore", options_, no_progress());
  }
  // Every page of the source, read from both.
  static void expect_same_pages(Dump& source, Dump& copy) {
    EXPECT_EQ(copy.ram(), source.ram());
    std::vector<std::byte> expected(kPageSize), got(kPageSize);
    for (const auto& range : source.ram()) {
      for (uint64_t at = range.start; at < range.end; at += kPageSize) {
        ASSERT_TRUE(source.read(at, expected));
        const auto read = copy.read(at, got);
        ASSERT_TRUE(read) << why(read);
        ASSERT_EQ(got, expected) << std::hex << at;
      }
    }
  }

  TempDir temp_ = TempDir::create("capture-test").value();
  std::unique_ptr<Dump> source_ = Dump::open(memory_byte_source(source_bytes(), "vmcore")).value();
  CaptureOptions options_;
};

class CaptureCodecs : public Capture, public testing::WithParamInterface<Compression> {};

TEST_P(CaptureCodecs, WholeDumpHoldsEveryPage) {
  options_.compression = {GetParam(), 0};
  const auto report = capture(*source_);
  ASSERT_TRUE(report) << why(report);
  EXPECT_FALSE(report->filtered);
  EXPECT_EQ(report->pages.stored_pages, kPages);
  EXPECT_EQ(report->zero_pages, 200u);
  EXPECT_EQ(report->lost_pages, 0u);
  EXPECT_EQ(report->outcome, DumpOutcome::whole);
  EXPECT_EQ(report->reason, "");
  EXPECT_THAT(report->warnings, Contains(HasSubstr("nothing is filtered")));

  EXPECT_TRUE(verify_dump(path(), no_progress())->whole);
  const auto copy = Dump::open(path()).value();
  EXPECT_EQ(copy->info().format, DumpFormat::kdump);
  EXPECT_EQ(copy->info().compression, GetParam());
  EXPECT_EQ(copy->info().cpus, 2);
  EXPECT_EQ(copy->info().notes, source_->info().notes);
  expect_same_pages(*source_, *copy);
}

INSTANTIATE_TEST_SUITE_P(All, CaptureCodecs,
                         testing::Values(Compression::none, Compression::zlib, Compression::lzo,
                                         Compression::snappy, Compression::zstd),
                         [](const auto& which) { return std::string(compression_name(which.param)); });

TEST_F(Capture, CopyOfACopyIsTheSame) {
  ASSERT_TRUE(capture(*source_));
  const auto first = Dump::open(memory_byte_source(read_file(path()).value(), "first")).value();
  ASSERT_TRUE(capture(*first));
  expect_same_pages(*source_, *Dump::open(path()).value());
}

TEST_F(Capture, WithSomebodyThereToChooseItFails) {
  options_.unfilterable = Unfilterable::fail;
  const auto report = capture(*source_);
  ASSERT_FALSE(report);
  EXPECT_THAT(report.error().to_string(), HasSubstr("cannot filter at level 31"));
  for (const int level : {0, 1}) {
    options_.levels = {level};
    EXPECT_TRUE(capture(*source_)) << "needs to know nothing of the kernel";
  }
}

TEST_F(Capture, UnreadablePageIsLostAloneAndTheMarkStays) {
  Damaged damaged(std::move(source_), kHigh + 5 * kPageSize + 100);
  const auto report = capture(damaged);
  ASSERT_TRUE(report) << why(report);
  EXPECT_EQ(report->lost_pages, 1u);
  EXPECT_EQ(report->outcome, DumpOutcome::incomplete);
  EXPECT_EQ(report->reason, fmt::format("1 of {} pages could not be read", kPages));
  EXPECT_THAT(report->warnings, Contains(HasSubstr("uncorrectable memory error")));
  const auto verified = verify_dump(path(), no_progress()).value();
  EXPECT_FALSE(verified.whole);
  EXPECT_TRUE(verified.incomplete);
  EXPECT_EQ(verified.pages_lost, 1u);
  EXPECT_EQ(verified.pages_damaged, 0u);
}

TEST_F(Capture, FullTargetIsTriedWithTheNextLevel) {
  options_.levels = {31, 1};
  const FaultInjection fault(sys::Call::pwrite, 6, ENOSPC);
  const auto report = capture(*source_);
  ASSERT_TRUE(fault.fired());
  ASSERT_TRUE(report) << why(report);
  EXPECT_THAT(report->warnings, Contains(HasSubstr("no space left at level 31, trying level 1")));
  EXPECT_TRUE(verify_dump(path(), no_progress())->whole);
  expect_same_pages(*source_, *Dump::open(path()).value());
}

TEST_F(Capture, LastLevelWithoutSpaceIsNoSpace) {
  options_.levels = {31, 1};
  const FaultInjection fault(sys::Call::pwrite, 6, ENOSPC, FaultInjection::Duration::for_good);
  EXPECT_EQ(code_of(capture(*source_)), ErrorCode::no_space);
}

TEST_F(Capture, LevelNoneIsReachedWhereNothingElseFits) {
  options_.levels = {31, 1, kNoDump};
  for (const int error : {ENOSPC, EFBIG}) {
    const FaultInjection fault(sys::Call::pwrite, 6, error, FaultInjection::Duration::for_good);
    const auto report = capture(*source_);
    ASSERT_TRUE(report) << why(report);
    EXPECT_EQ(report->outcome, DumpOutcome::log_only);
    EXPECT_TRUE(report->fell_back);
    EXPECT_THAT(report->reason, HasSubstr("no space left at level 1, trying level none"));
    EXPECT_EQ(std::filesystem::file_size(path()), 0U) << "the space is free again";
  }
}

TEST_F(Capture, LevelNoneIsNotForOtherErrors) {
  options_.levels = {31, kNoDump};
  const FaultInjection fault(sys::Call::pwrite, 6, EIO, FaultInjection::Duration::for_good);
  EXPECT_EQ(code_of(capture(*source_)), ErrorCode::io);
}

TEST_F(Capture, LevelNoneIsNotReachedWhereADumpFits) {
  options_.levels = {31, kNoDump};
  const auto report = capture(*source_);
  ASSERT_TRUE(report) << why(report);
  EXPECT_EQ(report->outcome, DumpOutcome::whole);
  EXPECT_FALSE(report->fell_back);
}

TEST_F(Capture, ALaterLevelIsNamedAsSuch) {
  options_.levels = {31, 1};
  const FaultInjection fault(sys::Call::pwrite, 6, ENOSPC);
  const auto report = capture(*source_);
  ASSERT_TRUE(report) << why(report);
  EXPECT_TRUE(report->fell_back);
}

TEST_F(Capture, LevelNoneLeavesNoFile) {
  options_.levels = {31, kNoDump};
  const UniqueFd folder = open_file(temp_.path(), O_RDONLY | O_DIRECTORY).value();
  auto file = PendingFile::create(folder.get(), "new.incomplete", "new").value();
  const FaultInjection fault(sys::Call::pwrite, 6, ENOSPC, FaultInjection::Duration::for_good);
  const auto report = capture_into(*source_, file, "new", options_, no_progress());
  ASSERT_TRUE(report) << why(report);
  EXPECT_EQ(report->outcome, DumpOutcome::log_only);
  EXPECT_FALSE(std::filesystem::exists(temp_.path() / "new"));
  EXPECT_FALSE(std::filesystem::exists(temp_.path() / "new.incomplete"));
}

// Wherever the disk becomes full: the write that found no room is made again, and nothing is missing.
TEST_F(Capture, SpaceThatIsFreedIsUsed) {
  int asked = 0;
  options_.make_space = [&asked] {
    ++asked;
    return true;
  };
  for (const auto call : {sys::Call::pwrite, sys::Call::ftruncate}) {
    int nth = 0;
    for (;; ++nth) {
      asked = 0;
      const FaultInjection fault(call, nth, nth % 2 == 0 ? ENOSPC : EDQUOT);
      const auto report = capture(*source_);
      ASSERT_TRUE(report) << why(report);
      if (!fault.fired()) break;
      EXPECT_EQ(asked, 1) << nth;
      EXPECT_TRUE(verify_dump(path(), no_progress())->whole) << nth;
      EXPECT_THAT(report->warnings, Not(Contains(HasSubstr("no space left")))) << nth;
    }
    EXPECT_GT(nth, 1);
  }
  expect_same_pages(*source_, *Dump::open(path()).value());
}

TEST_F(Capture, NextLevelIsTriedOnceNoMoreSpaceCanBeFreed) {
  options_.levels = {31, 1};
  int left = 2;
  options_.make_space = [&left] { return left-- > 0; };
  const FaultInjection fault(sys::Call::pwrite, 6, ENOSPC, FaultInjection::Duration::for_good);
  EXPECT_EQ(code_of(capture(*source_)), ErrorCode::no_space);
  EXPECT_EQ(left, -2) << "two crashes went, then each level asked once more; giving up asks for nothing";
}

TEST_F(Capture, AnotherErrorThanNoSpaceFreesNoSpace) {
  options_.make_space = []() -> bool {
    ADD_FAILURE();
    return true;
  };
  const FaultInjection fault(sys::Call::pwrite, 6, EIO, FaultInjection::Duration::for_good);
  EXPECT_EQ(code_of(capture(*source_)), ErrorCode::io);
}

TEST_F(Capture, AnotherErrorThanNoSpaceIsNotTriedAgain) {
  options_.levels = {31, 1};
  const FaultInjection fault(sys::Call::pwrite, 6, EIO);
  const auto report = capture(*source_);
  EXPECT_EQ(code_of(report), ErrorCode::io);
}

TEST_F(Capture, EveryFailingWriteLeavesTheMark) {
  int nth = 0;
  for (const auto call : {sys::Call::pwrite, sys::Call::fsync, sys::Call::pread}) {
    for (nth = 0;; ++nth) {
      const FaultInjection fault(call, nth, EIO);
      const auto report = capture(*source_);
      if (!fault.fired()) break;
      ASSERT_FALSE(report) << nth;
      const auto dump = Dump::open(path());
      if (dump) {
        EXPECT_TRUE((*dump)->info().incomplete) << nth;
      }
    }
    EXPECT_GT(nth, 0);
    EXPECT_TRUE(verify_dump(path(), no_progress())->whole) << "the run without a fault";
  }
}

// Memory that cannot be read will not be readable for the next level either.
TEST_F(Capture, UnreadablePageIsNoReasonForTheNextLevel) {
  options_.levels = {0, 1};
  Damaged damaged(std::move(source_), kHigh);
  const auto report = capture(damaged);
  ASSERT_TRUE(report) << why(report);
  EXPECT_EQ(report->outcome, DumpOutcome::incomplete);
  EXPECT_EQ(report->level, 0);
}

TEST_F(Capture, WithoutAReadablePageItHasFailed) {
  const auto lost = [](KdumpBuilder builder) {
    for (uint64_t pfn = 0; pfn < 40; ++pfn) builder.lost_page(pfn);
    return builder.build();
  };
  const auto source = Dump::open(memory_byte_source(lost(KdumpBuilder(40)), "lost")).value();
  EXPECT_EQ(code_of(capture(*source)), ErrorCode::lost);
  EXPECT_TRUE(Dump::open(path()).value()->info().incomplete);
}

// vfat takes no file of 4 GiB, and a limit none beyond it: less may fit, but room would not help.
TEST_F(Capture, FileThatBecomesTooLargeIsTriedWithTheNextLevel) {
  options_.levels = {31, 1};
  options_.make_space = []() -> bool {
    ADD_FAILURE();
    return false;
  };
  {
    const FaultInjection fault(sys::Call::pwrite, 6, EFBIG);
    const auto report = capture(*source_);
    ASSERT_TRUE(report) << why(report);
    EXPECT_EQ(report->outcome, DumpOutcome::whole);
    EXPECT_THAT(report->warnings, Contains(HasSubstr("trying level 1")));
  }
  const FaultInjection fault(sys::Call::pwrite, 6, EFBIG, FaultInjection::Duration::for_good);
  const auto report = capture(*source_);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().sys_errno, EFBIG);
  // Of the last level not even the headers were written.
  EXPECT_FALSE(Dump::open(path()).has_value());
}

// --- Into a file that is to get its final name.

class CaptureInto : public Capture {
 protected:
  Result<CaptureReport> capture_into_folder(Dump& source) {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directory(folder_);
    const UniqueFd dir = TRY(open_file(folder_, O_RDONLY | O_DIRECTORY));
    auto file = TRY(PendingFile::create(dir.get(), "vmcore.incomplete", "vmcore"));
    return capture_into(source, file, "vmcore", options_, no_progress());
  }
  [[nodiscard]] bool has(const char* name) const { return std::filesystem::exists(folder_ / name); }
  // Either the file has its final name, is whole and marked so, or it is marked incomplete.
  void expect_mark_agrees() const {
    ASSERT_NE(has("vmcore"), has("vmcore.incomplete"));
    if (has("vmcore")) {
      EXPECT_TRUE(verify_dump(folder_ / "vmcore", no_progress())->whole);
    } else if (const auto dump = Dump::open(folder_ / "vmcore.incomplete")) {
      EXPECT_TRUE((*dump)->info().incomplete);
    }
  }

  std::filesystem::path folder_ = temp_.path() / "crash";
};

TEST_F(CaptureInto, WholeDumpGetsItsName) {
  EXPECT_EQ(capture_into_folder(*source_)->outcome, DumpOutcome::whole);
  EXPECT_TRUE(has("vmcore"));
  expect_mark_agrees();
}

TEST_F(CaptureInto, IncompleteDumpDoesNot) {
  Damaged damaged(std::move(source_), kHigh);
  EXPECT_EQ(capture_into_folder(damaged)->outcome, DumpOutcome::incomplete);
  EXPECT_TRUE(has("vmcore.incomplete"));
  expect_mark_agrees();
}

// Whichever call of the whole capture fails: the last syncs and the rename above all.
TEST_F(CaptureInto, EachFailingCallLeavesAMarkedFile) {
  bool fired = true;
  int nth = 0;
  for (; fired; ++nth) {
    fired = false;
    int calls = 0;
    bool armed = true;
    sys::set_fault_hook([&](sys::Call call) {
      // What is opened, is opened before anything is written.
      if (!armed || call == sys::Call::open || calls++ != nth) return 0;
      armed = false;
      fired = true;
      return EIO;
    });
    const auto report = capture_into_folder(*source_);
    sys::set_fault_hook({});
    EXPECT_EQ(report.has_value(), !fired) << "call " << nth;
    SCOPED_TRACE(nth);
    expect_mark_agrees();
    if (fired) {
      EXPECT_TRUE(has("vmcore.incomplete")) << "what has failed has no final name";
    }
  }
  EXPECT_GT(nth, 10);
  EXPECT_TRUE(has("vmcore")) << "the run without a fault";
}

// --- What the source itself does not have.

// Some pages, of which the last is noise.
KdumpBuilder some_kdump() {
  KdumpBuilder builder(64);
  for (uint64_t pfn = 0; pfn < 20; ++pfn) builder.page(pfn, test::patterned_page(pfn), Compression::zstd);
  builder.page(20, test::noise(1, kPageSize));
  return builder;
}

struct IncompleteSource {
  const char* name;
  std::vector<std::byte> (*bytes)();
  uint64_t lost;
};
class CaptureOfIncomplete : public CaptureInto, public testing::WithParamInterface<IncompleteSource> {};

TEST_P(CaptureOfIncomplete, IsIncomplete) {
  const auto source = Dump::open(memory_byte_source(GetParam().bytes(), "source")).value();
  options_.levels = {0};
  const auto report = capture_into_folder(*source);
  ASSERT_TRUE(report) << why(report);
  EXPECT_EQ(report->outcome, DumpOutcome::incomplete);
  EXPECT_EQ(report->lost_pages, GetParam().lost);
  EXPECT_THAT(report->reason, HasSubstr(GetParam().lost > 0 ? "could not be read" : "not whole"));
  EXPECT_TRUE(has("vmcore.incomplete"));
  EXPECT_FALSE(verify_dump(folder_ / "vmcore.incomplete", no_progress())->whole);
  expect_mark_agrees();
}

INSTANTIATE_TEST_SUITE_P(
    All, CaptureOfIncomplete,
    testing::Values(
        IncompleteSource{"marked_kdump",
                         [] {
                           return some_kdump()
                               .patch_header(
                                   [](kdump::Header& header) { header.status |= kdump::kStatusIncomplete; })
                               .build();
                         },
                         0},
        IncompleteSource{"kdump_with_a_lost_page", [] { return some_kdump().lost_page(30).build(); }, 1},
        IncompleteSource{"kdump_cut_off",
                         [] {
                           auto bytes = some_kdump().build();
                           bytes.pop_back();
                           return bytes;
                         },
                         1},
        // One bit too many in the second bitmap: page 30 was left out.
        IncompleteSource{"kdump_whose_bitmap_is_damaged",
                         [] {
                           auto builder = some_kdump().ram(30);
                           auto bytes = builder.build();
                           bytes[builder.layout().second_bitmap + 30 / 8] ^= std::byte{1u << 30 % 8};
                           return bytes;
                         },
                         1},
        IncompleteSource{
            "flattened_without_end",
            [] { return test::FlattenedBuilder().file(some_kdump().build(), 5000).without_end().build(); },
            0},
        IncompleteSource{"marked_elf",
                         [] {
                           return ElfBuilder()
                               .load(0x1000, test::patterned_pages(1, 3))
                               .patch_header([](Elf64_Ehdr& header) { header.e_flags |= 1; })
                               .build();
                         },
                         0},
        IncompleteSource{"elf_cut_off",
                         [] {
                           auto bytes = ElfBuilder().load(0x1000, test::patterned_pages(1, 3)).build();
                           bytes.pop_back();
                           return bytes;
                         },
                         1}),
    [](const auto& which) { return std::string(which.param.name); });

TEST_F(CaptureInto, FlattenedSourceWithItsEndIsWhole) {
  const auto bytes = test::FlattenedBuilder().file(some_kdump().build(), 5000).build();
  const auto source = Dump::open(memory_byte_source(bytes, "flat")).value();
  EXPECT_EQ(capture_into_folder(*source)->outcome, DumpOutcome::whole);
}

TEST_F(CaptureInto, PagesThatTheSourceLeftOutStayLeftOut) {
  const auto bytes =
      some_kdump().ram(30, 30).patch_sub_header([](kdump::SubHeader& sub) { sub.dump_level = 30; }).build();
  const auto source = Dump::open(memory_byte_source(bytes, "source")).value();
  for (const int level : {0, 1}) {
    options_.levels = {level};
    const auto report = capture_into_folder(*source);
    ASSERT_TRUE(report) << why(report);
    EXPECT_EQ(report->outcome, DumpOutcome::whole) << report->reason;
    EXPECT_EQ(report->lost_pages, 0u);
    EXPECT_EQ(report->pages.ram_pages, 51u);
    EXPECT_EQ(report->pages.stored_pages, 21u);
    EXPECT_EQ(report->pages.left_out_before, 30u);
    EXPECT_EQ(report->level, 30 | level);

    const auto copy = Dump::open(folder_ / "vmcore").value();
    EXPECT_EQ(copy->info().dump_level, 30 | level) << "the union of both";
    for (uint64_t pfn = 0; pfn < 64; ++pfn)
      EXPECT_EQ(copy->page_state(pfn).value(), source->page_state(pfn).value()) << pfn;
    EXPECT_EQ(copy->ram(), source->ram());
    EXPECT_TRUE(verify_dump(folder_ / "vmcore", no_progress())->whole);
  }
}

// A filtered dump of a kernel that can be understood is filtered further.
TEST_F(CaptureInto, FilteredDumpIsFilteredFurther) {
  test::FakeKernel kernel;
  constexpr uint64_t kUserPage = 3000, kGone = 3100;  // below the image
  kernel.set_page(kUserPage, {.flags = test::kFakeLru | test::kFakeSwapBacked, .mapping = 1, .mapcount = 0});
  kernel.write_kdump(path(), {kGone}, kLevelFree);
  const auto source = Dump::open(path()).value();
  options_.levels = {kLevelUser};
  options_.unfilterable = Unfilterable::fail;
  const auto report = capture_into_folder(*source);
  ASSERT_TRUE(report) << why(report);
  EXPECT_EQ(report->outcome, DumpOutcome::whole) << report->reason;
  EXPECT_TRUE(report->filtered);
  EXPECT_EQ(report->level, kLevelUser | kLevelFree);
  const auto copy = Dump::open(folder_ / "vmcore").value();
  EXPECT_EQ(copy->page_state(kUserPage), PageState::excluded);
  EXPECT_EQ(copy->page_state(kGone), PageState::excluded);
  EXPECT_EQ(copy->page_state(kGone + 1), PageState::stored);
  // For readers that know the kernel's place by the header alone.
  kdump::SubHeader header{};
  const auto file = open_file(folder_ / "vmcore", O_RDONLY).value();
  ASSERT_TRUE(pread_exact(file.get(), kPageSize, std::as_writable_bytes(std::span(&header, 1)), "vmcore"));
  EXPECT_EQ(header.phys_base, test::kFakePhysBase);
}

// The source left out a page of the mem_map: the pages that it describes have no known class, are kept, and
// reported.
TEST_F(CaptureInto, PagesWhoseDescriptorsTheSourceLeftOutAreKept) {
  test::FakeKernel kernel;
  constexpr uint64_t kUserPage = 3000;  // below the image
  constexpr uint64_t kPerPage = kPageSize / test::kFakePageSize;
  kernel.set_page(kUserPage, {.flags = test::kFakeLru | test::kFakeSwapBacked, .mapping = 1, .mapcount = 0});
  kernel.write_kdump(path(), {kernel.mem_map_physical() / kPageSize + kUserPage / kPerPage}, 0);
  const auto source = Dump::open(path()).value();
  options_.levels = {31};
  const auto report = capture_into_folder(*source);
  ASSERT_TRUE(report) << why(report);
  EXPECT_EQ(report->outcome, DumpOutcome::whole) << report->reason;
  EXPECT_EQ(report->pages.unreadable_pages, kPerPage);
  EXPECT_THAT(report->warnings, Contains(HasSubstr("descriptors of 64 pages cannot be read")));
  EXPECT_EQ(Dump::open(folder_ / "vmcore").value()->page_state(kUserPage), PageState::stored);
}

TEST_F(Capture, NoLevelIsAMistake) {
  options_.levels = {};
  EXPECT_EQ(code_of(capture(*source_)), ErrorCode::usage);
}

TEST_F(Capture, IncompleteSourceIsReported) {
  const auto bytes = source_bytes();
  const auto cut = Dump::open(memory_byte_source(ByteSpan(bytes).first(bytes.size() - 1), "cut")).value();
  const auto report = capture(*cut);
  ASSERT_TRUE(report) << why(report);
  EXPECT_THAT(report->warnings, Contains(HasSubstr("not whole")));
  EXPECT_EQ(report->outcome, DumpOutcome::incomplete);
  EXPECT_EQ(report->lost_pages, 1u);
}

}  // namespace
}  // namespace lifeboat
