// SPDX-License-Identifier: GPL-2.0-or-later
// Text that views of a dump have in common.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "src/base/error.h"
#include "src/base/page_size.h"
#include "src/base/text.h"

namespace lifeboat::inspect {

std::string unknown_because(const Error& error);
std::string format_utc(uint64_t seconds);                      // since the epoch: "2026-11-24 09:31:11 UTC"
std::string format_uptime(uint64_t nanoseconds);               // "3 days, 04:05:06"
std::string format_pages(uint64_t pages, PageSize page_size);  // "38.5 MiB"
std::string format_address(uint64_t address);                  // "0xffffffff81000000", as in the JSON forms
std::string plural(uint64_t count, std::string_view noun);     // "1 task", "2 tasks"

// Escape sequences of terminals; none when the output is not a terminal.
class Style {
 public:
  explicit Style(bool coloured) : coloured_(coloured) {}
  [[nodiscard]] std::string heading(std::string_view text) const { return mark("\033[1m", text); }
  [[nodiscard]] std::string alarm(std::string_view text) const { return mark("\033[1;31m", text); }
  [[nodiscard]] std::string faint(std::string_view text) const { return mark("\033[2m", text); }

 private:
  [[nodiscard]] std::string mark(std::string_view begin, std::string_view text) const;
  bool coloured_;
};

}  // namespace lifeboat::inspect
