// SPDX-License-Identifier: GPL-2.0-or-later
// Interrupts work before each of its system calls in turn: by the death of the process, or by an error.
#pragma once

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>

#include "src/base/sys.h"

namespace lifeboat::test {

// Answers a system call: an errno, 0 (make it), or sys::kPretend.
using Answer = std::function<int(sys::Call)>;

// Counts the calls that change something, and interrupts the N-th. Calls that `answer` makes itself do not
// count.
class InterruptedCalls {
 public:
  // `interrupt`: returns an errno, or ends the process.
  InterruptedCalls(int nth, Answer answer, std::function<int()> interrupt) {
    sys::set_fault_hook(
        [this, nth, answer = std::move(answer), interrupt = std::move(interrupt)](sys::Call call) {
          if (inside_ || call == sys::Call::read || call == sys::Call::pread) return 0;
          if (calls_++ == nth) {
            fired_ = true;
            return interrupt();
          }
          inside_ = true;
          const int answered = answer(call);
          inside_ = false;
          return answered;
        });
  }
  ~InterruptedCalls() { sys::set_fault_hook({}); }
  InterruptedCalls(const InterruptedCalls&) = delete;
  InterruptedCalls& operator=(const InterruptedCalls&) = delete;
  // False: the work made fewer calls, so a loop over N has interrupted all.
  [[nodiscard]] bool fired() const { return fired_; }

 private:
  int calls_ = 0;
  bool inside_ = false;
  bool fired_ = false;
};

// Runs `work` in a process that is killed at its N-th call. False: it ended before that.
inline bool killed_at(int nth, const Answer& answer, const std::function<void()>& work) {
  const pid_t child = ::fork();
  if (child == 0) {
    const InterruptedCalls calls(nth, answer, [] {
      ::kill(::getpid(), SIGKILL);
      return 0;
    });
    work();
    ::_exit(0);
  }
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  return WIFSIGNALED(status);
}

}  // namespace lifeboat::test
