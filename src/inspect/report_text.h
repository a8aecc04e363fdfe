// SPDX-License-Identifier: GPL-2.0-or-later
// The report's two forms: for people, and for programs (docs/report-json.md).
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "src/inspect/report.h"
#include "src/inspect/view_text.h"

namespace lifeboat::inspect {

std::string report_text(const Report& report, const std::string& path, const Style& style);
nlohmann::ordered_json report_json(const Report& report, const std::string& path);

// Pieces of both that other views share.
// " at FILE:LINE"; empty without a file.
std::string place_text(std::string_view file, uint32_t line, const Style& style);
enum class Recursion { shown, folded };
std::string frames_text(const std::vector<NamedFrame>& frames, size_t limit, const Style& style,
                        Recursion recursion = Recursion::shown);
// Adds "file", "line" and "inlined", as far as they are known.
void add_source_json(std::string_view file, uint32_t line, const std::vector<SourcePlace>& inlined,
                     nlohmann::ordered_json& entry);
nlohmann::ordered_json stack_json(const NamedStack& stack);

}  // namespace lifeboat::inspect
