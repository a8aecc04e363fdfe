// SPDX-License-Identifier: GPL-2.0-or-later
// crashkernel= where the boot loader starts Xen.
#include "src/reservation/xen_boot.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/base/file.h"
#include "src/reservation/setting.h"
#include "tests/support/results.h"

namespace lifeboat::reservation {
namespace {

using test::code_of;
using test::why;
using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr const char* kXenEntry =
    "menuentry 'Debian, with Xen' {\n\tmultiboot2\t/boot/xen-4.17-amd64.gz placeholder  ${xen_rm_opts}\n"
    "\tmodule2\t/boot/vmlinuz-6.1 placeholder root=UUID=1 ro\n}\n";
constexpr const char* kLinuxEntry = "menuentry 'Debian' {\n\tlinux\t/boot/vmlinuz-6.1 root=UUID=1 ro\n}\n";

class XenBootLoader : public testing::Test {
 protected:
  XenBootLoader() { put("etc/default/grub", "GRUB_CMDLINE_LINUX_DEFAULT=\"quiet\"\n"); }
  void put(const std::string& name, std::string_view text) const {
    const std::filesystem::path path = folder_.path() / name;
    std::filesystem::create_directories(path.parent_path());
    ASSERT_TRUE(write_file_atomically(path, as_byte_span(text), 0644));
  }
  void boots(const std::string& config) const { put("boot/grub/grub.cfg", config); }
  [[nodiscard]] XenBoot found() const { return find_xen_boot(folder_.path()); }
  [[nodiscard]] Result<Setting> set(const std::string& value, bool force = false) const {
    return plan_setting({.root = folder_.path(), .boot_loader = {}, .value = value, .force = force});
  }
  TempDir folder_ = TempDir::create("xen-boot-test").value();
};

TEST_F(XenBootLoader, EntriesAreKnownByTheProgramThatTheyStart) {
  EXPECT_THAT(found().xen_file, IsEmpty());
  for (const char* line : {"multiboot2 /boot/xen.gz placeholder", "\tmultiboot\t/xen-4.4.gz",
                           "multiboot2 --quirk-x /boot/xen.gz", "multiboot2 (hd0,gpt2)/xen.gz",
                           "multiboot2 '/boot/xen.gz'", "multiboot2 \"/boot/xen.gz\" placeholder",
                           "xen_hypervisor /boot/hypervisor", "chainloader /EFI/xen/xen-4.17.efi"}) {
    boots(std::string(line) + "\n");
    EXPECT_THAT(found().xen_file, HasSubstr("grub.cfg")) << line;
    EXPECT_FALSE(found().linux_too) << line;
  }
  for (const char* line : {"multiboot2 /boot/memtest", "# multiboot2 /boot/xen.gz", "module2 /boot/xen.gz",
                           "linux /boot/xen", "echo xen", "multiboot2", "chainloader /EFI/x/shim.efi"}) {
    boots(std::string(line) + "\n");
    EXPECT_THAT(found().xen_file, IsEmpty()) << line;
  }
  boots(std::string(kLinuxEntry) + kXenEntry);
  EXPECT_TRUE(found().linux_too);
  boots(std::string(kXenEntry) + "blscfg\n");
  EXPECT_TRUE(found().linux_too);
}

TEST_F(XenBootLoader, WhereOnlyXenBootsNothingIsSet) {
  boots(kXenEntry);
  const auto setting = set("256M");
  ASSERT_FALSE(setting);
  EXPECT_EQ(setting.error().code, ErrorCode::unsupported);
  EXPECT_THAT(setting.error().fix, HasSubstr("GRUB_CMDLINE_XEN"));
  const auto forced = set("256M", true);
  ASSERT_TRUE(forced) << why(forced);
  EXPECT_THAT(forced->notes, Contains(HasSubstr("GRUB_CMDLINE_XEN")));
  EXPECT_TRUE(set(""));
}

TEST_F(XenBootLoader, WhereLinuxBootsTooXensEntriesAreNamed) {
  boots(std::string(kLinuxEntry) + kXenEntry);
  const auto setting = set("256M");
  ASSERT_TRUE(setting) << why(setting);
  EXPECT_THAT(setting->edits, Not(IsEmpty()));
  EXPECT_THAT(setting->notes, Contains(AllOf(HasSubstr("start Xen"), HasSubstr("GRUB_CMDLINE_XEN"))));
  boots(kLinuxEntry);
  EXPECT_THAT(set("256M")->notes, Not(Contains(HasSubstr("Xen"))));
}

TEST_F(XenBootLoader, XensOwnParameterIsNoConflict) {
  boots(std::string(kLinuxEntry) + kXenEntry);
  put("etc/default/grub",
      "GRUB_CMDLINE_LINUX_DEFAULT=\"quiet\"\nGRUB_CMDLINE_XEN_DEFAULT=\"crashkernel=256M\"\n"
      "GRUB_CMDLINE_XEN=\"crashkernel=512M\"\n");
  EXPECT_TRUE(set("256M"));
  put("etc/default/grub", "GRUB_CMDLINE_LINUX_XEN_REPLACE_DEFAULT=\"crashkernel=1M\"\n");
  EXPECT_EQ(code_of(set("256M")), ErrorCode::busy);
}

}  // namespace
}  // namespace lifeboat::reservation
