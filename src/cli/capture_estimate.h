// SPDX-License-Identifier: GPL-2.0-or-later
// lifeboat capture --dry-run, --estimate, --stats: what a dump is made of.
#pragma once

#include <nlohmann/json.hpp>

#include "capture/engine/capture.h"
#include "capture/engine/dump_estimate.h"

namespace lifeboat::cli {

// For people, on the standard output: a line for each class, one for each usual level.
void print_estimate(const DumpEstimate& estimate, const std::vector<int>& levels,
                    const CompressionChoice& compression);
// {"classes": [...], "levels": [...], ...}: all 32 levels.
nlohmann::ordered_json estimate_json(const DumpEstimate& estimate, const CompressionChoice& compression);

// The time of each stage of a capture.
void print_times(const CaptureReport& report);
nlohmann::ordered_json times_json(const CaptureReport& report);

}  // namespace lifeboat::cli
