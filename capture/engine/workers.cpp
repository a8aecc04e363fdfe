// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/engine/workers.h"

#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <exception>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "src/base/log.h"

namespace lifeboat {
namespace {

// Nothing of a thread's work may leave it as an exception: that would end the program.
Result<> guarded(const Work& work, unsigned index) {
  try {
    return work(index);
  } catch (const std::bad_alloc&) {
    return std::unexpected(errno_error(ENOMEM, "no memory is left for a thread of the capture"));
  }
}

}  // namespace

unsigned usable_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  // More processors than a cpu_set_t holds: then all that are online.
  if (::sched_getaffinity(0, sizeof set, &set) != 0) return std::max(std::thread::hardware_concurrency(), 1u);
  return static_cast<unsigned>(std::max(CPU_COUNT(&set), 1));
}

struct Workers::State {
  explicit State(Work part) : work(std::move(part)) {}
  void run(unsigned index) {
    auto result = guarded(work, index);
    if (result) return;
    const std::scoped_lock lock(mutex);
    if (!error) error = std::move(result).error();
  }

  Work work;
  std::mutex mutex;
  std::optional<Error> error;  // the first one
  std::vector<std::thread> threads;
};

Workers::Workers(unsigned count, Work work) : state_(std::make_unique<State>(std::move(work))) {
  state_->threads.reserve(count);
  for (unsigned index = 0; index < count; ++index) {
    try {
      state_->threads.emplace_back(&State::run, state_.get(), index);
    } catch (const std::exception& error) {  // system_error, bad_alloc
      log::warning("only {} of {} threads could be started: {}", index, count, error.what());
      return;
    }
  }
}

Workers::~Workers() {
  // The error was asked for by join(), or the caller has one of its own.
  ignore_result(join());
}

unsigned Workers::started() const {
  return static_cast<unsigned>(state_->threads.size());
}

Result<> Workers::join() {
  for (auto& thread : state_->threads) {
    if (thread.joinable()) thread.join();
  }
  if (state_->error) return std::unexpected(*state_->error);
  return {};
}

Result<> run_by(unsigned count, const Work& work) {
  Workers others(count > 1 ? count - 1 : 0, [&](unsigned index) { return work(index + 1); });
  auto own = guarded(work, 0);
  auto theirs = others.join();
  return own ? theirs : own;
}

}  // namespace lifeboat
