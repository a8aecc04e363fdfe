// SPDX-License-Identifier: GPL-2.0-or-later
// The schema is docs/report-json.md: members are added to it, never renamed or removed.
#include <nlohmann/json.hpp>

#include "src/inspect/report_text.h"

namespace lifeboat::inspect {
namespace {

using nlohmann::ordered_json;

ordered_json optional_number(const auto& number) {
  return number ? ordered_json(*number) : ordered_json();
}
ordered_json optional_address(const std::optional<uint64_t>& address) {
  return address ? ordered_json(format_address(*address)) : ordered_json();
}

class JsonWriter {
 public:
  explicit JsonWriter(const Report& report) : report_(report) {}

  ordered_json write(const std::string& path) {
    document_["schema"] = 1;
    document_["dump"] = path;
    document_["live"] = report_.machine.live;
    document_["whole"] =
        report_.machine.live ? ordered_json() : ordered_json(report_.machine.missing.empty());
    document_["missing"] = report_.machine.missing;
    machine();
    crash();
    stacks();
    tasks();
    memory();
    modules();
    log();
    document_["notes"] = report_.notes;
    document_["unknown"] = unknown_.is_null() ? ordered_json::object() : unknown_;
    return std::move(document_);
  }

 private:
  // The value, or null and the reason in "unknown".
  void put(const std::string& key, const auto& result, const auto& value) {
    if (result) {
      document_[key] = value(*result);
    } else {
      document_[key] = nullptr;
      unknown_[key] = result.error().message;
    }
  }

  void machine() {
    put("utsname", report_.machine.uts, [](const Utsname& uts) -> ordered_json {
      return {{"sysname", uts.sysname}, {"nodename", uts.nodename}, {"release", uts.release},
              {"version", uts.version}, {"machine", uts.machine},   {"domainname", uts.domainname}};
    });
    document_["cpus"] = report_.cpus == 0 ? ordered_json() : ordered_json(report_.cpus);
    document_["memory_bytes"] = report_.machine.ram_bytes();
    document_["hardware"] =
        report_.machine.crash ? optional_number(report_.machine.crash->hardware) : ordered_json();
    put("crash_time", report_.machine.crash_time, [](uint64_t seconds) { return ordered_json(seconds); });
  }

  void crash() {
    if (report_.machine.live) {
      for (const char* key : {"kind", "kind_text", "reason", "crash"}) document_[key] = nullptr;
      unknown_["crash"] = "the kernel is running: it did not crash";
      document_["uptime_seconds"] = static_cast<double>(report_.machine.uptime_nanoseconds.value_or(0)) / 1e9;
    } else {
      add_crash();
    }
    document_["cpu"] = optional_number(report_.cpu);
    document_["pid"] = optional_number(report_.pid);
    document_["comm"] = optional_number(report_.comm);
    put("taint", report_.taint, [](uint64_t mask) {
      ordered_json flags = ordered_json::array();
      for (const auto& taint : read_taint(mask))
        flags.push_back({{"letter", std::string(1, taint.letter)}, {"meaning", taint.meaning}});
      return ordered_json{{"mask", mask}, {"flags", std::move(flags)}};
    });
    document_["interrupts_off"] = optional_number(report_.interrupts_off);
    document_["signature"] =
        report_.signature.hash.empty() ? ordered_json() : ordered_json(report_.signature.hash);
    document_["signature_functions"] = report_.signature.functions;
  }

  void add_crash() {
    document_["kind"] = kind_name(report_.kind);
    document_["kind_text"] = kind_explanation(report_.kind);
    document_["reason"] = report_.reason.empty() ? ordered_json() : ordered_json(report_.reason);
    put("crash", report_.machine.crash, [this](const CrashSummary& crash) {
      return ordered_json{
          {"uptime_seconds", static_cast<double>(crash.uptime_nanoseconds) / 1e9},
          {"panic", optional_number(crash.panic)},
          {"cause", optional_number(crash.cause)},
          {"fault_address", optional_address(crash.fault_address)},
          {"fault_access", crash.access.empty() ? ordered_json() : ordered_json(crash.access)},
          {"fault_meaning",
           report_.address_meaning.empty() ? ordered_json() : ordered_json(report_.address_meaning)},
          {"instruction", optional_number(crash.location)},
          {"blocked_pid", optional_number(crash.blocked_pid)},
          {"locked_cpu", optional_number(crash.locked_cpu)}};
    });
  }

  void stacks() {
    document_["stack_of"] = report_.stack_title;
    put("stack", report_.stack, [](const NamedStack& stack) { return stack_json(stack); });
    ordered_json others = ordered_json::array();
    for (const auto& stack : report_.other_cpus) others.push_back(stack_json(stack));
    document_["other_cpus"] = std::move(others);
  }

  void tasks() {
    put("tasks", report_.task_count, [](size_t count) { return ordered_json(count); });
    if (!report_.task_count) {
      // An empty list would mean that no task waits.
      document_["task_states"] = document_["blocked"] = nullptr;
      return;
    }
    ordered_json states = ordered_json::object();
    for (const auto& [state, count] : report_.states) states[std::string(1, state)] = count;
    document_["task_states"] = std::move(states);
    ordered_json groups = ordered_json::array();
    for (const auto& group : report_.blocked) {
      ordered_json pids = ordered_json::array();
      for (const Task* task : group.tasks) pids.push_back(task->pid);
      groups.push_back({{"pids", std::move(pids)}, {"frames", stack_json(group.stack)["frames"]}});
    }
    document_["blocked"] = std::move(groups);
  }

  void memory() {
    const PageSize page_size = report_.machine.page_size;
    put("memory", report_.memory, [page_size](const MemoryUse& use) {
      const auto bytes = [page_size](const std::optional<uint64_t>& pages) {
        return pages ? ordered_json(page_size.bytes(*pages)) : ordered_json();
      };
      return ordered_json{{"total", bytes(use.total)},
                          {"free", bytes(use.free)},
                          {"cache", bytes(use.cache)},
                          {"anonymous", bytes(use.anonymous)},
                          {"shared", bytes(use.shared)},
                          {"slab_reclaimable", bytes(use.slab_reclaimable)},
                          {"slab_unreclaimable", bytes(use.slab_unreclaimable)},
                          {"page_tables", bytes(use.page_tables)},
                          {"kernel_stacks", bytes(use.kernel_stacks)},
                          {"dirty", bytes(use.dirty)},
                          {"writeback", bytes(use.writeback)},
                          {"swap_total", bytes(use.swap_total)},
                          {"swap_free", bytes(use.swap_free)}};
    });
    put("largest_processes", report_.processes, [page_size](const std::vector<ProcessMemory>& processes) {
      ordered_json list = ordered_json::array();
      for (const auto& process : processes)
        list.push_back({{"pid", process.pid},
                        {"comm", process.comm},
                        {"resident", page_size.bytes(process.resident())}});
      return list;
    });
  }

  void modules() {
    put("tainting_modules", report_.tainting_modules, [](const std::vector<TaintingModule>& modules) {
      ordered_json list = ordered_json::array();
      for (const auto& module : modules)
        list.push_back(
            {{"name", module.name}, {"base", format_address(module.base)}, {"taints", module.taints}});
      return list;
    });
  }

  void log() {
    ordered_json lines = ordered_json::array();
    for (const auto& record : report_.last_records) {
      lines.push_back({{"seconds", static_cast<double>(record.nanoseconds) / 1e9},
                       {"level", record.level},
                       {"text", record.text}});
    }
    put("log", report_.machine.crash, [&lines](const CrashSummary&) { return std::move(lines); });
  }

  const Report& report_;
  ordered_json document_, unknown_;
};

}  // namespace

void add_source_json(std::string_view file, uint32_t line, const std::vector<SourcePlace>& inlined,
                     ordered_json& entry) {
  if (!file.empty()) entry["file"] = file;
  if (line != 0) entry["line"] = line;
  if (inlined.empty()) return;
  ordered_json list = ordered_json::array();
  for (const auto& place : inlined) {
    list.push_back({{"function", place.function.empty() ? ordered_json() : ordered_json(place.function)},
                    {"file", place.file.empty() ? ordered_json() : ordered_json(place.file)},
                    {"line", place.line == 0 ? ordered_json() : ordered_json(place.line)}});
  }
  entry["inlined"] = std::move(list);
}

ordered_json stack_json(const NamedStack& stack) {
  ordered_json frames = ordered_json::array();
  for (const auto& frame : stack.frames) {
    ordered_json entry = {
        {"address", format_address(frame.frame.address)},
        {"symbol", frame.named ? ordered_json(frame.symbol) : ordered_json()},
        {"offset", optional_number(frame.offset)},
        {"module", frame.module.empty() ? ordered_json() : ordered_json(frame.module)},
    };
    if (!frame.frame.reliable) entry["reliable"] = false;
    if (frame.frame.interrupted) entry["interrupted"] = true;
    if (frame.frame.stack != kTaskStack) entry["stack"] = frame.frame.stack;
    add_source_json(frame.file, frame.line, frame.inlined, entry);
    frames.push_back(std::move(entry));
  }
  ordered_json document = {{"pid", stack.pid < 0 ? ordered_json() : ordered_json(stack.pid)},
                           {"comm", stack.comm},
                           {"cpu", stack.cpu},
                           {"frames", std::move(frames)}};
  if (!stack.end.empty()) document["end"] = stack.end;
  return document;
}

ordered_json report_json(const Report& report, const std::string& path) {
  return JsonWriter(report).write(path);
}

}  // namespace lifeboat::inspect
