// SPDX-License-Identifier: GPL-2.0-or-later
// The inner loops of a capture, each alone, by Google Benchmark: the zero test, the hash of a page, the scan
// of struct pages. Its own options (--benchmark_filter=) work too. docs/benchmarks.md
#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <iostream>

#include "capture/engine/page_batch.h"
#include "capture/engine/page_hash.h"
#include "src/vmcore/dump_kernel.h"
#include "src/vmcore/page_scan.h"
#include "tests/bench/bench.h"
#include "tests/bench/bench_output.h"
#include "tests/support/pages.h"
#include "tests/support/synthetic_machine.h"
#include "tests/support/usual_page_size.h"

namespace lifeboat::test {
namespace {

void count_pages(benchmark::State& state, uint64_t pages_each_time) {
  const auto times = static_cast<int64_t>(state.iterations());
  state.SetItemsProcessed(times * static_cast<int64_t>(pages_each_time));
}

// Where a page's first byte that is not zero is.
enum class ZeroPage { nowhere, at_end, at_begin };

// Pages one behind the other, as a batch has them.
void zero_test(benchmark::State& state, ZeroPage other) {
  std::vector<std::byte> pages(PageBatch::kBytes);
  for (size_t at = 0; at < pages.size(); at += kPageSize) {
    if (other == ZeroPage::at_end) pages[at + kPageSize - 1] = std::byte{1};
    if (other == ZeroPage::at_begin) pages[at] = std::byte{1};
  }
  for ([[maybe_unused]] const auto _ : state) {
    for (size_t at = 0; at < pages.size(); at += kPageSize)
      benchmark::DoNotOptimize(is_zero_page(ByteSpan(pages).subspan(at, kPageSize)));
  }
  count_pages(state, pages.size() / kPageSize);
}
BENCHMARK_CAPTURE(zero_test, all_zero, ZeroPage::nowhere);
BENCHMARK_CAPTURE(zero_test, last_byte_is_not, ZeroPage::at_end);
BENCHMARK_CAPTURE(zero_test, first_byte_is_not, ZeroPage::at_begin);

void hash(benchmark::State& state, PageHash hash_of) {
  const auto pages = noise(1, PageBatch::kBytes);
  for ([[maybe_unused]] const auto _ : state) {
    for (size_t at = 0; at < pages.size(); at += kPageSize)
      benchmark::DoNotOptimize(hash_of(ByteSpan(pages).subspan(at, kPageSize)));
  }
  count_pages(state, pages.size() / kPageSize);
}
BENCHMARK_CAPTURE(hash, widest, page_hash());
BENCHMARK_CAPTURE(hash, usual, usual_page_hash());

// The struct pages of one block, which lie in the processor's cache.
void classify(benchmark::State& state, SyntheticBlock wanted) {
  static SyntheticMachine machine;
  const auto kernel = kernel_of(machine);
  const auto classifier = PageClassifier::create(kernel->vmcoreinfo());
  uint64_t first = kFakeSectionPages + kSyntheticBlockPages;
  while (SyntheticMachine::block_of(first) != wanted) first += kSyntheticBlockPages;
  std::vector<std::byte> structs(kSyntheticBlockPages * kFakePageSize);
  const uint64_t address =
      SyntheticMachine::mem_map_of_section(first) + first % kFakeSectionPages * kFakePageSize;
  if (!machine.read(address, structs)) state.SkipWithError("no mem_map");
  for ([[maybe_unused]] const auto _ : state) {
    for (uint64_t index = 0; index < kSyntheticBlockPages;) {
      const PageRun run =
          classifier->classify(first + index, ByteSpan(structs).subspan(index * kFakePageSize));
      benchmark::DoNotOptimize(run.page_class);
      index += run.pages;
    }
  }
  count_pages(state, kSyntheticBlockPages);
}
BENCHMARK_CAPTURE(classify, huge, SyntheticBlock::huge);
BENCHMARK_CAPTURE(classify, free, SyntheticBlock::free);
BENCHMARK_CAPTURE(classify, cache, SyntheticBlock::cache);
BENCHMARK_CAPTURE(classify, user, SyntheticBlock::user);
BENCHMARK_CAPTURE(classify, mixed, SyntheticBlock::mixed);

// 4 GiB of all blocks, with the sections, the page tables and the making of the mem_map.
void scan(benchmark::State& state) {
  static SyntheticMachine machine;
  const auto kernel = kernel_of(machine);
  const auto map = MemMap::create(*kernel);
  const auto classifier = PageClassifier::create(kernel->vmcoreinfo());
  constexpr uint64_t kPages = uint64_t{1} << 20;
  uint64_t runs = 0;
  for ([[maybe_unused]] const auto _ : state) {
    const auto scanned = scan_page_classes(*kernel, *map, *classifier, kPages, 2 * kPages,
                                           [&runs](uint64_t, uint64_t, PageClass) { ++runs; });
    if (scanned.unreadable_pages > 0) state.SkipWithError("unreadable struct pages");
  }
  benchmark::DoNotOptimize(runs);
  count_pages(state, kPages);
}
BENCHMARK(scan)->Unit(benchmark::kMillisecond);

// A member of Google Benchmark's that has another name from 1.8 on.
template <typename Run>
bool has_failed(const Run& run) {
  if constexpr (requires { run.error_occurred; }) {
    return run.error_occurred;
  } else {
    return run.skipped != decltype(run.skipped){};
  }
}

// Prints as usual, and keeps the figures.
class Keeper final : public benchmark::ConsoleReporter {
 public:
  Keeper() : ConsoleReporter(::isatty(STDOUT_FILENO) != 0 ? OO_ColorTabular : OO_Tabular) {}
  void ReportRuns(const std::vector<Run>& reports) override {
    ConsoleReporter::ReportRuns(reports);
    for (const Run& run : reports) {
      if (has_failed(run)) {
        failed = true;
        continue;
      }
      const double per_second = run.counters.at("items_per_second");
      figures.push_back({{"name", run.benchmark_name()}, {"nanoseconds_per_page", 1e9 / per_second}});
    }
  }
  Json figures = Json::array();
  bool failed = false;
};

std::string tables(const Json& document) {
  Table table({"loop", "ns per page", "seconds per TiB of 4 KiB pages"});
  for (const Json& figure : document["figures"]) {
    const double nanoseconds = figure["nanoseconds_per_page"];
    constexpr double kPagesPerTib = 268'435'456;
    table.add({figure["name"].get<std::string>(), fmt::format("{:.2f}", nanoseconds),
               fmt::format("{:.2f}", nanoseconds * kPagesPerTib / 1e9)});
  }
  return fmt::format("Measured on {}.\n\n{}", machine_text(document), table.text());
}

int run_bench(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);  // takes its own options away
  OutputOptions output;
  boost::program_options::options_description described("micro_bench: the inner loops of a capture");
  add_output_options(described, output);
  if (!parse_options(argc, argv, described)) return 0;
  Json document = new_document("micro");
  bool failed = false;
  if (output.from.empty()) {
    Keeper keeper;
    benchmark::RunSpecifiedBenchmarks(&keeper);
    document["figures"] = keeper.figures;
    failed = keeper.failed;
  } else {
    document = read_document(output.from);
  }
  put_out(document, tables(document), output);
  return failed ? 1 : 0;
}

}  // namespace
}  // namespace lifeboat::test

int main(int argc, char** argv) {
  return lifeboat::test::guarded_main("micro_bench", lifeboat::test::run_bench, argc, argv);
}
