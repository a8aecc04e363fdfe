// SPDX-License-Identifier: GPL-2.0-or-later
// PID 1 does nothing itself that could hang or crash: each piece of work runs in a child, which must show
// progress. A child that stalls is killed; one that cannot even be killed (a task stuck in the kernel) is
// left behind. PID 1 always goes on to the final action.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "src/base/error.h"
#include "src/base/progress.h"

namespace lifeboat::capture {

// The child's side: a byte through a pipe now and then; a line on the console every few seconds.
class Heartbeat final : public Progress {
 public:
  explicit Heartbeat(int pipe_fd) : pipe_fd_(pipe_fd) {}
  void update(uint64_t done, uint64_t total) override;
  void phase(const std::string& name) override;
  void finish() override {}
  // Alive, with nothing to count (waiting for a device, say).
  void beat();

 private:
  using Clock = std::chrono::steady_clock;
  int pipe_fd_;
  std::string name_;
  Clock::time_point last_beat_;
  Clock::time_point last_line_ = Clock::now();
};

enum class Outcome { done, failed, stalled };

// What a child may use. Work that the dump can do without must not cost it.
struct ChildLimits {
  std::chrono::seconds stall;                 // longest silence
  std::optional<std::chrono::seconds> total;  // longest life, however lively
  uint64_t address_space = 0;                 // bytes; 0: no limit
  bool expendable = false;                    // the first to be killed when memory runs out
  Heartbeat* parent = nullptr;                // of a child that waits for one of its own: beaten meanwhile
  std::function<void()> on_wait = {};         // called at least once a second while it works
};

// Runs `work` in a child, in a process group of its own. Neither the child nor what it starts by this
// function outlives this process, not even when this one is killed. Its error is logged there. `stall`:
// longest silence.
Outcome supervise(const std::string& name, std::chrono::seconds stall,
                  const std::function<Result<>(Heartbeat&)>& work);
// The same within limits. Running out of memory is an error of the work like any other.
Outcome supervise(const std::string& name, const ChildLimits& limits,
                  const std::function<Result<>(Heartbeat&)>& work);

}  // namespace lifeboat::capture
