// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/rehearse/guest/guest_plan.h"

#include <algorithm>

#include "src/base/key_value.h"
#include "src/base/text.h"

namespace lifeboat::rehearse {

Result<GuestPlan> GuestPlan::parse(std::string_view text) {
  GuestPlan plan;
  for (const auto& [line, key, value] : TRY(parse_key_values(text))) {
    if (key == "kernel") {
      plan.kernel = TRY(parse_absolute_path(value));
    } else if (key == "initramfs") {
      plan.initramfs = TRY(parse_absolute_path(value));
    } else if (key == "command_line") {
      plan.command_line = value;
    } else {
      return fail(ErrorCode::usage, "line {}: unknown key '{}'", line, key);
    }
  }
  if (plan.kernel.empty() || plan.initramfs.empty())
    return fail(ErrorCode::usage, "the kernel or the initramfs is missing");
  return plan;
}

std::string GuestPlan::to_text() const {
  return fmt::format("kernel = {}\ninitramfs = {}\ncommand_line = {}\n", kernel, initramfs, command_line);
}

}  // namespace lifeboat::rehearse
