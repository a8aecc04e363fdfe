// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/config/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "src/base/file.h"

namespace lifeboat::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::string_view kEverything = R"([target]
path = /srv/crash dumps
[target]
device = UUID=1234-ABCD
filesystem = vfat
path = /crash

[dump]
level = 31,1
compression = zstd:5

[capture]
kernel = /boot/vmlinuz-capture
append = console=ttyS1 "a b"
remove = hugepages
remove = isolcpus
syscall = segments
cpus = 4
device_deadline = 2min
stall_deadline = 45
deadline = 1h
hook_before = /etc/lifeboat/light-on
hook_after = /etc/lifeboat/light-off
hook_deadline = 5s
file = /usr/bin/strace
module = i2c-i801
report = no
watchdog = no

[failure]
action = shell
[final]
action = poweroff

[retention]
keep = 3
max_size = 40G
min_free = 10%

[collect]
report = no
pstore = no
notice = no
command = /usr/local/bin/notify
)";

TEST(Config, ReadsEveryKey) {
  Config config;
  const auto applied = apply_config(config, kEverything, "f");
  ASSERT_TRUE(applied) << applied.error().to_string();
  ASSERT_EQ(config.targets.size(), 2U);
  EXPECT_EQ(config.targets[0].path, "/srv/crash dumps");
  EXPECT_EQ(config.targets[0].where, "f:1");
  EXPECT_EQ(config.targets[1].device, "UUID=1234-ABCD");
  EXPECT_EQ(config.targets[1].filesystem, "vfat");
  EXPECT_THAT(config.dump.level, ElementsAre(31, 1));
  EXPECT_EQ(config.dump.compression.level, 5);
  EXPECT_EQ(config.capture.kernel, "/boot/vmlinuz-capture");
  EXPECT_EQ(config.capture.append, "console=ttyS1 \"a b\"");
  EXPECT_THAT(config.capture.remove, ElementsAre("hugepages", "isolcpus"));
  EXPECT_EQ(config.capture.syscall, LoadCall::segments);
  EXPECT_EQ(config.capture.cpus, 4U);
  EXPECT_EQ(config.capture.device_deadline, std::chrono::minutes(2));
  EXPECT_EQ(config.capture.stall_deadline, std::chrono::seconds(45));
  EXPECT_EQ(config.capture.deadline, std::chrono::hours(1));
  EXPECT_EQ(config.capture.hook_deadline, std::chrono::seconds(5));
  EXPECT_THAT(config.capture.hook_before, ElementsAre("/etc/lifeboat/light-on"));
  EXPECT_THAT(config.capture.hook_after, ElementsAre("/etc/lifeboat/light-off"));
  EXPECT_THAT(config.capture.file, ElementsAre("/usr/bin/strace"));
  EXPECT_THAT(config.capture.module, ElementsAre("i2c-i801"));
  EXPECT_FALSE(config.capture.report || config.capture.watchdog);
  EXPECT_EQ(config.failure.action, FinalAction::shell);
  EXPECT_EQ(config.final.action, FinalAction::poweroff);
  EXPECT_EQ(config.retention.keep, 3U);
  EXPECT_EQ(config.retention.max_size->bytes, uint64_t{40} << 30);
  EXPECT_EQ(config.retention.min_free->percent, 10U);
  EXPECT_FALSE(config.retention.min_free->next_dump);
  EXPECT_FALSE(config.collect.report || config.collect.pstore || config.collect.notice);
  EXPECT_EQ(config.collect.command, "/usr/local/bin/notify");
}

// A key that the example lacks would not be tested.
TEST(Config, TheExampleAboveHasEveryKey) {
  for (const auto& name : key_names()) {
    const std::string key = name.substr(name.find('.') + 1);
    EXPECT_THAT(std::string(kEverything), HasSubstr("\n" + key + " = ")) << name;
  }
}

TEST(Config, TextReadsBackAsItself) {
  Config config;
  ASSERT_TRUE(apply_config(config, kEverything, "f"));
  Config again;
  const std::string text = to_text(config);
  const auto applied = apply_config(again, text, "g");
  ASSERT_TRUE(applied) << applied.error().to_string();
  EXPECT_EQ(to_text(again), text);
  EXPECT_EQ(again.retention, config.retention);
}

TEST(Config, DefaultsReadBackAsThemselves) {
  Config again;
  const auto applied = apply_config(again, to_text(Config{}), "g");
  ASSERT_TRUE(applied) << applied.error().to_string();
  EXPECT_EQ(to_text(again), to_text(Config{}));
}

TEST(Config, TheNumberOfCpusMayBeLeftToTheProgram) {
  Config config;
  ASSERT_TRUE(apply_config(config, kEverything, "f"));
  EXPECT_THAT(to_text(config), HasSubstr("cpus = 4"));
  ASSERT_TRUE(apply_config(config, "[capture]\ncpus = auto\n", "g"));
  EXPECT_EQ(config.capture.cpus, kAutomaticCpus);
  EXPECT_THAT(to_text(config), HasSubstr("cpus = auto"));
}

TEST(Config, AnEmptyValueClearsAListAndUnsetsALimit) {
  Config config;
  ASSERT_TRUE(apply_config(config, kEverything, "f"));
  ASSERT_TRUE(apply_config(config, "[capture]\nmodule =\nmodule = nct6775\n[retention]\nkeep =\n", "g"));
  EXPECT_THAT(config.capture.module, ElementsAre("nct6775"));
  EXPECT_FALSE(config.retention.keep);
}

TEST(Config, PathsAreKeptInTheirPlainForm) {
  Config config;
  ASSERT_TRUE(
      apply_config(config, "[target]\npath = /srv//dumps/\n[capture]\nhook_before = //bin/./true\n", "f"));
  EXPECT_EQ(config.targets.front().path, "/srv/dumps");
  EXPECT_THAT(config.capture.hook_before, ElementsAre("/bin/true"));
  ASSERT_TRUE(apply_config(config, "[target]\npath = /\n", "f"));
  EXPECT_EQ(config.targets.front().path, "/");
  // Found by fuzzing: however often it is read and written, it is the same.
  for (const std::string_view path : {"//", "///", "//////////", "/.", "//./", "/././"}) {
    ASSERT_TRUE(apply_config(config, fmt::format("[target]\npath = {}\n", path), "f")) << path;
    EXPECT_EQ(config.targets.front().path, "/") << path;
  }
}

TEST(Config, FilesThatItNamesAndThatAreNotThereAreReported) {
  Config config;
  ASSERT_TRUE(
      apply_config(config,
                   "[capture]\nhook_before = /bin/sh\nhook_after = /nonexistent --foo\nfile = /etc/passwd\n"
                   "file = /nope\n[collect]\ncommand = /etc/passwd\n",
                   "f"));
  EXPECT_THAT(missing_files(config),
              ElementsAre("[capture] hook_after: /nonexistent --foo: No such file or directory",
                          "[capture] file: /nope: No such file or directory",
                          "[collect] command: /etc/passwd: Permission denied"));
  EXPECT_TRUE(missing_files(Config{}).empty());
}

TEST(Config, AByteOrderMarkIsNoMistake) {
  Config config;
  ASSERT_TRUE(apply_config(config, "\xEF\xBB\xBF[dump]\nlevel = 31, 1\n", "f"));
  EXPECT_THAT(config.dump.level, ElementsAre(31, 1));
  EXPECT_FALSE(apply_config(config, "[dump]\nlevel = 31,\n", "f"));
}

TEST(Config, TargetsOfALaterFileReplaceThoseBefore) {
  Config config;
  ASSERT_TRUE(apply_config(config, kEverything, "f"));
  ASSERT_TRUE(apply_config(config, "[dump]\nlevel = 1\n", "g"));
  EXPECT_EQ(config.targets.size(), 2U);
  ASSERT_TRUE(apply_config(config, "[target]\npath = /only\n", "h"));
  ASSERT_EQ(config.targets.size(), 1U);
  EXPECT_EQ(config.targets[0].path, "/only");
}

struct Bad {
  const char* text;
  const char* message;
  const char* hint;
};
void PrintTo(const Bad& bad, std::ostream* out) {
  *out << '"' << bad.text << '"';
}
class ConfigRejects : public testing::TestWithParam<Bad> {};

TEST_P(ConfigRejects, WithFileLineAndWhatWasMeant) {
  Config config;
  const auto applied = apply_config(config, GetParam().text, "/etc/f");
  ASSERT_FALSE(applied);
  EXPECT_EQ(applied.error().code, ErrorCode::usage);
  EXPECT_THAT(applied.error().to_string(), HasSubstr(GetParam().message));
  EXPECT_THAT(applied.error().to_string(), HasSubstr(GetParam().hint));
}

INSTANTIATE_TEST_SUITE_P(
    OneMistake, ConfigRejects,
    testing::Values(
        Bad{"[dumps]\n", "/etc/f:1: there is no section [dumps]", "write 'dump'"},
        Bad{"[quux]\n", "there is no section [quux]", "use one of: target, dump, capture"},
        Bad{"[dump]\nlevle = 1\n", "/etc/f:2: [dump] has no key 'levle'", "write 'level'"},
        Bad{"[final]\nlevel = 1\n", "/etc/f:2: [final] has no key 'level'", "move it to [dump]"},
        Bad{"[target]\nfolder = /x\n", "/etc/f:2: [target] has no key 'folder'", "use one of: path, device"},
        Bad{"[dump]\nlevel = 1\nlevel = 2\n", "/etc/f:3: 'level' is set twice", ""},
        Bad{"[target]\npath = /a\npath = /b\n", "/etc/f:3: 'path' is set twice", ""},
        Bad{"[target]\npath = a\n", "/etc/f:2: path: the path 'a' does not begin with /", ""},
        Bad{"[target]\npath = /a/../b\n", "contains '..'", ""},
        Bad{"[target]\npath = /a /\n", "the path '/a /' ends with white space", ""},
        Bad{"[target]\npath = /a # mine\n", "/etc/f:2: path: the path '/a # mine' has a comment",
            "line of its own"},
        Bad{"[target]\nfilesystem = ext4\n", "/etc/f:1: 'filesystem' is set without 'device'",
            "remove 'filesystem'"},
        Bad{"[target]\ndevice = sda1\n", "/etc/f:2: device: 'sda1' is not UUID=", ""},
        Bad{"[target]\ndevice = UUID=\n", "'UUID=' is not UUID=...", ""},
        Bad{"[dump]\nlevel =\n", "/etc/f:2: level: no dump level is given", ""},
        Bad{"[dump]\ncompression = rar\n", "/etc/f:2: compression:", ""},
        Bad{"[dump]\ncompression = zstd:20\n", "/etc/f:2: compression: '20' is not", ""},
        Bad{"[dump]\ncompression = auto:1\n", "/etc/f:2: compression: 'auto' has no", ""},
        Bad{"[capture]\ndeadline = 3 weeks\n", "/etc/f:2: deadline: '3 weeks' is not a time", ""},
        Bad{"[capture]\ndeadline = 0\n", "is not a time", ""},
        Bad{"[capture]\nreport = maybe\n", "/etc/f:2: report: 'maybe' is neither yes nor no", ""},
        Bad{"[capture]\nmodule = a b\n", "/etc/f:2: module: 'a b' is not a name", ""},
        Bad{"[capture]\nhook_after = notify\n", "does not begin with /", ""},
        Bad{"[capture]\nsyscall = kexec\n", "/etc/f:2: syscall: 'kexec' is not a system call",
            "use auto, file (kexec_file_load) or segments"},
        Bad{"[capture]\nsyscall =\n", "/etc/f:2: syscall: '' is not a system call", ""},
        Bad{"[capture]\ncpus = 0\n", "/etc/f:2: cpus: '0' is neither auto nor a number from 1", ""},
        Bad{"[capture]\ncpus = all\n", "/etc/f:2: cpus: 'all' is neither auto nor", ""},
        Bad{"[capture]\ncpus =\n", "/etc/f:2: cpus: '' is neither auto nor", ""},
        Bad{"[capture]\ncpus = 8193\n", "a number from 1 to 8192", ""},
        Bad{"[failure]\naction = explode\n", "/etc/f:2: action: 'explode' is none of", ""},
        Bad{"[retention]\nkeep = 0\n", "/etc/f:2: keep: '0' is not a number from 1", ""},
        Bad{"[retention]\nmax_size = dump\n", "'dump'", ""},
        Bad{"[retention]\nmin_free = 101%\n", "'101%' is not a share", ""},
        Bad{"[retention]\nmax_size = lots\n", "'lots' is not a size", ""}));

class ConfigFiles : public testing::Test {
 protected:
  ConfigFiles() { std::filesystem::create_directory(paths_.drop_ins); }
  static void write(const std::string& path, std::string_view text, mode_t mode = 0644) {
    ASSERT_TRUE(write_file_atomically(path, as_byte_span(text), mode));
    ASSERT_EQ(::chmod(path.c_str(), mode), 0);
  }
  TempDir folder_ = TempDir::create("config-test").value();
  ConfigPaths paths_{folder_.path() / "lifeboat.conf", folder_.path() / "lifeboat.conf.d"};
};

TEST_F(ConfigFiles, MissingOnesLeaveTheDefaults) {
  const auto config = read_config({folder_.path() / "none", folder_.path() / "none.d"});
  ASSERT_TRUE(config) << config.error().to_string();
  EXPECT_EQ(to_text(*config), to_text(Config{}));
  EXPECT_TRUE(config->files.empty());
}

TEST_F(ConfigFiles, DropInsWinInTheOrderOfTheirNames) {
  write(paths_.file, "[dump]\nlevel = 1\ncompression = lzo\n");
  write(paths_.drop_ins + "/20-b.conf", "[dump]\nlevel = 31\n");
  write(paths_.drop_ins + "/10-a.conf", "[dump]\nlevel = 16\n");
  write(paths_.drop_ins + "/30-c.conf.bak", "[dump]\nlevel = 2\n");
  const auto config = read_config(paths_);
  ASSERT_TRUE(config) << config.error().to_string();
  EXPECT_THAT(config->dump.level, ElementsAre(31));
  EXPECT_EQ(config->dump.compression.compression, Compression::lzo);
  EXPECT_EQ(config->files.size(), 3U);
}

TEST_F(ConfigFiles, CompressionMayBeAutomaticOrVeryFast) {
  write(paths_.file, "[dump]\ncompression = auto\n");
  const auto automatic = read_config(paths_);
  ASSERT_TRUE(automatic) << automatic.error().to_string();
  EXPECT_TRUE(automatic->dump.compression.automatic);
  write(paths_.file, "[dump]\ncompression = zstd:-7\n");
  const auto fast = read_config(paths_);
  ASSERT_TRUE(fast) << fast.error().to_string();
  EXPECT_EQ(fast->dump.compression, (CompressionChoice{.compression = Compression::zstd, .level = -7}));
}

TEST_F(ConfigFiles, WhatOthersCouldHaveWrittenIsNotDone) {
  for (const mode_t mode : {0664, 0646}) {
    write(paths_.file, "[capture]\nhook_before = /tmp/evil\n", mode);
    const auto config = read_config(paths_);
    ASSERT_FALSE(config);
    EXPECT_EQ(config.error().code, ErrorCode::no_permission);
    EXPECT_THAT(config.error().to_string(), HasSubstr("chmod 644"));
  }
}

TEST_F(ConfigFiles, AMistakeIsReportedWithItsFile) {
  write(paths_.drop_ins + "/10-a.conf", "[dump]\nlevle = 16\n");
  const auto config = read_config(paths_);
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().code, ErrorCode::corrupt);
  EXPECT_THAT(config.error().message, HasSubstr("10-a.conf:2: [dump] has no key 'levle'"));
}

TEST_F(ConfigFiles, ALinkToNullSwitchesADropInOff) {
  write(paths_.file, "[retention]\nkeep = 2\n");
  std::filesystem::create_symlink("/dev/null", paths_.drop_ins + "/50-package.conf");
  const auto config = read_config(paths_);
  ASSERT_TRUE(config) << config.error().to_string();
  EXPECT_EQ(config->retention.keep, 2U);
  EXPECT_THAT(config->files, ElementsAre(paths_.file));
}

TEST_F(ConfigFiles, AFifoIsAMistakeOfTheFileAndNotWaitedFor) {
  ASSERT_EQ(::mkfifo(paths_.file.c_str(), 0600), 0);
  const auto config = read_config(paths_);
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().code, ErrorCode::corrupt);
  EXPECT_THAT(config.error().message, HasSubstr("is not a file"));
}

TEST_F(ConfigFiles, AFolderInPlaceOfTheFileIsAnError) {
  EXPECT_FALSE(read_config({paths_.drop_ins, folder_.path() / "none.d"}));
}

}  // namespace
}  // namespace lifeboat::config
