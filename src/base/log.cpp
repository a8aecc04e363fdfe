// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/base/log.h"

#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>

#include "src/base/text.h"

namespace lifeboat::log {
namespace {

spdlog::level::level_enum to_spdlog(Level level) {
  switch (level) {
    case Level::debug:
      return spdlog::level::debug;
    case Level::info:
      return spdlog::level::info;
    case Level::warning:
      return spdlog::level::warn;
    case Level::error:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

Level from_spdlog(spdlog::level::level_enum level) {
  if (level >= spdlog::level::err) return Level::error;
  if (level >= spdlog::level::warn) return Level::warning;
  return level >= spdlog::level::info ? Level::info : Level::debug;
}

// Passes the plain message to a function.
class FunctionSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit FunctionSink(Sink function) : function_(std::move(function)) {}

 protected:
  void sink_it_(const spdlog::details::log_msg& record) override {
    function_(from_spdlog(record.level), {record.payload.data(), record.payload.size()});
  }
  void flush_() override {}

 private:
  Sink function_;
};

// Errors quote text from a dump, a file or a program: it must not control the terminal.
// The prefix "info" would add nothing, so only the other levels have their name in front.
void print_to_stderr(Level level, std::string_view text) {
  const char* name = level == Level::error ? "error: " : level == Level::warning ? "warning: " : "";
  fmt::print(stderr, "lifeboat: {}{}\n", name, plain_lines(text));
}

spdlog::logger& logger() {
  static spdlog::logger instance("lifeboat", std::make_shared<FunctionSink>(print_to_stderr));
  return instance;
}

}  // namespace

void set_level(Level level) {
  logger().set_level(to_spdlog(level));
}

void set_sink(Sink sink) {
  logger().sinks() = {std::make_shared<FunctionSink>(sink ? std::move(sink) : Sink(print_to_stderr))};
}

void message(Level level, std::string_view text) {
  logger().log(to_spdlog(level), spdlog::string_view_t(text.data(), text.size()));
}

}  // namespace lifeboat::log
