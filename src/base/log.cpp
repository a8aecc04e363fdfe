// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/base/log.h"

#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <mutex>

#include "src/base/log_sinks.h"

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

spdlog::logger& logger() {
  static spdlog::logger instance = [] {
    spdlog::logger made("lifeboat", stderr_sink("lifeboat"));
    // By default it would print that a sink failed, to standard error.
    made.set_error_handler([](const std::string&) {});
    return made;
  }();
  return instance;
}

}  // namespace

void set_level(Level level) {
  logger().set_level(to_spdlog(level));
}

void set_sink(Sink sink) {
  set_sinks({sink ? std::make_shared<FunctionSink>(std::move(sink)) : stderr_sink("lifeboat")});
}

void set_sinks(std::vector<SinkPtr> sinks) {
  logger().sinks() = std::move(sinks);
}

void message(Level level, std::string_view text) {
  logger().log(to_spdlog(level), spdlog::string_view_t(text.data(), text.size()));
}

}  // namespace lifeboat::log
