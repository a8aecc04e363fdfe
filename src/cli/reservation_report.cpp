// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/cli/reservation_report.h"

#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "src/base/file.h"
#include "src/base/text.h"

namespace lifeboat::cli {

using Json = nlohmann::ordered_json;

Json failure_json(const std::optional<reservation::FailedReservation>& failed) {
  if (!failed) return {};
  return {{"reason", reservation::failure_reason_name(failed->reason)},
          {"detail", failed->detail},
          {"try", failed->try_value ? Json(*failed->try_value) : Json()},
          {"advice", failed->advice},
          {"log", failed->log}};
}

Json next_boot_json(const std::optional<reservation::NextBoot>& next) {
  if (!next) return {};
  return {{"crashkernel", next->value}, {"complete", next->complete}, {"remains", next->remains}};
}

std::string failure_text(const reservation::FailedReservation& failed) {
  return fmt::format("the reservation failed: {}; to fix: {}", one_line(failed.detail), failed.advice);
}

std::string next_boot_text(const reservation::NextBoot& next) {
  if (next.complete) return fmt::format("crashkernel={} from the next boot on: reboot", next.value);
  std::string text = fmt::format(
      "crashkernel={0}, but not yet in the boot loader's configuration; to fix: lifeboat reserve set \"{0}\"",
      next.value);
  for (const auto& remaining : next.remains)
    text += fmt::format("; remains to be done: {}", one_line(remaining));
  return text;
}

std::optional<reservation::NextBoot> next_boot_here(const SystemPaths& paths) {
  return reservation::next_boot("/", read_text(paths.proc + "/cmdline").value_or(""));
}

}  // namespace lifeboat::cli
