// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/plan/capture_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "capture/plan/keys.h"
#include "src/base/key_value.h"
#include "src/base/size.h"
#include "src/dump/levels.h"

namespace lifeboat {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// As version 1 wrote it.
constexpr std::string_view kValid = R"(# what to do
target = 0b6c1b3a-1f6e-4b07-9f0a-3d9d3a6ce001 ext4 /var/crash/lifeboat
dump.level = 31,1
dump.compression = zstd:3
final.action = poweroff
deadline.device = 30
module = mbcache.ko
module = ext4.ko
)";

// The valid text with one line put in the place of the one that begins with `key`; "" takes it out.
std::string with(std::string_view key, std::string_view line) {
  std::string text(kValid);
  const auto begin = text.find(std::string(key) + " =");
  EXPECT_NE(begin, std::string::npos);
  const auto end = text.find('\n', begin);
  return text.replace(begin, end - begin, line);
}

TEST(CapturePlan, ReadsEveryKey) {
  const auto plan = CapturePlan::parse(kValid);
  ASSERT_TRUE(plan) << plan.error().to_string();
  ASSERT_EQ(plan->targets.size(), 1U);
  EXPECT_EQ(plan->targets[0].uuid, "0b6c1b3a-1f6e-4b07-9f0a-3d9d3a6ce001");
  EXPECT_EQ(plan->targets[0].filesystem, "ext4");
  EXPECT_EQ(plan->targets[0].path, "/var/crash/lifeboat");
  EXPECT_THAT(plan->dump.level, ElementsAre(31, 1));
  EXPECT_EQ(plan->dump.compression.compression, Compression::zstd);
  EXPECT_EQ(plan->dump.compression.level, 3);
  EXPECT_EQ(plan->final.action, FinalAction::poweroff);
  EXPECT_EQ(plan->capture.device_deadline, std::chrono::seconds(30));
  EXPECT_THAT(plan->modules, ElementsAre("mbcache.ko", "ext4.ko"));
  EXPECT_EQ(plan->retention, Retention{}) << "without limits in the plan nothing is deleted";
}

TEST(CapturePlan, TextReadsBackAsItself) {
  auto plan = CapturePlan::parse(kValid);
  ASSERT_TRUE(plan);
  plan->copy_elf = true;
  plan->targets.push_back({"ABCD-1234", "vfat", "/crashes of my machine"});
  plan->failure.action = FinalAction::shell;
  plan->capture.deadline = std::chrono::minutes(90);
  plan->capture.hook_deadline = std::chrono::seconds(7);
  plan->capture.report = plan->capture.watchdog = false;
  plan->watchdogs = {"i6300ESB timer", "iTCO_wdt"};
  plan->retention = {.keep = 3, .max_size = Amount{.bytes = 20_GiB}, .min_free = Amount{.next_dump = true}};
  plan->capture.hook_before = {"/lifeboat/hooks/00-a"};
  plan->capture.hook_after = {"/lifeboat/hooks/00-b", "/lifeboat/hooks/01-c"};
  const std::string text = plan->to_text();
  const auto again = CapturePlan::parse(text);
  ASSERT_TRUE(again) << again.error().to_string();
  EXPECT_EQ(again->to_text(), text);
  EXPECT_TRUE(again->copy_elf);
  ASSERT_EQ(again->targets.size(), 2U);
  EXPECT_EQ(again->targets[1].path, "/crashes of my machine");
  EXPECT_EQ(again->failure.action, FinalAction::shell);
  EXPECT_EQ(again->capture.deadline, std::chrono::minutes(90));
  EXPECT_EQ(again->capture.hook_deadline, std::chrono::seconds(7));
  EXPECT_FALSE(again->capture.report || again->capture.watchdog);
  EXPECT_EQ(again->watchdogs, plan->watchdogs);
  EXPECT_EQ(again->retention, plan->retention);
  EXPECT_THAT(again->capture.hook_after, ElementsAre("/lifeboat/hooks/00-b", "/lifeboat/hooks/01-c"));
}

struct BadLine {
  const char* key;
  const char* line;
  const char* message;
};
void PrintTo(const BadLine& bad, std::ostream* out) {
  *out << '"' << bad.line << '"';
}
class CapturePlanRejects : public testing::TestWithParam<BadLine> {};

TEST_P(CapturePlanRejects, WithTheLineAndTheReason) {
  const auto& [key, line, message] = GetParam();
  const auto plan = CapturePlan::parse(with(key, line));
  ASSERT_FALSE(plan);
  EXPECT_THAT(plan.error().message, HasSubstr(message));
}

INSTANTIATE_TEST_SUITE_P(
    OneLine, CapturePlanRejects,
    testing::Values(
        BadLine{"target", "", "'target' is missing"},
        BadLine{"target", "target =", "line 2: '' is not a name"},
        BadLine{"target", "target = 1234", "line 2: '' is not a name"},
        BadLine{"target", "target = 12/34 ext4 /var", "line 2: '12/34' is not a name"},
        BadLine{"target", "target = 1234 ../ext4 /var", "'../ext4' is not a name"},
        BadLine{"target", "target = 1234 ext4", "line 2: the path ''"},
        BadLine{"target", "target = 1234 ext4 var/crash", "line 2: the path 'var/crash'"},
        BadLine{"target", "target = 1234 ext4 /var/../etc", "contains '..'"},
        BadLine{"dump.level", "dump.level = 32", "line 3: '32' is not a dump level"},
        BadLine{"dump.level", "dump.level = -1", "'-1' is not a dump level"},
        BadLine{"dump.level", "dump.level = 31,31", "given twice"},
        BadLine{"dump.level", "dump.level = none,31", "'none' always fits"},
        BadLine{"dump.level", "dump.level = 31,none,1", "'none' always fits"},
        BadLine{"dump.level", "dump.level = none,none", "given twice"},
        BadLine{"dump.level", "dump.level = None", "'None' is not a dump level"},
        BadLine{"dump.level", "dump.level =", "line 3: no dump level is given"},
        BadLine{"dump.compression", "dump.compression = rar", "'rar' is not a compression"},
        BadLine{"dump.compression", "dump.compression = lzo:4", "lzo"},
        BadLine{"dump.compression", "dump.compression = zstd:x", "'x' is not a compression level"},
        BadLine{"dump.compression", "dump.compression = zstd:0",
                "'0' is not a compression level: zstd has levels from -131072 to 19"},
        BadLine{"dump.compression", "dump.compression = zstd:20", "'20' is not a compression level"},
        BadLine{"dump.compression", "dump.compression = zstd:-131073",
                "'-131073' is not a compression level"},
        BadLine{"dump.compression", "dump.compression = zstd:-99999999999999999999",
                "is not a compression level"},
        BadLine{"dump.compression", "dump.compression = zstd:--5", "'--5' is not a compression level"},
        BadLine{"dump.compression", "dump.compression = zstd:", "'' is not a compression level"},
        BadLine{"dump.compression", "dump.compression = zlib:-1",
                "'-1' is not a compression level: zlib has levels from 1 to 9"},
        BadLine{"dump.compression", "dump.compression = auto:3", "'auto' has no compression levels"},
        BadLine{"dump.compression", "dump.compression = Auto", "'Auto' is not a compression"},
        BadLine{"final.action", "final.action = fly", "'fly' is none of"},
        BadLine{"deadline.device", "deadline.device = 0", "'0' is not a time"},
        BadLine{"deadline.device", "deadline.device = 99999999999999999999", "is not a time"},
        BadLine{"final.action", "no equals sign", "line 5: no '='"},
        BadLine{"final.action", "final.acton = halt", "unknown key 'final.acton'"},
        BadLine{"final.action", "dump.level = 1", "'dump.level' is set twice"},
        BadLine{"module", "watchdog.running =", "the watchdog has no name"},
        BadLine{"module", "retention.keep = 0", "'0' is not a number from 1"},
        BadLine{"module", "retention.max_size = 101%", "'101%' is not a share"},
        BadLine{"module", "retention.min_free = -1", "-1"},
        BadLine{"module", "module = ../../etc/passwd", "not a module's file name"},
        BadLine{"module", "rehearsal.kernel = /k", "unknown key"}));

TEST(CapturePlan, HasItsVersionFirst) {
  const auto plan = CapturePlan::parse(kValid);
  ASSERT_TRUE(plan);
  const std::string text = plan->to_text();
  EXPECT_TRUE(text.starts_with(fmt::format("version = {}\n", kPlanVersion))) << text;
  EXPECT_THAT(text, HasSubstr("\ncapture.device_deadline = 30s\n"));
}

TEST(CapturePlan, OfVersion2HasNoneOfTheOldNames) {
  for (const char* line : {"deadline.device = 5", "report = no", "hook.before = /x", "watchdog = no"}) {
    const auto plan = CapturePlan::parse(fmt::format("version = 2\ntarget = 1 ext4 /x\n{}\n", line));
    ASSERT_FALSE(plan) << line;
    EXPECT_THAT(plan.error().message, HasSubstr("plan line 3: unknown key")) << line;
  }
}

// PID 1 in the worst minute: what is known is done.
TEST(CapturePlan, OfANewerVersionIsReadAsFarAsItIsKnown) {
  const std::string newer = fmt::format(
      "version = {}\ntarget = 1 ext4 /x\ncapture.speed = high\ncapture.deadline = 5min\n", kPlanVersion + 1);
  std::vector<std::string> unknown;
  const auto plan = CapturePlan::parse(newer, &unknown);
  ASSERT_TRUE(plan) << plan.error().to_string();
  EXPECT_THAT(unknown, ElementsAre("capture.speed"));
  EXPECT_EQ(plan->capture.deadline, std::chrono::minutes(5));
  EXPECT_FALSE(CapturePlan::parse(newer)) << "an error for callers that do not collect unknown keys";
}

TEST(CapturePlan, OfThisVersionHasNoUnknownKey) {
  std::vector<std::string> unknown;
  EXPECT_FALSE(CapturePlan::parse(
      fmt::format("version = {}\ntarget = 1 ext4 /x\ncapture.speed = high\n", kPlanVersion), &unknown));
}

// A lifeboat-init that knows version N refuses a plan of version N with a key that it does not know, so a
// version's keys never change. When this test fails because a key that travels was added, renamed or removed:
// raise kPlanVersion and add a set here for the new version; leave those of released versions alone. A plan
// of an older version must still be read (kOldNames in capture_plan.cpp), and docs/initramfs.md names the
// keys.
TEST(CapturePlan, OfOneVersionAlwaysHasTheSameKeys) {
  const std::map<unsigned, std::set<std::string>> keys_of_version = {
      {2,
       {"version",
        "target",
        "dump.level",
        "dump.compression",
        "dump.copy_elf",
        "capture.device_deadline",
        "capture.stall_deadline",
        "capture.deadline",
        "capture.hook_before",
        "capture.hook_after",
        "capture.hook_deadline",
        "capture.report",
        "capture.watchdog",
        "failure.action",
        "final.action",
        "retention.keep",
        "retention.max_size",
        "retention.min_free",
        "watchdog.running",
        "module",
        "shell"}},
  };
  CapturePlan plan;
  plan.targets = {{"1", "ext4", "/x"}};
  plan.watchdogs = {"iTCO_wdt"};
  plan.modules = {"ext4.ko"};
  plan.shell = "/bin/sh";
  std::set<std::string> now;
  const std::string text = plan.to_text();
  const auto lines = parse_key_values(text);
  ASSERT_TRUE(lines);
  for (const auto& line : *lines) now.emplace(line.key);
  // Those that are not set have no line.
  for (const auto& key : keys())
    if (key.travels) now.insert(fmt::format("{}.{}", key.section, key.name));
  ASSERT_TRUE(keys_of_version.contains(kPlanVersion));
  EXPECT_EQ(now, keys_of_version.at(kPlanVersion));
}

TEST(CapturePlan, RejectsAVersionThatIsNone) {
  for (const char* text : {"version = 1\ntarget = 1 ext4 /x", "version = x\ntarget = 1 ext4 /x",
                           "target = 1 ext4 /x\ndump.level = 1\nversion = 2", "version = 2\nversion = 2",
                           "version = 99999999999\ntarget = 1 ext4 /x"})
    EXPECT_FALSE(CapturePlan::parse(text)) << text;
}

TEST(CapturePlan, LeavesOptionalSettingsUnset) {
  const CapturePlan plan;
  for (const auto& key : keys()) {
    if (key.kind != KeyKind::optional) continue;
    EXPECT_EQ(key.get(plan).front(), "") << key.section << '.' << key.name;
  }
}

TEST(CapturePlan, HasNoSettingThatTheHostKeepsForItself) {
  EXPECT_FALSE(CapturePlan::parse("version = 2\ntarget = 1 ext4 /x\ncapture.kernel = /k\n"));
}

TEST(Keys, AreDescribedOnceEach) {
  std::set<std::string> seen;
  for (const auto& key : keys()) {
    EXPECT_TRUE(seen.insert(fmt::format("{}.{}", key.section, key.name)).second) << key.name;
    EXPECT_FALSE(key.help.empty() || key.help.ends_with('.') || key.type.empty()) << key.name;
    EXPECT_EQ(find_key(key.section, key.name), &key);
  }
  EXPECT_EQ(find_key("dump", "levels"), nullptr);
}

TEST(Keys, ReadTheirOwnDefaults) {
  for (const auto& key : keys()) {
    Settings settings;
    const std::string value = key.default_value();
    EXPECT_TRUE(key.set(settings, value)) << key.section << '.' << key.name;
    EXPECT_EQ(key.get(settings), key.get(Settings{})) << key.section << '.' << key.name;
  }
}

TEST(Levels, AreWrittenAsTheyAreRead) {
  EXPECT_EQ(format_levels(parse_levels("31,17,1").value()), "31,17,1");
  EXPECT_FALSE(parse_levels(""));
  EXPECT_FALSE(parse_levels("31,"));
}

TEST(Levels, NoneIsTheLast) {
  EXPECT_THAT(parse_levels("none").value(), ElementsAre(kNoDump));
  EXPECT_THAT(parse_levels(" 31, none ").value(), ElementsAre(31, kNoDump));
  EXPECT_EQ(format_levels({31, 17, kNoDump}), "31,17,none");
  for (const char* text : {"none,1", "1,none,2", "none,none", "none,", ",none", "NONE", "-1", "no", "none 1"})
    EXPECT_FALSE(parse_levels(text)) << text;
  DumpSettings dump;
  EXPECT_FALSE(dump.log_only() || dump.log_suffices());
  dump.level = {31, kNoDump};
  EXPECT_TRUE(!dump.log_only() && dump.log_suffices());
  dump.level = {kNoDump};
  EXPECT_TRUE(dump.log_only() && dump.log_suffices());
}

TEST(CapturePlan, CarriesTheLevelNone) {
  const auto plan = CapturePlan::parse(with("dump.level", "dump.level = 31,none"));
  ASSERT_TRUE(plan) << plan.error().to_string();
  EXPECT_THAT(CapturePlan::parse(plan->to_text())->dump.level, ElementsAre(31, kNoDump));
}

TEST(CapturePlan, CarriesEveryCompression) {
  for (const char* text : {"auto", "zstd:-5", "lzo"}) {
    const auto plan =
        CapturePlan::parse(with("dump.compression", fmt::format("dump.compression = {}", text)));
    ASSERT_TRUE(plan) << plan.error().to_string();
    EXPECT_EQ(CapturePlan::parse(plan->to_text())->dump.compression, plan->dump.compression);
    EXPECT_EQ(format_compression_choice(plan->dump.compression), text);
  }
}

TEST(CompressionChoice, AreWrittenAsTheyAreRead) {
  for (const char* text :
       {"none", "zlib", "zlib:6", "lzo", "snappy", "zstd", "zstd:19", "zstd:-1", "zstd:-131072", "auto"}) {
    const auto choice = parse_compression_choice(text);
    ASSERT_TRUE(choice) << text;
    EXPECT_EQ(format_compression_choice(*choice), text);
    EXPECT_EQ(choice->automatic, std::string_view(text) == "auto");
  }
}

}  // namespace
}  // namespace lifeboat
