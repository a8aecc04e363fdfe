// SPDX-License-Identifier: GPL-2.0-or-later
// A capture of machines of any size, made up when they are read (tests/support/synthetic_machine.h): whether
// time is linear and memory flat. Level 31 keeps 64 MiB a TiB of them. docs/benchmarks.md
#include <fmt/format.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <iostream>

#include "capture/engine/capture.h"
#include "capture/engine/workers.h"
#include "src/base/file.h"
#include "src/base/size.h"
#include "src/vmcore/dump_kernel.h"
#include "tests/bench/bench.h"
#include "tests/bench/bench_output.h"
#include "tests/support/synthetic_machine.h"

namespace lifeboat::test {
namespace {

namespace po = boost::program_options;
using Clock = std::chrono::steady_clock;

constexpr double kTib = 1024.0 * 1024 * 1024 * 1024;
constexpr double kMaxGrowth = 1.2;    // of the seconds per TiB, from one size to a larger one
constexpr double kMaxMoreMemory = 4;  // MiB, from the smallest to the largest

struct Options {
  std::string sizes = "64G,1T,16T";
  std::string folder = "/dev/shm";
  unsigned threads = usable_cpus();
  OutputOptions output;
};

double since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

struct Run {
  double total = 0, scan = 0, save = 0;  // seconds
  uint64_t file_bytes = 0, stored_pages = 0;
};

Result<Run> capture(uint64_t ram_bytes, const Options& options) {
  SyntheticMachine machine({.ram_bytes = ram_bytes});
  const UniqueFd file = TRY(open_file(options.folder, O_RDWR | O_TMPFILE, 0600));
  CaptureOptions capture;
  capture.threads = options.threads;
  const auto begin = Clock::now();
  const auto report = TRY(capture_dump(machine, file.get(), "the dump", capture, no_progress()));
  const Run run{since(begin), report.scan_seconds, report.save_seconds, report.file_bytes,
                report.pages.stored_pages};
  // What is fast and wrong counts for nothing.
  if (report.outcome != DumpOutcome::whole)
    return fail(ErrorCode::corrupt, "the dump is not whole: {}", report.reason);
  if (report.pages.pages_of_class != machine.pages_of_class())
    return fail(ErrorCode::corrupt, "the scan counted other pages than the machine has");
  return run;
}

// What the machine itself costs: the time to make the struct pages, for each TiB of RAM.
double making_seconds_per_tib() {
  constexpr uint64_t kRam = 64_GiB;
  SyntheticMachine machine({.ram_bytes = kRam});
  std::vector<std::byte> buffer(512_KiB);
  const auto begin = Clock::now();
  for (uint64_t pfn = 0; pfn < machine.info().max_pfn; pfn += kFakeSectionPages) {
    if (machine.page_state(pfn).value() != PageState::stored) continue;
    const uint64_t address = SyntheticMachine::mem_map_of_section(pfn);
    for (uint64_t at = 0; at < kFakeSectionPages * kFakePageSize; at += buffer.size())
      if (const auto read = machine.read(address + at, buffer); !read)
        throw BenchError(read.error().to_string());
  }
  return since(begin) * kTib / static_cast<double>(kRam);
}

std::vector<uint64_t> sizes_of(const std::string& text) {
  constexpr uint64_t kSection = 128_MiB;
  std::vector<uint64_t> sizes;
  for (size_t at = 0; at <= text.size();) {
    const size_t comma = std::min(text.find(',', at), text.size());
    const auto size = parse_size(text.substr(at, comma - at));
    if (!size) throw BenchError("--sizes: " + size.error().to_string());
    if (*size == 0 || *size % kSection != 0 || *size > kMaxSyntheticRam)
      throw BenchError(fmt::format("--sizes: {} is no multiple of {} up to {}", format_size(*size),
                                   format_size(kSection), format_size(kMaxSyntheticRam)));
    sizes.push_back(*size);
    at = comma + 1;
  }
  return sizes;
}

Json measure_size(uint64_t ram_bytes, const Options& options) {
  const auto result = in_child<Run>([&] {
    const auto run = capture(ram_bytes, options);
    if (!run) throw BenchError(run.error().to_string());
    return *run;
  });
  const Run& run = result.value;
  const double tib = static_cast<double>(ram_bytes) / kTib;
  return {{"ram_bytes", ram_bytes},           {"seconds", run.total},
          {"scan_seconds", run.scan},         {"save_seconds", run.save},
          {"cpu_seconds", result.cost.cpu},   {"seconds_per_tib", run.total / tib},
          {"scan_per_tib", run.scan / tib},   {"peak_mib", result.cost.peak_mb * 1e6 / (1 << 20)},
          {"stored_pages", run.stored_pages}, {"file_bytes", run.file_bytes}};
}

// From each size to the next one, and from the first to the last.
Json targets_of(const Json& sizes) {
  Json targets = Json::array();
  for (size_t index = 1; index < sizes.size(); ++index) {
    const Json &small = sizes[index - 1], &large = sizes[index];
    const double growth = large["seconds_per_tib"].get<double>() / small["seconds_per_tib"].get<double>();
    targets.push_back(target(fmt::format("seconds per TiB, {} / {}", format_size(large["ram_bytes"]),
                                         format_size(small["ram_bytes"])),
                             growth, kMaxGrowth));
  }
  if (sizes.size() > 1)
    targets.push_back(target("MiB more memory for the largest than for the smallest",
                             sizes.back()["peak_mib"].get<double>() - sizes.front()["peak_mib"].get<double>(),
                             kMaxMoreMemory));
  return targets;
}

Json measure(const Options& options) {
  Json document = new_document("scale");
  document["threads"] = options.threads;
  document["making_seconds_per_tib"] = in_child<double>(making_seconds_per_tib).value;
  for (const uint64_t size : sizes_of(options.sizes)) {
    std::cerr << fmt::format("a machine of {}\n", format_size(size));
    document["sizes"].push_back(measure_size(size, options));
  }
  document["targets"] = targets_of(document["sizes"]);
  return document;
}

std::string tables(const Json& document) {
  const auto seconds = [](const Json& value) { return fmt::format("{:.2f} s", value.get<double>()); };
  Table table({"RAM", "capture", "of it scan", "of it save", "CPU", "seconds per TiB", "scan per TiB",
               "peak memory", "pages saved", "file"});
  for (const Json& size : document["sizes"])
    table.add({format_size(size["ram_bytes"]), seconds(size["seconds"]), seconds(size["scan_seconds"]),
               seconds(size["save_seconds"]), seconds(size["cpu_seconds"]), seconds(size["seconds_per_tib"]),
               seconds(size["scan_per_tib"]), fmt::format("{:.1f} MiB", size["peak_mib"].get<double>()),
               fmt::format("{}", size["stored_pages"].get<uint64_t>()), format_size(size["file_bytes"])});
  Table goals({"what", "measured", "goal", ""});
  for (const Json& each : document["targets"])
    goals.add({each["what"].get<std::string>(), fmt::format("{:.2f}", each["value"].get<double>()),
               fmt::format("<= {:.1f}", each["most"].get<double>()), met_text(each)});
  return fmt::format(
      "Measured on {}. Level 31, zstd, {} threads. To make the mem_map takes {:.2f} s of each TiB's time by "
      "itself.\n\n{}\n"
      "Goals:\n\n{}",
      machine_text(document), document["threads"].get<unsigned>(),
      document["making_seconds_per_tib"].get<double>(), table.text(), goals.text());
}

int run_bench(int argc, char** argv) {
  Options options;
  po::options_description described("scale_bench: captures of made-up machines of growing size");
  described.add_options()("sizes",
                          po::value(&options.sizes)->default_value(options.sizes)->value_name("LIST"),
                          "of RAM, growing")(
      "folder", po::value(&options.folder)->default_value(options.folder)->value_name("DIR"),
      "where the dumps are written; 1 GiB for 16T")(
      "threads", po::value(&options.threads)->default_value(options.threads)->value_name("N"),
      "that scan and compress");
  add_output_options(described, options.output);
  if (!parse_options(argc, argv, described)) return 0;
  const Json document = options.output.from.empty() ? measure(options) : read_document(options.output.from);
  put_out(document, tables(document), options.output);
  return all_met(document["targets"]) ? 0 : 1;
}

}  // namespace
}  // namespace lifeboat::test

int main(int argc, char** argv) {
  return lifeboat::test::guarded_main("scale_bench", lifeboat::test::run_bench, argc, argv);
}
