// SPDX-License-Identifier: GPL-2.0-or-later
// What the recipe is on a machine where something is missing, and which initramfs is loaded then.
#include "src/arming/recipe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "src/arming/kept_initramfs.h"
#include "src/base/file.h"
#include "src/base/process.h"
#include "tests/support/ext4_disk.h"
#include "tests/support/results.h"

namespace lifeboat::arming {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using test::code_of;
using test::why;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::UnorderedElementsAre;

// A warning of this kind, about `subject`, whose reason has this code.
MATCHER_P3(Warns, kind, subject, code, "") {
  return arg.kind == kind && arg.subject == std::string(subject) && arg.error.code == code;
}

// A machine with everything on one disk, whose drivers are built in; /dev/absent is not plugged in.
class MachineRecipe : public testing::Test {
 protected:
  void SetUp() override {
    const fs::path disk = root() / "sys/devices/disk/sda1";
    put(disk / "uevent", "DEVNAME=sda1\n");
    // The kernel makes no link from a driver that is built in to a module.
    fs::create_directories(root() / "sys/bus/drivers/near");
    fs::create_symlink(root() / "sys/bus/drivers/near", root() / "sys/devices/disk/driver");
    fs::create_directories(root() / "sys/dev/block");
    fs::create_symlink(disk, root() / "sys/dev/block/8:1");
    put(root() / "dev/sda1", as_text(test::ext4_disk()));
    put(root() / "mountinfo", "1 0 8:1 / / rw - ext4 /dev/root rw\n");
    put(root() / "lifeboat-init",
        "\x7f"
        "ELF init");
    put(modules() / "modules.builtin", "kernel/fs/ext4/ext4.ko\nkernel/drivers/near.ko\n");
    put(modules() / "modules.order", "");
    put(modules() / "config", "CONFIG_RD_GZIP=y\n");
    put(modules() / "kernel/far.ko",
        "\x7f"
        "ELF");
    const auto depmod = find_program("depmod");
    if (!depmod) GTEST_SKIP() << "depmod is not installed";
    const auto indexed = run_process({*depmod, "-b", root(), "6.1.0-test"}, 60s);
    ASSERT_TRUE(indexed) << why(indexed);
  }
  [[nodiscard]] fs::path root() const { return folder_.path(); }
  [[nodiscard]] fs::path modules() const { return root() / "lib/modules/6.1.0-test"; }
  [[nodiscard]] std::string image() const { return root() / "store/initramfs.img"; }
  static void put(const fs::path& path, std::string_view text) {
    fs::create_directories(path.parent_path());
    ASSERT_TRUE(write_file_atomically(path.string(), as_byte_span(text), 0755));
  }
  [[nodiscard]] RecipeRequest request() const {
    return {.release = "6.1.0-test",
            .module_folder = modules(),
            .init = root() / "lifeboat-init",
            .host = {.mountinfo = root() / "mountinfo", .sys = root() / "sys", .dev = root() / "dev"},
            .running = "6.6.0-running"};
  }
  static config::Config two_targets() {
    config::Config config;
    config.targets = {{.path = "/dumps", .device = "/dev/absent-disk"}, {.path = "/var/crash/lifeboat"}};
    return config;
  }
  // As it was made while the first target was there.
  void write_fuller_image() {
    Recipe recipe = make_recipe(two_targets(), request()).value();
    recipe.plan.targets.insert(recipe.plan.targets.begin(), {"1234-abcd", "ext4", "/dumps"});
    put(root() / "far.ko",
        "\x7f"
        "ELF vermagic");
    recipe.modules.push_back({"far.ko", root() / "far.ko"});
    put(image(), "an initramfs");
    put(root() / "store/initramfs.recipe", fingerprint(recipe) + "bytes 12\n");
  }
  std::vector<std::string> refresh(const config::Config& config) {
    std::vector<std::string> notes;
    const auto done = refresh_initramfs(config, request(), image(), notes);
    EXPECT_TRUE(done) << why(done);
    return notes;
  }
  std::string held() const { return read_text(image()).value_or("nothing"); }
  TempDir folder_ = TempDir::create("recipe-test").value();
};

TEST_F(MachineRecipe, ATargetThatIsAwayIsLeftOutWithAWarning) {
  const auto recipe = make_recipe(two_targets(), request());
  ASSERT_TRUE(recipe) << why(recipe);
  ASSERT_EQ(recipe->targets.size(), 1U);
  EXPECT_EQ(recipe->plan.targets.front().uuid, test::kExt4Uuid);
  EXPECT_THAT(recipe->warnings,
              ElementsAre(Warns(RecipeWarningKind::target, "/dev/absent-disk", ErrorCode::not_found)));
}

TEST_F(MachineRecipe, WhatIsOnlyWantedIsLeftOutWithAWarning) {
  config::Config config;
  config.capture.hook_after = {root() / "no-hook", "/bin/sh"};
  config.capture.hook_before = {root() / "no-hook-either"};
  config.capture.file = {root() / "no-file"};
  config.capture.module = {"no_module"};
  const auto recipe = make_recipe(config, request());
  ASSERT_TRUE(recipe) << why(recipe);
  EXPECT_THAT(recipe->plan.capture.hook_after, ElementsAre("/bin/sh"));
  EXPECT_THAT(recipe->plan.capture.hook_before, IsEmpty());
  EXPECT_THAT(recipe->files, Contains("/bin/sh"));
  EXPECT_THAT(recipe->modules, IsEmpty());
  const auto warns = [&](RecipeWarningKind kind, const std::string& subject) {
    return Warns(kind, subject, ErrorCode::not_found);
  };
  EXPECT_THAT(recipe->warnings,
              UnorderedElementsAre(warns(RecipeWarningKind::hook, root() / "no-hook"),
                                   warns(RecipeWarningKind::hook, root() / "no-hook-either"),
                                   warns(RecipeWarningKind::file, root() / "no-file"),
                                   warns(RecipeWarningKind::module, "no_module")));
}

// A kernel whose decompressors are not known is a warning, and no compression.
TEST_F(MachineRecipe, AKernelWithoutItsConfigurationGetsAnUncompressedInitramfs) {
  fs::remove(modules() / "config");
  const auto recipe = make_recipe({}, request());
  ASSERT_TRUE(recipe) << why(recipe);
  EXPECT_EQ(recipe->compression, InitramfsCompression::none);
  EXPECT_THAT(recipe->warnings, ElementsAre(Warns(RecipeWarningKind::compression, "/boot/vmlinuz-6.1.0-test",
                                                  ErrorCode::not_found)));
}

TEST_F(MachineRecipe, WhatCannotBePackedIsLeftOut) {
  put(root() / "plain-hook", "#!/bin/sh\n");
  fs::permissions(root() / "plain-hook", fs::perms(0644));
  put(root() / "huge", "");
  fs::resize_file(root() / "huge", uint64_t{300} << 20);
  ASSERT_EQ(::mkfifo((root() / "fifo").c_str(), 0600), 0);
  config::Config config;
  config.capture.hook_before = {root() / "plain-hook"};
  config.capture.file = {root() / "huge", root() / "fifo"};
  const auto recipe = make_recipe(config, request());
  ASSERT_TRUE(recipe) << why(recipe);
  EXPECT_THAT(recipe->plan.capture.hook_before, IsEmpty());
  EXPECT_THAT(recipe->files, IsEmpty());
  const auto warns = [&](RecipeWarningKind kind, const char* name) {
    return Warns(kind, root() / name, ErrorCode::usage);
  };
  EXPECT_THAT(recipe->warnings, UnorderedElementsAre(warns(RecipeWarningKind::hook, "plain-hook"),
                                                     warns(RecipeWarningKind::file, "huge"),
                                                     warns(RecipeWarningKind::file, "fifo")));
}

TEST_F(MachineRecipe, TheInitramfsIsMadeOnce) {
  EXPECT_THAT(refresh(config::Config{}), ElementsAre(HasSubstr("initramfs.img was built: there is none")));
  EXPECT_THAT(refresh(config::Config{}), IsEmpty());
}

TEST_F(MachineRecipe, AFullerInitramfsIsNotReplacedByOneWithFewerTargets) {
  write_fuller_image();
  EXPECT_THAT(refresh(two_targets()), Contains(HasSubstr("is not rebuilt")));
  EXPECT_EQ(held(), "an initramfs");
}

TEST_F(MachineRecipe, ATargetThatIsNoLongerConfiguredIsNotKept) {
  write_fuller_image();
  auto config = two_targets();
  config.targets.front().device = "/dev/another-absent-disk";
  EXPECT_THAT(refresh(config), Contains(HasSubstr("was built")));
}

// --- Whether anything shows that a driver leads to the target.

TEST_F(MachineRecipe, ATargetWithoutADriverIsAWarning) {
  fs::remove(root() / "sys/devices/disk/driver");
  const auto recipe = make_recipe({}, request());
  ASSERT_TRUE(recipe) << why(recipe);
  EXPECT_THAT(recipe->warnings,
              ElementsAre(Warns(RecipeWarningKind::driver, root() / "dev/sda1", ErrorCode::not_found)));
  EXPECT_THAT(recipe->warnings[0].error.fix, HasSubstr("[capture] module"));
  EXPECT_THAT(refresh({}), Contains(HasSubstr("/sys shows no driver")));
  // A device that none of its modules is for.
  put(root() / "sys/devices/disk/modalias", "pci:v00001234d*\n");
  EXPECT_THAT(make_recipe({}, request())->warnings, testing::SizeIs(1));
}

TEST_F(MachineRecipe, AnAliasOfABuiltInDriverShowsIt) {
  fs::remove(root() / "sys/devices/disk/driver");
  put(root() / "sys/devices/disk/modalias", "pci:v00001234d00000001\n");
  put(modules() / "modules.builtin.modinfo", std::string_view("other.alias=pci:v00001234d*\0", 28));
  EXPECT_THAT(make_recipe({}, request())->warnings, IsEmpty());
}

TEST_F(MachineRecipe, ADriverBuiltIntoTheRunningKernelShowsItForThatOneOnly) {
  const fs::path driver = root() / "sys/devices/disk/driver";
  fs::create_directories(root() / "sys/bus/drivers/elsewhere");
  fs::remove(driver);
  fs::create_symlink(root() / "sys/bus/drivers/elsewhere", driver);
  EXPECT_THAT(make_recipe({}, request())->warnings,
              ElementsAre(Warns(RecipeWarningKind::driver, root() / "dev/sda1", ErrorCode::not_found)));
  auto same = request();
  same.running = same.release;
  EXPECT_THAT(make_recipe({}, same)->warnings, IsEmpty());
}

// --- Targets that a capture kernel cannot reach.

TEST_F(MachineRecipe, AnOlderInitramfsDoesNotReplaceATargetThatIsRefused) {
  put(image(), "an initramfs");
  put(root() / "mountinfo", "1 0 0:40 / / rw - nfs4 server:/ rw\n");
  std::vector<std::string> notes;
  EXPECT_EQ(code_of(refresh_initramfs({}, request(), image(), notes)), ErrorCode::unsupported);
  EXPECT_EQ(code_of(preview_initramfs({}, request(), image(), notes)), ErrorCode::unsupported);
  EXPECT_EQ(held(), "an initramfs");
  // One that is missing may come back, and the older one may have it.
  EXPECT_THAT(refresh(two_targets()), Contains(HasSubstr("an older one is loaded")));
}

TEST_F(MachineRecipe, EveryTargetIsNamedWhenNoneIsLeft) {
  put(root() / "mountinfo", "1 0 0:40 / / rw - nfs4 server:/ rw\n");
  const auto none = make_recipe(two_targets(), request());
  EXPECT_EQ(code_of(none), ErrorCode::not_found);
  EXPECT_THAT(none.error().message, HasSubstr("/dev/absent-disk"));
  EXPECT_THAT(none.error().message, HasSubstr("nfs4"));
}

// The daemon that starts it may come later than the load.
TEST_F(MachineRecipe, TheDriverOfAWatchdogIsTakenAlongWhetherOrNotItRuns) {
  const fs::path device = root() / "sys/devices/pci/dog", dog = device / "watchdog/watchdog0";
  put(dog / "state", "inactive\n");
  put(dog / "identity", "A dog\n");
  fs::create_directories(root() / "sys/class/watchdog");
  fs::create_directories(device / "driver");
  fs::create_symlink(dog, root() / "sys/class/watchdog/watchdog0");
  fs::create_symlink(device, dog / "device");
  fs::create_symlink("/sys/module/far", device / "driver/module");
  const auto idle = make_recipe(config::Config{}, request());
  ASSERT_TRUE(idle) << why(idle);
  EXPECT_TRUE(carries(*idle, "far"));
  EXPECT_THAT(idle->modules, testing::SizeIs(1));
  EXPECT_THAT(idle->plan.watchdogs, IsEmpty()) << "it would be started";

  put(dog / "state", "active\n");
  const auto running = make_recipe(config::Config{}, request());
  ASSERT_TRUE(running) << why(running);
  EXPECT_TRUE(carries(*running, "far"));
  EXPECT_THAT(running->plan.watchdogs, ElementsAre("A dog"));

  config::Config without;
  without.capture.watchdog = false;
  EXPECT_THAT(make_recipe(without, request())->modules, IsEmpty());
}

TEST_F(MachineRecipe, TheDriverOfAWatchdogWithoutADeviceIsFoundByItsUseOfTheCore) {
  put(root() / "sys/devices/virtual/watchdog/watchdog0/state", "active\n");
  fs::create_directories(root() / "sys/class/watchdog");
  fs::create_symlink(root() / "sys/devices/virtual/watchdog/watchdog0",
                     root() / "sys/class/watchdog/watchdog0");
  fs::create_directories(root() / "sys/module/watchdog/holders/far");
  const auto recipe = make_recipe(config::Config{}, request());
  ASSERT_TRUE(recipe) << why(recipe);
  EXPECT_TRUE(carries(*recipe, "far"));
}

// It is a holder of the core, too. In the capture kernel it would make a panic of every pretimeout.
TEST_F(MachineRecipe, TheGovernorThatPanicsIsNotTakenAlongAndTheHarmlessOneIs) {
  fs::create_directories(root() / "sys/module/watchdog/holders/far");
  fs::create_directories(root() / "sys/module/watchdog/holders/pretimeout_panic");
  auto recipe = make_recipe(config::Config{}, request());
  ASSERT_TRUE(recipe) << why(recipe);
  EXPECT_THAT(recipe->modules, testing::SizeIs(1)) << "this kernel has no pretimeout_noop, which is no fault";
  EXPECT_THAT(recipe->warnings, IsEmpty());

  for (const char* name : {"pretimeout_panic", "pretimeout_noop"}) {
    put(modules() / "kernel" / fmt::format("{}.ko", name),
        "\x7f"
        "ELF");
  }
  ASSERT_TRUE(run_process({*find_program("depmod"), "-b", root(), "6.1.0-test"}, 60s));
  recipe = make_recipe(config::Config{}, request());
  ASSERT_TRUE(recipe) << why(recipe);
  ASSERT_THAT(recipe->modules, testing::SizeIs(2));
  EXPECT_EQ(recipe->modules[0].name, "pretimeout_noop.ko") << "before the drivers";
  EXPECT_EQ(recipe->modules[1].name, "far.ko");
}

TEST_F(MachineRecipe, AWatchdogThatWasSeenToRunStaysKnown) {
  Recipe recipe = make_recipe(config::Config{}, request()).value();
  recipe.plan.watchdogs = {"iTCO_wdt"};
  put(image(), "an initramfs");
  put(root() / "store/initramfs.recipe", fingerprint(recipe) + "bytes 12\n");
  EXPECT_THAT(refresh(config::Config{}), Contains(HasSubstr("is not rebuilt")));
  EXPECT_EQ(held(), "an initramfs");
}

TEST_F(MachineRecipe, WhatIsNoLongerAskedForIsReplaced) {
  write_fuller_image();
  EXPECT_THAT(refresh(config::Config{}), Contains(HasSubstr("was built")));
  EXPECT_NE(held(), "an initramfs");
}

TEST_F(MachineRecipe, AFullerInitramfsThatIsStaleBesidesIsReplaced) {
  write_fuller_image();
  auto config = two_targets();
  config.dump.level = {1};
  EXPECT_THAT(refresh(config), Contains(HasSubstr("was built")));
  write_fuller_image();
  put(root() / "far.ko",
      "\x7f"
      "ELF, another");
  EXPECT_THAT(refresh(two_targets()), Contains(HasSubstr("was built")));
  EXPECT_NE(held(), "an initramfs");
}

TEST_F(MachineRecipe, AnOlderInitramfsIsBetterThanNone) {
  put(image(), "an initramfs");
  config::Config config;
  config.targets = {two_targets().targets.front()};
  EXPECT_THAT(refresh(config), Contains(HasSubstr("an older one is loaded")));
  EXPECT_EQ(held(), "an initramfs");
  // It cannot be made, for another reason.
  fs::remove(root() / "lifeboat-init");
  EXPECT_THAT(refresh(two_targets()), Contains(HasSubstr("an older one is loaded")));
  EXPECT_EQ(held(), "an initramfs");
}

TEST_F(MachineRecipe, NoInitramfsAtAllIsAnError) {
  config::Config config;
  config.targets = {two_targets().targets.front()};
  std::vector<std::string> notes;
  EXPECT_EQ(code_of(refresh_initramfs(config, request(), image(), notes)), ErrorCode::not_found);
}

}  // namespace
}  // namespace lifeboat::arming
