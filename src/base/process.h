// SPDX-License-Identifier: GPL-2.0-or-later
// Other programs, started without a shell: an argument vector in, exit status and output back.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "src/base/error.h"
#include "src/base/file.h"

namespace lifeboat {

// A running child. Killed and reaped when it goes out of scope.
class ChildProcess {
 public:
  struct Options {
    int stdin_fd = -1;   // -1: /dev/null
    int stdout_fd = -1;  // -1: /dev/null
    int stderr_fd = -1;  // -1: /dev/null
  };
  // argv[0] is looked up in PATH. `not_found` when there is no such program.
  static Result<ChildProcess> start(const std::vector<std::string>& argv, const Options& options);

  ChildProcess(ChildProcess&& other) noexcept
      : pid_(std::exchange(other.pid_, -1)), status_(std::exchange(other.status_, {})) {}
  ChildProcess& operator=(ChildProcess&& other) noexcept {
    std::swap(pid_, other.pid_);
    std::swap(status_, other.status_);
    return *this;
  }
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;
  ~ChildProcess() { kill(); }

  // The exit status once it has ended: 0..255, or 128 + signal. nullopt: still running.
  std::optional<int> poll();
  // Waits at most `limit`; nullopt when it still runs then.
  std::optional<int> wait(std::chrono::milliseconds limit);
  // SIGKILL and reap.
  void kill();
  [[nodiscard]] pid_t pid() const { return pid_; }

 private:
  explicit ChildProcess(pid_t pid) : pid_(pid) {}
  pid_t pid_ = -1;
  std::optional<int> status_;
};

struct ProcessOutput {
  int status = 0;    // as ChildProcess::poll()
  std::string text;  // stdout and stderr together, in the order written; not more than kMaxOutputBytes
};
inline constexpr size_t kMaxOutputBytes = size_t{64} << 20;

// Runs to the end of the program itself, at most `limit` long; past it the child is killed and `timeout` is
// returned. Processes that it leaves running are not waited for, and their output is not read. Output beyond
// kMaxOutputBytes is read and dropped.
Result<ProcessOutput> run_process(const std::vector<std::string>& argv, std::chrono::milliseconds limit);

// A write beyond RLIMIT_FSIZE (ulimit -f) fails with EFBIG from now on, as a write to a full disk does,
// instead of killing this process by SIGXFSZ. Programs that are started meet the signal as usual. For main().
void fail_writes_at_size_limit();

// The path of a program in PATH, as a shell would find it; for root, /usr/sbin and /sbin are looked at too.
std::optional<std::string> find_program(const std::string& name);

}  // namespace lifeboat
