// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/image/native_kernel.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/base/file.h"
#include "src/base/size.h"
#include "tests/support/bzimage_builder.h"

namespace lifeboat {
namespace {

using test::build_bzimage;
using testing::HasSubstr;

TEST(NativeKernel, HasWhatALoadNeeds) {
  const auto kernel =
      NativeKernel::parse(build_bzimage({.kernel_alignment = 16u << 20, .init_size = 48u << 20}), "vmlinuz")
          .value();
  EXPECT_EQ(kernel.release, "6.12.1-test");
  EXPECT_EQ(kernel.memory_size, 48_MiB);
  EXPECT_EQ(kernel.alignment, 16_MiB);
  EXPECT_EQ(kernel.longest_command_line, 2047u);
  EXPECT_FALSE(kernel.no_kexec);
  EXPECT_FALSE(kernel.no_capture);
}

TEST(NativeKernel, HasTheReasonWhyItCannotCapture) {
  const auto fixed = NativeKernel::parse(build_bzimage({.relocatable_kernel = 0}), "vmlinuz").value();
  EXPECT_FALSE(fixed.no_kexec);
  ASSERT_TRUE(fixed.no_capture);
  EXPECT_THAT(fixed.no_capture->message, HasSubstr("CONFIG_RELOCATABLE"));
  const auto old = NativeKernel::parse(build_bzimage({.xloadflags = 0}), "vmlinuz").value();
  ASSERT_TRUE(old.no_kexec);
  EXPECT_EQ(old.no_capture->message, old.no_kexec->message);
}

TEST(NativeKernel, AnotherFormatIsNamed) {
  const auto initramfs = NativeKernel::parse(as_byte_span("070701000000"), "/boot/initrd.img");
  ASSERT_FALSE(initramfs);
  EXPECT_THAT(initramfs.error().to_string(), HasSubstr("initramfs"));
  EXPECT_EQ(NativeKernel::read("/nowhere/vmlinuz").error().code, ErrorCode::not_found);
}

// What an error about a wrong file recommends is a file of this format.
TEST(NativeFormat, IsWhatErrorsRecommend) {
  EXPECT_TRUE(is_kernel(native_format().kind));
  const Error error = not_a_loadable_kernel("x", ImageKind::elf_vmlinux);
  EXPECT_EQ(error.fix,
            "name the bzImage of the same build: /boot/vmlinuz-RELEASE, or arch/x86/boot/bzImage in its "
            "build folder");
  EXPECT_EQ(not_a_loadable_kernel("x", ImageKind::elf_other).fix,
            "name arch/x86/boot/bzImage or the 64-bit vmlinux of a kernel build");
  EXPECT_EQ(not_a_loadable_kernel("x", ImageKind::arm64_image).fix,
            "name an x86_64 kernel: /boot/vmlinuz-RELEASE");
}

}  // namespace
}  // namespace lifeboat
