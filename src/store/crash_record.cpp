// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/store/crash_record.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

namespace lifeboat {
namespace {

using Json = nlohmann::ordered_json;

constexpr CrashOutcome kOutcomes[] = {CrashOutcome::whole, CrashOutcome::incomplete, CrashOutcome::log_only,
                                      CrashOutcome::nothing};

// Reads the field, if it exists and has that type.
template <typename T>
void take(const Json& json, const char* name, T& value) {
  const auto field = json.find(name);
  if (field == json.end()) return;
  if constexpr (std::is_same_v<T, std::string>) {
    if (field->is_string()) value = field->get<std::string>();
  } else if constexpr (std::is_same_v<T, bool>) {
    if (field->is_boolean()) value = field->get<bool>();
  } else if constexpr (std::is_integral_v<T>) {
    if (field->is_number_unsigned()) value = field->get<T>();
  } else if constexpr (std::is_floating_point_v<T>) {
    if (field->is_number()) value = field->get<T>();
  }
}

}  // namespace

std::string_view outcome_name(CrashOutcome outcome) {
  switch (outcome) {
    case CrashOutcome::whole:
      return "whole";
    case CrashOutcome::incomplete:
      return "incomplete";
    case CrashOutcome::log_only:
      return "log only";
    case CrashOutcome::nothing:
      return "nothing";
  }
  return "nothing";
}

DumpOutcome dump_outcome(CrashOutcome there, const CrashRecord& record) {
  switch (there) {
    case CrashOutcome::whole:
      return DumpOutcome::whole;
    case CrashOutcome::incomplete:
      return record.dump == DumpOutcome::incomplete ? DumpOutcome::incomplete : DumpOutcome::failed;
    case CrashOutcome::log_only:
      return record.dump == DumpOutcome::log_only ? DumpOutcome::log_only : DumpOutcome::failed;
    case CrashOutcome::nothing:
      return DumpOutcome::failed;
  }
  return DumpOutcome::failed;
}

bool log_only_as_configured(CrashOutcome there, const CrashRecord& record) {
  return dump_outcome(there, record) == DumpOutcome::log_only && !record.fell_back;
}

std::string describe_dump(CrashOutcome there, const CrashRecord& record) {
  std::string name(outcome_name(there));
  if (log_only_as_configured(there, record)) return name + ", as configured";
  if (dump_outcome(there, record) == DumpOutcome::log_only)
    return name + " (the target was too small for the dump)";
  if (there != CrashOutcome::incomplete) return name;
  if (dump_outcome(there, record) == DumpOutcome::failed) {
    return record.lost_pages == 0
               ? name + " (writing it did not finish)"
               : fmt::format("failed ({} pages could not be read, hardly any was)", record.lost_pages);
  }
  if (record.lost_pages == 0) return name + " (its source was incomplete)";
  return fmt::format("{} ({} pages could not be read)", name, record.lost_pages);
}

double dump_seconds(const CrashRecord& record) {
  constexpr const char* kDump = "dump";
  const auto dump = record.seconds.find(kDump);
  if (dump == record.seconds.end() || record.dump_bytes == 0 || !std::isfinite(dump->second)) return 0;
  double before = 0;
  for (const auto& [step, at] : record.seconds) {
    if (step != kDump && at <= dump->second) before = std::max(before, at);
  }
  return std::max(0.0, dump->second - before);
}

std::string to_json_text(const CrashRecord& record) {
  Json json = {{"format", 1},
               {"crash_time", record.crash_time},
               {"boot_id", record.boot_id},
               {"kernel", record.release},
               {"capture_kernel", record.capture_release},
               {"outcome", outcome_name(record.outcome)},
               {"dump_outcome", outcome_name(record.dump)},
               {"fell_back", record.fell_back},
               {"level", record.level},
               {"compression", record.compression},
               {"dump_bytes", record.dump_bytes},
               {"lost_pages", record.lost_pages},
               {"memory_reserved_kib", record.memory_reserved_kib},
               {"memory_total_kib", record.memory_total_kib},
               {"memory_lowest_kib", record.memory_lowest_kib},
               {"cpus", record.cpus},
               {"cpu_seconds", record.cpu_seconds},
               {"seconds", record.seconds},
               {"problems", record.problems},
               {"panic", record.panic},
               {"kind", record.kind},
               {"signature", record.signature},
               {"collected", record.collected ? Json(*record.collected) : Json()},
               {"collected_boot_id", record.collected_boot_id},
               {"command_tries", record.command_tries}};
  // Text from a crashed kernel need not be UTF-8.
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

Result<CrashRecord> parse_crash_record(std::string_view text) {
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object() || !json.contains("outcome"))
    return fail(ErrorCode::corrupt, "{} is not a crash record of lifeboat", kCrashRecordFile);
  CrashRecord record;
  take(json, "crash_time", record.crash_time);
  take(json, "boot_id", record.boot_id);
  take(json, "kernel", record.release);
  take(json, "capture_kernel", record.capture_release);
  take(json, "fell_back", record.fell_back);
  take(json, "level", record.level);
  take(json, "compression", record.compression);
  take(json, "dump_bytes", record.dump_bytes);
  take(json, "lost_pages", record.lost_pages);
  take(json, "memory_reserved_kib", record.memory_reserved_kib);
  take(json, "memory_total_kib", record.memory_total_kib);
  take(json, "memory_lowest_kib", record.memory_lowest_kib);
  take(json, "cpus", record.cpus);
  take(json, "cpu_seconds", record.cpu_seconds);
  take(json, "panic", record.panic);
  take(json, "kind", record.kind);
  take(json, "signature", record.signature);
  take(json, "collected_boot_id", record.collected_boot_id);
  take(json, "command_tries", record.command_tries);
  std::string outcome;
  take(json, "outcome", outcome);
  for (const auto known : kOutcomes) {
    if (outcome == outcome_name(known)) record.outcome = known;
  }
  std::string dump;
  take(json, "dump_outcome", dump);
  record.dump = parse_dump_outcome(dump).value_or(
      record.outcome == CrashOutcome::whole ? DumpOutcome::whole : DumpOutcome::failed);
  if (const auto seconds = json.find("seconds"); seconds != json.end() && seconds->is_object()) {
    for (const auto& [phase, value] : seconds->items()) {
      if (value.is_number()) record.seconds[phase] = value.get<double>();
    }
  }
  if (const auto problems = json.find("problems"); problems != json.end() && problems->is_array()) {
    for (const auto& problem : *problems) {
      if (problem.is_string()) record.problems.push_back(problem.get<std::string>());
    }
  }
  if (const auto collected = json.find("collected");
      collected != json.end() && collected->is_number_unsigned())
    record.collected = collected->get<uint64_t>();
  return record;
}

void take_report(CrashRecord& record, std::string_view report_json) {
  const Json json = Json::parse(report_json, nullptr, false);
  if (!json.is_object()) return;
  take(json, "kind", record.kind);
  take(json, "signature", record.signature);
  const auto crash = json.find("crash");
  if (crash == json.end() || !crash->is_object()) return;
  std::string cause;
  take(*crash, "panic", record.panic);
  take(*crash, "cause", cause);
  if (!cause.empty()) record.panic = record.panic.empty() ? cause : cause + "; " + record.panic;
}

}  // namespace lifeboat
