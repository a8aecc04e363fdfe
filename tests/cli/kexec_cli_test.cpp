// SPDX-License-Identifier: GPL-2.0-or-later
// The program under the name `kexec`, as scripts call it. Nothing here comes to a load: every call is one
// that fails before, or only asks.
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/support/bzimage_builder.h"
#include "tests/support/programs.h"

namespace lifeboat::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class Kexec : public ::testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_symlink(lifeboat_program(), path("kexec"));
    ASSERT_TRUE(write_file_atomically(path("kernel"), build_bzimage(), 0600));
  }
  [[nodiscard]] std::string path(const std::string& name) const { return folder_.path() / name; }
  [[nodiscard]] ProcessOutput kexec(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), path("kexec"));
    return run(arguments);
  }
  TempDir folder_ = TempDir::create("kexec-cli").value();
};

TEST_F(Kexec, VersionAndHelp) {
  const auto version = kexec({"-v"});
  EXPECT_EQ(version.status, 0);
  EXPECT_THAT(version.text, AllOf(StartsWith("kexec-tools 2.0."), HasSubstr("lifeboat")));
  const auto help = kexec({"--help"});
  EXPECT_EQ(help.status, 0);
  EXPECT_THAT(help.text,
              AllOf(StartsWith("kexec-tools "), HasSubstr("Usage: kexec"), HasSubstr("--reuse-cmdline")));
}

TEST_F(Kexec, EveryOptionIsInTheHelpAndInTheManual) {
  const std::string help = kexec({"-h"}).text;
  const std::string manual = text_of(LIFEBOAT_SOURCE "/docs/kexec-options.md");
  for (const std::string name : {"help",
                                 "version",
                                 "force",
                                 "no-checks",
                                 "no-ifdown",
                                 "no-sync",
                                 "load",
                                 "unload",
                                 "exec",
                                 "exec-live-update",
                                 "load-preserve-context",
                                 "load-jump-back-helper",
                                 "load-live-update",
                                 "entry",
                                 "type",
                                 "load-panic",
                                 "mem-min",
                                 "mem-max",
                                 "reuseinitrd",
                                 "kexec-file-syscall",
                                 "kexec-syscall",
                                 "kexec-syscall-auto",
                                 "debug",
                                 "status",
                                 "print-ckr-size",
                                 "hotplug",
                                 "no-cma",
                                 "force-dtb",
                                 "reset-vga",
                                 "serial",
                                 "serial-baud",
                                 "console-vga",
                                 "console-serial",
                                 "elf32-core-headers",
                                 "elf64-core-headers",
                                 "pass-memmap-cmdline",
                                 "noefi",
                                 "reuse-video-type",
                                 "command-line",
                                 "append",
                                 "reuse-cmdline",
                                 "initrd",
                                 "ramdisk",
                                 "args-elf",
                                 "args-linux",
                                 "args-none",
                                 "module",
                                 "real-mode",
                                 "entry-32bit",
                                 "dtb"}) {
    EXPECT_THAT(help, HasSubstr("--" + name)) << name;
    EXPECT_THAT(manual, HasSubstr("`--" + name)) << name;
  }
}

TEST_F(Kexec, WrongUsage) {
  const auto unknown = kexec({"--bogus"});
  EXPECT_EQ(unknown.status, 1);
  EXPECT_THAT(unknown.text, AllOf(HasSubstr("unrecognized option '--bogus'"), HasSubstr("Usage: kexec")));
  EXPECT_EQ(kexec({"-u", "--append=x"}).status, 1);
  EXPECT_EQ(kexec({"--mem-min"}).status, 1);
  const auto nothing = kexec({"-l"});
  EXPECT_EQ(nothing.status, 255);
  EXPECT_THAT(nothing.text, HasSubstr("No kernel specified"));
}

TEST_F(Kexec, WhatCannotBeDone) {
  const auto context = kexec({"-l", path("kernel"), "--load-preserve-context"});
  EXPECT_EQ(context.status, 1);
  EXPECT_THAT(context.text,
              AllOf(StartsWith("kexec: error: --load-preserve-context"), Not(HasSubstr("Usage"))));
  for (const std::string type : {"multiboot-x86", "multiboot2-x86", "beoboot-x86", "nbi-x86", "rubbish"}) {
    const auto output = kexec({"-l", path("kernel"), "-t", type});
    EXPECT_EQ(output.status, 255);
    EXPECT_THAT(output.text, HasSubstr(type));
  }
  const auto wrong = kexec({"-l", path("kernel"), "--type=elf-x86_64"});
  EXPECT_EQ(wrong.status, 255);
  EXPECT_THAT(wrong.text, AllOf(HasSubstr("not of type elf-x86_64"), HasSubstr("bzImage")));
}

TEST_F(Kexec, FilesThatAreNotThere) {
  for (const std::string deed : {"-l", "-f"}) {
    const auto output = kexec({deed, path("nothing"), "--reuse-cmdline"});
    EXPECT_EQ(output.status, 255);
    EXPECT_THAT(output.text, AllOf(HasSubstr(path("nothing")), HasSubstr("No such file")));
  }
  const auto text = kexec({"-l", "/proc/self/cmdline"});
  EXPECT_EQ(text.status, 255);
}

TEST_F(Kexec, StatusIsWhatTheKernelReports) {
  for (const auto& [option, name] : {std::pair("-l", "loaded"), {"-p", "crash_loaded"}}) {
    auto loaded = read_line(std::string("/sys/kernel/kexec_") + name);
    if (!loaded) loaded = read_line(std::string("/sys/kernel/kexec/") + name);
    const auto output = kexec({"-S", option});
    EXPECT_EQ(output.status, !loaded ? 255 : *loaded == "1" ? 1 : 0);
    if (!loaded) {
      EXPECT_THAT(output.text, HasSubstr("CONFIG_KEXEC"));
    }
  }
  EXPECT_EQ(kexec({"-S"}).status, kexec({"-p", "-S"}).status);
}

TEST_F(Kexec, SizeOfTheReservation) {
  const auto output = kexec({"--print-ckr-size"});
  EXPECT_EQ(output.status, 0);
  EXPECT_EQ(output.text.find_first_not_of("0123456789"), output.text.size() - 1);
}

TEST_F(Kexec, NotesGoToStderrWithTheirReason) {
  const auto output = kexec({"-l", path("nothing"), "--console-serial"});
  EXPECT_EQ(output.status, 255);
  EXPECT_THAT(output.text, StartsWith("kexec: --console-serial changes nothing: "));
}

TEST_F(Kexec, OnlyItsNameMakesIt) {
  std::filesystem::create_symlink(lifeboat_program(), path("kexec.old"));
  EXPECT_THAT(run({path("kexec.old"), "--version"}).text, StartsWith("lifeboat "));
}

TEST_F(Kexec, RebootIsRefusedWithoutALoadedKernel) {
  const auto help = run_lifeboat({"reboot", "--help"});
  EXPECT_EQ(help.status, 0);
  EXPECT_THAT(help.text, HasSubstr("--now"));
  EXPECT_EQ(run_lifeboat({"reboot", "--no-sync"}).status, 2);
}

TEST_F(Kexec, LoadChecksItsArguments) {
  const std::string kernel = path("kernel");
  EXPECT_EQ(run_lifeboat({"load", kernel, "--syscall", "magic", "--append", "x"}).status, 2);
  EXPECT_EQ(run_lifeboat({"load", kernel, "--mem-min", "2G", "--mem-max", "1G", "--append", "x"}).status, 2);
  EXPECT_EQ(run_lifeboat({"load", kernel, "--mem-min", "zero", "--append", "x"}).status, 2);
  EXPECT_EQ(run_lifeboat({"load", kernel, "--mem-min", "1M", "--syscall", "file", "--append", "x"}).status,
            2);
  EXPECT_EQ(run_lifeboat({"load", kernel, "--command-line", "a", "--append", "x"}).status, 2);
  EXPECT_EQ(run_lifeboat({"load", kernel, "--initrd", "", "--append", "x"}).status, 2);
  const auto line = run_lifeboat({"load", kernel});
  EXPECT_EQ(line.status, 2);
  EXPECT_THAT(line.text, HasSubstr("--reuse-cmdline"));
}

}  // namespace
}  // namespace lifeboat::test
