// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/inspect/signature.h"

#include <algorithm>
#include <array>
#include <map>

namespace lifeboat::inspect {
namespace {

constexpr size_t kMaxFunctions = 8;
constexpr size_t kRecursion = 3;  // a function that occurs so often calls itself

// Between the error and the capture kernel, on every architecture: kernel/panic.c, kernel/crash_core.c.
constexpr auto kPanicPath = std::to_array<std::string_view>({
    "panic",
    "vpanic",
    "panic_other_cpus_shutdown",
    "nmi_panic",
    "check_panic_on_warn",
    "crash_kexec",
    "__crash_kexec",
    "machine_kexec",
    "machine_crash_shutdown",
    "crash_setup_regs",
    "crash_save_cpu",
    "relocate_kernel",
    "die",
    "__die",
});

// An exception or interrupt reports the error: the code that it interrupted is what matters.
bool is_reported_by_exception(CrashKind kind) {
  switch (kind) {
    case CrashKind::null_dereference:
    case CrashKind::bad_address:
    case CrashKind::general_protection:
    case CrashKind::bug:
    case CrashKind::divide_error:
    case CrashKind::invalid_opcode:
    case CrashKind::stack_overflow:
    case CrashKind::double_fault:
    case CrashKind::oops:
    case CrashKind::soft_lockup:
    case CrashKind::hard_lockup:
    case CrashKind::rcu_stall:
    case CrashKind::nmi:
      return true;
    default:
      return false;
  }
}

// Functions that repeat are the recursion: each once, sorted, then the callers of the recursion. What it
// called when the stack ended is left out.
std::vector<std::string> without_depth(std::vector<std::string> functions) {
  std::map<std::string, size_t> counts;
  for (const auto& function : functions) ++counts[function];
  std::erase_if(counts, [](const auto& entry) { return entry.second < kRecursion; });
  if (counts.empty()) return functions;
  size_t last = 0;
  for (size_t index = 0; index < functions.size(); ++index)
    if (counts.contains(functions[index])) last = index;
  std::vector<std::string> names;
  for (const auto& [function, count] : counts) names.push_back(function);
  names.insert(names.end(), functions.begin() + static_cast<std::ptrdiff_t>(last) + 1, functions.end());
  return names;
}

std::string hash_text(std::string_view text) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 0x100000001b3;
  }
  return fmt::format("{:016x}", hash);
}

}  // namespace

std::string plain_function_name(std::string_view name) {
  // ".part.0", ".isra.0", ".constprop.0", ".cold", ".llvm.123": no C name holds a dot.
  return std::string(name.substr(0, name.find('.', 1)));
}

bool is_panic_path(const Architecture& architecture, std::string_view function) {
  const auto holds = [function](const auto& names) {
    return std::ranges::find(names, function) != names.end();
  };
  return holds(kPanicPath) || holds(architecture.facts().panic_path);
}

size_t panic_path_length(const std::vector<NamedFrame>& frames) {
  const auto end = std::ranges::find(frames, false, &NamedFrame::panic_path);
  return static_cast<size_t>(end - frames.begin());
}

size_t first_significant_frame(CrashKind kind, const std::vector<NamedFrame>& frames) {
  size_t first = panic_path_length(frames);
  if (is_reported_by_exception(kind)) {
    const auto interrupted = std::ranges::find_if(
        frames, [](const NamedFrame& frame) { return frame.frame.interrupted && !frame.panic_path; });
    // The innermost frame is where the CPU stopped: only the crash itself can have interrupted it.
    if (interrupted != frames.end() && interrupted != frames.begin())
      first = static_cast<size_t>(interrupted - frames.begin());
  }
  return first;
}

Signature make_signature(CrashKind kind, const std::vector<NamedFrame>& frames) {
  std::vector<std::string> functions;
  const size_t first = first_significant_frame(kind, frames);
  for (size_t index = first; index < frames.size(); ++index) {
    // Which code failing hardware interrupted is random.
    if (kind == CrashKind::machine_check && index > first && frames[index].frame.interrupted) break;
    if (!frames[index].named || !frames[index].frame.reliable) continue;
    functions.push_back(plain_function_name(frames[index].symbol));
  }
  if (kind == CrashKind::stack_overflow || kind == CrashKind::double_fault)
    functions = without_depth(std::move(functions));
  functions.resize(std::min(functions.size(), kMaxFunctions));
  std::string text = fmt::format("{}\n", kind_name(kind));
  for (const auto& function : functions) text += function + "\n";
  Signature signature;
  signature.functions = std::move(functions);
  if (!signature.functions.empty()) signature.hash = hash_text(text);
  return signature;
}

}  // namespace lifeboat::inspect
