// SPDX-License-Identifier: GPL-2.0-or-later
// Messages, by spdlog; log_sinks.h chooses where they go. A library returns its errors; it logs only problems
// that do not stop the work. Errors are logged once, at the outermost layer.
#pragma once

#include <fmt/core.h>

#include <functional>
#include <string>
#include <string_view>

namespace lifeboat::log {

enum class Level { debug, info, warning, error };

// Messages below this are dropped (default: info).
void set_level(Level level);
// Passes the text of each message to a function instead. Null brings the default back: standard error.
using Sink = std::function<void(Level, std::string_view message)>;
void set_sink(Sink sink);

// From any thread; the sink is called by one at a time. It is set before there are several.
void message(Level level, std::string_view text);

template <typename... Args>
void debug(fmt::format_string<Args...> format, Args&&... args) {
  message(Level::debug, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
void info(fmt::format_string<Args...> format, Args&&... args) {
  message(Level::info, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
void warning(fmt::format_string<Args...> format, Args&&... args) {
  message(Level::warning, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
void error(fmt::format_string<Args...> format, Args&&... args) {
  message(Level::error, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace lifeboat::log
