// SPDX-License-Identifier: GPL-2.0-or-later
// A real dump whose end is missing: a disk that became full, a machine that lost power. The pages that the
// report reads come first in the file, so that wherever it is cut behind them the report is whole.
#include <nlohmann/json.hpp>

#include "src/dump/recording_dump.h"
#include "src/inspect/report.h"
#include "src/inspect/session.h"
#include "tests/oracle/oracle.h"
#include "tests/support/dump_surgeon.h"

namespace lifeboat::test {
namespace {

using nlohmann::json;

constexpr uint64_t kCuts = 20;  // every 5 %

// What the report reads of a dump.
std::vector<uint64_t> pages_of_report(const std::string& path) {
  auto record = std::make_unique<PageRecord>();
  const auto session =
      inspect::Session::over(std::make_unique<RecordingDump>(Dump::open(path).value(), *record));
  [[maybe_unused]] const auto report = inspect::make_report(session);
  EXPECT_EQ(record->overflow, 0u);
  return record->checked(session.dump().info().max_pfn);
}

class CutDumps : public testing::TestWithParam<std::filesystem::path> {
 protected:
  // The report; null if there is none.
  static json report_of(const std::string& path) {
    const auto output = run_lifeboat({"inspect", path, "report", "--json"});
    EXPECT_TRUE(output.status == 0 || output.status == 1) << output.status << output.text;
    auto report = json::parse(output.text, nullptr, false);
    if (output.status != 0 || report.is_discarded()) return nullptr;
    report.erase("dump");
    return report;
  }
};

TEST_P(CutDumps, behind_the_first_pages_give_the_whole_report) {
  const auto original = (GetParam() / "vmcore").string();
  const auto temp = TempDir::create("cut-dumps").value();
  const std::string cut = temp.path() / "vmcore";
  const DumpSurgeon surgeon(original);
  uint64_t end_of_first = 0;
  for (const uint64_t pfn : pages_of_report(original))
    end_of_first = std::max(end_of_first, surgeon.end_of(pfn));
  ASSERT_GT(end_of_first, surgeon.data());
  // Not by chance: the file is several times as long.
  EXPECT_LT(end_of_first, surgeon.size() / 2);
  const json expected = report_of(original);
  ASSERT_EQ(expected.at("whole"), true);

  std::vector<uint64_t> lengths = {end_of_first};
  for (uint64_t part = 0; part < kCuts; ++part) lengths.push_back(surgeon.size() * part / kCuts);
  int whole_reports = 0;
  for (const uint64_t length : lengths) {
    SCOPED_TRACE(length);
    surgeon.write(cut, length);
    json found = report_of(cut);
    if (length < end_of_first) continue;
    ASSERT_FALSE(found.is_null());
    EXPECT_EQ(found.at("whole"), false);
    EXPECT_EQ(found.at("missing").size(), 1u);
    EXPECT_EQ(found.at("notes").size(), expected.at("notes").size() + 1) << "it says so";
    for (const char* about_the_cut : {"whole", "missing", "notes"})
      found[about_the_cut] = expected.at(about_the_cut);
    EXPECT_TRUE(found == expected) << json::diff(expected, found).dump(1);
    ++whole_reports;
  }
  EXPECT_GT(whole_reports, static_cast<int>(kCuts) / 2);
}

INSTANTIATE_TEST_SUITE_P(, CutDumps, testing::ValuesIn(oracle_folders()), oracle_name);
// Without the VM tests' dumps there is nothing to cut.
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(CutDumps);

}  // namespace
}  // namespace lifeboat::test
