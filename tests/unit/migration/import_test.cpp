// SPDX-License-Identifier: GPL-2.0-or-later
// Files of other crash dump tools, as a configuration of lifeboat.
#include "src/migration/import.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "src/base/file.h"
#include "src/migration/kdump_conf.h"
#include "tests/support/results.h"

namespace lifeboat::migration {
namespace {

namespace fs = std::filesystem;
using test::code_of;
using test::why;
using testing::AllOf;
using testing::Contains;
using testing::ContainsRegex;
using testing::Each;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

Imported imported(SourceKind kind, std::string_view text, const HookFolders& hooks = {}) {
  const auto result = import_texts(std::vector{SourceText{kind, "/etc/x", std::string(text)}}, hooks);
  EXPECT_TRUE(result) << why(result) << text;
  return result.value_or(Imported{});
}
Imported redhat(std::string_view text, const HookFolders& hooks = {}) {
  return imported(SourceKind::kdump_conf, text, hooks);
}
Imported sysconfig(std::string_view text) {
  return imported(SourceKind::sysconfig, text);
}
Imported debian(std::string_view text) {
  return imported(SourceKind::kdump_tools, text);
}
// What lifeboat's own reader makes of it.
config::Config config_of(const Imported& result) {
  config::Config config;
  const auto applied = config::apply_config(config, result.text, "imported");
  EXPECT_TRUE(applied) << why(applied) << result.text;
  return config;
}
auto has(Fate fate, const char* setting) {
  return Contains(
      AllOf(Field(&ImportedSetting::fate, fate), Field(&ImportedSetting::setting, HasSubstr(setting))));
}
std::vector<std::string> missing(const Imported& result) {
  std::vector<std::string> names;
  for (const auto& setting : result.settings) {
    if (setting.fate == Fate::missing) names.push_back(setting.setting);
  }
  return names;
}

// --- /etc/kdump.conf

TEST(KdumpConf, LinesAreReadAsKdumpUtilsDoes) {
  const auto lines = parse_kdump_conf(
      "# path /a\n\n  path\t/var/crash  # here\ncore_collector \"makedumpfile -l -d 31\"\r\nraw\n");
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_EQ(lines[0].line, 3U);
  EXPECT_EQ(lines[0].name, "path");
  EXPECT_EQ(lines[0].value, "/var/crash");
  EXPECT_EQ(lines[1].value, "makedumpfile -l -d 31");
  EXPECT_EQ(lines[2].name, "raw");
  EXPECT_EQ(lines[2].value, "");
}

TEST(ImportKdumpConf, TheUsualFile) {
  const auto result = redhat(
      "auto_reset_crashkernel no\npath /srv/crash\ncore_collector makedumpfile -l --message-level 7 -d 17\n"
      "failure_action poweroff\nfinal_action halt\nextra_modules a b\nextra_bins /usr/bin/x\n"
      "force_rebuild 1\n");
  EXPECT_TRUE(result.complete());
  const auto config = config_of(result);
  ASSERT_EQ(config.targets.size(), 1U);
  EXPECT_EQ(config.targets.front().path, "/srv/crash");
  EXPECT_EQ(config.targets.front().device, "");
  EXPECT_THAT(config.dump.level, ElementsAre(17));
  EXPECT_EQ(config.dump.compression.compression, Compression::lzo);
  EXPECT_EQ(config.failure.action, FinalAction::poweroff);
  EXPECT_EQ(config.final.action, FinalAction::halt);
  EXPECT_THAT(config.capture.module, ElementsAre("a", "b"));
  EXPECT_THAT(config.capture.file, ElementsAre("/usr/bin/x"));
}

TEST(ImportKdumpConf, ATargetThatIsMountedByItsDevice) {
  for (const auto& [line, device] :
       {std::pair("ext4 UUID=1234-ABCD", "UUID=1234-ABCD"), std::pair("ext4 LABEL=\"crash\"", "LABEL=crash"),
        std::pair("ext4 /dev/vg/crash", "/dev/vg/crash")}) {
    const auto result = redhat(std::string(line) + "\npath var/dumps\n");
    const auto config = config_of(result);
    ASSERT_EQ(config.targets.size(), 1U) << line;
    EXPECT_EQ(config.targets.front().device, device);
    EXPECT_EQ(config.targets.front().filesystem, "ext4");
    EXPECT_EQ(config.targets.front().path, "/var/dumps");
    EXPECT_TRUE(result.complete());
  }
  // Without a path it is kdump-utils' own, not lifeboat's.
  EXPECT_EQ(config_of(redhat("xfs /dev/sdb1\n")).targets.front().path, "/var/crash");
  EXPECT_THAT(redhat("btrfs LABEL=x\n").settings, has(Fate::changed, "btrfs LABEL=x"));
  EXPECT_THAT(missing(redhat("ext4 PARTUUID=12\n")), ElementsAre("ext4 PARTUUID=12"));
  EXPECT_THAT(missing(redhat("minix /dev/sdb1\n")), ElementsAre("minix /dev/sdb1"));
}

TEST(ImportKdumpConf, TargetsThatLifeboatDoesNotHaveAreReported) {
  for (const char* line :
       {"nfs server.example:/export", "ssh root@server.example", "raw /dev/sdb1", "virtiofs myfs"}) {
    const auto result = redhat(std::string(line) + "\npath /var/crash\nsshkey /root/.ssh/key\n");
    EXPECT_FALSE(result.complete()) << line;
    EXPECT_THAT(missing(result), Contains(line));
    EXPECT_THAT(missing(result), Contains("path /var/crash")) << "it is a path on another machine";
    EXPECT_THAT(result.text, Not(HasSubstr("\n[target]"))) << line;
  }
}

TEST(ImportKdumpConf, TheRootFileSystemAsASecondTarget) {
  const auto config = config_of(redhat("ext4 /dev/sdb1\npath /dumps\nfailure_action dump_to_rootfs\n"));
  ASSERT_EQ(config.targets.size(), 2U);
  EXPECT_EQ(config.targets[0].device, "/dev/sdb1");
  EXPECT_EQ(config.targets[1].device, "");
  EXPECT_EQ(config.targets[1].path, "/dumps");
  EXPECT_EQ(config.failure.action, FinalAction::reboot);
  // The old name, and a target that is on the root file system itself.
  const auto result = redhat("path /dumps\ndefault dump_to_rootfs\n");
  EXPECT_TRUE(result.complete());
  EXPECT_EQ(config_of(result).targets.size(), 1U);
}

TEST(ImportKdumpConf, Hooks) {
  const auto result =
      redhat("kdump_post /sbin/after\nkdump_pre /sbin/before\n", {.pre = {"/etc/kdump/pre.d/1"},
                                                                  .post = {"/etc/kdump/post.d/1"},
                                                                  .emergency = {"/etc/kdump/emergency.d/1"}});
  const auto config = config_of(result);
  EXPECT_THAT(config.capture.hook_before, ElementsAre("/sbin/before", "/etc/kdump/pre.d/1"));
  EXPECT_THAT(config.capture.hook_after, ElementsAre("/etc/kdump/post.d/1", "/sbin/after"));
  EXPECT_THAT(result.settings, has(Fate::changed, "kdump_post /sbin/after"));
  EXPECT_THAT(missing(result), ElementsAre("/etc/kdump/emergency.d/1"));
  EXPECT_THAT(missing(redhat("kdump_pre /sbin/before --now\n")), ElementsAre("kdump_pre /sbin/before --now"));
}

TEST(ImportKdumpConf, OtherProgramsThatSaveTheDump) {
  for (const char* line :
       {"core_collector cp --sparse=always", "core_collector cat", "core_collector \"dd bs=1M\""}) {
    const auto result = redhat(line);
    const auto config = config_of(result);
    ASSERT_EQ(result.settings.size(), 1U) << "one setting is reported once: " << line;
    EXPECT_EQ(result.settings.front().fate, Fate::changed);
    EXPECT_EQ(result.settings.front().key, "[dump] level, [dump] compression");
    EXPECT_THAT(config.dump.level, ElementsAre(0)) << line;
    EXPECT_EQ(config.dump.compression.compression, Compression::none);
  }
  EXPECT_FALSE(redhat("core_collector scp\n").complete());
  EXPECT_FALSE(redhat("core_collector\n").complete());
}

TEST(ImportKdumpConf, OptionsOfMakedumpfile) {
  const auto level = [](const char* options) {
    return config_of(redhat(std::string("core_collector /sbin/makedumpfile ") + options)).dump;
  };
  EXPECT_THAT(level("-c -d31").level, ElementsAre(31));
  EXPECT_THAT(level("-d 31,17,1").level, ElementsAre(31, 17, 1));
  EXPECT_EQ(level("-c").compression.compression, Compression::zlib);
  EXPECT_EQ(level("-Fzd 1").compression.compression, Compression::zstd);
  EXPECT_EQ(level("-pFd 1").compression.compression, Compression::snappy);
  // Its own defaults are other ones.
  EXPECT_EQ(level("-d 31").compression.compression, Compression::none);
  EXPECT_THAT(level("-l").level, ElementsAre(0));
  for (const char* options : {"-E -d 31", "--config /etc/filter.conf", "--eppic x", "--split", "-L 5G",
                              "--new-option", "-y", "-d", "-d 99", "dump", "-d 31 -X", "-e"}) {
    EXPECT_FALSE(redhat(std::string("core_collector makedumpfile -c ") + options).complete()) << options;
  }
  for (const char* options :
       {"-F", "--num-threads 4", "--num-threads=4", "-D", "--message-level=31", "--cyclic-buffer 1024",
        "--non-cyclic", "-f", "-x /boot/vmlinux", "-i vmcoreinfo"}) {
    EXPECT_TRUE(redhat(std::string("core_collector makedumpfile -c -d 1 ") + options).complete()) << options;
  }
}

TEST(ImportKdumpConf, WhatHasNoEquivalentIsNamed) {
  for (const char* line :
       {"fence_kdump_nodes a b", "fence_kdump_args -p 7410", "dracut_args --mount \"x\"",
        "kdump_emergency /x", "options loop max=1", "net server:/x", "link_delay 60", "pathh /x",
        "failure_action dance", "final_action", "ext4", "extra_bins relative", "path ../x"}) {
    const auto result = redhat(line);
    EXPECT_FALSE(result.complete()) << line;
    EXPECT_THAT(result.settings, Each(Field(&ImportedSetting::line, 1U)));
    EXPECT_THAT(result.text, HasSubstr("no equivalent")) << line;
  }
  EXPECT_TRUE(redhat("").complete());
  EXPECT_TRUE(
      redhat("blacklist x\nforce_no_rebuild 0\ndebug_mem_level 0\nauto_reset_crashkernel yes\n").complete());
  EXPECT_EQ(config_of(redhat("disk_timeout 90\n")).capture.device_deadline, std::chrono::seconds(90));
}

TEST(ImportKdumpConf, ALineThatIsGivenTwice) {
  const auto result = redhat("path /a\npath /b\n");
  EXPECT_EQ(config_of(result).targets.front().path, "/b");
  EXPECT_THAT(missing(result), ElementsAre("path /a"));
}

// --- shell variables

TEST(ImportSysconfig, OfKdumpUtils) {
  const auto result = sysconfig(
      "KDUMP_KERNELVER=\"6.1.0-test\"\nKDUMP_COMMANDLINE=\"\"\n"
      "KDUMP_COMMANDLINE_REMOVE=\"hugepages quiet swiotlb cma crashkernel mine\"\n"
      "KDUMP_COMMANDLINE_APPEND=\"irqpoll nr_cpus=1 reset_devices udev.children-max=2 panic=10 rd.x=1 "
      "mce=off my.opt=\\\"a b\\\"\"\n"
      "KEXEC_ARGS=\"-s\"\nKDUMP_IMG=\"vmlinuz\"\nKDUMP_BOOTDIR=/"
      "boot\nKDUMP_STDLOGLVL=3\nVMCORE_CREATION_NOTIFICATION=\"no\"\n");
  EXPECT_TRUE(result.complete()) << result.text;
  const auto config = config_of(result);
  EXPECT_EQ(config.capture.kernel, "/boot/vmlinuz-6.1.0-test");
  EXPECT_FALSE(config.collect.notice);
  EXPECT_EQ(config.capture.append, "mce=off my.opt=\"a b\"");
  EXPECT_THAT(config.capture.remove, ElementsAre("mine")) << "the rest is removed, or replaced, without it";
  EXPECT_FALSE(sysconfig("KDUMP_COMMANDLINE=\"ro root=/dev/sda1\"\n").complete());
  EXPECT_FALSE(sysconfig("KEXEC_ARGS=\"--no-ifdown\"\n").complete());
}

TEST(ImportSysconfig, MoreThanOneCpu) {
  const auto import = [](const std::string& parameters) {
    return sysconfig("KDUMP_COMMANDLINE_APPEND=\"" + parameters + "\"\n");
  };
  EXPECT_EQ(config_of(import("nr_cpus=4 mce=off")).capture.cpus, 4U);
  EXPECT_EQ(config_of(import("nr_cpus=4 mce=off")).capture.append, "mce=off");
  EXPECT_EQ(config_of(import("maxcpus=2")).capture.cpus, 2U);
  EXPECT_EQ(config_of(import("nr_cpus=1")).capture.cpus, kAutomaticCpus) << "as it is without it";
  EXPECT_EQ(config_of(import("nr_cpus=many")).capture.append, "nr_cpus=many");
  EXPECT_FALSE(import("nr_cpus=100000").complete());
}

// The variables that the package sets.
TEST(ImportSysconfig, AnUntouchedFileIsComplete) {
  const auto result = sysconfig(
      "KDUMP_KERNELVER=\"\"\nKDUMP_COMMANDLINE=\"\"\nKDUMP_COMMANDLINE_REMOVE=\"hugepages hugepagesz "
      "slub_debug quiet log_buf_len swiotlb hugetlb_cma ignition.firstboot\"\n"
      "KDUMP_COMMANDLINE_APPEND=\"novmcoredd hugetlb_cma=0 kfence.sample_interval=0 "
      "initramfs_options=size=90% irqpoll nr_cpus=1 reset_devices cgroup_disable=memory mce=off numa=off "
      "udev.children-max=2 panic=10 acpi_no_memhotplug transparent_hugepage=never nokaslr hest_disable cma=0 "
      "pcie_ports=compat rd.kdumploglvl=3\"\nFADUMP_COMMANDLINE_APPEND=\"\"\nKEXEC_ARGS=\"-s\"\n"
      "KDUMP_BOOTDIR=\"/boot\"\nKDUMP_IMG=\"vmlinuz\"\nKDUMP_IMG_EXT=\"\"\n"
      "VMCORE_CREATION_NOTIFICATION=\"yes\"\nKDUMP_STDLOGLVL=3\nKDUMP_SYSLOGLVL=0\nKDUMP_KMSGLOGLVL=0\n"
      "KDUMP_FILE_LOAD=\"off\"\n");
  EXPECT_THAT(missing(result), IsEmpty());
  EXPECT_FALSE(config_of(sysconfig("VMCORE_CREATION_NOTIFICATION=\"\"\n")).collect.notice);
  EXPECT_TRUE(sysconfig("VMCORE_CREATION_NOTIFICATION=\"\"\n").complete());
}

// Each of the tools can leave out the dump, or have the older call of kexec.
TEST(Import, NoDumpAndTheOlderCall) {
  EXPECT_THAT(config_of(redhat("core_collector makedumpfile --dump-dmesg\n")).dump.level,
              ElementsAre(kNoDump));
  // Whatever -d says.
  EXPECT_THAT(config_of(redhat("core_collector makedumpfile --dump-dmesg -d 31\n")).dump.level,
              ElementsAre(kNoDump));
  EXPECT_THAT(config_of(sysconfig("KDUMP_DUMPFORMAT=none\n")).dump.level, ElementsAre(kNoDump));
  EXPECT_THAT(config_of(debian("MAKEDUMP_ARGS=--dump-dmesg\n")).dump.level, ElementsAre(kNoDump));
  for (const auto& result : {sysconfig("KEXEC_ARGS=-c\n"), sysconfig("KEXEC_OPTIONS=--kexec-syscall\n"),
                             debian("KDUMP_KEXEC_ARGS=-c\n")}) {
    EXPECT_TRUE(result.complete()) << result.text;
    EXPECT_THAT(result.text, HasSubstr("syscall = segments"));
  }
}

TEST(ImportSysconfig, OfSuse) {
  const auto config = config_of(
      sysconfig("KDUMP_SAVEDIR=\"file:///srv/"
                "dumps\"\nKDUMP_KEEP_OLD_DUMPS=3\nKDUMP_FREE_DISK_SIZE=64\nKDUMP_DUMPLEVEL=1\n"
                "KDUMP_DUMPFORMAT=\"zstd\"\nKDUMP_CONTINUE_ON_ERROR=false\nKDUMP_IMMEDIATE_REBOOT=\"true\"\n"
                "KDUMP_REQUIRED_PROGRAMS=\"/bin/a "
                "/bin/b\"\nKDUMP_POSTSCRIPT=/bin/b\nKDUMP_CPUS=32\nKDUMP_NETCONFIG=auto\n"));
  EXPECT_EQ(config.targets.front().path, "/srv/dumps");
  EXPECT_EQ(config.retention.keep, 4U) << "the new one comes on top";
  EXPECT_EQ(config.retention.min_free->bytes, uint64_t{64} << 20);
  EXPECT_THAT(config.dump.level, ElementsAre(1));
  EXPECT_EQ(config.dump.compression.compression, Compression::zstd);
  EXPECT_EQ(config.failure.action, FinalAction::shell);
  EXPECT_EQ(config.final.action, FinalAction::reboot);
  EXPECT_THAT(config.capture.file, ElementsAre("/bin/a", "/bin/b"));
  EXPECT_THAT(config.capture.hook_after, ElementsAre("/bin/b"));
  EXPECT_EQ(config_of(sysconfig("KDUMP_KEEP_OLD_DUMPS=-1")).retention.keep, 1U);
  EXPECT_EQ(config_of(sysconfig("KDUMP_KEEP_OLD_DUMPS=0")).retention.keep, std::nullopt);
  EXPECT_EQ(config_of(sysconfig("KDUMP_IMMEDIATE_REBOOT=no")).final.action, FinalAction::shell);
  for (const char* text :
       {"KDUMP_SAVEDIR=nfs://server/x", "KDUMP_SAVEDIR=ssh://user:pw@host/x", "KDUMP_TRANSFER=scp",
        "KDUMP_DUMPFORMAT=ELF", "KDUMP_FADUMP=true", "KDUMP_SMTP_SERVER=mail", "KDUMP_KEEP_OLD_DUMPS=x",
        "KDUMP_FREE_DISK_SIZE=much", "KDUMP_DUMPLEVEL=32", "MAKEDUMPFILE_OPTIONS=-X", "KDUMP_NEW=1",
        "KDUMP_IMMEDIATE_REBOOT=maybe", "KDUMP_NETCONFIG=eth0:dhcp"})
    EXPECT_FALSE(sysconfig(text).complete()) << text;
  EXPECT_THAT(
      sysconfig("KDUMP_CRASHKERNEL=\"crashkernel=72M,low crashkernel=300M,high\"").settings,
      Contains(Field(&ImportedSetting::reason, HasSubstr("lifeboat reserve set '72M,low 300M,high'"))));
}

TEST(ImportKdumpTools, TheUsualFile) {
  const auto result = debian(
      "USE_KDUMP=1\nKDUMP_KERNEL=/var/lib/kdump/vmlinuz\nKDUMP_INITRD=/var/lib/kdump/initrd.img\n"
      "KDUMP_COREDIR=\"/srv/crash\"\nKDUMP_FAIL_CMD=\"echo 'makedumpfile FAILED.'; /bin/bash; reboot -f\"\n"
      "KDUMP_DUMP_DMESG=1\nKDUMP_NUM_DUMPS=3\nMAKEDUMP_ARGS=\"-c -d 17\"\nKDUMP_KEXEC_ARGS=\"\"\n"
      "KDUMP_CMDLINE_APPEND=\"reset_devices systemd.unit=kdump-tools-dump.service nr_cpus=1 irqpoll "
      "usbcore.nousb\"\n"
      "HOSTTAG=hostname\nNFS=\"\"\n");
  EXPECT_TRUE(result.complete()) << result.text;
  const auto config = config_of(result);
  EXPECT_EQ(config.targets.front().path, "/srv/crash");
  EXPECT_EQ(config.capture.kernel, "");
  EXPECT_EQ(config.failure.action, FinalAction::shell);
  EXPECT_EQ(config.retention.keep, 3U);
  EXPECT_THAT(config.dump.level, ElementsAre(17));
  EXPECT_EQ(config.dump.compression.compression, Compression::zlib);
  EXPECT_EQ(config.capture.append, "usbcore.nousb");
}

TEST(ImportKdumpTools, OtherValues) {
  EXPECT_EQ(config_of(debian("KDUMP_KERNEL=/boot/vmlinuz-kdump")).capture.kernel, "/boot/vmlinuz-kdump");
  EXPECT_EQ(config_of(debian("KDUMP_NUM_DUMPS=0")).retention.keep, std::nullopt);
  EXPECT_EQ(config_of(debian("KDUMP_FAIL_CMD='poweroff -f'")).failure.action, FinalAction::poweroff);
  EXPECT_EQ(config_of(debian("KDUMP_FAIL_CMD='reboot -f'")).failure.action, FinalAction::reboot);
  EXPECT_THAT(debian("USE_KDUMP=0").settings, has(Fate::by_hand, "USE_KDUMP 0"));
  EXPECT_THAT(debian("KDUMP_COMPRESSION=xz").settings, has(Fate::changed, "KDUMP_COMPRESSION xz"));
  EXPECT_THAT(debian("KDUMP_SYSCTL=\"kernel.panic_on_oops=1\"").settings, has(Fate::by_hand, "KDUMP_SYSCTL"));
  for (const char* text : {"NFS=server:/x", "SSH=user@host", "FTP=host:/x", "KDUMP_CMDLINE=root=/dev/sda1",
                           "KDUMP_INITRD=/boot/x", "KDUMP_FAIL_CMD=/usr/local/bin/page-me",
                           "KDUMP_NUM_DUMPS=many", "KDUMP_COREDIR=crash", "SOMETHING=1",
                           "KDUMP_COREDIR=$HOME/x", "if true; then", "KDUMP_KEXEC_ARGS=--mem-min=1"})
    EXPECT_FALSE(debian(text).complete()) << text;
}

TEST(ImportKdumpTools, CommandsOfAFailure) {
  const auto fate = [](const std::string& command) {
    return debian("KDUMP_FAIL_CMD=\"" + command + "\"\n").settings.front().fate;
  };
  const auto action = [](const std::string& command) {
    return config_of(debian("KDUMP_FAIL_CMD=\"" + command + "\"\n")).failure.action;
  };
  struct Case {
    const char* command;
    FinalAction action;
    Fate fate;
  };
  for (const auto& [command, wanted, how] :
       {Case{"poweroff", FinalAction::poweroff, Fate::taken},
        {"/sbin/halt -f", FinalAction::halt, Fate::taken},
        {"halt -p", FinalAction::poweroff, Fate::taken},
        {"echo 'a; reboot > b'; sync && poweroff -f", FinalAction::poweroff, Fate::taken},
        {"echo c > /dev/null; poweroff", FinalAction::poweroff, Fate::changed},
        {"echo no dump >&2; poweroff", FinalAction::poweroff, Fate::changed},
        {"echo no dump 2>>/dev/console; halt", FinalAction::halt, Fate::changed},
        {"/bin/bash", FinalAction::shell, Fate::taken},
        {"echo x; /bin/bash; reboot -f", FinalAction::shell, Fate::taken},
        {"/bin/bash; poweroff", FinalAction::shell, Fate::changed},
        {"sulogin; /usr/local/bin/page-me", FinalAction::shell, Fate::changed}}) {
    EXPECT_EQ(action(command), wanted) << command;
    EXPECT_EQ(fate(command), how) << command;
  }
  for (const char* command :
       {"echo c > /proc/sysrq-trigger; poweroff", "echo b >/proc/sysrq-trigger", "echo x > /tmp/y; poweroff",
        "echo x | mail root; poweroff", "echo x & poweroff", "test -e /x || poweroff", "(poweroff)",
        "sh -c poweroff", "bash /root/page-me", "reboot -p", "poweroff -w", "poweroff --reboot",
        "if true; then poweroff; fi", "sleep 5 && page-me; poweroff", "poweroff > /etc/passwd", "echo >",
        "echo 'x; poweroff", "{ poweroff; }"}) {
    EXPECT_EQ(fate(command), Fate::missing) << command;
    EXPECT_EQ(action(command), FinalAction::reboot) << command;
  }
  EXPECT_EQ(fate("echo failed; sync"), Fate::same);
}

TEST(ImportKdumpTools, AFolderOfAnotherMachineIsNoTarget) {
  const auto result = debian("KDUMP_COREDIR=/srv/crash\nSSH=user@host\n");
  EXPECT_THAT(result.text, Not(HasSubstr("\n[target]")));
  EXPECT_THAT(missing(result), ElementsAre("KDUMP_COREDIR /srv/crash", "SSH user@host"));
}

TEST(ImportKdumpTools, OnlyTheLastAssignmentCounts) {
  const auto result = debian("KDUMP_NUM_DUMPS=3\nKDUMP_NUM_DUMPS=4\n");
  EXPECT_EQ(config_of(result).retention.keep, 4U);
  EXPECT_TRUE(result.complete());
  // The last one is not known: the earlier one would be wrong.
  const auto unknown = debian("KDUMP_COREDIR=/a\nKDUMP_COREDIR=$B\n");
  EXPECT_THAT(unknown.text, Not(HasSubstr("\n[target]")));
  EXPECT_FALSE(unknown.complete());
}

TEST(Import, PasswordsAreNotShown) {
  for (const auto& result : {debian("FTP_PASSWORD=hunter2\n"), debian("FTP_PASSWORD=hunter2 && true\n"),
                             sysconfig("KDUMP_SMTP_PASSWORD='hunter2'\n"),
                             sysconfig("KDUMP_SAVEDIR=ftp://user:hunter2@host/x\n")}) {
    EXPECT_THAT(result.text, Not(HasSubstr("hunter2")));
    EXPECT_THAT(result.settings, Each(Field(&ImportedSetting::setting, Not(HasSubstr("hunter2")))));
    EXPECT_THAT(result.settings, Each(Field(&ImportedSetting::reason, Not(HasSubstr("hunter2")))));
    EXPECT_FALSE(result.complete());
  }
}

TEST(Import, ValuesCannotAddLines) {
  for (const auto& result :
       {debian("KDUMP_COREDIR='/a\n[failure]\naction = shell'\n"),
        sysconfig("KDUMP_COMMANDLINE_APPEND='a\n[failure]\naction = shell'\n"),
        debian("KDUMP_CMDLINE='\n[failure]\naction = shell'\n"), redhat("path /a\x1b[2J\n")}) {
    EXPECT_EQ(config_of(result).failure.action, FinalAction::reboot) << result.text;
    EXPECT_THAT(result.text, Not(HasSubstr("\x1b")));
    EXPECT_THAT(result.text, Not(HasSubstr("\n[failure]")));
  }
}

// The new configuration would name another file than the old one did.
TEST(Import, AValueThatCannotBeWrittenAsItIsIsNotTaken) {
  for (const char* bytes : {"\xe4", "\xc3", "\xc0\xaf", "\xed\xa0\x80", "\xf5\x80\x80\x80", "\x80", "\x1b[2J",
                            "\x7f", "\xc2\x9b", "\xe2\x80\xae", "\xe2\x80\xa8"}) {
    const std::string name = std::string("/srv/cr") + bytes + "sh";
    for (const auto& result :
         {redhat("path " + name + "\n"), redhat("ext4 LABEL=cr" + std::string(bytes) + "sh\n"),
          redhat("extra_bins " + name + "\n"), redhat("kdump_post " + name + "\n"),
          redhat("path /a\n", {.pre = {name}, .post = {}, .emergency = {}}),
          sysconfig("KDUMP_SAVEDIR='" + name + "'\n"), sysconfig("KDUMP_KERNELVER='" + name + "'\n"),
          sysconfig("KDUMP_COMMANDLINE_APPEND='a=" + name + "'\n"), debian("KDUMP_COREDIR='" + name + "'\n"),
          debian("KDUMP_KERNEL='" + name + "'\n")}) {
      EXPECT_FALSE(result.complete()) << result.text;
      EXPECT_THAT(result.text, Not(ContainsRegex("\n[a-z][a-z_]* = [^\n]*cr"))) << result.text;
    }
  }
  const auto result = redhat("path /srv/cr\xc3\xa4sh\n");
  EXPECT_TRUE(result.complete());
  EXPECT_EQ(config_of(result).targets.front().path, "/srv/cr\xc3\xa4sh");
}

// --- files

class ImportFiles : public testing::Test {
 protected:
  void put(const std::string& name, std::string_view text, mode_t mode = 0644) const {
    const fs::path path = folder_.path() / name;
    fs::create_directories(path.parent_path());
    ASSERT_TRUE(write_file_atomically(path, as_byte_span(text), mode));
  }
  [[nodiscard]] Result<Imported> import(std::vector<std::string> files = {}) const {
    return import_settings({.root = folder_.path(), .files = std::move(files)});
  }
  TempDir folder_ = TempDir::create("import-test").value();
};

TEST_F(ImportFiles, ThoseOfTheInstalledTool) {
  EXPECT_EQ(code_of(import()), ErrorCode::not_found);
  put("etc/kdump.conf", "path /a\n");
  put("etc/sysconfig/kdump", "KDUMP_COMMANDLINE_APPEND=\"x=1\"\n");
  put("etc/kdump/pre.d/2", "", 0755);
  put("etc/kdump/pre.d/1", "", 0755);
  put("etc/kdump/pre.d/readme", "", 0644);
  const auto result = import();
  ASSERT_TRUE(result) << why(result);
  EXPECT_THAT(result->files, ElementsAre("/etc/kdump.conf", "/etc/sysconfig/kdump"));
  const auto config = config_of(*result);
  EXPECT_EQ(config.targets.front().path, "/a");
  EXPECT_EQ(config.capture.append, "x=1");
  EXPECT_THAT(config.capture.hook_before, ElementsAre("/etc/kdump/pre.d/1", "/etc/kdump/pre.d/2"));
}

TEST_F(ImportFiles, OfTwoToolsOneIsNamed) {
  put("etc/kdump.conf", "path /a\n");
  put("etc/default/kdump-tools", "KDUMP_COREDIR=/b\n");
  EXPECT_EQ(code_of(import()), ErrorCode::usage);
  const auto result = import({folder_.path() / "etc/default/kdump-tools"});
  ASSERT_TRUE(result) << why(result);
  EXPECT_EQ(config_of(*result).targets.front().path, "/b");
}

TEST_F(ImportFiles, ACopyIsRecognizedByItsContents) {
  put("one", "KDUMP_SAVEDIR=/a\n");
  put("two", "MAKEDUMP_ARGS='-c -d 1'\n");
  put("three", "path /c\n");
  put("four", "KDUMP_KERNELVER=1\n");
  EXPECT_EQ(config_of(import({folder_.path() / "one"}).value()).targets.front().path, "/a");
  EXPECT_THAT(config_of(import({folder_.path() / "two"}).value()).dump.level, ElementsAre(1));
  EXPECT_EQ(config_of(import({folder_.path() / "three"}).value()).targets.front().path, "/c");
  EXPECT_EQ(code_of(import({folder_.path() / "four"})), ErrorCode::usage);
}

TEST_F(ImportFiles, WhatIsNotAFileOfSettings) {
  put("zero", std::string_view("path\0/a", 7));
  put("large", std::string((1 << 20) + 1, '#'));
  ASSERT_EQ(::mkfifo((folder_.path() / "fifo").c_str(), 0600), 0);
  for (const char* name : {"zero", "large", "fifo", ""})
    EXPECT_EQ(code_of(import({folder_.path() / name})), ErrorCode::corrupt) << name;
  EXPECT_EQ(code_of(import({folder_.path() / "absent"})), ErrorCode::not_found);
  fs::create_directories(folder_.path() / "etc");
  fs::create_symlink("/etc/passwd", folder_.path() / "etc/kdump.conf");
  EXPECT_EQ(code_of(import()), ErrorCode::usage) << "a link out of that system";
}

}  // namespace
}  // namespace lifeboat::migration
