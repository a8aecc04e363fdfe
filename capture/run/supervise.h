// SPDX-License-Identifier: GPL-2.0-or-later
// PID 1 does no work that could hang or crash: each step runs in a child, which must show progress. A child
// that stalls is killed; one that cannot be killed (a task stuck in the kernel) is abandoned. PID 1 always
// continues to the final action.
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
  // Still working, with nothing to count (waiting for a device, say).
  void beat();

 private:
  using Clock = std::chrono::steady_clock;
  int pipe_fd_;
  std::string name_;
  Clock::time_point last_beat_;
  Clock::time_point last_line_ = Clock::now();
};

enum class Outcome { done, failed, stalled };

// Limits of a child. Optional work must not make the dump fail.
struct ChildLimits {
  std::chrono::seconds stall;                 // longest time without progress
  std::optional<std::chrono::seconds> total;  // longest run time, even with progress
  uint64_t address_space = 0;                 // bytes; 0: no limit
  bool expendable = false;                    // the first to be killed when memory runs out
  Heartbeat* parent = nullptr;                // of a child that waits for one of its own: called meanwhile
  std::function<void()> on_wait = {};         // called at least once a second while it works
};

// Runs `work` in a child, in a process group of its own. Neither the child nor what it starts by this
// function outlives this process, not even when this one is killed. The child logs its error. `stall`:
// longest time without progress.
Outcome supervise(const std::string& name, std::chrono::seconds stall,
                  const std::function<Result<>(Heartbeat&)>& work);
// The same within limits. Running out of memory is an error of the work like any other.
Outcome supervise(const std::string& name, const ChildLimits& limits,
                  const std::function<Result<>(Heartbeat&)>& work);

}  // namespace lifeboat::capture
