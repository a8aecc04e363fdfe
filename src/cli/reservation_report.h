// SPDX-License-Identifier: GPL-2.0-or-later
// What `reserve show` and `status` print about a reservation: why it failed, and what the next boot will
// have.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "loader/system_state.h"
#include "src/reservation/failed_reservation.h"
#include "src/reservation/setting.h"

namespace lifeboat::cli {

// {"reason", "detail", "try", "advice", "log"}; null: it has not failed.
nlohmann::ordered_json failure_json(const std::optional<reservation::FailedReservation>& failed);
// {"crashkernel", "complete", "remains"}; null: nothing is set, or it runs already.
nlohmann::ordered_json next_boot_json(const std::optional<reservation::NextBoot>& next);

// One line, without a newline: "the reservation failed: ...".
std::string failure_text(const reservation::FailedReservation& failed);
std::string next_boot_text(const reservation::NextBoot& next);

// Of this machine.
std::optional<reservation::NextBoot> next_boot_here(const SystemPaths& paths);

}  // namespace lifeboat::cli
