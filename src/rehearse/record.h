// SPDX-License-Identifier: GPL-2.0-or-later
// The files of a rehearsal for programs.
#pragma once

#include <nlohmann/json.hpp>

#include "src/rehearse/rehearse.h"

namespace lifeboat::rehearse {

// Each phase: seconds since power on, and since the phase before.
nlohmann::ordered_json timings_json(const RehearsalResult& result);
nlohmann::ordered_json result_json(const RehearsalResult& result);

// Writes timings.json and result.json into options.out.
Result<> write_record(const RehearsalOptions& options, const RehearsalResult& result);

}  // namespace lifeboat::rehearse
