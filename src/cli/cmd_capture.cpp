// SPDX-License-Identifier: GPL-2.0-or-later
// lifeboat capture SOURCE DEST
#include <nlohmann/json.hpp>
#include <optional>

#include "capture/engine/pipeline.h"
#include "capture/engine/workers.h"
#include "capture/run/file_capture.h"
#include "src/base/log.h"
#include "src/base/size.h"
#include "src/cli/capture_estimate.h"
#include "src/cli/capture_store.h"
#include "src/cli/configuration.h"
#include "src/cli/outcome.h"
#include "src/dump/dump.h"

namespace lifeboat::cli {
namespace {

// A path; null: there is no such file.
nlohmann::ordered_json path_or_null(const std::string& path) {
  return path.empty() ? nlohmann::ordered_json() : nlohmann::ordered_json(path);
}

nlohmann::ordered_json to_json(const capture::FileCapture& files) {
  const CaptureReport& report = files.report;
  nlohmann::ordered_json classes;
  for (size_t index = 0; index < kPageClasses; ++index) {
    classes[std::string(page_class_name(static_cast<PageClass>(index)))] = report.pages.pages_of_class[index];
  }
  return {
      {"dump", path_or_null(files.dump)},
      {"whole", report.outcome == DumpOutcome::whole},
      {"outcome", outcome_name(report.outcome)},
      {"reason", report.reason},
      {"fell_back", report.fell_back},
      {"log", path_or_null(files.log)},
      {"report", path_or_null(files.report_text)},
      {"report_json", path_or_null(files.report_json)},
      {"level", report.level == kNoDump ? nlohmann::ordered_json() : nlohmann::ordered_json(report.level)},
      {"filtered", report.filtered},
      {"ram_pages", report.pages.ram_pages},
      {"stored_pages", report.pages.stored_pages},
      {"zero_pages", report.zero_pages},
      {"shared_pages", report.shared_pages},
      {"lost_pages", report.lost_pages},
      {"left_out_before", report.pages.left_out_before},
      {"pages_of_class", classes},
      {"bytes", report.file_bytes},
      {"threads", report.threads},
      {"compression", format_compression_choice(report.compression)},
      {"compression_reason", report.compression_reason},
      {"essential_pages", report.pages.essential_pages},
      {"mem_map_pages", report.pages.mem_map_pages},
      {"mem_map_bytes", report.page_size.bytes(report.pages.mem_map_pages)},
      {"warnings", report.warnings}};
}

void print_text(const capture::FileCapture& files) {
  const CaptureReport& report = files.report;
  if (report.outcome == DumpOutcome::log_only) {
    fmt::print("{}, {}: log and report; no dump\n", files.log, files.report_text);
    return;
  }
  fmt::print("{}: {}, level {}: {} of {} pages ({} zero, {} shared)\n", files.dump,
             format_size(report.file_bytes), report.level, report.pages.stored_pages, report.pages.ram_pages,
             report.zero_pages, report.shared_pages);
  if (report.pages.mem_map_pages > 0)
    fmt::print("{} pages of mem_map ({}) describe only pages left out, and were left out too\n",
               report.pages.mem_map_pages, format_size(report.page_size.bytes(report.pages.mem_map_pages)));
}

// "": one for each processor.
Result<unsigned> thread_count(const std::string& text) {
  constexpr uint64_t kMost = 1024;
  if (text.empty()) return usable_cpus();
  const auto number = parse_number(text);
  if (!number || *number < 1 || *number > kMost)
    return fail(ErrorCode::usage, "capture: --threads takes a number from 1 to {}, not '{}'", kMost, text);
  return static_cast<unsigned>(*number);
}

Result<size_t> memory_size(const std::string& text) {
  const uint64_t size = TRY_CONTEXT(parse_size(text), "capture: --memory");
  if (size < smallest_pipeline_memory()) {
    return fail(ErrorCode::usage, "capture: --memory {} is not enough: the buffers need at least {}", text,
                format_size(smallest_pipeline_memory()));
  }
  return size;
}

Result<CaptureOptions> capture_options(const CommandLine& line) {
  CaptureOptions options;
  options.levels = TRY(parse_levels(line.get("level", "31")));
  options.compression = TRY(parse_compression_choice(line.get("compress", "zstd")));
  options.drop_memmap = line.has("drop-memmap");
  options.threads = TRY(thread_count(line.get("threads", "")));
  if (const auto memory = line.get("memory", ""); !memory.empty()) options.memory = TRY(memory_size(memory));
  if (const auto format = line.get("format", "kdump"); format != "kdump") {
    return std::unexpected(
        Error(ErrorCode::usage, fmt::format("capture: cannot write the format '{}'", format))
            .hint("use --format kdump, which crash, drgn and makedumpfile read"));
  }
  return options;
}

// What a dump of SOURCE, or of the running system, would be like.
Result<int> show_estimate(const CommandLine& line) {
  const bool running = line.has("estimate");
  for (const char* other : {"store", "store-folder", "then-act", "stats", "drop-memmap"}) {
    if (line.has(other))
      return fail(ErrorCode::usage, "capture: --{} is for a dump that is written; --dry-run writes none",
                  other);
  }
  if (line.has("DEST") || (running && line.has("SOURCE")))
    return fail(ErrorCode::usage, "capture: {}",
                running ? "--estimate takes no file" : "--dry-run takes no DEST");
  CaptureOptions options = TRY(capture_options(line));
  if (running) {
    const auto config = TRY(read_config(line));
    if (!line.has("level")) options.levels = config.dump.level;
    if (!line.has("compress")) options.compression = config.dump.compression;
  }
  const std::string name = running ? "/proc/kcore" : TRY(line.require("SOURCE"));
  const auto source = TRY(Dump::open(name));
  TerminalProgress progress;
  const auto estimate =
      TRY(estimate_dump(*source, {.compression = options.compression, .threads = options.threads}, progress));
  if (line.json()) {
    print_json(estimate_json(estimate, options.compression));
  } else {
    print_estimate(estimate, options.levels, options.compression);
  }
  return kDone;
}

}  // namespace

Result<int> run_capture(const Arguments& arguments) {
  CommandLine line(
      "capture", "SOURCE DEST [options] | SOURCE --store [options]",
      "Save SOURCE, an ELF vmcore (/proc/vmcore in the capture kernel, or a file), to the new file DEST:\n"
      "filtered, compressed, in the KDUMP format. Until the dump is whole, the file has the name\n"
      "DEST.incomplete and is marked incomplete inside. It keeps that name, with exit code 1, when pages\n"
      "cannot be read, or when SOURCE is not whole. Pages that SOURCE does not have are left out.\n"
      "With the level 'none' no dump is written, but DEST-dmesg.txt, DEST-report.txt and DEST-report.json.\n"
      "With --store: save into a new folder of the configured target, as the capture kernel does: hooks,\n"
      "log, report, dump; with deadlines, and the next target when one fails.");
  // clang-format off
  line.options()
    ("level", Takes::text,
     "what to leave out, a sum: 1 zero pages, 2 cache, 4 cache with private data, 8 user, 16 free; "
     "several, comma-separated, are tried in turn when the target is full; none, also last: no dump, only log "
     "and report (default 31)")
    ("compress", Takes::text, "none, zlib[:N], lzo, snappy, zstd[:N], or auto: what finishes first, measured before (default zstd)")
    ("format", Takes::text, "kdump")
    ("drop-memmap", "also leave out the pages of mem_map that describe only pages left out")
    ("threads", Takes::text, "that filter and compress (default: one for each processor)")
    ("memory", Takes::text, "for the buffers of the capture, as 8M (default 16M)")
    ("dry-run", "write nothing: show the pages of each class, and the size of a dump at each level")
    ("stats", "also show the pages of each class, the size at other levels, and the time of each stage")
    ("estimate", "--dry-run of the running system, with the level and compression of the configuration")
    ("store", "save into the store of the configured targets, see lifeboat.conf(5)")
    ("store-folder", Takes::text, "like --store, but into this folder")
    ("then-act", "with --store, in a capture kernel: then take the action of [final] or [failure] "
                 "(default: restart the machine)");
  // clang-format on
  line.positional("SOURCE");
  line.positional("DEST");
  add_config_option(line);
  if (!TRY(line.parse(arguments))) return kDone;
  if (line.has("estimate") || line.has("dry-run")) return show_estimate(line);
  const std::string source_name = TRY(line.require("SOURCE"));
  if (line.has("store") || line.has("store-folder")) {
    if (line.has("DEST")) return fail(ErrorCode::usage, "capture: give DEST or --store, not both");
    for (const char* other : {"drop-memmap", "threads", "memory", "stats", "format"}) {
      if (line.has(other))
        return fail(ErrorCode::usage, "capture: --{} goes with DEST, not with --store", other);
    }
    return capture_into_store(line, source_name);
  }
  if (line.has("then-act")) return fail(ErrorCode::usage, "capture: --then-act needs --store");
  const std::string dest = TRY(line.require("DEST"));
  const CaptureOptions options = TRY(capture_options(line));

  const auto source = TRY(Dump::open(source_name));
  TerminalProgress progress;
  const auto files = TRY(capture::capture_to_files(*source, source_name, dest, options, progress));
  const CaptureReport& report = files.report;
  for (const auto& warning : report.warnings) log::warning("{}", warning);
  std::optional<DumpEstimate> estimate;
  if (line.has("stats")) {
    auto measured =
        estimate_dump(*source, {.compression = options.compression, .threads = options.threads}, progress);
    // The dump is saved whatever becomes of its statistics.
    if (measured) {
      estimate = *std::move(measured);
    } else {
      log::warning("no statistics: {}", measured.error().to_string());
    }
  }
  if (line.json()) {
    auto json = to_json(files);
    if (estimate)
      json["stats"] = {{"seconds", times_json(report)},
                       {"estimate", estimate_json(*estimate, options.compression)}};
    print_json(json);
  } else {
    if (report.outcome != DumpOutcome::incomplete) print_text(files);
    if (estimate) {
      fmt::print("\n");
      print_estimate(*estimate, options.levels, options.compression);
      print_times(report);
    }
  }
  if (report.outcome == DumpOutcome::incomplete) report_incomplete(files.dump, report.reason);
  if (report.fell_back && report.outcome == DumpOutcome::log_only) report_too_small(files.log);
  return exit_code_of(report.outcome, report.fell_back);
}

}  // namespace lifeboat::cli
