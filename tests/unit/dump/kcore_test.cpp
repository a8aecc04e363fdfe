// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/dump/kcore.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

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
using testing::ElementsAre;
using testing::HasSubstr;

constexpr uint64_t kNowhere = ~uint64_t{0};
constexpr uint64_t kLow = 0x1000, kHigh = 0x100000;

// What is behind it may be exchanged at any time.
class ChangingSource final : public ByteSource {
 public:
  explicit ChangingSource(std::vector<std::byte> bytes) : bytes_(std::move(bytes)) {}
  [[nodiscard]] uint64_t size() const override { return INT64_MAX; }
  [[nodiscard]] const std::string& name() const override { return name_; }
  Result<> read(uint64_t offset, MutableByteSpan out) const override {
    if (offset > bytes_.size() || out.size() > bytes_.size() - offset)
      return fail(ErrorCode::not_present, "nothing at {:#x}", offset);
    std::memcpy(out.data(), bytes_.data() + offset, out.size());
    return {};
  }
  void exchange(std::vector<std::byte> bytes) { bytes_ = std::move(bytes); }

 private:
  std::vector<std::byte> bytes_;
  std::string name_ = "kcore";
};

// The segments of a kcore: vmalloc without physical address, RAM, and the kernel's text within it.
ElfBuilder kcore() {
  ElfBuilder builder;
  builder.vmcoreinfo("OSRELEASE=6.12.0-live\n").cpu();
  builder.load(0, patterned_page(99)).patch_segment(1, [](Elf64_Phdr& segment) {
    segment.p_vaddr = 0xffffc90000000000;
    segment.p_paddr = kNowhere;
    segment.p_memsz = segment.p_filesz = uint64_t{1} << 45;
  });
  builder.load(kLow, patterned_pages(1, 2)).load(kHigh, patterned_pages(0x100, 4));
  builder.load(kHigh + kPageSize, patterned_page(0x101));
  return builder;
}

std::vector<std::byte> page_of(Dump& dump, uint64_t address) {
  std::vector<std::byte> page(kPageSize);
  const auto read = dump.read(address, page);
  EXPECT_TRUE(read) << read.error().to_string();
  return page;
}

TEST(Kcore, IsMemoryAndNoDump) {
  const auto live = Kcore::open(std::make_shared<ChangingSource>(kcore().build())).value();
  const DumpInfo& info = live->info();
  EXPECT_TRUE(info.live());
  EXPECT_EQ(format_name(info.format), "live");
  EXPECT_TRUE(live->changes());
  EXPECT_FALSE(info.incomplete);
  EXPECT_FALSE(info.dump_level);
  // The note is of no CPU that stopped.
  EXPECT_EQ(info.cpus, 0);
  EXPECT_EQ(info.vmcoreinfo, "OSRELEASE=6.12.0-live\n");
  EXPECT_TRUE(info.timestamp && info.uptime_nanoseconds);
  EXPECT_EQ(info.ram_pages, 6u);
  EXPECT_THAT(live->ram(), ElementsAre(PhysicalRange{kLow, kLow + 2 * kPageSize},
                                       PhysicalRange{kHigh, kHigh + 4 * kPageSize}));
}

TEST(Kcore, ReadsTheDirectMapOnly) {
  const auto live = Kcore::open(std::make_shared<ChangingSource>(kcore().build())).value();
  EXPECT_EQ(page_of(*live, kLow + kPageSize), patterned_page(2));
  EXPECT_EQ(page_of(*live, kHigh + kPageSize), patterned_page(0x101));
  std::byte byte;
  for (const uint64_t address : {uint64_t{0}, kLow + 2 * kPageSize, kHigh - 1, kNowhere})
    EXPECT_EQ(code_of(live->read(address, std::span(&byte, 1))), ErrorCode::not_present) << address;
  EXPECT_EQ(live->page_state(1), PageState::stored);
  for (const uint64_t pfn : {uint64_t{0}, uint64_t{3}, uint64_t{0x104}, kNowhere})
    EXPECT_EQ(live->page_state(pfn), PageState::absent) << pfn;
}

// Memory is plugged in: the headers grow, and the offsets of all segments move.
TEST(Kcore, FollowsItsHeaders) {
  const auto file = std::make_shared<ChangingSource>(kcore().build());
  const auto live = Kcore::open(file).value();
  EXPECT_EQ(page_of(*live, kLow), patterned_page(1));
  file->exchange(kcore().load(2 * kHigh, patterned_page(7)).build());
  std::this_thread::sleep_for(std::chrono::milliseconds(120));
  EXPECT_EQ(page_of(*live, kLow), patterned_page(1));
  EXPECT_EQ(page_of(*live, 2 * kHigh), patterned_page(7));
  // A reader that walks over them may continue.
  EXPECT_EQ(live->ram().size(), 2u);
}

TEST(Kcore, HeadersThatStopMakingSenseAreAnError) {
  const auto file = std::make_shared<ChangingSource>(kcore().build());
  const auto live = Kcore::open(file).value();
  file->exchange(kcore().patch_header([](Elf64_Ehdr& header) { header.e_machine = EM_AARCH64; }).build());
  std::this_thread::sleep_for(std::chrono::milliseconds(120));
  std::byte byte;
  EXPECT_EQ(code_of(live->read(kLow, std::span(&byte, 1))), ErrorCode::unsupported);
}

TEST(Kcore, WithoutADirectMapThereIsNothingToRead) {
  ElfBuilder builder;
  builder.cpu().load(0, patterned_page(1)).patch_segment(1, [](Elf64_Phdr& segment) {
    segment.p_paddr = kNowhere;
  });
  EXPECT_EQ(code_of(Kcore::open(std::make_shared<ChangingSource>(builder.build()))), ErrorCode::corrupt);
}

TEST(Kcore, OnlyTheFileOfProcIsOne) {
  const auto temp = TempDir::create("kcore-test").value();
  const std::string path = temp.path() / "kcore";
  ASSERT_TRUE(write_file_atomically(path, kcore().build(), 0600));
  EXPECT_FALSE(is_kcore(open_file(path, O_RDONLY).value().get()));
  EXPECT_FALSE(is_kcore(open_file("/proc/version", O_RDONLY).value().get()));
  EXPECT_FALSE(is_kcore(-1));
}

TEST(Kcore, RefusalsHaveAFix) {
  const Error denied(ErrorCode::no_permission, "cannot open /proc/kcore");
  EXPECT_THAT(explain_kcore_refusal(denied, "/proc/kcore").to_string(), HasSubstr("fix: "));
  EXPECT_EQ(explain_kcore_refusal(denied, "/var/crash/vmcore").fix, "");
  EXPECT_THAT(kcore_permission_hint("none integrity [confidentiality]"), HasSubstr("locked down"));
  EXPECT_THAT(kcore_permission_hint("none [integrity] confidentiality"), HasSubstr("CAP_SYS_RAWIO"));
  EXPECT_THAT(kcore_permission_hint(std::nullopt), HasSubstr("CAP_SYS_RAWIO"));
  const Error missing(ErrorCode::not_found, "cannot open /proc/kcore");
  EXPECT_THAT(explain_kcore_refusal(missing, "/proc/kcore").fix, HasSubstr("CONFIG_PROC_KCORE"));
  const Error hidden(ErrorCode::unsupported, "/proc/kcore is neither a file nor a block device");
  EXPECT_THAT(explain_kcore_refusal(hidden, "/proc/kcore").fix, HasSubstr("containers"));
}

}  // namespace
}  // namespace lifeboat
