// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/image/x86_64/bzimage.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/base/file.h"
#include "src/image/native_kernel.h"
#include "tests/support/bzimage_builder.h"

namespace lifeboat {
namespace {

using test::build_bzimage;
using test::BzImageFields;
using testing::AllOf;
using testing::HasSubstr;

Result<BzImage> parse(const BzImageFields& fields = {}) {
  return BzImage::parse(build_bzimage(fields), "vmlinuz");
}

// The whole text of the error with which these fields are refused.
std::string refusal(const BzImageFields& fields) {
  const auto image = parse(fields);
  return image ? "accepted" : image.error().to_string();
}
std::string crash_refusal(const BzImageFields& fields) {
  const auto capable = parse(fields).value().crash_capable();
  return capable ? "accepted" : capable.error().to_string();
}

TEST(BzImage, EveryFieldOfAValidOne) {
  const auto image = parse();
  ASSERT_TRUE(image) << image.error().to_string();
  EXPECT_EQ(image->protocol, 0x020f);
  EXPECT_EQ(image->version, "6.12.1-test (builder@host) #1 SMP");
  EXPECT_EQ(image->release(), "6.12.1-test");
  EXPECT_EQ(image->setup_sects, 4u);
  EXPECT_EQ(image->setup.size, 2560u);
  EXPECT_EQ(image->kernel.offset, 2560u);
  EXPECT_EQ(image->kernel.size, 4096u);
  ASSERT_TRUE(image->payload);
  EXPECT_EQ(image->payload->offset, 2560u + 0x40);
  EXPECT_EQ(image->payload->size, 0x80u);
  EXPECT_EQ(image->payload_kind, ImageKind::zstd);
  EXPECT_TRUE(image->loaded_high && image->relocatable && image->entry_64 && image->above_4g);
  EXPECT_TRUE(image->efi_handover_32 && image->efi_handover_64 && image->efi_kexec && image->five_level);
  EXPECT_EQ(image->kernel_alignment, 0x200000u);
  EXPECT_EQ(image->pref_address, 0x1000000u);
  EXPECT_EQ(image->init_size, 0x100000u);
  EXPECT_EQ(image->cmdline_size, 2047u);
  EXPECT_EQ(image->initrd_addr_max, 0x7fffffffu);
  EXPECT_EQ(image->handover_offset, 0x190u);
  EXPECT_TRUE(image->kexec_capable());
  EXPECT_TRUE(image->crash_capable());
}

TEST(BzImage, EachLoadFlagIsItsOwn) {
  const auto only = [](uint16_t flags) { return parse({.xloadflags = flags}).value(); };
  EXPECT_TRUE(only(0x01).entry_64);
  EXPECT_FALSE(only(0xfe).entry_64);
  EXPECT_TRUE(only(0x02).above_4g);
  EXPECT_TRUE(only(0x04).efi_handover_32);
  EXPECT_TRUE(only(0x08).efi_handover_64);
  EXPECT_TRUE(only(0x10).efi_kexec);
  EXPECT_TRUE(only(0x20).five_level);
  EXPECT_FALSE(only(0x1f).five_level);
}

TEST(BzImage, ZeroSetupSectsMeansFour) {
  const auto image = parse({.setup_sects = 0});
  ASSERT_TRUE(image);
  EXPECT_EQ(image->setup_sects, 4u);
}

TEST(BzImage, AppendedSignatureIsAllowed) {
  auto file = build_bzimage();
  file.resize(file.size() + 1000);
  EXPECT_TRUE(BzImage::parse(file, "vmlinuz"));
}

TEST(BzImage, EveryTruncationIsRefused) {
  const auto whole = build_bzimage();
  for (size_t size = 0; size < whole.size(); ++size) {
    const auto image = BzImage::parse(ByteSpan(whole).first(size), "vmlinuz");
    ASSERT_FALSE(image) << size;
    ASSERT_FALSE(image.error().fix.empty()) << size;
  }
}

TEST(BzImage, OneSpoiltFieldEach) {
  EXPECT_THAT(refusal({.setup_sects = 255}),
              HasSubstr("accepted"));  // a longer file; the control of the next
  auto file = build_bzimage();
  file[0x1f1] = std::byte{255};
  const auto cut = BzImage::parse(file, "vmlinuz");
  ASSERT_FALSE(cut);
  EXPECT_THAT(cut.error().to_string(), AllOf(HasSubstr("real-mode code"), HasSubstr("install")));

  EXPECT_THAT(refusal({.syssize = 0}), HasSubstr("syssize is 0"));
  EXPECT_THAT(refusal({.syssize = 4096 / 16 + 1}), HasSubstr("protected-mode code"));
  EXPECT_THAT(refusal({.syssize = 0xffffffff}), HasSubstr("protected-mode code"));
  EXPECT_THAT(refusal({.jump_length = 0}), HasSubstr("boot protocol version"));
  EXPECT_THAT(refusal({.jump_length = 0x61}), HasSubstr("init_size"));
  EXPECT_THAT(refusal({.kernel_version = 0xffff}), HasSubstr("kernel_version points outside"));
  EXPECT_THAT(refusal({.version_text = std::string(600, 'x')}), HasSubstr("is not terminated"));
  EXPECT_THAT(refusal({.version_text = "6.12\x1b[2J"}), HasSubstr("unprintable"));
  EXPECT_THAT(refusal({.kernel_alignment = 0}), HasSubstr("kernel_alignment"));
  EXPECT_THAT(refusal({.kernel_alignment = 0x300000}), HasSubstr("kernel_alignment"));
  EXPECT_THAT(refusal({.cmdline_size = 0}), HasSubstr("cmdline_size"));
  EXPECT_THAT(refusal({.payload_offset = 4096}), HasSubstr("payload"));
  EXPECT_THAT(refusal({.payload_offset = 0xffffffff}), HasSubstr("payload"));
  EXPECT_THAT(refusal({.payload_length = 0xffffffff}), HasSubstr("payload"));
  EXPECT_THAT(refusal({.pref_address = UINT64_MAX}), HasSubstr("pref_address"));
  EXPECT_THAT(refusal({.init_size = 4095}), HasSubstr("init_size"));
}

TEST(BzImage, WhatMayBeMissing) {
  const auto no_version = parse({.kernel_version = 0});
  ASSERT_TRUE(no_version);
  EXPECT_EQ(no_version->release(), "");
  const auto no_payload = parse({.payload_length = 0});
  ASSERT_TRUE(no_payload);
  EXPECT_FALSE(no_payload->payload);
}

// Fields that came later read as they were before, whatever the bytes there are.
TEST(BzImage, OldProtocolsHaveFewerFields) {
  const auto image = parse({.version = 0x0202});
  ASSERT_TRUE(image) << image.error().to_string();
  EXPECT_FALSE(image->relocatable);
  EXPECT_FALSE(image->entry_64);
  EXPECT_EQ(image->cmdline_size, 255u);
  EXPECT_EQ(image->init_size, 0u);
  EXPECT_EQ(image->handover_offset, 0u);
  EXPECT_EQ(image->initrd_addr_max, 0x37ffffffu);
  EXPECT_FALSE(image->payload);
}

TEST(BzImage, WhyNotForACrash) {
  EXPECT_THAT(crash_refusal({.version = 0x020b}), HasSubstr("2.11 is older than 2.12"));
  EXPECT_THAT(crash_refusal({.loadflags = 0}), HasSubstr("zImage"));
  EXPECT_THAT(crash_refusal({.xloadflags = 0x7e}), HasSubstr("no 64-bit entry point"));
  EXPECT_THAT(crash_refusal({.xloadflags = 0x7d}), HasSubstr("above 4 GiB"));
  EXPECT_THAT(crash_refusal({.relocatable_kernel = 0}), HasSubstr("CONFIG_RELOCATABLE"));
  EXPECT_TRUE(parse({.relocatable_kernel = 0}).value().kexec_capable());
}

TEST(BzImage, OtherFilesAreNamed) {
  const auto initramfs = BzImage::parse(as_byte_span("070701000000"), "/boot/initrd.img");
  ASSERT_FALSE(initramfs);
  EXPECT_THAT(initramfs.error().to_string(),
              AllOf(HasSubstr("/boot/initrd.img"), HasSubstr("initramfs"), HasSubstr("--initrd")));
}

TEST(BzImage, ReleaseOfAFile) {
  const auto folder = TempDir::create("bzimage-test").value();
  const std::string path = folder.path() / "vmlinuz";
  ASSERT_TRUE(write_file_atomically(path, build_bzimage(), 0600));
  EXPECT_EQ(kernel_release(path).value(), "6.12.1-test");
  ASSERT_TRUE(write_file_atomically(path, build_bzimage({.kernel_version = 0}), 0600));
  EXPECT_EQ(kernel_release(path).error().code, ErrorCode::not_found);
  EXPECT_EQ(kernel_release(path + ".missing").error().code, ErrorCode::not_found);
}

}  // namespace
}  // namespace lifeboat
