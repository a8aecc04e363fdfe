// SPDX-License-Identifier: GPL-2.0-or-later
// `lifeboat load --dry-run` on another machine's files, by a user without any privilege.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "tests/support/bzimage_builder.h"
#include "tests/support/iomem_samples.h"
#include "tests/support/programs.h"
#include "tests/support/uki_builder.h"

namespace lifeboat::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class DryRun : public ::testing::Test {
 protected:
  void SetUp() override {
    put("vmlinuz", as_text(build_bzimage({.init_size = 48u << 20})));
    put("initramfs", "070701 and so on");
    put("more", "070701 and more");
    put("iomem", iomem_sample("two_crash_regions"));
    for (const char* cpu : {"cpu0", "cpu1"}) {
      put(std::string("sys/devices/system/cpu/") + cpu + "/crash_notes", "27f801000\n");
      put(std::string("sys/devices/system/cpu/") + cpu + "/crash_notes_size", "352\n");
    }
    put("sys/kernel/vmcoreinfo", "27f7f0000 1024\n");
    put("proc/cmdline", "BOOT_IMAGE=/vmlinuz root=/dev/sda1 crashkernel=256M,high\n");
    put("proc/kallsyms", "ffffffff81000000 T _text\n");
    put("proc/self/status", "Name:\tx\nCapEff:\t0000000000000000\n");
  }
  void put(const std::string& name, std::string_view text) const {
    const std::filesystem::path path = temp_.path() / name;
    std::filesystem::create_directories(path.parent_path());
    for (auto folder = path.parent_path(); folder != temp_.path().parent_path();
         folder = folder.parent_path())
      std::filesystem::permissions(folder, std::filesystem::perms(0755));
    write_file_atomically(path, as_byte_span(text), 0644).value();
  }
  [[nodiscard]] std::string path(const std::string& name) const { return temp_.path() / name; }

  // As nobody, when this test runs as root.
  [[nodiscard]] ProcessOutput dry_run(std::vector<std::string> more) const {
    std::vector<std::string> argv;
    if (::getuid() == 0) argv = {"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"};
    argv.insert(argv.end(), {copy_, "load", path("vmlinuz"), "--initrd", path("initramfs"), "--dry-run",
                             "--iomem", path("iomem"), "--sysfs", path("sys"), "--procfs", path("proc")});
    argv.insert(argv.end(), more.begin(), more.end());
    return run(argv);
  }

  TempDir temp_ = TempDir::create("dry-run-test").value();
  // The build tree may lie where nobody else can look.
  std::string copy_ = [this] {
    const std::filesystem::path copy = temp_.path() / "lifeboat";
    std::filesystem::copy_file(lifeboat_program(), copy);
    return copy.string();
  }();
};

TEST_F(DryRun, ShowsACrashLoad) {
  const auto output = dry_run({"--crash", "--json"});
  ASSERT_EQ(output.status, 0) << output.text;
  const auto plan = nlohmann::json::parse(output.text);
  EXPECT_THAT(plan["command_line"].get<std::string>(),
              AllOf(HasSubstr("elfcorehdr=0x2"), HasSubstr("root=/dev/sda1"),
                    ::testing::Not(HasSubstr("crashkernel"))));
  EXPECT_EQ(plan["segments"].size(), 6u);
  for (const auto& segment : plan["segments"]) {
    const auto at = std::stoull(segment["address"].get<std::string>(), nullptr, 16);
    EXPECT_GE(at, 0x25f000000u);
    EXPECT_LT(at, 0x27f000000u);
  }
  EXPECT_EQ(plan["core"].size(), 3u + 1u + 5u);  // notes; text; RAM, of which the low part is a copy
  EXPECT_EQ(plan["memory_map"][0]["begin"], "0x1000");
}

TEST_F(DryRun, ShowsANormalLoadAsText) {
  const auto output = dry_run({"--initrd", path("more"), "--append", "root=/dev/sda2"});
  ASSERT_EQ(output.status, 0) << output.text;
  EXPECT_THAT(output.text, AllOf(HasSubstr("0000000001000000-0000000003ffffff"), HasSubstr("boot parameters"),
                                 HasSubstr("ACPI Non-volatile Storage"), HasSubstr("root=/dev/sda2")));
  EXPECT_THAT(output.text, HasSubstr("CAP_SYS_BOOT"));  // what stands in the way of a real one
}

TEST_F(DryRun, ReportsWhatIsWrong) {
  put("iomem", "00000000-00000000 : System RAM\n");
  auto output = dry_run({"--append", "x"});
  EXPECT_EQ(output.status, 1);
  EXPECT_THAT(output.text, AllOf(HasSubstr("hides the addresses"), HasSubstr("root")));
  put("iomem", "nonsense\n");
  EXPECT_THAT(dry_run({"--append", "x"}).text, HasSubstr("line 1"));
  put("iomem", "00100000-7fffffff : System RAM\n");
  output = dry_run({"--crash"});
  EXPECT_EQ(output.status, 1);
  EXPECT_THAT(output.text, HasSubstr("lifeboat reserve set auto"));
  output = dry_run({"--append", "x", "--syscall", "file"});
  EXPECT_EQ(output.status, 2);
}

TEST_F(DryRun, SegmentsThatWouldLosePreservedMemoryNeedTheirName) {
  put("proc/cmdline", "root=/dev/sda1 kho=on\n");
  auto output = dry_run({"--append", "x"});
  EXPECT_EQ(output.status, 1);
  EXPECT_THAT(output.text, AllOf(HasSubstr("KHO"), HasSubstr("--syscall segments")));
  output = dry_run({"--append", "x", "--mem-min", "16M"});
  EXPECT_EQ(output.status, 1);
  output = dry_run({"--append", "x", "--syscall", "segments"});
  EXPECT_EQ(output.status, 0);
  EXPECT_THAT(output.text, AllOf(HasSubstr("warning"), HasSubstr("KHO")));
  output = dry_run({"--append", "x", "--syscall", "segments", "--json"});
  ASSERT_EQ(output.status, 0) << output.text;
  EXPECT_THAT(nlohmann::json::parse(output.text)["warnings"].dump(), HasSubstr("KHO"));
  EXPECT_EQ(dry_run({"--crash"}).status, 0);
}

TEST_F(DryRun, NothingIsPlannedForXensDom0) {
  put("sys/hypervisor/type", "xen\n");
  put("proc/xen/capabilities", "control_d\n");
  for (const char* kind : {"--crash", "--reuse-cmdline"}) {
    const auto output = dry_run({kind});
    EXPECT_EQ(output.status, 1);
    EXPECT_THAT(output.text, AllOf(HasSubstr("dom0"), HasSubstr("GRUB_CMDLINE_XEN")));
  }
  put("proc/xen/capabilities", "\n");
  EXPECT_EQ(dry_run({"--crash"}).status, 0);
}

TEST_F(DryRun, ANameAsSystemdEscapesItIsUnderstood) {
  const auto output =
      run_lifeboat({"load", "--boot-name", R"(no-such\x2bkernel)", "--reuse-cmdline", "--dry-run"});
  EXPECT_EQ(output.status, 1);
  EXPECT_THAT(output.text, HasSubstr("/vmlinuz-no-such+kernel"));
  EXPECT_EQ(run_lifeboat({"load", path("vmlinuz"), "--boot-name", "x"}).status, 2);
}

TEST_F(DryRun, AnImageIsShownWithItsAddons) {
  const std::vector<std::string> machine = {"--dry-run", "--json",    "--iomem",  path("iomem"),
                                            "--sysfs",   path("sys"), "--procfs", path("proc")};
  const auto show = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), machine.begin(), machine.end());
    return run_lifeboat(arguments);
  };
  auto sections = usual_uki_sections();
  sections.back().bytes = build_bzimage({.init_size = 48u << 20});
  put("u.efi", as_text(build_uki({.sections = sections})));
  put("u.efi.extra.d/one.addon.efi", as_text(build_uki({.sections = {uki_section(".cmdline", "added=1")}})));
  put("u.efi.extra.d/two.addon.efi", "no program");
  const auto output = show({"load", path("u.efi")});
  ASSERT_EQ(output.status, 0) << output.text;
  const auto plan = nlohmann::json::parse(output.text);
  EXPECT_EQ(plan["command_line"], "root=/dev/vda rw added=1");
  const std::string warnings = plan["warnings"].dump();
  EXPECT_THAT(warnings,
              AllOf(HasSubstr("one.addon.efi is applied"), HasSubstr("two.addon.efi is not applied")));
  const auto has_initramfs = [](const nlohmann::json& shown) {
    return std::ranges::any_of(shown["segments"],
                               [](const auto& segment) { return segment["name"] == "initramfs"; });
  };
  EXPECT_TRUE(has_initramfs(plan)) << plan;
  const auto alone = show({"load", path("u.efi"), "--no-initrd"});
  ASSERT_EQ(alone.status, 0) << alone.text;
  EXPECT_FALSE(has_initramfs(nlohmann::json::parse(alone.text)));
  EXPECT_EQ(show({"load", path("u.efi"), "--no-initrd", "--initrd", path("initramfs")}).status, 2);
}

TEST_F(DryRun, OnlyADryRunTakesAnotherMachinesFiles) {
  const auto output = run_lifeboat({"load", path("vmlinuz"), "--append", "x", "--iomem", path("iomem")});
  EXPECT_EQ(output.status, 2);
  EXPECT_THAT(output.text, HasSubstr("--dry-run"));
}

}  // namespace
}  // namespace lifeboat::test
