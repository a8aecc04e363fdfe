// SPDX-License-Identifier: GPL-2.0-or-later
// The types of settings: how each is named, read (mistakes are `usage` errors) and written.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "capture/plan/settings.h"
#include "src/base/error.h"

namespace lifeboat::values {

struct YesNo {
  static constexpr std::string_view kName = "yes or no";
  static Result<bool> parse(std::string_view value);
  static std::string show(bool value);
};
// An absolute path in its plain form, without a comment after it.
struct Path {
  static constexpr std::string_view kName = "path";
  static Result<std::string> parse(std::string_view value);
  static std::string show(const std::string& value) { return value; }
};
// A word of a command line or the name of a module: no white space, slash or quote.
struct Name {
  static constexpr std::string_view kName = "name";
  static Result<std::string> parse(std::string_view value);
  static std::string show(const std::string& value) { return value; }
};
// One line of anything.
struct Text {
  static constexpr std::string_view kName = "text";
  static Result<std::string> parse(std::string_view value) { return std::string(value); }
  static std::string show(const std::string& value) { return value; }
};
struct Duration {
  static constexpr std::string_view kName = "duration";
  static Result<std::chrono::seconds> parse(std::string_view value);
  static std::string show(std::chrono::seconds value);
};
struct Action {
  static constexpr std::string_view kName = "reboot, poweroff, halt or shell";
  static Result<FinalAction> parse(std::string_view value) { return parse_final_action(value); }
  static std::string show(FinalAction value) { return std::string(final_action_name(value)); }
};
struct SystemCall {
  static constexpr std::string_view kName = "auto, file or segments";
  static Result<LoadCall> parse(std::string_view value) { return parse_load_call(value); }
  static std::string show(LoadCall value) { return std::string(load_call_name(value)); }
};
struct Cpus {
  static constexpr std::string_view kName = "auto or a number";
  // 1 to 8192, the most that a kernel is built for; kAutomaticCpus: auto.
  static Result<unsigned> parse(std::string_view value);
  static std::string show(unsigned value);
};
struct Levels {
  static constexpr std::string_view kName = "levels";
  static Result<std::vector<int>> parse(std::string_view value) { return parse_levels(value); }
  static std::string show(const std::vector<int>& value) { return format_levels(value); }
};
struct Compression {
  static constexpr std::string_view kName = "none, zlib[:N], lzo, snappy, zstd[:N] or auto";
  static Result<CompressionChoice> parse(std::string_view value) { return parse_compression_choice(value); }
  static std::string show(const CompressionChoice& value) { return format_compression_choice(value); }
};
struct Count {
  static constexpr std::string_view kName = "number";
  static Result<unsigned> parse(std::string_view value) { return parse_count(value); }
  static std::string show(unsigned value);
};
struct Size {
  static constexpr std::string_view kName = "size or share";
  static Result<Amount> parse(std::string_view value) { return parse_amount(value); }
  static std::string show(const Amount& value) { return format_amount(value); }
};
struct FreeSpace {
  static constexpr std::string_view kName = "size, share or dump";
  static Result<Amount> parse(std::string_view value) { return parse_free_space(value); }
  static std::string show(const Amount& value) { return format_amount(value); }
};

}  // namespace lifeboat::values
