// SPDX-License-Identifier: GPL-2.0-or-later
// kexec(8)'s options, read as kexec-tools reads them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/cli/kexec/options.h"

namespace lifeboat::cli::kexec {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

std::expected<Options, Refusal> parse(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "kexec");
  std::vector<char*> argv;
  for (auto& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  return parse_options(static_cast<int>(arguments.size()), argv.data());
}

Options good(const std::vector<std::string>& arguments) {
  const auto options = parse(arguments);
  EXPECT_TRUE(options) << options.error().message;
  return options.value_or(Options{});
}

// "load unload exec shutdown sync down crash" as letters, '-' for what is not done.
std::string deeds(const std::vector<std::string>& arguments) {
  const Options o = good(arguments);
  std::string text;
  for (const auto& [done, letter] :
       {std::pair{o.load, 'l'}, {o.unload, 'u'}, {o.exec, 'e'}, {o.shutdown, 's'}, {o.crash, 'p'}})
    text += done ? letter : '-';
  return text;
}

TEST(KexecOptions, WhatIsDone) {
  EXPECT_EQ(deeds({"k"}), "l--s-");
  EXPECT_EQ(deeds({"-l", "k"}), "l----");
  EXPECT_EQ(deeds({"-p", "k"}), "l---p");
  EXPECT_EQ(deeds({"-f", "k"}), "l-e--");
  EXPECT_EQ(deeds({"-e"}), "--e--");
  EXPECT_EQ(deeds({"-u"}), "-u---");
  EXPECT_EQ(deeds({"-p", "-u"}), "-u--p");
  EXPECT_EQ(deeds({"-u", "-p"}), "-u--p");
  EXPECT_EQ(deeds({"-su", "-p"}), "-u--p");
}

TEST(KexecOptions, TheLastOneDecides) {
  EXPECT_EQ(deeds({"-f", "-l", "k"}), "l----");
  EXPECT_EQ(deeds({"-l", "-f", "k"}), "l-e--");
  EXPECT_EQ(deeds({"-l", "-e"}), "--e--");
  EXPECT_EQ(deeds({"-e", "-l", "k"}), "l----");
  EXPECT_EQ(good({"-s", "-c", "-l", "k"}).call, LoadCall::segments);
  EXPECT_EQ(good({"-c", "-s", "-l", "k"}).call, LoadCall::file);
  EXPECT_EQ(good({"-c", "-a", "-l", "k"}).call, LoadCall::automatic);
  EXPECT_EQ(good({"-l", "k"}).call, LoadCall::automatic);
  EXPECT_EQ(good({"-l", "k", "--append=a", "--command-line=b"}).append, "b");
}

TEST(KexecOptions, OptionsStandBehindTheKernelToo) {
  // As systemd, and most scripts, write it.
  for (const auto& arguments : {std::vector<std::string>{"--load", "k", "--append", "a b", "--initrd", "i"},
                                {"-l", "k", "--append=a b", "--initrd=i"},
                                {"k", "--ramdisk=i", "-l", "--command-line=a b"},
                                {"--load", "--initrd=i", "--command-line=a b", "--", "k"}}) {
    const Options options = good(arguments);
    EXPECT_EQ(options.kernel, "k");
    EXPECT_EQ(options.append, "a b");
    EXPECT_EQ(options.initrd, "i");
    EXPECT_TRUE(options.load);
    EXPECT_FALSE(options.shutdown);
  }
}

TEST(KexecOptions, AbbreviationsAsGetoptHasThem) {
  EXPECT_TRUE(good({"--load", "k", "--reuse-c"}).reuse_command_line);
  EXPECT_EQ(good({"-l", "k", "--comm=x"}).append, "x");
  EXPECT_TRUE(good({"-p", "k", "--hot"}).hotplug);
  EXPECT_EQ(parse({"-l", "k", "--reuse"}).error().exit_code, 1);
}

TEST(KexecOptions, GoingThere) {
  EXPECT_TRUE(good({"-e"}).sync);
  EXPECT_TRUE(good({"-e"}).network_down);
  EXPECT_FALSE(good({"-x", "-e"}).network_down);
  EXPECT_FALSE(good({"-e", "--no-sync"}).sync);
  EXPECT_FALSE(good({"-fxy", "k"}).sync);
}

TEST(KexecOptions, StatusAsksForTheCrashKernelByDefault) {
  EXPECT_TRUE(good({"-S"}).crash);
  EXPECT_TRUE(good({"-S", "-d"}).crash);
  EXPECT_TRUE(good({"-p", "-S"}).crash);
  EXPECT_FALSE(good({"-l", "-S"}).crash);
  EXPECT_EQ(deeds({"-S", "-u", "-e", "-f"}), "----p");
}

TEST(KexecOptions, Numbers) {
  EXPECT_EQ(good({"-l", "k", "--mem-min=0x1000"}).memory_min, 0x1000u);
  EXPECT_EQ(good({"-l", "k", "--mem-min=010"}).memory_min, 8u);
  EXPECT_EQ(good({"-l", "k", "--mem-max=0x7fffffff"}).memory_max, 0x80000000u);
  EXPECT_EQ(good({"-l", "k", "--mem-max=0xffffffffffffffff"}).memory_max, UINT64_MAX);
  for (const std::string option :
       {"--mem-min=1M", "--mem-max=x", "--mem-max=99999999999999999999", "--entry=y"}) {
    const auto refusal = parse({"-l", "k", option});
    ASSERT_FALSE(refusal) << option;
    EXPECT_EQ(refusal.error().exit_code, 1);
    EXPECT_TRUE(refusal.error().show_usage);
  }
}

TEST(KexecOptions, EndAtOnce) {
  EXPECT_EQ(good({"-h", "--bogus"}).ask, Options::Ask::help);
  EXPECT_EQ(good({"--version"}).ask, Options::Ask::version);
  EXPECT_EQ(good({"--print-ckr-size", "-e"}).ask, Options::Ask::crash_size);
  EXPECT_EQ(parse({"--bogus", "-h"}).error().exit_code, 1);
  EXPECT_EQ(parse({"-?"}).error().exit_code, 1);
}

TEST(KexecOptions, AcceptedWithoutEffect) {
  for (const std::string option :
       {"--no-cma", "--force-dtb", "--reset-vga", "--serial=ttyS1", "--serial=0x2f8", "--serial-baud=9600",
        "--console-vga", "--console-serial", "--elf32-core-headers", "--pass-memmap-cmdline",
        "--reuse-video-type", "--args-elf"}) {
    const Options options = good({"-l", "k", option});
    ASSERT_THAT(options.notes, SizeIs(1)) << option;
    EXPECT_THAT(options.notes[0], HasSubstr(option.substr(0, option.find('='))));
  }
  // These are done anyway.
  for (const std::string option : {"--args-linux", "--elf64-core-headers", "--entry=0"})
    EXPECT_THAT(good({"-l", "k", option}).notes, IsEmpty());
  EXPECT_THAT(good({"-l", "k", "--initrd=a", "--initrd=b"}).notes, SizeIs(1));
}

TEST(KexecOptions, CannotBeHonoured) {
  for (const std::string option :
       {"--load-preserve-context", "--load-jump-back-helper", "--load-live-update", "--exec-live-update"}) {
    EXPECT_EQ(parse({"-l", "k", option}).error().exit_code, 1) << option;
    EXPECT_THAT(parse({"-l", "k", option}).error().message, HasSubstr(option));
  }
  for (const std::string option :
       {"--args-none", "--module=m", "--real-mode", "--entry-32bit", "--dtb=d", "--entry=0x1000",
        "--serial=com1", "--serial=0x10000", "--serial-baud=0", "--serial-baud=9601"}) {
    const auto refusal = parse({"-l", "k", option});
    ASSERT_FALSE(refusal) << option;
    EXPECT_EQ(refusal.error().exit_code, 255) << option;
    EXPECT_THAT(refusal.error().message, HasSubstr(option.substr(0, option.find('='))));
  }
}

TEST(KexecOptions, NothingToLoad) {
  EXPECT_EQ(parse({"-l"}).error().exit_code, 255);
  EXPECT_EQ(parse({}).error().exit_code, 255);
  // Options of the load alone, with no load.
  for (const std::string deed : {"-u", "-e", "-S"})
    EXPECT_EQ(parse({deed, "--append=x"}).error().exit_code, 1) << deed;
}

}  // namespace
}  // namespace lifeboat::cli::kexec
