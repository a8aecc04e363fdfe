// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/image/kernel_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/bzimage_builder.h"
#include "tests/support/elf_kernel_builder.h"
#include "tests/support/faults.h"
#include "tests/support/results.h"
#include "tests/support/zboot_builder.h"

namespace lifeboat {
namespace {

using test::code_of;
using testing::AllOf;
using testing::HasSubstr;

class KernelFileTest : public testing::Test {
 protected:
  std::string put(ByteSpan bytes) {
    EXPECT_TRUE(write_file_atomically(path(), bytes, 0600));
    return path();
  }
  [[nodiscard]] std::string path() const { return temp_.path() / "vmlinuz"; }

  TempDir temp_ = TempDir::create("kernel-file-test").value();
};

TEST_F(KernelFileTest, IsReadAsItIs) {
  const auto bytes = test::build_bzimage();
  const auto file = read_kernel_file(put(bytes));
  ASSERT_TRUE(file) << test::why(file);
  EXPECT_EQ(file->name, path());
  EXPECT_EQ(file->kind, ImageKind::bzimage);
  EXPECT_EQ(file->bytes, bytes);
  EXPECT_TRUE(file->wrappers.empty());
  struct stat opened{}, named{};
  ASSERT_EQ(fstat(file->fd.get(), &opened), 0);
  ASSERT_EQ(stat(path().c_str(), &named), 0);
  EXPECT_EQ(opened.st_ino, named.st_ino);
}

TEST_F(KernelFileTest, WrappersStayOn) {
  EXPECT_EQ(read_kernel_file(put(as_byte_span("\x1f\x8b\x08 packed"))).value().kind, ImageKind::gzip);
}

TEST_F(KernelFileTest, WhatIsNoKernelIsNamed) {
  const auto initramfs = read_kernel_file(put(as_byte_span("070701")));
  ASSERT_FALSE(initramfs);
  EXPECT_THAT(initramfs.error().to_string(), AllOf(HasSubstr(path()), HasSubstr("--initrd")));
  EXPECT_THAT(read_kernel_file(put({})).error().to_string(), HasSubstr("empty"));
}

TEST_F(KernelFileTest, WhatIsNoRegularFile) {
  EXPECT_EQ(code_of(read_kernel_file(path())), ErrorCode::not_found);
  EXPECT_THAT(read_kernel_file(path()).error().fix, HasSubstr("/boot/vmlinuz"));
  ASSERT_EQ(mkfifo(path().c_str(), 0600), 0);
  EXPECT_EQ(code_of(read_kernel_file(path())), ErrorCode::usage);
  EXPECT_EQ(code_of(read_kernel_file(temp_.path())), ErrorCode::usage);
}

TEST_F(KernelFileTest, LargerThanAnyKernel) {
  put({});
  ASSERT_EQ(truncate(path().c_str(), (off_t{1} << 30) + 1), 0);
  EXPECT_EQ(code_of(read_kernel_file(path())), ErrorCode::unsupported);
}

TEST_F(KernelFileTest, ReleaseAndDescription) {
  auto file = read_kernel_file(put(test::build_bzimage())).value();
  EXPECT_EQ(kernel_file_release(file), "6.12.1-test");
  EXPECT_EQ(describe_kernel_file(file), "an x86 kernel (bzImage) 6.12.1-test");
  file.wrappers = {ImageKind::uki, ImageKind::gzip};
  EXPECT_THAT(describe_kernel_file(file),
              HasSubstr("6.12.1-test, unwrapped from: a unified kernel image (an EFI "
                        "program with a kernel inside), a gzip"));

  const auto elf = read_kernel_file(put(test::build_elf_kernel())).value();
  EXPECT_EQ(kernel_file_release(elf), "6.12.1-elf");
  EXPECT_EQ(describe_kernel_file(elf), "an ELF kernel (vmlinux) 6.12.1-elf");
  const auto arm64 = read_kernel_file(put(test::build_arm64_image())).value();
  EXPECT_EQ(kernel_file_release(arm64), "6.12.1-arm64");
  EXPECT_THAT(describe_kernel_file(arm64), HasSubstr("6.12.1-arm64, 4 KiB pages"));

  auto silent = read_kernel_file(put(test::build_bzimage({.kernel_version = 0}))).value();
  EXPECT_EQ(kernel_file_release(silent), "");
  silent.release = "6.12.1-uki";
  EXPECT_EQ(kernel_file_release(silent), "6.12.1-uki");
}

TEST(SealedMemoryFile, HoldsTheBytesAndCannotChange) {
  const auto fd = sealed_memory_file(std::string(300, 'n'), as_byte_span("kernel"));
  ASSERT_TRUE(fd) << test::why(fd);
  std::array<std::byte, 6> bytes;
  ASSERT_TRUE(pread_exact(fd->get(), 0, bytes, "memfd"));
  EXPECT_EQ(as_text(bytes), "kernel");
  EXPECT_EQ(file_size(fd->get(), "memfd").value(), 6u);

  EXPECT_EQ(pwrite(fd->get(), "K", 1, 0), -1);
  EXPECT_EQ(errno, EPERM);
  EXPECT_EQ(ftruncate(fd->get(), 0), -1);
  EXPECT_EQ(ftruncate(fd->get(), 100), -1);
  EXPECT_EQ(fcntl(fd->get(), F_ADD_SEALS, F_SEAL_WRITE), -1);
  EXPECT_NE(fcntl(fd->get(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST(SealedMemoryFile, AFailedWriteIsAnError) {
  const test::FaultInjection fault(sys::Call::pwrite, 0, ENOSPC);
  const auto fd = sealed_memory_file("vmlinuz", as_byte_span("kernel"));
  EXPECT_EQ(code_of(fd), ErrorCode::no_space);
}

}  // namespace
}  // namespace lifeboat
