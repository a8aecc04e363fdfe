// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/rehearse/guest/guest_plan.h"

#include "src/base/key_value.h"
#include "src/base/size.h"
#include "src/base/text.h"

namespace lifeboat::rehearse {
namespace {

Result<unsigned> parse_cpu(std::string_view value) {
  // As many as a cpu_set_t has.
  constexpr uint64_t kEnd = 1024;
  const auto number = parse_number(value);
  if (!number || *number >= kEnd) return fail(ErrorCode::usage, "'{}' is not the number of a CPU", value);
  return static_cast<unsigned>(*number);
}

}  // namespace

Result<GuestPlan> GuestPlan::parse(std::string_view text) {
  GuestPlan plan;
  for (const auto& [line, key, value] : TRY(parse_key_values(text))) {
    if (key == "kernel") {
      plan.kernel = TRY_CONTEXT(parse_absolute_path(value), "line {}: {}", line, key);
    } else if (key == "initramfs") {
      plan.initramfs = TRY_CONTEXT(parse_absolute_path(value), "line {}: {}", line, key);
    } else if (key == "command_line") {
      plan.command_line = value;
    } else if (key == "syscall") {
      plan.syscall = TRY_CONTEXT(parse_load_call(value), "line {}: {}", line, key);
    } else if (key == "panic_cpu") {
      plan.panic_cpu = TRY_CONTEXT(parse_cpu(value), "line {}: {}", line, key);
    } else {
      return fail(ErrorCode::usage, "line {}: unknown key '{}'", line, key);
    }
  }
  if (plan.kernel.empty()) return fail(ErrorCode::usage, "'kernel' is missing");
  if (plan.initramfs.empty()) return fail(ErrorCode::usage, "'initramfs' is missing");
  return plan;
}

std::string GuestPlan::to_text() const {
  std::string text = fmt::format("kernel = {}\ninitramfs = {}\ncommand_line = {}\nsyscall = {}\n", kernel,
                                 initramfs, command_line, load_call_name(syscall));
  if (panic_cpu) text += fmt::format("panic_cpu = {}\n", *panic_cpu);
  return text;
}

}  // namespace lifeboat::rehearse
