// SPDX-License-Identifier: GPL-2.0-or-later
// The pipeline with a source that is made up while it is read. Also compiled with ThreadSanitizer, so it uses
// nothing but the engine's own libraries.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <atomic>
#include <csignal>

#include "capture/engine/capture.h"
#include "src/base/log.h"
#include "src/dump/verify.h"

namespace lifeboat {
namespace {

constexpr uint64_t kPages = 6000;

// Contents by page frame: zeros, the same text many times, or text of its own.
class MadeUp final : public Dump {
 public:
  explicit MadeUp(uint64_t bad_page = UINT64_MAX) : bad_page_(bad_page) {
    info_.machine = "x86_64";
    info_.max_pfn = kPages;
    info_.ram_pages = info_.stored_pages = kPages;
    info_.cpus = 1;
    ram_ = {{0, info_.page_size.address(kPages)}};
  }
  [[nodiscard]] const DumpInfo& info() const override { return info_; }
  [[nodiscard]] Result<PageState> page_state(uint64_t) const override { return PageState::stored; }
  [[nodiscard]] const std::vector<PhysicalRange>& ram() const override { return ram_; }
  [[nodiscard]] bool parallel_reads() const override { return true; }
  void verify(VerifyReport&, Progress&) override {}
  Result<> read(uint64_t address, MutableByteSpan out) override {
    const PageSize page_size = info_.page_size;
    for (size_t done = 0; done < out.size(); done += page_size.bytes()) {
      const uint64_t pfn = page_size.frame(address + done);
      if (pfn == bad_page_) return fail(ErrorCode::io, "page {:#x} is bad", pfn);
      fill(pfn, out.subspan(done, page_size.bytes()));
    }
    return {};
  }

 private:
  static void fill(uint64_t pfn, MutableByteSpan page) {
    const uint64_t seed = pfn % 4 == 0 ? 0 : pfn % 4 == 1 ? 1 + pfn / 4 % 50 : pfn;
    for (size_t index = 0; index < page.size(); ++index)
      page[index] = static_cast<std::byte>(seed == 0 ? 0 : (seed * (index / 16 + 1)) >> (index % 3));
  }
  uint64_t bad_page_;
  DumpInfo info_;
  std::vector<PhysicalRange> ram_;
};

class Threads : public testing::TestWithParam<std::tuple<unsigned, Compression>> {
 protected:
  void SetUp() override {
    log::set_sink([](log::Level, std::string_view) {});
    std::tie(options_.threads, options_.compression.compression) = GetParam();
    options_.levels = {0};
    options_.memory = size_t{64} << 20;
    options_.leading_pages = [] { return std::vector<uint64_t>{5000, 17, 4001, 3}; };
  }
  void TearDown() override { log::set_sink({}); }
  Result<CaptureReport> capture(Dump& source) {
    const UniqueFd fd = TRY(open_file(path_, O_RDWR | O_CREAT | O_TRUNC, 0600));
    return capture_dump(source, fd.get(), "vmcore", options_, no_progress());
  }
  TempDir folder_ = TempDir::create("threads").value();
  std::string path_ = folder_.path() / "vmcore";
  CaptureOptions options_;
};

INSTANTIATE_TEST_SUITE_P(All, Threads,
                         testing::Combine(testing::Values(2u, 5u),
                                          testing::Values(Compression::none, Compression::lzo,
                                                          Compression::zstd)),
                         [](const auto& which) {
                           return fmt::format("{}_{}", std::get<0>(which.param),
                                              compression_name(std::get<1>(which.param)));
                         });

TEST_P(Threads, MakeAWholeDump) {
  MadeUp source;
  const auto report = capture(source);
  ASSERT_TRUE(report) << report.error().to_string();
  EXPECT_EQ(report->outcome, DumpOutcome::whole);
  EXPECT_EQ(report->threads, options_.threads);
  EXPECT_GT(report->shared_pages, kPages / 8);
  EXPECT_TRUE(verify_dump(path_, no_progress())->whole);
  const auto copy = Dump::open(path_).value();
  const PageSize page_size = source.info().page_size;
  std::vector<std::byte> expected(page_size.bytes()), got(page_size.bytes());
  for (uint64_t pfn = 0; pfn < kPages; pfn += 7) {
    ASSERT_TRUE(source.read(page_size.address(pfn), expected));
    ASSERT_TRUE(copy->read(page_size.address(pfn), got));
    ASSERT_EQ(got, expected) << pfn;
  }
}

TEST_P(Threads, LoseOnePage) {
  MadeUp source(4321);
  const auto report = capture(source);
  ASSERT_TRUE(report) << report.error().to_string();
  EXPECT_EQ(report->outcome, DumpOutcome::incomplete);
  EXPECT_EQ(report->lost_pages, 1u);
}

// A file that must not grow any further (RLIMIT_FSIZE): the writer fails while all threads are at work.
TEST_P(Threads, EndWhenTheTargetIsFull) {
  MadeUp source;
  rlimit old{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &old), 0);
  auto* const handler = std::signal(SIGXFSZ, SIG_IGN);
  for (const rlim_t size : {200'000, 300'000, 700'000}) {
    const rlimit limit{size, old.rlim_max};
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &limit), 0);
    const auto report = capture(source);
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &old), 0);
    if (report) continue;  // it fits
    EXPECT_EQ(report.error().sys_errno, EFBIG);
    const auto dump = Dump::open(path_);
    if (dump) {
      EXPECT_TRUE((*dump)->info().incomplete);
    }
  }
  std::signal(SIGXFSZ, handler);
}

}  // namespace
}  // namespace lifeboat
