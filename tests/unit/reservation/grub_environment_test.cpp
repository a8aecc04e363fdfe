// SPDX-License-Identifier: GPL-2.0-or-later
#include <gmock/gmock.h>

#include "tests/support/results.h"
#include "tests/unit/reservation/boot_root.h"

namespace lifeboat::reservation {
namespace {

using test::code_of;
using test::why;
using testing::Contains;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// As grub2-editenv writes it.
std::string block(std::string_view lines, size_t size = 1024) {
  std::string text = "# GRUB Environment Block\n" + std::string(lines);
  text.append(size - std::min(size, text.size()), '#');
  return text;
}

constexpr const char* kOptions = "kernelopts=root=/dev/mapper/rhel-root ro crashkernel=auto rhgb quiet \n";
constexpr const char* kEntry = "title RHEL\nlinux /vmlinuz\noptions $kernelopts $tuned_params\n";

class GrubOptions : public BootRoot {
 protected:
  GrubOptions() {
    put("boot/grub2/grub.cfg", "insmod blscfg\nblscfg\n");
    put("boot/grub2/grubenv", block(std::string("saved_entry=a\n") + kOptions));
    put("boot/loader/entries/a.conf", kEntry);
    put("etc/default/grub", "GRUB_CMDLINE_LINUX=\"crashkernel=auto rhgb quiet\"\nGRUB_ENABLE_BLSCFG=true\n");
  }
};

TEST_F(GrubOptions, AnothersValueIsSeenWithItsPlace) {
  const auto refused = set("256M");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::busy);
  EXPECT_THAT(refused.error().message, HasSubstr("grubenv: kernelopts has crashkernel=auto"));
  EXPECT_THAT(refused.error().message, HasSubstr("etc/default/grub:1 has crashkernel=auto"));
  EXPECT_THAT(foreign_parameters(root()), Contains(Field(&ForeignParameter::parameter, "crashkernel=auto")));
}

TEST_F(GrubOptions, TheVariableGetsItAndEntriesStay) {
  const auto setting = set("256M", Foreign::overruled);
  ASSERT_TRUE(setting) << why(setting);
  EXPECT_EQ(text("boot/loader/entries/a.conf"), kEntry);
  EXPECT_EQ(text("boot/grub2/grubenv"),
            block("saved_entry=a\nkernelopts=root=/dev/mapper/rhel-root ro rhgb quiet crashkernel=256M \n"));
  // grub2-mkconfig makes the variable from it.
  EXPECT_THAT(text("etc/default/grub"), HasSubstr("GRUB_CMDLINE_LINUX=\"rhgb quiet crashkernel=256M\"\n"));
  const auto again = set("256M", Foreign::overruled);
  ASSERT_TRUE(again);
  EXPECT_THAT(again->edits, IsEmpty());
  EXPECT_EQ(unfinished_value(root()), std::nullopt);
  ASSERT_TRUE(set(""));
  EXPECT_THAT(text("boot/grub2/grubenv"), HasSubstr("ro rhgb quiet crashkernel=auto \n"));
  EXPECT_THAT(text("etc/default/grub"), HasSubstr("rhgb quiet crashkernel=auto\""));
  EXPECT_EQ(text("boot/grub2/grubenv").size(), 1024U);
}

TEST_F(GrubOptions, AnEntryThatContradictsTheVariableLosesIt) {
  put("boot/loader/entries/a.conf", "linux /vmlinuz\noptions $kernelopts crashkernel=1G\n");
  ASSERT_TRUE(set("256M", Foreign::overruled));
  EXPECT_EQ(text("boot/loader/entries/a.conf"), "linux /vmlinuz\noptions $kernelopts\n");
  ASSERT_TRUE(set(""));
  EXPECT_EQ(text("boot/loader/entries/a.conf"), "linux /vmlinuz\noptions $kernelopts crashkernel=1G\n");
}

TEST_F(GrubOptions, AnEntryWithAVariableThatIsNotThereGetsItItself) {
  put("boot/grub2/grubenv", block("saved_entry=a\n"));
  put("etc/default/grub", "GRUB_CMDLINE_LINUX=\"rhgb\"\n");
  ASSERT_TRUE(set("256M"));
  EXPECT_EQ(text("boot/loader/entries/a.conf"),
            "title RHEL\nlinux /vmlinuz\noptions $kernelopts $tuned_params crashkernel=256M\n");
  EXPECT_EQ(text("etc/default/grub"), "GRUB_CMDLINE_LINUX=\"rhgb\"\n");
}

TEST_F(GrubOptions, OtherVariablesThatEntriesExpandAreSeen) {
  put("boot/grub2/grubenv", block("kernelopts=ro\ntuned_params=crashkernel=512M skew_tick=1\n"));
  put("etc/default/grub", "");
  EXPECT_THAT(why(set("256M")), HasSubstr("tuned_params has crashkernel=512M"));
  ASSERT_TRUE(set("256M", Foreign::overruled));
  EXPECT_EQ(text("boot/grub2/grubenv"), block("kernelopts=ro crashkernel=256M\ntuned_params=skew_tick=1\n"));
}

TEST_F(GrubOptions, AVariableThatNoEntryUsesIsNoted) {
  put("boot/loader/entries/a.conf", "linux /vmlinuz\noptions ro\n");
  put("etc/default/grub", "");
  const auto setting = set("256M");
  ASSERT_TRUE(setting) << why(setting);
  EXPECT_THAT(setting->notes, Contains(HasSubstr("no boot entry uses that variable")));
}

TEST_F(GrubOptions, AFullBlockIsAnErrorAndNothingChanges) {
  const std::string full = block("kernelopts=" + std::string(1024 - 25 - 12 - 4, 'x') + "\n");
  ASSERT_EQ(full.size(), 1024U);
  put("boot/grub2/grubenv", full);
  put("etc/default/grub", "");
  EXPECT_EQ(code_of(set("256M")), ErrorCode::no_space);
  EXPECT_EQ(text("boot/grub2/grubenv"), full);
}

TEST_F(GrubOptions, WhatGrubConfigSetsIsNoted) {
  put("boot/grub2/grub.cfg", "set default_kernelopts=\"ro crashkernel=auto\"\nblscfg\n");
  const auto setting = set("256M", Foreign::overruled);
  ASSERT_TRUE(setting) << why(setting);
  EXPECT_THAT(setting->notes, Contains(HasSubstr("grub.cfg:1 sets a variable with crashkernel=auto")));
}

TEST_F(BootRoot, AVariableThatGrubConfigExpandsIsSeen) {
  put("etc/default/grub", "");
  put("usr/sbin/grub-mkconfig", "default/grub.d");
  put("boot/grub/grub.cfg", "linux /vmlinuz-1 ro ${extra}\n");
  put("boot/grub/grubenv", block("extra=crashkernel=1G\nunused=crashkernel=2G\n"));
  const auto refused = set("256M");
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("extra has crashkernel=1G"));
  EXPECT_THAT(refused.error().message, Not(HasSubstr("crashkernel=2G")));
}

}  // namespace
}  // namespace lifeboat::reservation
