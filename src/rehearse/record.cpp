// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/rehearse/record.h"

#include <cmath>

#include "src/base/file.h"

namespace lifeboat::rehearse {
namespace {

double rounded(Seconds seconds) {
  return std::round(seconds.count() * 1000) / 1000;
}

Result<> write_json(const std::string& path, const nlohmann::ordered_json& document) {
  return write_file_atomically(path, as_byte_span(document.dump(2) + "\n"), 0644);
}

}  // namespace

nlohmann::ordered_json timings_json(const RehearsalResult& result) {
  auto phases = nlohmann::ordered_json::array();
  Seconds before{};
  for (const auto& phase : result.phases) {
    phases.push_back(
        {{"phase", phase.name}, {"at", rounded(phase.at)}, {"took", rounded(phase.at - before)}});
    before = phase.at;
  }
  return {{"accelerator", accelerator_name(result.accelerator)},
          {"boots", result.boots},
          {"prepare", rounded(result.prepare)},
          {"guest", phases},
          {"fetch", rounded(result.fetch)},
          {"verify", rounded(result.verify)}};
}

nlohmann::ordered_json result_json(const RehearsalResult& result) {
  return {{"whole", result.whole},
          {"problem", result.problem},
          {"outcome", outcome_name(result.outcome)},
          {"fell_back", result.fell_back},
          {"release", result.release},
          {"accelerator", accelerator_name(result.accelerator)},
          {"boots", result.boots},
          {"dump", result.dump},
          {"dump_bytes", result.dump_bytes},
          {"initramfs_bytes", result.initramfs_bytes},
          {"memory_reserved_kib", result.memory_reserved_kib},
          {"memory_total_kib", result.memory_total_kib},
          {"memory_lowest_kib", result.memory_lowest_kib},
          {"capture_cpus", result.capture_cpus},
          {"capture_seconds", rounded(result.capture)},
          {"dump_seconds", rounded(result.dump_time)},
          {"pages_checked", result.verdict.pages_checked},
          {"pages_lost", result.verdict.pages_lost},
          {"pages_damaged", result.verdict.pages_damaged},
          {"findings", result.verdict.findings}};
}

Result<> write_record(const RehearsalOptions& options, const RehearsalResult& result) {
  TRY_VOID(write_json(options.out + "/timings.json", timings_json(result)));
  return write_json(options.out + "/result.json", result_json(result));
}

}  // namespace lifeboat::rehearse
