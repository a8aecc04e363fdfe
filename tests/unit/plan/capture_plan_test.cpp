// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/plan/capture_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/base/size.h"
#include "src/dump/levels.h"

namespace lifeboat {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

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

TEST(Manifest, ReadsEveryKey) {
  const auto manifest = Manifest::parse(kValid);
  ASSERT_TRUE(manifest) << manifest.error().to_string();
  ASSERT_EQ(manifest->targets.size(), 1U);
  EXPECT_EQ(manifest->targets[0].uuid, "0b6c1b3a-1f6e-4b07-9f0a-3d9d3a6ce001");
  EXPECT_EQ(manifest->targets[0].filesystem, "ext4");
  EXPECT_EQ(manifest->targets[0].path, "/var/crash/lifeboat");
  EXPECT_THAT(manifest->levels, ElementsAre(31, 1));
  EXPECT_EQ(manifest->compression, Compression::zstd);
  EXPECT_EQ(manifest->compression_level, 3);
  EXPECT_EQ(manifest->final_action, FinalAction::poweroff);
  EXPECT_EQ(manifest->device_deadline, std::chrono::seconds(30));
  EXPECT_THAT(manifest->modules, ElementsAre("mbcache.ko", "ext4.ko"));
  EXPECT_EQ(manifest->retention, Retention{}) << "nothing is taken away by who was told nothing";
}

TEST(Manifest, TextReadsBackAsItself) {
  auto manifest = Manifest::parse(kValid);
  ASSERT_TRUE(manifest);
  manifest->copy_elf = true;
  manifest->targets.push_back({"ABCD-1234", "vfat", "/crashes of my machine"});
  manifest->failure_action = FinalAction::shell;
  manifest->deadline = std::chrono::minutes(90);
  manifest->hook_deadline = std::chrono::seconds(7);
  manifest->report = manifest->watchdog = false;
  manifest->watchdogs = {"i6300ESB timer", "iTCO_wdt"};
  manifest->retention = {.keep = 3, .max_size = Amount{.bytes = 20_GiB}, .min_free = Amount{.percent = 5}};
  manifest->hooks_before = {"/lifeboat/hooks/00-a"};
  manifest->hooks_after = {"/lifeboat/hooks/00-b", "/lifeboat/hooks/01-c"};
  const std::string text = manifest->to_text();
  const auto again = Manifest::parse(text);
  ASSERT_TRUE(again) << again.error().to_string();
  EXPECT_EQ(again->to_text(), text);
  EXPECT_TRUE(again->copy_elf);
  ASSERT_EQ(again->targets.size(), 2U);
  EXPECT_EQ(again->targets[1].path, "/crashes of my machine");
  EXPECT_EQ(again->failure_action, FinalAction::shell);
  EXPECT_EQ(again->deadline, std::chrono::minutes(90));
  EXPECT_EQ(again->hook_deadline, std::chrono::seconds(7));
  EXPECT_FALSE(again->report || again->watchdog);
  EXPECT_EQ(again->watchdogs, manifest->watchdogs);
  EXPECT_EQ(again->retention, manifest->retention);
  EXPECT_THAT(again->hooks_after, ElementsAre("/lifeboat/hooks/00-b", "/lifeboat/hooks/01-c"));
}

struct BadLine {
  const char* key;
  const char* line;
  const char* message;
};
void PrintTo(const BadLine& bad, std::ostream* out) {
  *out << '"' << bad.line << '"';
}
class ManifestRejects : public testing::TestWithParam<BadLine> {};

TEST_P(ManifestRejects, WithTheLineAndTheReason) {
  const auto& [key, line, message] = GetParam();
  const auto manifest = Manifest::parse(with(key, line));
  ASSERT_FALSE(manifest);
  EXPECT_THAT(manifest.error().message, HasSubstr(message));
}

INSTANTIATE_TEST_SUITE_P(
    OneLine, ManifestRejects,
    testing::Values(BadLine{"target", "", "'target' is missing"},
                    BadLine{"target", "target =", "line 2: '' is not a name"},
                    BadLine{"target", "target = 1234", "line 2: '' is not a name"},
                    BadLine{"target", "target = 12/34 ext4 /var", "line 2: '12/34' is not a name"},
                    BadLine{"target", "target = 1234 ../ext4 /var", "'../ext4' is not a name"},
                    BadLine{"target", "target = 1234 ext4", "line 2: the path ''"},
                    BadLine{"target", "target = 1234 ext4 var/crash", "line 2: the path 'var/crash'"},
                    BadLine{"target", "target = 1234 ext4 /var/../etc", "leads upwards"},
                    BadLine{"dump.level", "dump.level = 32", "line 3: '32' is not a dump level"},
                    BadLine{"dump.level", "dump.level = -1", "'-1' is not a dump level"},
                    BadLine{"dump.level", "dump.level = 31,31", "named twice"},
                    BadLine{"dump.level", "dump.level =", "line 3: no dump level is given"},
                    BadLine{"dump.compression", "dump.compression = rar", "'rar' is none of"},
                    BadLine{"dump.compression", "dump.compression = lzo:4", "lzo"},
                    BadLine{"dump.compression", "dump.compression = zstd:x",
                            "'x' is not a compression level"},
                    BadLine{"final.action", "final.action = fly", "'fly' is none of"},
                    BadLine{"deadline.device", "deadline.device = 0", "'0' is not a time"},
                    BadLine{"deadline.device", "deadline.device = 99999999999999999999", "is not a time"},
                    BadLine{"final.action", "no equals sign", "line 5: no '='"},
                    BadLine{"final.action", "final.acton = halt", "there is no key 'final.acton'"},
                    BadLine{"final.action", "dump.level = 1", "'dump.level' is set twice"},
                    BadLine{"module", "watchdog.running =", "a watchdog without a name"},
                    BadLine{"module", "retention.keep = 0", "'0' is not a number from 1"},
                    BadLine{"module", "retention.max_size = 101%", "'101%' is not a share"},
                    BadLine{"module", "retention.min_free = -1", "-1"},
                    BadLine{"module", "module = ../../etc/passwd", "not a module's file name"},
                    BadLine{"module", "rehearsal.kernel = /k", "no key"}));

TEST(Levels, AreWrittenAsTheyAreRead) {
  EXPECT_EQ(format_levels(parse_levels("31,17,1").value()), "31,17,1");
  EXPECT_FALSE(parse_levels(""));
  EXPECT_FALSE(parse_levels("31,"));
}

TEST(CompressionChoice, AreWrittenAsTheyAreRead) {
  for (const char* text : {"none", "zlib", "zlib:6", "lzo", "snappy", "zstd", "zstd:19"}) {
    const auto choice = parse_compression_choice(text);
    ASSERT_TRUE(choice) << text;
    EXPECT_EQ(format_compression_choice(*choice), text);
  }
}

}  // namespace
}  // namespace lifeboat
