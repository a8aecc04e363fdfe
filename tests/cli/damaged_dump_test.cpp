// SPDX-License-Identifier: GPL-2.0-or-later
// A dump that is not whole answers all the same, and every view reports that it is not whole.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "src/dump/kdump_format.h"
#include "tests/support/fake_system.h"
#include "tests/support/programs.h"
#include "tests/support/usual_page_size.h"

namespace lifeboat::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class DamagedDump : public ::testing::Test {
 protected:
  void SetUp() override { system_.fake.write_kdump(path(), {}, 31); }
  [[nodiscard]] std::string path() const { return (folder_.path() / "vmcore").string(); }
  // The bit of a page of the second bitmap.
  void flip(uint64_t pfn) const {
    auto bytes = read_file(path(), uint64_t{1} << 30).value();
    kdump::Header header;
    std::memcpy(&header, bytes.data(), sizeof header);
    const uint64_t bitmap =
        (1 + static_cast<uint64_t>(header.sub_header_blocks) + header.bitmap_blocks / 2) * kPageSize;
    bytes.at(bitmap + pfn / 8) ^= static_cast<std::byte>(1u << pfn % 8);
    ASSERT_TRUE(write_file_atomically(path(), bytes, 0600));
  }
  void mark_incomplete() const {
    auto bytes = read_file(path(), uint64_t{1} << 30).value();
    bytes.at(offsetof(kdump::Header, status)) |= std::byte{kdump::kStatusIncomplete};
    ASSERT_TRUE(write_file_atomically(path(), bytes, 0600));
  }
  [[nodiscard]] ProcessOutput inspect(std::vector<std::string> view) const {
    view.insert(view.begin(), {"inspect", path()});
    return run_lifeboat(view);
  }
  // stdout and stderr come together: the document is the last line, or begins at the first brace.
  static nlohmann::json json_of(const std::string& text) {
    return nlohmann::json::parse(text.substr(text.find_first_of("{[")), nullptr, false);
  }

  FakeSystem system_;
  TempDir folder_ = TempDir::create("damaged-dump").value();
};

TEST_F(DamagedDump, a_whole_one_has_no_warnings) {
  for (const std::vector<std::string>& view :
       {std::vector<std::string>{}, {"log"}, {"ps"}, {"sys"}, {"mod"}, {"bt"}, {"mem"}, {"read", "0x10"}})
    EXPECT_THAT(inspect(view).text, Not(HasSubstr("whole: "))) << ::testing::PrintToString(view);
  EXPECT_EQ(json_of(inspect({"--json"}).text)["whole"], true);
  EXPECT_EQ(json_of(inspect({"--json"}).text)["missing"], nlohmann::json::array());
  EXPECT_EQ(json_of(inspect({"mem", "--json"}).text)["whole"], true);
  EXPECT_EQ(run_lifeboat({"verify", path()}).status, 0);
}

TEST_F(DamagedDump, one_bit_is_reported_by_every_view) {
  flip(1000);
  EXPECT_EQ(run_lifeboat({"verify", path()}).status, 3);
  const auto report = inspect({});
  EXPECT_EQ(report.status, 0);
  EXPECT_THAT(report.text, StartsWith("NOT WHOLE"));
  EXPECT_THAT(inspect({"sys"}).text, StartsWith("whole       NO: "));
  // Pages are mistaken for others: what these views find, if anything, is the dump's luck.
  for (const std::vector<std::string>& view : {std::vector<std::string>{"log"},
                                               {"ps"},
                                               {"mod"},
                                               {"bt"},
                                               {"mem"},
                                               {"sym", "init_task"},
                                               {"type", "task_struct"},
                                               {"read", "0x10"},
                                               {"search", "0x1"}}) {
    EXPECT_THAT(inspect(view).text, HasSubstr(path() + " is not whole: ")) << view.front();
    auto json = view;
    json.emplace_back("--json");
    EXPECT_THAT(inspect(json).text, HasSubstr(path() + " is not whole: ")) << view.front();
  }
  const auto json = json_of(inspect({"--json"}).text);
  EXPECT_EQ(json["whole"], false);
  EXPECT_THAT(json["missing"], ::testing::SizeIs(1));
  const auto sys = json_of(inspect({"sys", "--json"}).text);
  EXPECT_EQ(sys["whole"], false);
  EXPECT_EQ(sys["missing"], json["missing"]);
}

TEST_F(DamagedDump, the_mark_is_reported_by_every_view) {
  mark_incomplete();
  EXPECT_EQ(run_lifeboat({"verify", path()}).status, 3);
  EXPECT_THAT(inspect({}).text, StartsWith("NOT WHOLE"));
  for (const std::vector<std::string>& view : {std::vector<std::string>{"log"}, {"ps"}, {"mod"}, {"bt"}}) {
    const auto output = inspect(view);
    EXPECT_EQ(output.status, 0) << output.text;
    EXPECT_THAT(output.text, HasSubstr(path() + " is not whole: ")) << view.front();
  }
  EXPECT_EQ(json_of(inspect({"--json"}).text)["whole"], false);
}

}  // namespace
}  // namespace lifeboat::test
