// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/bench/capture_cases.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <span>
#include <thread>

#include "src/dump/levels.h"
#include "tests/bench/bench.h"
#include "tests/bench/codec_limit.h"
#include "tests/support/programs.h"

namespace lifeboat::test {
namespace {

namespace fs = std::filesystem;

constexpr unsigned kPeerThreads[] = {0, 1, 2};
constexpr unsigned kOurThreads[] = {1, 2};
// Where --threads is not there, or only one CPU.
constexpr unsigned kOneThread[] = {1};

// One program in one setting.
struct Contender {
  unsigned threads = 0;
  std::vector<std::string> argv;
  std::string output;
  std::vector<Cost> costs;
  uint64_t bytes = 0, pages = 0;  // of the dump
  bool dropped = false;           // failed, or without a chance
};

unsigned cpus() {
  return std::max(1U, std::thread::hardware_concurrency());
}

std::vector<Contender> our_settings(const CaptureSetup& setup, const CodecCase& codec, int level) {
  const bool threads = capture_has_threads();
  std::vector<Contender> settings;
  for (const unsigned count : threads&& cpus() > 1 ? std::span<const unsigned>(kOurThreads) : kOneThread) {
    Contender contender{.threads = count, .output = fmt::format("{}/ours-{}", setup.folder, count)};
    contender.argv = {lifeboat_program(),       "capture",    setup.source, contender.output, "--level",
                      fmt::format("{}", level), "--compress", codec.choice};
    if (threads) contender.argv.insert(contender.argv.end(), {"--threads", fmt::format("{}", count)});
    settings.push_back(std::move(contender));
  }
  return settings;
}

std::vector<Contender> peer_settings(const CaptureSetup& setup, const CodecCase& codec, int level) {
  std::vector<Contender> settings;
  for (const unsigned count : kPeerThreads) {
    Contender contender{.threads = count, .output = fmt::format("{}/theirs-{}", setup.folder, count)};
    contender.argv = {setup.peer};
    if (*codec.peer_option != '\0') contender.argv.emplace_back(codec.peer_option);
    contender.argv.insert(contender.argv.end(), {"-d", fmt::format("{}", level), "--num-threads",
                                                 fmt::format("{}", count), setup.source, contender.output});
    settings.push_back(std::move(contender));
  }
  return settings;
}

struct DumpFacts {
  uint64_t pages = 0;
  Compression compression = Compression::none;
};

DumpFacts facts_of(const std::string& path) {
  return in_child<DumpFacts>([&path] {
           const auto dump = Dump::open(path);
           if (!dump) throw BenchError(dump.error().to_string());
           return DumpFacts{(*dump)->info().stored_pages, (*dump)->info().compression};
         })
      .value;
}

// A makedumpfile that was built without a codec writes pages as they are, and does not fail.
void check_dump(Contender& contender, Compression wanted) {
  const DumpFacts facts = facts_of(contender.output);
  if (facts.compression != wanted)
    throw BenchError(fmt::format("{} wrote a dump with {} instead of {}", contender.argv.front(),
                                 compression_name(facts.compression), compression_name(wanted)));
  contender.pages = facts.pages;
}

// `keep`: the dump of the first round stays, for the limit.
void run_once(Contender& contender, Compression wanted, bool keep) {
  fs::remove(contender.output);
  const auto cost = try_cost_of(contender.argv);
  if (!cost) {
    contender.dropped = true;
    fs::remove(contender.output);
    return;
  }
  if (contender.costs.empty()) check_dump(contender, wanted);
  contender.costs.push_back(*cost);
  contender.bytes = fs::file_size(contender.output);
  if (!keep) fs::remove(contender.output);
}

// It is run once more, for its messages.
std::string why_failed(const Contender& contender) {
  std::string text;
  for (const auto& argument : contender.argv) text += argument + ' ';
  const auto again = run_process(contender.argv, std::chrono::minutes(30));
  fs::remove(contender.output);
  return text + ": " + (again ? again->text : again.error().to_string());
}

const Contender& best_of(const std::vector<Contender>& contenders) {
  const auto wall = [](const Contender& contender) {
    return contender.costs.empty() ? 1e9 : median_of(contender.costs).wall;
  };
  return *std::ranges::min_element(contenders, {}, wall);
}

void drop_hopeless(std::vector<Contender>& peers) {
  const double best = best_of(peers).costs.front().wall;
  for (auto& peer : peers) {
    if (!peer.dropped && peer.costs.front().wall > 2 * best) peer.dropped = true;
  }
}

Json to_json(const Contender& contender) {
  if (contender.costs.empty()) return {{"threads", contender.threads}, {"failed", true}};
  const Cost cost = median_of(contender.costs);
  Json walls = Json::array();
  for (const auto& each : contender.costs) walls.push_back(each.wall);
  return {{"threads", contender.threads},
          {"wall", cost.wall},
          {"cpu", cost.cpu},
          {"peak_mb", cost.peak_mb},
          {"bytes", contender.bytes},
          {"pages", contender.pages},
          {"walls", walls}};
}

// The codec's own time, in turn with the captures.
class Limit {
 public:
  Limit(const CaptureSetup& setup, const CompressionChoice& choice, std::string dump)
      : setup_(setup), choice_(choice), dump_(std::move(dump)) {}

  void measure_once() {
    if (choice_.compression == Compression::none) return;
    last_ = measure(1);
    alone_.push_back(last_.seconds);
    if (cpus() > 1) together_.push_back(measure(2).seconds);
  }

  // "limit": the time of one thread divided by the cores. "limit_together": with all cores at work, which may
  // share what a core has.
  [[nodiscard]] Json json() const {
    if (alone_.empty()) return {};
    const unsigned cores = std::min(2U, cpus());
    Json found = {{"pages", last_.pages},
                  {"bytes", last_.bytes},
                  {"codec_seconds", median(alone_)},
                  {"cores", cores},
                  {"limit", median(alone_) / cores}};
    if (!together_.empty()) found["limit_together"] = median(together_) / cores;
    return found;
  }

 private:
  CodecTime measure(unsigned threads) const {
    return in_child<CodecTime>([&] { return codec_time(setup_.source, dump_, choice_, threads); }).value;
  }

  const CaptureSetup& setup_;
  CompressionChoice choice_;
  std::string dump_;
  CodecTime last_;
  std::vector<double> alone_, together_;
};

// The goals, as far as there are figures for them.
Json targets_of(const Json& found, const std::string& codec, int level) {
  Json targets = Json::array();
  const Json& ours = found["lifeboat"];
  const Json& peer = found["makedumpfile_best"];
  const double best = peer["wall"];
  const auto ratio = [&peer](const Json& mine, const char* figure) {
    return mine[figure].get<double>() / peer[figure].get<double>();
  };
  for (const Json& mine : ours) {
    if (mine["threads"] == 1) {
      targets.push_back(
          target("time with 1 thread / makedumpfile's", mine["wall"].get<double>() / best, 0.95));
    } else {
      const double most = codec == "none" ? 0.6 : 0.5;
      targets.push_back(
          target("time with 2 threads / makedumpfile's", mine["wall"].get<double>() / best, most));
      if (codec == "zstd" && !found["limit"].is_null())
        targets.push_back(target("time with 2 threads / limit",
                                 mine["wall"].get<double>() / found["limit"]["limit"].get<double>(), 1.35));
    }
  }
  const Json& last = ours.back();
  targets.push_back(target("size / makedumpfile's", ratio(last, "bytes"), level == 1 ? 0.95 : 1));
  targets.push_back(target("peak memory / makedumpfile's", ratio(last, "peak_mb"), 1));
  return targets;
}

}  // namespace

bool capture_has_threads() {
  static const bool has = [] {
    const auto help = run_process({lifeboat_program(), "capture", "--help"}, std::chrono::minutes(1));
    if (!help) throw BenchError(help.error().to_string());
    return help->text.find("--threads") != std::string::npos;
  }();
  return has;
}

Json measure_case(const CaptureSetup& setup, const CodecCase& codec, int level) {
  auto ours = our_settings(setup, codec, level);
  auto peers = peer_settings(setup, codec, level);
  const CompressionChoice choice = parse_compression_choice(codec.choice).value();
  Limit limit(setup, choice, ours.front().output);
  std::vector<Contender*> all;
  for (auto& contender : ours) all.push_back(&contender);
  for (auto& contender : peers) all.push_back(&contender);
  for (int round = 0; round < setup.runs; ++round) {
    for (Contender* contender : all) {
      // The dump of our first setting has the pages that the limit is measured with.
      if (!contender->dropped) run_once(*contender, choice.compression, contender == &ours.front());
    }
    for (const auto& contender : ours)
      if (contender.dropped) throw BenchError("lifeboat capture failed: " + why_failed(contender));
    if (std::ranges::all_of(peers, [](const Contender& peer) { return peer.costs.empty(); }))
      throw BenchError("makedumpfile failed in each setting: " + why_failed(peers.front()));
    limit.measure_once();
    if (round == 0 && setup.quick) drop_hopeless(peers);
    // Nobody is always first.
    std::ranges::rotate(all, all.begin() + 1);
  }
  fs::remove(ours.front().output);

  Json found = {{"level", level}, {"codec", codec.name}};
  for (const auto& contender : ours) found["lifeboat"].push_back(to_json(contender));
  for (const auto& contender : peers) found["makedumpfile"].push_back(to_json(contender));
  found["makedumpfile_best"] = to_json(best_of(peers));
  found["limit"] = limit.json();
  found["targets"] = targets_of(found, codec.name, level);
  return found;
}

}  // namespace lifeboat::test
