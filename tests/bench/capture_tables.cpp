// SPDX-License-Identifier: GPL-2.0-or-later
// The tables of capture_cases.h's figures.
#include <fmt/format.h>

#include "tests/bench/capture_cases.h"

namespace lifeboat::test {
namespace {

std::string seconds(const Json& value) {
  return fmt::format("{:.3f} s", value.get<double>());
}
std::string megabytes(const Json& bytes) {
  return fmt::format("{:.1f} MB", bytes.get<double>() / 1e6);
}
std::string settings_text(const Json& threads) {
  return threads == 0 ? "none" : fmt::format("{}", threads.get<int>());
}

// Null: it was not measured.
Json with_threads(const Json& settings, int threads) {
  for (const Json& each : settings)
    if (each["threads"] == threads) return each;
  return {};
}

void add_summary(Table& table, const Json& found) {
  const Json one = with_threads(found["lifeboat"], 1), two = with_threads(found["lifeboat"], 2);
  const Json& peer = found["makedumpfile_best"];
  const Json& limit = found["limit"];
  const Json& last = found["lifeboat"].back();
  const auto ratio = [](const Json& mine, const Json& theirs) {
    return fmt::format("{:.2f}", mine.get<double>() / theirs.get<double>());
  };
  const bool has_two = !two.is_null(), has_limit = !limit.is_null();
  table.add({fmt::format("{}", found["level"].get<int>()), found["codec"].get<std::string>(),
             seconds(one["wall"]), has_two ? seconds(two["wall"]) : "",
             fmt::format("{} ({})", seconds(peer["wall"]), settings_text(peer["threads"])),
             ratio(one["wall"], peer["wall"]), has_two ? ratio(two["wall"], peer["wall"]) : "",
             has_limit ? seconds(limit["limit"]) : "",
             has_two && has_limit ? ratio(two["wall"], limit["limit"]) : "", megabytes(last["bytes"]),
             fmt::format("{:.3f}", last["bytes"].get<double>() / peer["bytes"].get<double>())});
}

void add_setting(Table& table, const Json& found, const char* program, const Json& setting) {
  std::vector<std::string> row = {fmt::format("{}", found["level"].get<int>()),
                                  found["codec"].get<std::string>(), program,
                                  settings_text(setting["threads"])};
  if (setting.contains("failed")) {
    row.emplace_back("failed");
  } else {
    row.insert(row.end(), {seconds(setting["wall"]), seconds(setting["cpu"]),
                           fmt::format("{:.1f} MB", setting["peak_mb"].get<double>()),
                           megabytes(setting["bytes"]), fmt::format("{}", setting["pages"].get<uint64_t>()),
                           fmt::format("{}", setting["walls"].size())});
  }
  table.add(std::move(row));
}

void add_limit(Table& table, const Json& found) {
  const Json& limit = found["limit"];
  if (limit.is_null()) return;
  std::vector<std::string> row = {fmt::format("{}", found["level"].get<int>()),
                                  found["codec"].get<std::string>(),
                                  fmt::format("{}", limit["pages"].get<uint64_t>()),
                                  seconds(limit["codec_seconds"]), seconds(limit["limit"])};
  if (limit.contains("limit_together")) row.push_back(seconds(limit["limit_together"]));
  table.add(std::move(row));
}

}  // namespace

std::string case_tables(const Json& cases) {
  Table summary({"level", "codec", "lifeboat, 1 thread", "2 threads", "makedumpfile's best (threads)",
                 "1 thread / best", "2 threads / best", "limit", "2 threads / limit", "size",
                 "size / theirs"});
  Table targets({"level", "codec", "what", "measured", "goal", ""});
  Table limits({"level", "codec", "pages compressed", "codec, one thread", "limit", "both cores at work"});
  Table settings(
      {"level", "codec", "program", "threads", "wall", "CPU", "peak memory", "file", "pages", "runs"});
  for (const Json& found : cases) {
    add_summary(summary, found);
    for (const Json& each : found["targets"])
      targets.add({fmt::format("{}", found["level"].get<int>()), found["codec"].get<std::string>(),
                   each["what"].get<std::string>(), fmt::format("{:.3f}", each["value"].get<double>()),
                   fmt::format("<= {:.2f}", each["most"].get<double>()), met_text(each)});
    add_limit(limits, found);
    for (const Json& setting : found["lifeboat"]) add_setting(settings, found, "lifeboat", setting);
    for (const Json& setting : found["makedumpfile"]) add_setting(settings, found, "makedumpfile", setting);
  }
  return fmt::format("{}\nGoals:\n\n{}\nThe limit:\n\n{}\nEvery setting:\n\n{}", summary.text(),
                     targets.text(), limits.text(), settings.text());
}

}  // namespace lifeboat::test
