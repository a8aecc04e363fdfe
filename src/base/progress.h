// SPDX-License-Identifier: GPL-2.0-or-later
// Progress of a long operation, for a terminal, a console or a watchdog.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace lifeboat {

// The worker calls update() often; the receiver decides what to do with it.
class Progress {
 public:
  virtual ~Progress() = default;
  // `done` of `total` units (bytes unless the phase has another unit); total 0: unknown.
  virtual void update(uint64_t done, uint64_t total) = 0;
  // A new phase begins; its name is shown.
  virtual void phase(const std::string& name) = 0;
  virtual void finish() = 0;
};

// Reports nothing.
Progress& no_progress();

// A bar with rate and ETA on stderr when that is a terminal, else silent. `what` goes in front.
class TerminalProgress final : public Progress {
 public:
  TerminalProgress();
  ~TerminalProgress() override;
  void update(uint64_t done, uint64_t total) override;
  void phase(const std::string& name) override;
  void finish() override;

 private:
  using Clock = std::chrono::steady_clock;
  void draw(uint64_t done, uint64_t total, Clock::time_point now);

  bool terminal_;
  bool drawn_ = false;
  std::string name_;
  Clock::time_point started_;
  Clock::time_point last_draw_;
};

}  // namespace lifeboat
