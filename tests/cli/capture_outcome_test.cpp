// SPDX-License-Identifier: GPL-2.0-or-later
// The three outcomes of a dump as `lifeboat capture` shows them: exit codes, names of files, JSON, the
// record.
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "tests/support/flattened_builder.h"
#include "tests/support/kdump_builder.h"
#include "tests/support/pages.h"
#include "tests/support/programs.h"
#include "tests/support/usual_page_size.h"

namespace lifeboat::test {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using ::testing::HasSubstr;

constexpr uint64_t kPages = 40;

KdumpBuilder some_dump() {
  KdumpBuilder builder(64);
  for (uint64_t pfn = 0; pfn < kPages; ++pfn) builder.page(pfn, noise(pfn + 1, kPageSize));
  return builder;
}

class CaptureOutcome : public ::testing::Test {
 protected:
  [[nodiscard]] std::string path(const std::string& name) const { return temp_.path() / name; }
  [[nodiscard]] bool has(const std::string& name) const { return fs::exists(path(name)); }
  std::string put(const std::string& name, ByteSpan bytes) const {
    write_file_atomically(path(name), bytes, 0600).value();
    return path(name);
  }

  struct Answer {
    int status = -1;
    Json json;
  };
  // What stands on stdout alone. In a mount namespace with a /run of its own.
  static Answer ask(const std::string& arguments) {
    const auto output = run(
        {"unshare", "--mount", "--map-root-user", "sh", "-c",
         "mount -t tmpfs none /run; exec " + lifeboat_program() + " " + arguments + " --json 2>/dev/null"});
    return {.status = output.status, .json = Json::parse(output.text, nullptr, false)};
  }
  // Without a filter: these dumps have no data of a kernel.
  [[nodiscard]] Answer capture(const std::string& source) const {
    return ask("capture " + source + " " + path("out") + " --level 0");
  }
  void expect_incomplete(const Answer& answer, uint64_t lost) const {
    EXPECT_EQ(answer.status, 1);
    EXPECT_EQ(answer.json["dump"], path("out.incomplete"));
    EXPECT_EQ(answer.json["whole"], false);
    EXPECT_EQ(answer.json["outcome"], "incomplete");
    EXPECT_EQ(answer.json["lost_pages"], lost);
    EXPECT_FALSE(has("out"));
    EXPECT_EQ(run_lifeboat({"verify", path("out.incomplete")}).status, 3);
    EXPECT_EQ(ask("verify " + path("out.incomplete")).json["incomplete_mark"], true);
  }

  TempDir temp_ = TempDir::create("outcome-test").value();
};

TEST_F(CaptureOutcome, IsWhole) {
  const auto answer = capture(put("source", some_dump().build()));
  EXPECT_EQ(answer.status, 0);
  EXPECT_EQ(answer.json["outcome"], "whole");
  EXPECT_EQ(answer.json["reason"], "");
  EXPECT_EQ(answer.json["dump"], path("out"));
  EXPECT_FALSE(has("out.incomplete"));
  EXPECT_EQ(run_lifeboat({"verify", path("out")}).status, 0);
}

TEST_F(CaptureOutcome, IsIncompleteWithALostPage) {
  const auto source = put("source", some_dump().lost_page(50).build());
  const auto answer = capture(source);
  expect_incomplete(answer, 1);
  EXPECT_THAT(answer.json["reason"].get<std::string>(), HasSubstr("1 of 41 pages"));
  fs::remove(path("out.incomplete"));
  const auto text = run_lifeboat({"capture", source, path("out"), "--level", "0"}).text;
  EXPECT_THAT(text, HasSubstr("1 of 41 pages could not be read"));
  EXPECT_THAT(text, HasSubstr("fix: "));
}

TEST_F(CaptureOutcome, IsIncompleteOfASourceThatIs) {
  auto marked = some_dump();
  marked.patch_header([](kdump::Header& header) { header.status |= kdump::kStatusIncomplete; });
  auto answer = capture(put("marked", marked.build()));
  expect_incomplete(answer, 0);
  EXPECT_THAT(answer.json["reason"].get<std::string>(), HasSubstr("not whole"));
  fs::remove(path("out.incomplete"));

  answer = capture(put("flat", FlattenedBuilder().file(some_dump().build(), 5000).without_end().build()));
  expect_incomplete(answer, 0);
}

TEST_F(CaptureOutcome, IsWholeOfWhatAFilteredSourceHas) {
  auto filtered = some_dump();
  filtered.ram(50, 10).patch_sub_header([](kdump::SubHeader& sub) { sub.dump_level = 31; });
  const auto answer = capture(put("filtered", filtered.build()));
  EXPECT_EQ(answer.status, 0);
  EXPECT_EQ(answer.json["level"], 31);
  EXPECT_EQ(answer.json["stored_pages"], kPages);
  EXPECT_EQ(answer.json["lost_pages"], 0);
  EXPECT_EQ(answer.json["left_out_before"], 10);
  EXPECT_EQ(run_lifeboat({"verify", path("out")}).status, 0);
}

TEST_F(CaptureOutcome, HasFailedWithoutAReadablePage) {
  KdumpBuilder lost(64);
  for (uint64_t pfn = 0; pfn < kPages; ++pfn) lost.lost_page(pfn);
  EXPECT_EQ(capture(put("source", lost.build())).status, 1);
  EXPECT_FALSE(has("out"));
  EXPECT_FALSE(has("out.incomplete")) << "the source is still there";
}

// RLIMIT_FSIZE: an error like a full disk, not the end by SIGXFSZ.
TEST_F(CaptureOutcome, HasFailedAtAFileSizeLimit) {
  const auto source = put("source", some_dump().build());
  const auto limited = [&](const std::string& arguments) {
    return run({"unshare", "--mount", "--map-root-user", "sh", "-c",
                "mount -t tmpfs none /run; ulimit -f 192; exec " + lifeboat_program() + " " + arguments});
  };
  const auto file = limited("capture " + source + " " + path("out") + " --level 0 --compress none");
  EXPECT_EQ(file.status, 1) << file.text;
  EXPECT_THAT(file.text, HasSubstr("File too large"));
  EXPECT_THAT(file.text, HasSubstr("ulimit -f"));
  EXPECT_FALSE(has("out"));

  const auto store =
      limited("capture " + source + " --store-folder " + path("store") + " --level 0 --compress none");
  EXPECT_EQ(store.status, 1) << store.text;
  const Json crashes = ask("list --store " + path("store")).json;
  ASSERT_EQ(crashes.size(), 1U);
  EXPECT_EQ(crashes[0]["outcome"], "incomplete");
  EXPECT_EQ(crashes[0]["dump_outcome"], "failed");
  const std::string dump = crashes[0]["folder"].get<std::string>() + "/vmcore.incomplete";
  EXPECT_EQ(run_lifeboat({"verify", dump}).status, 3);
}

// Into a store: what cannot be read is no reason to try the next target.
TEST_F(CaptureOutcome, IsIncompleteInTheFirstTarget) {
  const auto source = put("source", some_dump().lost_page(50).build());
  const std::string config =
      "[target]\npath = " + path("first") + "\n[target]\npath = " + path("second") + "\n";
  put("conf", as_byte_span(config));
  const auto answer = ask("capture " + source + " --store --level 0 --config " + path("conf"));
  EXPECT_EQ(answer.status, 1);
  EXPECT_EQ(answer.json["whole"], false);
  EXPECT_EQ(answer.json["outcome"], "incomplete");
  EXPECT_EQ(answer.json["lost_pages"], 1);
  EXPECT_FALSE(has("second"));

  const Json crashes = ask("list --store " + path("first")).json;
  ASSERT_EQ(crashes.size(), 1U);
  EXPECT_EQ(crashes[0]["outcome"], "incomplete");
  EXPECT_EQ(crashes[0]["dump_outcome"], "incomplete");
  EXPECT_EQ(crashes[0]["lost_pages"], 1);
  const std::string folder = crashes[0]["folder"];
  EXPECT_EQ(answer.json["folder"], folder);
  EXPECT_TRUE(fs::exists(folder + "/vmcore.incomplete"));
  EXPECT_FALSE(fs::exists(folder + "/vmcore"));
  const Json record = Json::parse(text_of(folder + "/manifest.json"));
  EXPECT_EQ(record["outcome"], "incomplete");
  EXPECT_EQ(record["dump_outcome"], "incomplete");
  EXPECT_EQ(record["lost_pages"], 1);
  EXPECT_THAT(record["problems"].dump(), HasSubstr("could not be read"));
  EXPECT_THAT(run_lifeboat({"collect", "--store", path("first")}).text,
              HasSubstr("incomplete (1 pages could not be read)"));
}

// One that cannot be read at all might be readable there.
TEST_F(CaptureOutcome, HasFailedInEachTarget) {
  KdumpBuilder lost(64);
  for (uint64_t pfn = 0; pfn < kPages; ++pfn) lost.lost_page(pfn);
  const std::string config =
      "[target]\npath = " + path("first") + "\n[target]\npath = " + path("second") + "\n";
  put("conf", as_byte_span(config));
  EXPECT_EQ(
      ask("capture " + put("source", lost.build()) + " --store --level 0 --config " + path("conf")).status,
      1);
  for (const char* store : {"first", "second"}) {
    const Json crashes = ask("list --store " + path(store)).json;
    ASSERT_EQ(crashes.size(), 1U) << store;
    EXPECT_EQ(crashes[0]["dump_outcome"], "failed");
  }
}

}  // namespace
}  // namespace lifeboat::test
