// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/image/elf_kernel.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/elf_kernel_builder.h"
#include "tests/support/results.h"

namespace lifeboat {
namespace {

using test::build_elf_kernel;
using test::code_of;
using test::ElfKernelFields;
using testing::HasSubstr;

Result<ElfKernel> parse(const ElfKernelFields& fields = {}) {
  return ElfKernel::parse(build_elf_kernel(fields), "vmlinux");
}
std::string refusal(const ElfKernelFields& fields) {
  const auto kernel = parse(fields);
  if (!kernel && kernel.error().fix.empty()) return "no hint";
  return kernel ? "accepted" : kernel.error().to_string();
}

TEST(ElfKernel, EveryFieldOfAValidOne) {
  const auto kernel = parse();
  ASSERT_TRUE(kernel) << test::why(kernel);
  EXPECT_EQ(kernel->entry, 0x1000010u);
  EXPECT_EQ(kernel->release, "6.12.1-elf");
  ASSERT_EQ(kernel->segments.size(), 2u);
  EXPECT_EQ(kernel->segments[0].physical, 0x1000000u);
  EXPECT_EQ(kernel->segments[0].offset, 0x1000u);
  EXPECT_EQ(kernel->segments[0].file_size, 0x1000u);
  EXPECT_EQ(kernel->segments[0].memory_size, 0x2000u);
  EXPECT_EQ(kernel->segments[1].physical, 0x1200000u);
  EXPECT_EQ(kernel->begin(), 0x1000000u);
  EXPECT_EQ(kernel->end(), 0x1200800u);
}

TEST(ElfKernel, EveryTruncationIsRefused) {
  const auto whole = build_elf_kernel();
  for (size_t size = 0; size < whole.size(); ++size)
    ASSERT_FALSE(ElfKernel::parse(ByteSpan(whole).first(size), "vmlinux")) << size;
}

TEST(ElfKernel, OneSpoiltHeaderFieldEach) {
  const auto header = [](auto patch) { return refusal({.header = patch}); };
  EXPECT_THAT(header([](Elf64_Ehdr& h) { h.e_machine = EM_AARCH64; }), HasSubstr("another machine"));
  EXPECT_THAT(header([](Elf64_Ehdr& h) { h.e_type = ET_REL; }), HasSubstr("not a kernel"));
  EXPECT_THAT(header([](Elf64_Ehdr& h) { h.e_ident[EI_CLASS] = ELFCLASS32; }), HasSubstr("not a kernel"));
  EXPECT_THAT(header([](Elf64_Ehdr& h) { h.e_phnum = 0; }), HasSubstr("no program headers"));
  EXPECT_THAT(header([](Elf64_Ehdr& h) { h.e_phnum = PN_XNUM; }), HasSubstr("more than 65534"));
  EXPECT_THAT(header([](Elf64_Ehdr& h) { h.e_phnum = 1000; }), HasSubstr("table of program headers"));
  EXPECT_THAT(header([](Elf64_Ehdr& h) { h.e_phentsize = 32; }), HasSubstr("32 bytes each"));
  EXPECT_THAT(header([](Elf64_Ehdr& h) { h.e_phoff = UINT64_MAX; }), HasSubstr("table of program headers"));
  EXPECT_THAT(header([](Elf64_Ehdr& h) { h.e_entry = 0xffffff; }), HasSubstr("entry point"));
  EXPECT_THAT(header([](Elf64_Ehdr& h) { h.e_entry = UINT64_MAX; }), HasSubstr("entry point"));
  // In the part that is zero.
  EXPECT_THAT(header([](Elf64_Ehdr& h) { h.e_entry = 0x1001000; }), HasSubstr("entry point"));
}

TEST(ElfKernel, OneSpoiltSegmentFieldEach) {
  const auto data = [](auto patch) { return refusal({.data = patch}); };
  EXPECT_THAT(data([](Elf64_Phdr& p) { p.p_memsz = p.p_filesz = 0; }), HasSubstr("no size"));
  EXPECT_THAT(data([](Elf64_Phdr& p) { p.p_memsz = 0x7ff; }), HasSubstr("more bytes in the file"));
  EXPECT_THAT(data([](Elf64_Phdr& p) { p.p_offset = UINT64_MAX; }), HasSubstr("segment"));
  EXPECT_THAT(data([](Elf64_Phdr& p) { p.p_filesz = p.p_memsz = 0x801; }), HasSubstr("segment"));
  EXPECT_THAT(data([](Elf64_Phdr& p) { p.p_memsz = UINT64_MAX; }), HasSubstr("beyond the address space"));
  EXPECT_THAT(data([](Elf64_Phdr& p) { p.p_paddr = 0x1001fff; }), HasSubstr("overlap"));
  EXPECT_THAT(data([](Elf64_Phdr& p) { p.p_paddr = 0x1000000; }), HasSubstr("overlap"));
  EXPECT_THAT(data([](Elf64_Phdr& p) { p.p_paddr = 0x1002000; }), HasSubstr("accepted"));
  EXPECT_THAT(data([](Elf64_Phdr& p) { p.p_type = PT_INTERP; }), HasSubstr("a user-space program"));
  // What is not loaded is not looked at.
  EXPECT_THAT(refusal({.note = [](Elf64_Phdr& p) { p.p_offset = UINT64_MAX; }}), HasSubstr("accepted"));
}

TEST(ElfKernel, NothingToLoad) {
  const auto no_load = [](Elf64_Phdr& p) { p.p_type = PT_NOTE; };
  EXPECT_THAT(refusal({.text = no_load, .data = no_load}), HasSubstr("no segment to load"));
}

TEST(ElfKernel, ErrorCodes) {
  EXPECT_EQ(code_of(parse({.header = [](Elf64_Ehdr& h) { h.e_machine = EM_AARCH64; }})),
            ErrorCode::unsupported);
  EXPECT_EQ(code_of(parse({.header = [](Elf64_Ehdr& h) { h.e_entry = 0; }})), ErrorCode::corrupt);
  EXPECT_EQ(code_of(parse({.data = [](Elf64_Phdr& p) { p.p_offset = 1 << 20; }})), ErrorCode::truncated);
}

TEST(ElfKernel, BannerMayBeMissingOrNoBanner) {
  EXPECT_EQ(parse({.banner = "no such words"}).value().release, "");
  EXPECT_EQ(parse({.banner = "Linux version %s"}).value().release, "");
  EXPECT_EQ(parse({.banner = "Linux version 6.1/../x y"}).value().release, "");
  EXPECT_EQ(parse({.banner = "Linux version " + std::string(65, '6') + " x"}).value().release, "");
  EXPECT_EQ(parse({.banner = "Linux version %s and Linux version 6.1.0-1~deb12+x_y (b)"}).value().release,
            "6.1.0-1~deb12+x_y");
}

}  // namespace
}  // namespace lifeboat
