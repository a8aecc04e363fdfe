// SPDX-License-Identifier: GPL-2.0-or-later
// /proc/vmcore in the capture kernel of a guest: read(2) beside the windows that lifeboat maps
// (src/dump/mapped_source.h). docs/benchmarks.md
#include <fmt/format.h>

#include <iostream>
#include <map>
#include <sstream>

#include "tests/bench/bench.h"
#include "tests/bench/bench_output.h"
#include "tests/vm/support/crash_scene.h"

namespace lifeboat::test {
namespace {

namespace po = boost::program_options;

constexpr uint64_t kMebibytes = 256;

struct Options {
  std::string kernel = "6.12";
  OutputOptions output;
};

// Seconds by the way and the KiB of a piece.
using Times = std::map<std::pair<std::string, unsigned>, std::vector<double>>;

Times run_guest(const std::string& kernel) {
  GuestFiles files;
  files.add(kernel_path(kernel), "boot/vmlinuz");
  files.add(LIFEBOAT_VMCORE_ACCESS, "bin/vmcore_access");
  const std::string script = fmt::format(
      "if [ -e /proc/vmcore ]; then run access vmcore_access {}; finish; fi\nrun load {}\ncrash_now\n",
      kMebibytes, kLoadCrash);
  Guest guest({.name = "vmcore-bench",
               .kernel = kernel,
               .command_line = "crashkernel=256M",
               .script = script,
               .memory = 1_GiB},
              files);
  if (const Mark load = guest.wait_for("load"); load.text != "0")
    throw BenchError("lifeboat load --crash failed: " + load.output);
  const Mark access = guest.wait_for("access", std::chrono::seconds(900));
  if (access.text != "0") throw BenchError("vmcore_access failed: " + access.output);
  Times times;
  std::istringstream lines(access.output);
  std::string way;
  unsigned kib = 0;
  for (double seconds = 0; lines >> way >> kib >> seconds;) times[{way, kib}].push_back(seconds);
  return times;
}

Json measure(const Options& options) {
  Json document = new_document("vmcore");
  document["kernel"] = options.kernel;
  document["mebibytes"] = kMebibytes;
  for (const auto& [key, seconds] : run_guest(options.kernel)) {
    document["runs"].push_back({{"way", key.first}, {"piece_kib", key.second}, {"seconds", median(seconds)}});
  }
  return document;
}

std::string tables(const Json& document) {
  std::string text = fmt::format(
      "{}; kernel {}, emulated by software; {} MiB read, the median of three times\n\n",
      machine_text(document), document["kernel"].get<std::string>(), document["mebibytes"].get<uint64_t>());
  Table table({"piece", "read(2), s", "mapped, s", "mapped/read"});
  for (const auto& run : document["runs"]) {
    if (run["way"] != "mapped") continue;
    for (const auto& other : document["runs"]) {
      if (other["way"] != "read" || other["piece_kib"] != run["piece_kib"]) continue;
      const double mapped = run["seconds"], read = other["seconds"];
      table.add({fmt::format("{} KiB", run["piece_kib"].get<unsigned>()), fmt::format("{:.2f}", read),
                 fmt::format("{:.2f}", mapped), fmt::format("{:.2f}", mapped / read)});
    }
  }
  return text + table.text();
}

int run_bench(int argc, char** argv) {
  Options options;
  po::options_description known("vmcore_bench: read(2) of /proc/vmcore beside mapping it");
  known.add_options()("kernel", po::value(&options.kernel), "of the guest (6.12)");
  add_output_options(known, options.output);
  if (!parse_options(argc, argv, known)) return 0;
  stop_on_signals();
  const Json document = options.output.from.empty() ? measure(options) : read_document(options.output.from);
  put_out(document, tables(document), options.output);
  return 0;
}

}  // namespace
}  // namespace lifeboat::test

int main(int argc, char** argv) {
  return lifeboat::test::guarded_main("vmcore_bench", lifeboat::test::run_bench, argc, argv);
}
