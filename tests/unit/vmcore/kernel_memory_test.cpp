// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/vmcore/kernel_memory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/vmcore/utsname.h"
#include "tests/support/fake_kernel.h"
#include "tests/support/usual_page_size.h"

namespace lifeboat::test {
namespace {

using testing::HasSubstr;

// Two neighbours in virtual memory that lie apart, and in the wrong order, in physical memory.
constexpr uint64_t kScattered = 0xffffc90000000000;

FakeKernel scattered() {
  FakeKernel fake;
  fake.map(kScattered, 0x9000);
  fake.map(kScattered + kPageSize, 0x5000);
  fake.memory().write(0x9ffc, as_byte_span("abcd"));
  fake.memory().write(0x5000, as_byte_span(std::string_view("efgh\0", 5)));
  return fake;
}

TEST(KernelMemory, ReadsAcrossPages) {
  auto fake = scattered();
  const auto memory = fake.open();
  std::string text(8, '\0');
  ASSERT_TRUE(memory.read(kScattered + 0xffc, std::as_writable_bytes(std::span(text))));
  EXPECT_EQ(text, "abcdefgh");
  EXPECT_EQ(memory.read<uint32_t>(kScattered + 0xffe).value(), 0x66656463u);
}

TEST(KernelMemory, StringsEndAtTheNulOrTheLimit) {
  auto fake = scattered();
  const auto memory = fake.open();
  EXPECT_EQ(memory.read_string(kScattered + 0xffc, 100).value(), "abcdefgh");
  EXPECT_EQ(memory.read_string(kScattered + 0xffc, 8).value(), "abcdefgh");
  EXPECT_EQ(memory.read_string(kScattered + 0xffc, 5).value(), "abcde");
  EXPECT_EQ(memory.read_string(kScattered + 0xffc, 0).value(), "");
  EXPECT_EQ(memory.read_string(kScattered + 0x1004, 100).value(), "");
}

TEST(KernelMemory, StringThatEndsBeforeAHoleIsRead) {
  FakeKernel fake;
  fake.map(kScattered, 0x9000);
  fake.memory().write(0x9ffc, as_byte_span(std::string_view("abc\0", 4)));
  const auto memory = fake.open();
  EXPECT_EQ(memory.read_string(kScattered + 0xffc, 100).value(), "abc");
  fake.memory().write(0x9fff, as_byte_span("d"));
  EXPECT_EQ(memory.read_string(kScattered + 0xffc, 100).error().code, ErrorCode::not_mapped);
}

TEST(KernelMemory, LongStrings) {
  FakeKernel fake;
  const std::string text(10000, 'x');
  const uint64_t address = fake.allocate(text.size() + 1);
  fake.write(address, as_byte_span(text));
  EXPECT_EQ(fake.open().read_string(address, 20000).value(), text);
}

TEST(KernelMemory, ErrorsKeepTheirKindAndNameTheAddress) {
  auto fake = scattered();
  for (const auto code : {ErrorCode::not_present, ErrorCode::excluded, ErrorCode::lost, ErrorCode::corrupt}) {
    fake.memory().fail_page(0x5000, code);
    const auto read = fake.open().read<uint64_t>(kScattered + 0xffc);
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().code, code);
    EXPECT_THAT(read.error().message, HasSubstr("0xffffc90000001000"));
  }
}

TEST(KernelMemory, TheEndOfTheAddressSpaceIsNotItsBeginning) {
  FakeKernel fake;
  fake.map(0xfffffffffffff000, 0x9000);
  fake.memory().write64(0x9ff8, 1);
  const auto memory = fake.open();
  EXPECT_TRUE(memory.read<uint64_t>(0xfffffffffffffff8));
  EXPECT_EQ(memory.read<uint64_t>(0xfffffffffffffffc).error().code, ErrorCode::not_mapped);
}

TEST(KernelMemory, NeedsVmcoreinfo) {
  SparseMemory memory;
  EXPECT_EQ(KernelMemory::create(memory, x86_64::architecture(), "").error().code, ErrorCode::not_found);
  EXPECT_EQ(KernelMemory::create(memory, x86_64::architecture(), "garbage").error().code, ErrorCode::corrupt);
  EXPECT_THAT(KernelMemory::create(memory, x86_64::architecture(), "OSRELEASE=1").error().message,
              HasSubstr("page tables"));
}

// A damaged text must not cost the log and the report.
TEST(KernelMemory, PageSizeIsTheOnlyOneOfTheArchitecture) {
  FakeKernel fake;
  EXPECT_EQ(fake.open().page_size().bytes(), 4096u);
  for (const char* size : {"16384", "65536", "4095", "0", "-4096", "4k"}) {
    fake.set_key("PAGESIZE", size);
    EXPECT_EQ(fake.open().page_size().bytes(), 4096u) << size;
  }
  fake.remove_key("PAGESIZE");
  EXPECT_EQ(fake.open().page_size().bytes(), 4096u);
}

TEST(Utsname, ReadsTheSixNames) {
  FakeKernel fake;
  fake.set_utsname({"Linux", "host", "6.12.9", "#2 SMP", "x86_64", "example"});
  const auto uts = read_utsname(fake.open());
  ASSERT_TRUE(uts) << uts.error().to_string();
  EXPECT_EQ(uts->sysname, "Linux");
  EXPECT_EQ(uts->nodename, "host");
  EXPECT_EQ(uts->release, "6.12.9");
  EXPECT_EQ(uts->version, "#2 SMP");
  EXPECT_EQ(uts->machine, "x86_64");
  EXPECT_EQ(uts->domainname, "example");
}

TEST(Utsname, FieldWithoutAnEndStopsAtTheNext) {
  FakeKernel fake;
  fake.set_utsname({"Linux", std::string(65, 'n'), "6.12.9", "", "x86_64", ""});
  const auto uts = read_utsname(fake.open()).value();
  EXPECT_EQ(uts.nodename, std::string(65, 'n'));
  EXPECT_EQ(uts.release, "6.12.9");
}

TEST(Utsname, NamesTheKeyThatIsMissing) {
  for (const std::string key : {"SYMBOL(init_uts_ns)", "OFFSET(uts_namespace.name)"}) {
    FakeKernel fake;
    fake.remove_key(key);
    // Not the release of VMCOREINFO: nothing to find the names by.
    fake.set_utsname({"Linux", "host", "6.12.9", "#2 SMP", "x86_64", ""});
    const auto uts = read_utsname(fake.open());
    ASSERT_FALSE(uts);
    EXPECT_EQ(uts.error().code, ErrorCode::not_found);
    EXPECT_THAT(uts.error().message, HasSubstr(key));
  }
}

TEST(Utsname, IsFoundByTheReleaseWithoutItsOffset) {
  FakeKernel fake;
  fake.remove_key("OFFSET(uts_namespace.name)");
  fake.set_utsname({"Linux", "host", "5.10.0", "#2 SMP", "x86_64", "example"});
  fake.set_key("OSRELEASE", "5.10.0");
  const auto uts = read_utsname(fake.open());
  ASSERT_TRUE(uts) << uts.error().to_string();
  EXPECT_EQ(uts->sysname, "Linux");
  EXPECT_EQ(uts->nodename, "host");
  EXPECT_EQ(uts->release, "5.10.0");
  EXPECT_EQ(uts->version, "#2 SMP");
  EXPECT_EQ(uts->domainname, "example");
  fake.set_key("OSRELEASE", "5.10.00");
  EXPECT_EQ(read_utsname(fake.open()).error().code, ErrorCode::not_found);
}

TEST(Utsname, AnywhereElseIsAnError) {
  FakeKernel fake;
  fake.set_key("OFFSET(uts_namespace.name)", "18446744073709551615");
  fake.set_key("SYMBOL(init_uts_ns)", "0");
  EXPECT_FALSE(read_utsname(fake.open()));
}

}  // namespace
}  // namespace lifeboat::test
