// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/cli/load_plan.h"

#include <nlohmann/json.hpp>

#include "src/base/size.h"
#include "src/base/text.h"
#include "src/cli/command.h"

namespace lifeboat::cli {
namespace {

using Json = nlohmann::ordered_json;

std::string hex(uint64_t value) {
  return fmt::format("{:#x}", value);
}

std::string_view kind_name(CoreSegment::Kind kind) {
  return kind == CoreSegment::Kind::note ? "note" : "memory";
}

}  // namespace

void print_plan_json(const LoadPlan& plan, const arming::PreparedLoad& load) {
  std::vector<std::string> warnings = load.notes;
  warnings.insert(warnings.end(), plan.warnings.begin(), plan.warnings.end());
  Json segments = Json::array(), map = Json::array(), core = Json::array();
  for (const auto& segment : plan.segments) {
    segments.push_back({{"name", segment.name},
                        {"address", hex(segment.address)},
                        {"end", hex(segment.address + segment.memory_size)},
                        {"bytes", segment.bytes.size()},
                        {"digested", segment.digested}});
  }
  for (const auto& entry : plan.memory_map) {
    map.push_back({{"begin", hex(entry.range.begin)}, {"end", hex(entry.range.end)}, {"type", entry.type}});
  }
  for (const auto& segment : plan.core) {
    core.push_back({{"kind", kind_name(segment.kind)},
                    {"virtual", hex(segment.virtual_address)},
                    {"physical", hex(segment.physical)},
                    {"offset", hex(segment.offset)},
                    {"size", segment.size}});
  }
  print_json({{"kernel", load.kernel.name},
              {"initrd", load.request.initramfs},
              {"entry", hex(plan.entry)},
              {"kernel_entry", hex(plan.kernel_entry)},
              {"command_line", plan.command_line},
              {"segments", std::move(segments)},
              {"memory_map", std::move(map)},
              {"core", std::move(core)},
              {"kernel_updates_core_headers", plan.kernel_updates_core_headers},
              {"warnings", warnings}});
}

void print_plan_text(const LoadPlan& plan) {
  fmt::print("segments for kexec_load(2)\n");
  for (const auto& segment : plan.segments) {
    fmt::print("  {:016x}-{:016x}  {:>10}  {}{}\n", segment.address,
               segment.address + segment.memory_size - 1, format_size(segment.memory_size), segment.name,
               segment.bytes.empty() ? ""
                                     : fmt::format(" ({} loaded{})", format_size(segment.bytes.size()),
                                                   segment.digested ? ", SHA-256 checked" : ""));
  }
  fmt::print("entry          {:#x}, the kernel's {:#x}\n", plan.entry, plan.kernel_entry);
  fmt::print("command line   {}\n", one_line(plan.command_line));
  fmt::print("memory map of the new kernel\n");
  for (const auto& entry : plan.memory_map)
    fmt::print("  {:016x}-{:016x}  {}\n", entry.range.begin, entry.range.end - 1, entry.type);
  if (plan.core.empty()) return;
  fmt::print("ELF core headers{}\n",
             plan.kernel_updates_core_headers ? ", which the running kernel keeps up to date" : "");
  for (const auto& segment : plan.core) {
    fmt::print("  {:<6}  physical {:016x}  size {:>12x}  virtual {:016x}{}\n", kind_name(segment.kind),
               segment.physical, segment.size, segment.virtual_address,
               segment.offset != segment.physical ? fmt::format("  copied to {:x}", segment.offset) : "");
  }
}

}  // namespace lifeboat::cli
