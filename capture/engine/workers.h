// SPDX-License-Identifier: GPL-2.0-or-later
// Threads for the time of one call.
#pragma once

#include <functional>
#include <memory>

#include "src/base/error.h"

namespace lifeboat {

// Processors that this process may run on; at least 1.
unsigned usable_cpus();

// A thread's part of the work. `index` is its number, from 0. It must end soon after another one failed.
using Work = std::function<Result<>(unsigned index)>;

// Threads that do the same work until it is done. What a part of the work throws for want of memory is an
// error; all threads have ended when the object is gone.
class Workers {
 public:
  // Starts up to `count` threads. One that cannot be started is done without: the others take its share.
  Workers(unsigned count, Work work);
  ~Workers();
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  // How many were started; 0: the caller does the work itself.
  [[nodiscard]] unsigned started() const;
  // Waits for their end. The first error of any.
  Result<> join();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// The work by `count` threads, the caller's among them. With 1 no thread is started.
Result<> run_by(unsigned count, const Work& work);

}  // namespace lifeboat
