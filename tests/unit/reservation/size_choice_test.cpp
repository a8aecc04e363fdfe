// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/reservation/size_choice.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/base/file.h"
#include "src/base/size.h"
#include "src/reservation/crashkernel.h"
#include "tests/support/results.h"

namespace lifeboat::reservation {
namespace {

using test::code_of;
using test::why;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// 2 GiB of memory, of which a capture needs about 200 MiB, and 100 MiB at the least.
class SizeChoice : public testing::Test {
 protected:
  SizeChoice() {
    put("proc/iomem", "00000000-7fffffff : System RAM\n");
    put("sys/kernel/kexec_crash_size", "268435456\n");
    put("sys/kernel/kexec_crash_loaded", "0\n");
    request_.root = folder_.path();
    request_.paths = {
        .sys = folder_.path() / "sys", .proc = folder_.path() / "proc", .iomem = {}, .run = folder_.path()};
  }
  void put(const std::string& name, std::string_view text) const {
    const std::filesystem::path path = folder_.path() / name;
    std::filesystem::create_directories(path.parent_path());
    ASSERT_TRUE(write_file_atomically(path, as_byte_span(text), 0600));
  }
  Result<std::optional<SettingRequest>> choose(const std::string& size) {
    warnings_.clear();
    estimates_ = 0;
    request_.size = size;
    return choose_setting(request_, estimator(), warnings_);
  }
  // The value; an error's text.
  std::string value(const std::string& size) {
    const auto chosen = choose(size);
    if (!chosen) return why(chosen);
    return *chosen ? (*chosen)->value : "(nothing)";
  }
  Estimator estimator() {
    return [this]() -> Result<Estimate> {
      ++estimates_;
      return needed_;
    };
  }
  TempDir folder_ = TempDir::create("size-test").value();
  SizeRequest request_;
  Result<Estimate> needed_ =
      Estimate{.parts = {}, .total = 200_MiB, .least = 100_MiB, .alone = 120_MiB, .cma = 88_MiB};
  std::vector<std::string> warnings_;
  int estimates_ = 0;
};

TEST_F(SizeChoice, ASizeIsTakenAsItIsWritten) {
  for (const char* size : {"256M", "256M@16M", "256M,high 128M,low", "1G-:256M"}) {
    EXPECT_EQ(value(size), size);
    EXPECT_THAT(warnings_, IsEmpty()) << size;
  }
}

TEST_F(SizeChoice, WordsHaveTheirMeaning) {
  EXPECT_EQ(value("auto"), "200M");
  EXPECT_EQ(value("none"), "");
  EXPECT_EQ(estimates_, 0);
  needed_ = fail(ErrorCode::not_found, "no target");
  EXPECT_EQ(code_of(choose("auto")), ErrorCode::not_found);
  EXPECT_EQ(value("none"), "");
}

TEST_F(SizeChoice, AgainIsForEntriesThatCameLater) {
  EXPECT_EQ(value("again"), "(nothing)") << "nothing was set";
  put("boot/loader/entries/a.conf", "title a\nlinux /vmlinuz\noptions ro\n");
  request_.boot_loader = BootLoader::bls;
  const auto chosen = choose("256M");
  ASSERT_TRUE(chosen) << why(chosen);
  const auto setting = plan_setting(**chosen);
  ASSERT_TRUE(setting) << why(setting);
  ASSERT_TRUE(carry_out(*setting));
  request_.boot_loader.reset();
  const auto again = choose("again");
  ASSERT_TRUE(again && *again);
  EXPECT_EQ((*again)->value, "256M");
  EXPECT_EQ((*again)->boot_loader, BootLoader::bls) << "GRUB's configuration is for all kernels";
}

TEST_F(SizeChoice, AgainIsNotForToolsThatMakeEntriesThemselves) {
  put("var/lib/lifeboat/reserve.json",
      R"({"values": ["256M"], "replaced": {}, "boot_loader": "proxmox-boot-tool"})");
  EXPECT_EQ(value("again"), "(nothing)");
  put("var/lib/lifeboat/reserve.json",
      R"({"values": ["256M"], "replaced": {}, "boot_loader": "systemd-boot"})");
  const auto again = choose("again");
  ASSERT_TRUE(again && *again);
  EXPECT_EQ((*again)->boot_loader, BootLoader::systemd_boot);
}

TEST_F(SizeChoice, InXensDom0TheReservationIsXens) {
  put("proc/xen/capabilities", "control_d\n");
  for (const char* size : {"256M", "auto", "1G-:256M"}) {
    const auto chosen = choose(size);
    EXPECT_EQ(code_of(chosen), ErrorCode::unsupported) << size;
    EXPECT_THAT(chosen.error().fix, HasSubstr("GRUB_CMDLINE_XEN")) << size;
  }
  EXPECT_EQ(estimates_, 0);
  // What was set before can be removed, and set again for boots without Xen.
  EXPECT_EQ(value("none"), "");
  EXPECT_EQ(value("again"), "(nothing)");
  request_.force = true;
  EXPECT_EQ(value("256M"), "256M");
  request_.force = false;
  request_.this_machine = false;
  EXPECT_EQ(value("256M"), "256M");
}

TEST_F(SizeChoice, TheRestOfTheRequestIsPassedOn) {
  request_.force = true;
  request_.boot_loader = BootLoader::grub;
  const auto chosen = choose("256M");
  ASSERT_TRUE(chosen && *chosen);
  EXPECT_TRUE((*chosen)->force);
  EXPECT_EQ((*chosen)->boot_loader, BootLoader::grub);
  EXPECT_EQ((*chosen)->root, folder_.path());
}

TEST_F(SizeChoice, WhatTheKernelWouldNotAcceptIsRefusedAlways) {
  for (const bool force : {false, true}) {
    request_.force = force;
    for (const char* size : {"x", "256", "128M,low", "256M,", ""})
      EXPECT_EQ(code_of(choose(size)), ErrorCode::usage) << size;
  }
}

TEST_F(SizeChoice, AValueCannotLeaveItsWord) {
  for (const bool force : {false, true}) {
    request_.force = force;
    for (const std::string size :
         {"256M\nGRUB_DISABLE_RECOVERY=1", "256M\n", "256M\r128M,high", "256M\t64M,cma", "256M 64M,cma\n",
          "256M;reboot", "256M\"", "256M'", "$(reboot)", "256M`id`", "256M\\", "256M#", "256M=", "256M/",
          "256M\xc2\xa0", "256M\x01"}) {
      const auto chosen = choose(size);
      ASSERT_EQ(code_of(chosen), ErrorCode::usage) << size;
      EXPECT_THAT(chosen.error().message, Not(HasSubstr("\n"))) << size;
    }
    EXPECT_EQ(code_of(choose(std::string("256M\0", 5))), ErrorCode::usage);
  }
}

TEST_F(SizeChoice, AValueOfTheRecordCannotLeaveItsWordEither) {
  for (const char* recorded :
       {R"(256M\nroot=/dev/sdz)", R"(256M\" init=/bin/sh)", R"(256M\u0000)", "256M;"}) {
    put("var/lib/lifeboat/reserve.json",
        std::string(R"({"values": [")") + recorded + R"("], "replaced": {}, "boot_loader": "systemd-boot"})");
    for (const bool force : {false, true}) {
      request_.force = force;
      EXPECT_EQ(code_of(choose("again")), ErrorCode::usage) << recorded;
    }
  }
}

TEST_F(SizeChoice, TwoSizesOfWhichTheKernelWouldUseOneAreRefused) {
  for (const bool force : {false, true}) {
    request_.force = force;
    for (const char* size :
         {"256M 128M,low", "256M 128M", "256M 256M", "256M 512M,high", "256M,high 512M,high 128M,low",
          "256M,high 128M,low 64M,low", "256M 64M,cma 32M,cma", "1G-:256M 300M"}) {
      EXPECT_EQ(code_of(choose(size)), ErrorCode::usage) << size;
    }
    for (const char* size : {"256M,high 128M,low", "256M 64M,cma", "1G-4G:256M,4G-:512M"})
      EXPECT_EQ(value(size), size);
  }
}

TEST_F(SizeChoice, AMistakeComesWithItsFix) {
  const auto chosen = choose("5X");
  ASSERT_FALSE(chosen);
  EXPECT_EQ(chosen.error().code, ErrorCode::usage);
  EXPECT_EQ(chosen.error().fix, kCrashKernelFix);
}

TEST_F(SizeChoice, WhatTheMachineCannotReserveIsRefused) {
  for (const char* size : {"2G", "100G", "256M@0x1234567", "4G-:256M"})
    EXPECT_EQ(code_of(choose(size)), ErrorCode::usage) << size;
  EXPECT_EQ(value("1200M"), "1200M");
  EXPECT_THAT(warnings_, ElementsAre(HasSubstr("less than half of it")));
  // Another system has another memory.
  request_.this_machine = false;
  EXPECT_EQ(value("100G"), "100G");
  EXPECT_EQ(estimates_, 0);
}

TEST_F(SizeChoice, TooLittleIsRefusedAndNotQuiteEnoughIsAWarning) {
  EXPECT_THAT(value("64M"), HasSubstr("is not enough"));
  EXPECT_EQ(value("150M"), "150M");
  EXPECT_THAT(warnings_, ElementsAre(HasSubstr("may not be enough")));
  request_.force = true;
  EXPECT_EQ(value("64M"), "64M");
  EXPECT_EQ(estimates_, 0) << "the answer does not depend on it";
}

TEST_F(SizeChoice, WhatIsNotKnownIsNoError) {
  needed_ = fail(ErrorCode::not_found, "no target");
  EXPECT_EQ(value("64M"), "64M");
  put("proc/iomem", "00000000-00000000 : System RAM\n");
  EXPECT_EQ(value("100G"), "100G");
  EXPECT_EQ(value("1G-:256M"), "1G-:256M");
  EXPECT_EQ(estimates_, 0) << "a range's size depends on the memory";
}

TEST_F(SizeChoice, AutoInTwoParts) {
  request_.auto_parts = AutoParts::with_cma;
  request_.levels = {31};
  EXPECT_EQ(code_of(choose("auto")), ErrorCode::unsupported) << "not known to the kernel";
  put("proc/kallsyms", "0 T _text\n0 B crashk_cma_cnt\n");
  EXPECT_EQ(value("auto"), "120M 88M,cma");
  EXPECT_THAT(warnings_, Contains(HasSubstr("10 s")));
  EXPECT_THAT(warnings_, Contains(HasSubstr("not in the dump")));
  EXPECT_THAT(warnings_, Contains(HasSubstr("does not show")));
  request_.levels = {31, 1};
  EXPECT_EQ(code_of(choose("auto")), ErrorCode::usage) << "it keeps user pages";
  request_.force = true;
  EXPECT_EQ(value("auto"), "120M 88M,cma");
  needed_->cma = 0;
  EXPECT_EQ(code_of(choose("auto")), ErrorCode::unsupported) << "nothing to share";
  request_.auto_parts = AutoParts::one;
  EXPECT_EQ(value("auto"), "200M");
}

TEST_F(SizeChoice, CmaCountsWhereTheKernelHasIt) {
  put("proc/kallsyms", "0 T _text\n");
  EXPECT_EQ(value("150M 100M,cma"), "150M 100M,cma");
  EXPECT_THAT(warnings_, Contains(HasSubstr("ignores it")));
  EXPECT_THAT(warnings_, Contains(HasSubstr("may not be enough")));
  put("proc/kallsyms", "0 T _text\n0 B crashk_cma_cnt\n");
  EXPECT_EQ(value("150M 100M,cma"), "150M 100M,cma");
  EXPECT_THAT(warnings_, Not(Contains(HasSubstr("may not be enough"))));
  EXPECT_THAT(warnings_, Contains(HasSubstr("10 s")));
  // The files are loaded into the first part, whatever the second.
  EXPECT_EQ(code_of(choose("80M 500M,cma")), ErrorCode::usage);
  EXPECT_EQ(code_of(choose("500M,cma")), ErrorCode::usage);
  request_.levels = {1};
  EXPECT_EQ(value("150M 100M,cma"), "150M 100M,cma");
  EXPECT_THAT(warnings_, Contains(HasSubstr("level 1 keeps user pages")));
}

TEST_F(SizeChoice, BounceBuffersLieInTheLowPart) {
  needed_->bounce_buffers = 64_MiB;
  EXPECT_EQ(value("256M,high 64M,low"), "256M,high 64M,low");
  EXPECT_THAT(warnings_, ElementsAre(HasSubstr("below 4 GiB")));
  EXPECT_EQ(value("256M,high 128M,low"), "256M,high 128M,low");
  EXPECT_THAT(warnings_, IsEmpty());
  EXPECT_EQ(value("256M"), "256M");
  EXPECT_THAT(warnings_, IsEmpty());
}

TEST_F(SizeChoice, ShrinkingLeavesEnough) {
  EXPECT_EQ(code_of(shrink_to(150_MiB, Enough::estimated, estimator(), request_.paths)), ErrorCode::usage);
  needed_ = fail(ErrorCode::not_found, "no target");
  EXPECT_EQ(code_of(shrink_to(250_MiB, Enough::estimated, estimator(), request_.paths)),
            ErrorCode::not_found);
  EXPECT_EQ(read_text(folder_.path() / "sys/kernel/kexec_crash_size").value(), "268435456\n")
      << "nothing was changed";
  estimates_ = 0;
  EXPECT_EQ(shrink_to(150_MiB, Enough::forced, estimator(), request_.paths).value(), 150_MiB);
  EXPECT_EQ(estimates_, 0);
  // What crashkernel=,cma reserved counts, but not for the files.
  needed_ = Estimate{.parts = {}, .total = 200_MiB, .least = 100_MiB};
  put("sys/kernel/kexec/crash_cma_ranges", "10000000-15ffffff\n");
  EXPECT_EQ(code_of(shrink_to(90_MiB, Enough::estimated, estimator(), request_.paths)), ErrorCode::usage);
  EXPECT_EQ(shrink_to(120_MiB, Enough::estimated, estimator(), request_.paths).value(), 120_MiB);
  // Of what is reserved now.
  EXPECT_EQ(code_of(shrink_to(300_MiB, Enough::forced, estimator(), request_.paths)), ErrorCode::usage);
}

}  // namespace
}  // namespace lifeboat::reservation
