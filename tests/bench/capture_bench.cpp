// SPDX-License-Identifier: GPL-2.0-or-later
// Speed and size of a capture beside the newest makedumpfile in each of its thread settings:
// docs/benchmarks.md.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <iostream>

#include "src/base/size.h"
#include "tests/bench/bench.h"
#include "tests/bench/capture_cases.h"
#include "tests/bench/filled_guest.h"
#include "tests/support/programs.h"

namespace lifeboat::test {
namespace {

namespace fs = std::filesystem;
namespace po = boost::program_options;

struct Options {
  std::string codecs = "zstd,zlib,lzo,none";
  std::string levels = "31,1";
  std::string source, folder;
  int runs = 5;
  bool quick = false;
  OutputOptions output;
};

po::options_description describe(Options& options) {
  po::options_description described("capture_bench: lifeboat capture beside makedumpfile");
  const auto value = [](auto& variable, const char* name) {
    return po::value(&variable)->default_value(variable)->value_name(name);
  };
  described.add_options()("codec", value(options.codecs, "LIST"), "of zstd, zlib, lzo, none")(
      "level", value(options.levels, "LIST"), "dump levels")("runs", value(options.runs, "N"),
                                                             "rounds of each case; medians are taken")(
      "source", value(options.source, "FILE"),
      "an ELF vmcore (default: of a guest, made when it is missing)")(
      "folder", value(options.folder, "DIR"),
      "where the dumps are written (default: /dev/shm, so that no disk is measured)")(
      "quick", po::bool_switch(&options.quick),
      "run a setting of makedumpfile once if it takes twice as long as its best");
  add_output_options(described, options.output);
  return described;
}

std::vector<std::string> list_of(const std::string& text) {
  std::vector<std::string> parts;
  for (size_t at = 0; at <= text.size();) {
    const size_t comma = std::min(text.find(',', at), text.size());
    parts.push_back(text.substr(at, comma - at));
    at = comma + 1;
  }
  return parts;
}

const CodecCase& codec_called(const std::string& name) {
  for (const auto& codec : kCodecCases)
    if (codec.name == name) return codec;
  throw BenchError(fmt::format("--codec: '{}' is none of zstd, zlib, lzo, none", name));
}

int level_of(const std::string& text) {
  const auto level = parse_number(text);
  if (!level || *level > 31) throw BenchError(fmt::format("--level: '{}' is not a dump level", text));
  return static_cast<int>(*level);
}

// What all of memory needs, twice: the first dump of a case stays while another one is written.
std::string output_parent(const Options& options, const std::string& source) {
  std::string folder = options.folder.empty() ? "/dev/shm" : options.folder;
  std::error_code error;
  const auto space = fs::space(folder, error);
  const uint64_t needed = 2 * fs::file_size(source);
  if (!error && space.available >= needed) return folder;
  if (options.folder.empty() && fs::space(fs::temp_directory_path()).available >= needed)
    return fs::temp_directory_path();
  throw BenchError(fmt::format("{} has less than {} free: give another folder with --folder", folder,
                               format_size(needed)));
}

// The first run must not be the one that reads the disk.
void read_into_page_cache(const std::string& path) {
  const auto file = open_file(path, O_RDONLY);
  if (!file) throw BenchError(file.error().to_string());
  std::vector<std::byte> buffer(1_MiB);
  for (uint64_t at = 0;;) {
    const auto count = pread_some(file->get(), at, buffer, path);
    if (!count) throw BenchError(count.error().to_string());
    if (*count == 0) return;
    at += *count;
  }
}

// "makedumpfile: version 1.7.8 (released on 30 Oct 2025)"
std::string version_of(const std::string& peer) {
  const auto output = run_process({peer, "-v"}, std::chrono::minutes(1));
  if (!output) throw BenchError(output.error().to_string() + "\n  fix: ./dev bench fetches it");
  return output->text.substr(0, output->text.find('\n'));
}

Json measure(const Options& options) {
  std::vector<const CodecCase*> codecs;
  for (const auto& name : list_of(options.codecs)) codecs.push_back(&codec_called(name));
  std::vector<int> levels;
  for (const auto& level : list_of(options.levels)) levels.push_back(level_of(level));
  if (options.runs < 1) throw BenchError("--runs must be at least 1");

  Json document = new_document("capture");
  const std::string peer = cache() / "peers/makedumpfile";
  document["peer"] = version_of(peer);
  std::string source = options.source;
  if (source.empty()) {
    const fs::path rehearsal = bench_rehearsal();
    source = rehearsal / "vmcore.elf";
    const auto memory = memory_in_use(rehearsal);
    for (const char* field : {"MemTotal", "MemFree", "Cached", "AnonPages", "Slab", "PageTables"})
      if (const auto found = memory.find(field); found != memory.end())
        document["memory_mib"][field] = found->second;
  }
  document["source_bytes"] = fs::file_size(source);
  document["runs"] = options.runs;
  stop_on_signals();
  const std::string parent = output_parent(options, source);
  document["folder"] = parent;
  const auto folder = TempDir::create("lifeboat-bench", parent);
  if (!folder) throw BenchError(folder.error().to_string());
  read_into_page_cache(source);
  const CaptureSetup setup{source, folder->path(), peer, options.runs, options.quick};
  for (const int level : levels) {
    for (const CodecCase* codec : codecs) {
      std::cerr << fmt::format("level {}, {}\n", level, codec->name);
      document["cases"].push_back(measure_case(setup, *codec, level));
    }
  }
  return document;
}

bool has_two_threads(const Json& document) {
  const auto two = [](const Json& found) { return found["lifeboat"].back()["threads"] == 2; };
  return std::ranges::all_of(document["cases"], two);
}

std::string describe_run(const Json& document) {
  std::string text = fmt::format(
      "Measured on {}. An ELF core of {}; {}; medians of {} alternating runs; the dumps are written to {}.\n",
      machine_text(document), format_size(document["source_bytes"].get<uint64_t>()),
      document["peer"].get<std::string>(), document["runs"].get<int>(),
      document["folder"].get<std::string>());
  if (document.contains("memory_mib")) {
    text += "Of the guest's memory, in MiB:";
    for (const auto& [field, mib] : document["memory_mib"].items())
      text += fmt::format(" {} {};", field, mib.get<uint64_t>());
    text.back() = '.';
    text += '\n';
  }
  if (!has_two_threads(document)) text += "Two threads were not measured: no --threads, or one CPU.\n";
  return text;
}

int run_bench(int argc, char** argv) {
  Options options;
  if (!parse_options(argc, argv, describe(options))) return 0;
  const Json document = options.output.from.empty() ? measure(options) : read_document(options.output.from);
  put_out(document, describe_run(document) + '\n' + case_tables(document["cases"]), options.output);
  bool met = has_two_threads(document);
  for (const Json& found : document["cases"]) met = all_met(found["targets"]) && met;
  return met ? 0 : 1;
}

}  // namespace
}  // namespace lifeboat::test

int main(int argc, char** argv) {
  return lifeboat::test::guarded_main("capture_bench", lifeboat::test::run_bench, argc, argv);
}
