// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/base/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "src/base/size.h"

namespace lifeboat {
namespace {

class NoProgress final : public Progress {
 public:
  void update(uint64_t, uint64_t) override {}
  void phase(const std::string&) override {}
  void finish() override {}
};

}  // namespace

Progress& no_progress() {
  static NoProgress none;
  return none;
}

TerminalProgress::TerminalProgress() : terminal_(::isatty(STDERR_FILENO) == 1), started_(Clock::now()) {}

TerminalProgress::~TerminalProgress() {
  finish();
}

void TerminalProgress::phase(const std::string& name) {
  finish();
  name_ = name;
  started_ = Clock::now();
  last_draw_ = {};
}

void TerminalProgress::update(uint64_t done, uint64_t total) {
  if (!terminal_) return;
  const auto now = Clock::now();
  if (now - last_draw_ < std::chrono::milliseconds(100) && done != total) return;
  last_draw_ = now;
  draw(done, total, now);
}

void TerminalProgress::draw(uint64_t done, uint64_t total, Clock::time_point now) {
  const double seconds = std::chrono::duration<double>(now - started_).count();
  const double rate = seconds > 0 ? static_cast<double>(done) / seconds : 0;
  std::string line = fmt::format("{:<12} ", name_);
  if (total > 0) {
    constexpr uint64_t kWidth = 30;
    const double fraction = std::min(1.0, static_cast<double>(done) / static_cast<double>(total));
    const auto filled = static_cast<size_t>(fraction * kWidth);
    line += fmt::format("[{}{}] {:3.0f} %", std::string(filled, '#'), std::string(kWidth - filled, ' '),
                        fraction * 100);
    if (rate > 0 && done < total)
      line += fmt::format("  ETA {:.0f} s", static_cast<double>(total - done) / rate);
  } else {
    line += format_size(done);
  }
  if (rate > 0) line += fmt::format("  {}/s", format_size(static_cast<uint64_t>(rate)));
  fmt::print(stderr, "\r{}\033[K", line);
  drawn_ = true;
}

void TerminalProgress::finish() {
  if (drawn_) fmt::print(stderr, "\n");
  drawn_ = false;
}

}  // namespace lifeboat
