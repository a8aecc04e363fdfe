// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/arming/load_choices.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/utsname.h>

#include "loader/command_line.h"
#include "loader/load_architecture.h"
#include "tests/support/bzimage_builder.h"
#include "tests/support/results.h"
#include "tests/support/uki_builder.h"

namespace lifeboat::arming {
namespace {

namespace fs = std::filesystem;
using test::code_of;
using test::why;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr const char* kRunning = "BOOT_IMAGE=/vmlinuz root=/dev/sda1 custom=1 crashkernel=256M";
constexpr const char* kBootId = "1b4e28ba-2fa1-41d2-883f-0016d3cca427";

class LoadChoices : public testing::Test {
 protected:
  LoadChoices() {
    put("proc/cmdline", std::string(kRunning) + "\n");
    put("proc/sys/kernel/random/boot_id", std::string(kBootId) + "\n");
    put("kernel", kernel_ = as_text(test::build_bzimage()));
    places_.system = {.sys = path("sys"), .proc = path("proc"), .iomem = {}, .run = path("run")};
    places_.boot = {.roots = {path("boot")},
                    .sys = path("sys"),
                    .proc = path("proc"),
                    .mountinfo = path("mountinfo"),
                    .disks = path("dev/disk")};
    places_.kernels = {.boot = path("boot"), .modules = path("modules")};
    places_.host = {.mountinfo = path("mountinfo"), .sys = path("sys"), .dev = path("dev")};
    places_.initramfs_folder = path("lib");
    put("mountinfo", "");
  }
  [[nodiscard]] std::string path(const std::string& name) const { return folder_.path() / name; }
  void put(const std::string& name, std::string_view text) const {
    fs::create_directories(fs::path(path(name)).parent_path());
    ASSERT_TRUE(write_file_atomically(path(name), as_byte_span(text), 0600));
  }
  // In /boot, with its initramfs, and without a boot entry.
  void install(const std::string& release) const {
    put("boot/vmlinuz-" + release, kernel_);
    put("boot/initrd.img-" + release, "070701 of the system");
  }
  void add_entry(const std::string& options) const {
    install("6.12");
    put("boot/loader/entries/a.conf",
        "title The usual one\nlinux /vmlinuz-6.12\ninitrd /initrd.img-6.12\n" + options);
  }
  Result<PreparedLoad> prepare(const LoadOptions& options) const {
    return prepare_load(options, config_, places_);
  }
  // Of the load; an error's text when there is none.
  [[nodiscard]] std::string command_line(const LoadOptions& options) const {
    const auto load = prepare(options);
    return load ? load->request.command_line.value_or("(none)") : why(load);
  }

  TempDir folder_ = TempDir::create("choices-test").value();
  std::string kernel_;
  LoadPlaces places_;
  config::Config config_;
};

// --- The command line of a capture kernel.

TEST_F(LoadChoices, ACaptureKernelReusesWhatItCan) {
  const std::string line = command_line({.crash = true, .kernel = path("kernel"), .dry_run = true});
  EXPECT_THAT(line, AllOf(HasSubstr("root=/dev/sda1"), HasSubstr("custom=1"), Not(HasSubstr("crashkernel")),
                          Not(HasSubstr("BOOT_IMAGE")), HasSubstr(kBootId)));
  for (const auto& rule : parameters_for_capture())
    EXPECT_THAT(split_parameters(line), Contains(std::string(rule.name)));
}

TEST_F(LoadChoices, TheConfigurationAndTheUserAppendInThisOrder) {
  config_.capture.append = "from=configuration";
  config_.capture.remove = {"custom"};
  const std::string line =
      command_line({.crash = true, .kernel = path("kernel"), .append = "from=user", .dry_run = true});
  const auto parameters = split_parameters(line);
  EXPECT_THAT(parameters, Not(Contains("custom=1")));
  const auto at = [&](const char* text) { return std::ranges::find(parameters, text); };
  ASSERT_NE(at("from=user"), parameters.end());
  EXPECT_LT(at("from=configuration"), at("from=user"));
}

TEST_F(LoadChoices, ACaptureKernelUsesTheCpusOfTheConfiguration) {
  put("proc/cpuinfo", "processor\t: 0\ninitial apicid\t: 6\n\n");
  put("sys/devices/system/cpu/present", "0-7\n");
  const LoadOptions options{.crash = true, .kernel = path("kernel"), .dry_run = true};
  EXPECT_THAT(split_parameters(command_line(options)), Contains("nr_cpus=1"));
  EXPECT_THAT(prepare(options)->notes, Not(Contains(HasSubstr("CPUs"))));
  config_.capture.cpus = 4;
  const std::string boot_cpu = *this_architecture().boot_cpu_parameter(path("proc"));
  const auto parameters = split_parameters(command_line(options));
  EXPECT_THAT(parameters, Contains("nr_cpus=4"));
  if (!boot_cpu.empty()) {
    EXPECT_THAT(parameters, Contains(boot_cpu));
  }
  EXPECT_THAT(prepare(options)->notes, Contains("the capture kernel uses 4 CPUs: set by [capture] cpus"));
  EXPECT_THAT(split_parameters(command_line(
                  {.crash = true, .kernel = path("kernel"), .append = "nr_cpus=2", .dry_run = true})),
              AllOf(Contains("nr_cpus=2"), Not(Contains("nr_cpus=4"))));
}

// The expected dump takes long, and what the reservation has memory for cannot be estimated.
TEST_F(LoadChoices, ACaptureKernelUsesOneCpuWhereItsNeedIsNotKnown) {
  put("proc/cpuinfo", "processor\t: 0\ninitial apicid\t: 6\n\n");
  put("sys/devices/system/cpu/present", "0-127\n");
  put("proc/iomem", "00001000-1ffffffffff : System RAM\n");
  const LoadOptions options{.crash = true, .kernel = path("kernel"), .dry_run = true};
  EXPECT_THAT(split_parameters(command_line(options)), Contains("nr_cpus=1"));
}

TEST_F(LoadChoices, AWholeCommandLineIsTakenAsItIs) {
  for (const bool crash : {false, true})
    EXPECT_EQ(command_line(
                  {.crash = crash, .kernel = path("kernel"), .command_line = "just this", .dry_run = true}),
              "just this");
  EXPECT_EQ(command_line({.crash = false, .kernel = path("kernel"), .command_line = ""}), "");
}

TEST_F(LoadChoices, ACaptureKernelNeedsTheRunningCommandLine) {
  fs::remove(path("proc/cmdline"));
  EXPECT_EQ(code_of(prepare({.crash = true, .kernel = path("kernel"), .dry_run = true})),
            ErrorCode::not_found);
}

TEST_F(LoadChoices, AnUnknownBootIdIsLeftOut) {
  fs::remove(path("proc/sys/kernel/random/boot_id"));
  const std::string line = command_line({.crash = true, .kernel = path("kernel"), .dry_run = true});
  EXPECT_THAT(line, AllOf(HasSubstr("root=/dev/sda1"), Not(HasSubstr(kBootParameter))));
}

// --- The command line of another kernel.

TEST_F(LoadChoices, AnotherKernelNeedsACommandLine) {
  EXPECT_EQ(code_of(prepare({.crash = false, .kernel = path("kernel")})), ErrorCode::usage);
  EXPECT_EQ(command_line({.crash = false, .kernel = path("kernel"), .append = "only=this"}), "only=this");
  EXPECT_EQ(command_line({.crash = false, .kernel = path("kernel"), .append = ""}), "");
}

TEST_F(LoadChoices, TheRunningCommandLineIsReusedWhenAsked) {
  EXPECT_EQ(command_line(
                {.crash = false, .kernel = path("kernel"), .append = "single", .reuse_command_line = true}),
            normal_command_line({.reused = kRunning, .append = "single"}));
}

TEST_F(LoadChoices, TheDefaultEntryIsTakenWithAllItHas) {
  add_entry("options root=LABEL=entry ro\n");
  const auto load = prepare({.crash = false});
  ASSERT_TRUE(load) << why(load);
  EXPECT_EQ(load->kernel.name, path("boot/vmlinuz-6.12"));
  EXPECT_EQ(load->request.command_line, "root=LABEL=entry ro");
  EXPECT_THAT(load->request.initramfs, ElementsAre(path("boot/initrd.img-6.12")));
  EXPECT_FALSE(load->request.crash);
  EXPECT_THAT(load->notes, ElementsAre(HasSubstr("'The usual one'")));
  EXPECT_EQ(command_line({.crash = false, .append = "single"}), "root=LABEL=entry ro single");
  EXPECT_THAT(command_line({.crash = false, .reuse_command_line = true}), HasSubstr("root=/dev/sda1"));
}

TEST_F(LoadChoices, AnEntryWithoutACommandLineGetsTheRunningOneAndANote) {
  install("6.12");
  const auto load = prepare({.crash = false});
  ASSERT_TRUE(load) << why(load);
  EXPECT_THAT(*load->request.command_line, HasSubstr("root=/dev/sda1"));
  EXPECT_THAT(load->notes, Contains(HasSubstr("the boot entry has no command line")));
}

TEST_F(LoadChoices, AnEntryThatNamesNoRootIsRefused) {
  for (const char* options :
       {"", "options ro quiet\n", "options root= ro\n", "options init=/bin/sh\n", "options $kernelopts\n"}) {
    add_entry(options);
    const auto load = prepare({.crash = false});
    EXPECT_EQ(code_of(load), ErrorCode::corrupt) << options;
    EXPECT_THAT(why(load), AllOf(HasSubstr("'The usual one'"), HasSubstr("a.conf"), HasSubstr("root="),
                                 HasSubstr("--reuse-cmdline")));
    EXPECT_EQ(code_of(usable_boot_entry(places_.boot, places_.system)), ErrorCode::corrupt) << options;
    // What the user gives counts.
    EXPECT_THAT(command_line({.crash = false, .append = "root=/dev/sdb"}), HasSubstr("root=/dev/sdb"));
    EXPECT_THAT(command_line({.crash = false, .reuse_command_line = true}), HasSubstr("root=/dev/sda1"));
    EXPECT_EQ(command_line({.crash = false, .command_line = "quiet"}), "quiet");
  }
}

TEST_F(LoadChoices, ARootMayBeNamedInOtherWays) {
  for (const char* options : {"init=/nix/store/abc/init", "boot=live", "nfsroot=10.0.0.1:/x",
                              "zfs=rpool/root", "rdinit=/sbin/init"}) {
    add_entry("options " + std::string(options) + "\n");
    EXPECT_EQ(command_line({.crash = false}), options);
    EXPECT_TRUE(usable_boot_entry(places_.boot, places_.system)) << options;
  }
  // The initramfs of this machine finds its root by itself.
  put("proc/cmdline", "BOOT_IMAGE=/vmlinuz quiet\n");
  add_entry("options quiet\n");
  EXPECT_EQ(command_line({.crash = false}), "quiet");
}

TEST_F(LoadChoices, WhatIsToBeKnownOfTheEntryIsSaid) {
  add_entry("options root=1\n");
  put("boot/loader/loader.conf", "default removed.conf\n");
  const auto load = prepare({.crash = false});
  ASSERT_TRUE(load) << why(load);
  EXPECT_THAT(load->notes, Contains(AllOf(HasSubstr("'removed.conf'"), HasSubstr("loader.conf"))));
}

TEST_F(LoadChoices, AKernelWithoutABootEntryIsNotCalledTheDefault) {
  install("6.12");
  const auto load = prepare({.crash = false});
  ASSERT_TRUE(load) << why(load);
  EXPECT_THAT(load->notes, Contains(HasSubstr("the newest kernel is 'Linux 6.12'")));
  EXPECT_THAT(load->notes, Not(Contains(HasSubstr("the default boot entry"))));
  EXPECT_THAT(usable_boot_entry(places_.boot, places_.system)->notes,
              Contains(HasSubstr("may not be the one")));
}

TEST_F(LoadChoices, TheUsableEntryNamesThoseThatAreSkippedBeforeIt) {
  add_entry("options root=1\n");
  put("boot/loader/entries/A.conf", "linux /gone\n");
  EXPECT_THAT(usable_boot_entry(places_.boot, places_.system)->notes, IsEmpty());
  put("boot/loader/entries/b.conf", "linux /gone\n");
  EXPECT_THAT(usable_boot_entry(places_.boot, places_.system)->notes,
              ElementsAre(AllOf(HasSubstr("skipped"), HasSubstr("b.conf"))));
}

TEST_F(LoadChoices, TheEntryOfGrubIsTaken) {
  install("6.12");
  put("boot/grub/grub.cfg",
      "menuentry 'of GRUB' { linux /vmlinuz-6.12 root=/dev/x single; initrd /initrd.img-6.12 }\n");
  const auto load = prepare({.crash = false});
  ASSERT_TRUE(load) << why(load);
  EXPECT_EQ(load->request.command_line, "root=/dev/x single");
  EXPECT_THAT(load->request.initramfs, ElementsAre(path("boot/initrd.img-6.12")));
  EXPECT_THAT(load->notes, ElementsAre(AllOf(HasSubstr("'of GRUB'"), HasSubstr("grub.cfg:1"))));
  put("boot/grub/grub.cfg", "menuentry 'of GRUB' { linux /vmlinuz-6.12 $kernelopts }\n");
  EXPECT_THAT(why(prepare({.crash = false})), HasSubstr("$kernelopts"));
}

TEST_F(LoadChoices, AUnifiedImageHasItsOwn) {
  put("boot/EFI/Linux/u.efi",
      as_text(test::build_uki(
          {.sections = {test::uki_section(".linux", kernel_), test::uki_section(".initrd", "070701 its own"),
                        test::uki_section(".cmdline", "of=image")}})));
  const std::string image = path("boot/EFI/Linux/u.efi");
  const auto load = prepare({.crash = false, .kernel = image});
  ASSERT_TRUE(load) << why(load);
  EXPECT_EQ(load->request.command_line, "of=image");
  EXPECT_THAT(load->request.initramfs, IsEmpty());
  EXPECT_EQ(command_line({.crash = false, .kernel = image, .append = "single"}), "of=image single");
  EXPECT_THAT(command_line({.crash = false, .kernel = image, .reuse_command_line = true}),
              Not(HasSubstr("of=image")));
}

// --- The kernel and its initramfs.

TEST_F(LoadChoices, ANamedKernelComesWithItsInitramfs) {
  install("6.1");
  const auto load = prepare({.crash = false, .boot_name = "6.1", .append = ""});
  ASSERT_TRUE(load) << why(load);
  EXPECT_EQ(load->kernel.name, path("boot/vmlinuz-6.1"));
  EXPECT_THAT(load->request.initramfs, ElementsAre(path("boot/initrd.img-6.1")));
  EXPECT_EQ(code_of(prepare({.crash = false, .kernel = path("kernel"), .boot_name = "6.1"})),
            ErrorCode::usage);
  EXPECT_EQ(code_of(prepare({.crash = false, .boot_name = "6.2"})), ErrorCode::not_found);
}

TEST_F(LoadChoices, ANamedCaptureKernelHasLifeboatsInitramfs) {
  install("6.1");
  const auto load = prepare({.crash = true, .boot_name = "6.1", .dry_run = true});
  ASSERT_TRUE(load) << why(load);
  EXPECT_THAT(load->request.initramfs, ElementsAre(path("lib/initramfs-6.12.1-test.img")));
  EXPECT_FALSE(fs::exists(path("lib"))) << "a dry run builds nothing";
}

TEST_F(LoadChoices, TheRunningKernelCaptures) {
  utsname names{};
  ASSERT_EQ(::uname(&names), 0);
  const std::string release = names.release;
  EXPECT_EQ(capture_kernel(config_, places_.kernels)->path, path("boot/vmlinuz-" + release))
      << "for messages";
  put("modules/" + release + "/vmlinuz", kernel_);
  EXPECT_EQ(capture_kernel(config_, places_.kernels)->path, path("modules/" + release + "/vmlinuz"));
  put("boot/vmlinuz-" + release, kernel_);
  EXPECT_EQ(capture_kernel(config_, places_.kernels)->path, path("boot/vmlinuz-" + release));
  EXPECT_EQ(capture_kernel(config_, places_.kernels)->release, release);
  const auto load = prepare({.crash = true, .dry_run = true});
  ASSERT_TRUE(load) << why(load);
  EXPECT_EQ(load->kernel.name, path("boot/vmlinuz-" + release));
  EXPECT_TRUE(load->request.crash);
}

TEST_F(LoadChoices, AMissingCaptureKernelIsToBeInstalled) {
  const auto load = prepare({.crash = true, .command_line = "a=b"});
  ASSERT_FALSE(load);
  EXPECT_EQ(load.error().code, ErrorCode::not_found);
  EXPECT_EQ(load.error().fix, kCaptureKernelFix);
  const auto named = prepare({.crash = true, .kernel = path("missing"), .command_line = "a=b"});
  ASSERT_FALSE(named);
  EXPECT_THAT(named.error().fix, HasSubstr("name the kernel file"));
}

TEST_F(LoadChoices, TheConfiguredKernelCaptures) {
  config_.capture.kernel = path("kernel");
  const auto load = prepare({.crash = true, .dry_run = true});
  ASSERT_TRUE(load) << why(load);
  EXPECT_EQ(load->kernel.name, path("kernel"));
  EXPECT_EQ(capture_kernel(config_)->release, "6.12.1-test");
  config_.capture.kernel = path("nowhere");
  EXPECT_THAT(why(capture_kernel(config_)), HasSubstr("[capture] kernel"));
}

TEST_F(LoadChoices, AKernelWithoutAReleaseNeedsAGivenInitramfs) {
  put("kernel", as_text(test::build_bzimage({.kernel_version = 0})));
  EXPECT_EQ(code_of(prepare({.crash = true, .kernel = path("kernel"), .dry_run = true})),
            ErrorCode::not_found);
  put("initrd", "070701");
  const auto load =
      prepare({.crash = true, .kernel = path("kernel"), .initramfs = std::vector{path("initrd")}});
  ASSERT_TRUE(load) << why(load);
  EXPECT_THAT(load->request.initramfs, ElementsAre(path("initrd")));
  config_.capture.kernel = path("kernel");
  EXPECT_EQ(code_of(capture_kernel(config_)), ErrorCode::unsupported);
}

TEST_F(LoadChoices, AnInitramfsThatCannotBeRebuiltIsLoadedAsItIs) {
  const LoadOptions options{.crash = true, .kernel = path("kernel")};
  EXPECT_FALSE(prepare(options)) << "there is none";
  put("lib/initramfs-6.12.1-test.img", "070701 older");
  const auto load = prepare(options);
  ASSERT_TRUE(load) << why(load);
  EXPECT_THAT(load->request.initramfs, ElementsAre(path("lib/initramfs-6.12.1-test.img")));
  EXPECT_THAT(load->notes, Contains(HasSubstr("an older one is loaded")));
}

TEST_F(LoadChoices, ADryRunNamesATargetThatIsRefused) {
  put("lib/initramfs-6.12.1-test.img", "an older one");
  put("mountinfo", "1 0 0:40 / / rw - nfs4 server:/ rw\n");
  const LoadOptions options{.crash = true, .kernel = path("kernel"), .dry_run = true};
  EXPECT_EQ(code_of(prepare(options)), ErrorCode::unsupported);
  // Another machine's files: this one's disks do not matter.
  places_.system.sys = path("copy");
  EXPECT_TRUE(prepare(options));
}

// --- The system call.

TEST_F(LoadChoices, AddressesNeedKexecLoad) {
  const LoadOptions usual{.crash = true, .kernel = path("kernel"), .dry_run = true};
  EXPECT_EQ(prepare(usual)->request.call, LoadCall::automatic);
  for (int which = 0; which < 3; ++which) {
    LoadOptions options = usual;
    if (which == 0) options.memory_min = 0x1000000;
    if (which == 1) options.memory_max = 0x40000000;
    if (which == 2) options.verify = false;
    EXPECT_EQ(prepare(options)->request.call, LoadCall::segments) << which;
    options.call = LoadCall::file;
    EXPECT_EQ(code_of(prepare(options)), ErrorCode::usage) << which;
  }
  // Implied by them, and not asked for by name.
  LoadOptions placed = usual;
  placed.memory_min = 0x1000000;
  EXPECT_TRUE(prepare(placed)->request.call_is_implied);
  placed.call = LoadCall::automatic;
  EXPECT_TRUE(prepare(placed)->request.call_is_implied);
  placed.call = LoadCall::segments;
  EXPECT_FALSE(prepare(placed)->request.call_is_implied);
  config_.capture.syscall = LoadCall::file;
  placed.call.reset();
  EXPECT_EQ(code_of(prepare(placed)), ErrorCode::usage);
  config_.capture.syscall = LoadCall::automatic;
  LoadOptions nothing_between = usual;
  nothing_between.memory_min = nothing_between.memory_max = 0x1000000;
  EXPECT_EQ(code_of(prepare(nothing_between)), ErrorCode::usage);
}

TEST_F(LoadChoices, TheConfiguredCallIsForCaptureKernelsAndAnOptionOverridesIt) {
  const LoadOptions crash{.crash = true, .kernel = path("kernel"), .dry_run = true};
  const LoadOptions normal{.kernel = path("kernel"), .command_line = "a"};
  EXPECT_EQ(prepare(crash)->request.call, LoadCall::automatic);
  for (const auto configured : {LoadCall::segments, LoadCall::file, LoadCall::automatic}) {
    config_.capture.syscall = configured;
    EXPECT_EQ(prepare(crash)->request.call, configured);
    EXPECT_EQ(prepare(normal)->request.call, LoadCall::automatic);
    for (const auto given : {LoadCall::automatic, LoadCall::file, LoadCall::segments}) {
      LoadOptions options = crash;
      options.call = given;
      EXPECT_EQ(prepare(options)->request.call, given);
    }
  }
}

}  // namespace
}  // namespace lifeboat::arming
