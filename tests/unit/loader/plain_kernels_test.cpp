// SPDX-License-Identifier: GPL-2.0-or-later
// Kernels by their names, as distributions give them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "loader/entries/boot_entry.h"
#include "tests/support/results.h"
#include "tests/unit/loader/boot_folder.h"

namespace lifeboat {
namespace {

using test::code_of;
using test::why;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class PlainKernels : public test::BootFolder {
 protected:
  std::vector<std::string> ids(InitramfsNeed need = InitramfsNeed::required) {
    std::vector<std::string> names;
    skipped_.clear();
    for (const auto& entry : find_boot_entries(paths(), &skipped_, need)) names.push_back(entry.id);
    return names;
  }
};

struct Names {
  const char* name;  // what the user gives
  const char* kernel;
  const char* initramfs;
};
class KernelNames : public test::BootFolder, public testing::WithParamInterface<Names> {};

TEST_P(KernelNames, KernelAndInitramfsBelongTogether) {
  const auto& [name, kernel, initramfs] = GetParam();
  put_kernel(std::string("boot/") + kernel);
  put(std::string("boot/") + initramfs, "070701");
  const auto named = named_kernel(paths(), name);
  ASSERT_TRUE(named) << why(named);
  EXPECT_EQ(named->kernel, path(std::string("boot/") + kernel));
  EXPECT_THAT(named->initramfs, ElementsAre(path(std::string("boot/") + initramfs)));
  // The same by the whole name of the file.
  const auto by_file = named_kernel(paths(), kernel);
  ASSERT_TRUE(by_file) << why(by_file);
  EXPECT_EQ(by_file->kernel, named->kernel);
  EXPECT_EQ(by_file->initramfs, named->initramfs);
}

INSTANTIATE_TEST_SUITE_P(
    Distributions, KernelNames,
    testing::Values(
        Names{"lts", "vmlinuz-lts", "initramfs-lts"}, Names{"virt", "vmlinuz-virt", "initramfs-virt"},
        Names{"linux", "vmlinuz-linux", "initramfs-linux.img"},
        Names{"linux-zen", "vmlinuz-linux-zen", "booster-linux-zen.img"},
        Names{"6.1.0-48-amd64", "vmlinuz-6.1.0-48-amd64", "initrd.img-6.1.0-48-amd64"},
        Names{"6.12.0-55.el10.x86_64", "vmlinuz-6.12.0-55.el10.x86_64",
              "initramfs-6.12.0-55.el10.x86_64.img"},
        Names{"6.4.0-default", "vmlinuz-6.4.0-default", "initrd-6.4.0-default"},
        Names{"6.6.30-desktop", "vmlinuz-6.6.30-desktop", "initrd-6.6.30-desktop.img"},
        Names{"generic-6.6", "vmlinuz-generic-6.6", "initrd-generic-6.6.gz"},
        Names{"6.6.30_1", "vmlinuz-6.6.30_1", "initramfs-6.6.30_1.img"},
        Names{"6.6.30-gentoo-x86_64", "kernel-6.6.30-gentoo-x86_64", "initramfs-6.6.30-gentoo-x86_64.img"},
        Names{"genkernel-x86_64-4.9.16-gentoo", "kernel-genkernel-x86_64-4.9.16-gentoo",
              "initramfs-genkernel-x86_64-4.9.16-gentoo"},
        Names{"6.6.30-gentoo", "vmlinuz-6.6.30-gentoo.efi", "initramfs-6.6.30-gentoo.img"},
        Names{"6.6.30-gentoo.old", "vmlinuz-6.6.30-gentoo.old", "initramfs-6.6.30-gentoo.img.old"},
        Names{"6.12.0", "vmlinux-6.12.0", "initrd.img-6.12.0"}));

TEST_F(PlainKernels, ANameWithoutInitramfsGivesTheKernelAlone) {
  put_kernel("boot/vmlinuz-custom");
  const auto named = named_kernel(paths(), "custom");
  ASSERT_TRUE(named) << why(named);
  EXPECT_EQ(named->kernel, path("boot/vmlinuz-custom"));
  EXPECT_THAT(named->initramfs, IsEmpty());
  // The same name elsewhere with one is meant.
  put_kernel("boot/kernel-custom");
  put("boot/initramfs-custom.old", "");
  put_kernel("efi/vmlinuz-custom");
  EXPECT_THAT(named_kernel(paths(), "custom")->initramfs, IsEmpty());
  put("boot/initramfs-custom", "070701");
  EXPECT_THAT(named_kernel(paths(), "custom")->initramfs, ElementsAre(path("boot/initramfs-custom")));
}

TEST_F(PlainKernels, AUnifiedImageByItsName) {
  put_uki("efi/EFI/Linux/arch-linux+3.efi");
  const auto named = named_kernel(paths(), "arch-linux");
  ASSERT_TRUE(named) << why(named);
  EXPECT_TRUE(named->unified);
  EXPECT_EQ(named->kernel, path("efi/EFI/Linux/arch-linux+3.efi"));
  EXPECT_EQ(code_of(named_kernel(paths(), "arch")), ErrorCode::not_found);
}

TEST_F(PlainKernels, AreFoundWithoutAnEntry) {
  put_kernel("boot/vmlinuz-lts");
  put("boot/initramfs-lts", "070701");
  put_kernel("boot/kernel-6.6.30-gentoo-x86_64");
  put("boot/initramfs-6.6.30-gentoo-x86_64.img", "070701");
  put_kernel("boot/kernel-6.6.31");  // no initramfs
  put_kernel("boot/kernel-6.6.29.old");
  put_uki("boot/vmlinuz-6.5.efi");
  put("boot/kernel-config-6.6", "CONFIG_X=y\n");
  EXPECT_THAT(ids(), ElementsAre("kernel-6.6.30-gentoo-x86_64", "vmlinuz-6.5.efi", "vmlinuz-lts"));
  EXPECT_THAT(skipped_, testing::UnorderedElementsAre(HasSubstr("kernel-6.6.31: it has no initramfs"),
                                                      HasSubstr("kernel-config-6.6")));
  EXPECT_EQ(ids(InitramfsNeed::none).front(), "kernel-6.6.31");
  EXPECT_EQ(default_boot_entry(paths())->id, "kernel-6.6.30-gentoo-x86_64");
  EXPECT_EQ(default_boot_entry(paths(), nullptr, InitramfsNeed::none)->id, "kernel-6.6.31");
}

}  // namespace
}  // namespace lifeboat
