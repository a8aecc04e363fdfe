// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/base/process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <ranges>
#include <thread>

#include "src/base/bytes.h"

namespace lifeboat {
namespace {

using Clock = std::chrono::steady_clock;

int decode_status(int status) {
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

constexpr std::chrono::milliseconds kLongestPause{50};

// Reads what is in the pipe now, as far as it fits into `text`. False: the pipe has no writer any more.
bool take_output(int reader, std::string& text) {
  // More than a pipe holds, but limited: a program that writes endlessly must not block this function.
  constexpr int kMaxReads = 16;
  char buffer[65536];
  for (int reads = 0; reads < kMaxReads; ++reads) {
    const ssize_t count = ::read(reader, buffer, sizeof buffer);
    if (count == 0) return false;
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno == EAGAIN;
    text.append(buffer, std::min(static_cast<size_t>(count), kMaxOutputBytes - text.size()));
  }
  return true;
}

class FileActions {
 public:
  FileActions() { posix_spawn_file_actions_init(&actions_); }
  ~FileActions() { posix_spawn_file_actions_destroy(&actions_); }
  FileActions(const FileActions&) = delete;
  FileActions& operator=(const FileActions&) = delete;
  void connect(int source, int target, int flags) {
    if (source >= 0) {
      posix_spawn_file_actions_adddup2(&actions_, source, target);
    } else {
      posix_spawn_file_actions_addopen(&actions_, target, "/dev/null", flags, 0);
    }
  }
  [[nodiscard]] const posix_spawn_file_actions_t* get() const { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_{};
};

}  // namespace

void fail_writes_at_size_limit() {
  // A handler, not SIG_IGN: that would be inherited by other programs.
  struct sigaction action{};
  action.sa_handler = [](int) {};
  action.sa_flags = SA_RESTART;
  ::sigaction(SIGXFSZ, &action, nullptr);
}

std::optional<std::string> find_program(const std::string& name) {
  if (name.find('/') != std::string::npos) {
    return ::access(name.c_str(), X_OK) == 0 ? std::optional(name) : std::nullopt;
  }
  const char* path = std::getenv("PATH");
  // /usr/sbin is often missing from the PATH of an unprivileged user who may run debugfs all the same.
  const std::string all = std::string(path != nullptr ? path : "/usr/bin:/bin") + ":/usr/sbin:/sbin";
  for (const auto part : std::views::split(all, ':')) {
    std::string candidate = std::string(part.begin(), part.end()) + "/" + name;
    if (candidate.front() == '/' && ::access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return std::nullopt;
}

Result<ChildProcess> ChildProcess::start(const std::vector<std::string>& argv, const Options& options) {
  const auto program = find_program(argv.at(0));
  if (!program) return fail(ErrorCode::not_found, "the program {} is not installed", argv[0]);
  std::vector<char*> arguments;
  arguments.reserve(argv.size() + 1);
  for (const auto& argument : argv) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);

  FileActions actions;
  actions.connect(options.stdin_fd, STDIN_FILENO, O_RDONLY);
  actions.connect(options.stdout_fd, STDOUT_FILENO, O_WRONLY);
  actions.connect(options.stderr_fd, STDERR_FILENO, O_WRONLY);
  pid_t pid = -1;
  const int error = ::posix_spawn(&pid, program->c_str(), actions.get(), nullptr, arguments.data(), environ);
  if (error != 0) return std::unexpected(errno_error(error, fmt::format("cannot start {}", *program)));
  return ChildProcess(pid);
}

std::optional<int> ChildProcess::poll() {
  if (status_ || pid_ < 0) return status_;
  int status = 0;
  if (::waitpid(pid_, &status, WNOHANG) == pid_) status_ = decode_status(status);
  return status_;
}

std::optional<int> ChildProcess::wait(std::chrono::milliseconds limit) {
  const auto deadline = Clock::now() + limit;
  auto pause = std::chrono::milliseconds(1);
  while (!poll() && Clock::now() < deadline) {
    std::this_thread::sleep_for(pause);
    pause = std::min(pause * 2, std::chrono::milliseconds(50));
  }
  return status_;
}

void ChildProcess::kill() {
  if (pid_ < 0 || poll()) return;
  ::kill(pid_, SIGKILL);
  int status = 0;
  if (::waitpid(pid_, &status, 0) == pid_) status_ = decode_status(status);
}

Result<ProcessOutput> run_process(const std::vector<std::string>& argv, std::chrono::milliseconds limit) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return fail_errno("cannot create a pipe for {}", argv.at(0));
  UniqueFd reader(ends[0]);
  UniqueFd writer(ends[1]);
  if (::fcntl(reader.get(), F_SETFL, O_NONBLOCK) != 0)
    return fail_errno("cannot set up a pipe for {}", argv.at(0));
  auto child = TRY(ChildProcess::start(argv, {.stdout_fd = writer.get(), .stderr_fd = writer.get()}));
  writer.reset();

  ProcessOutput output;
  const auto deadline = Clock::now() + limit;
  // Wait for the end of the child, not of the pipe: processes that it leaves running may hold the pipe open
  // for ever. Once it has ended, all its output is in the pipe. poll(2) reports only the pipe, so the child
  // is checked at intervals.
  bool open = true;
  for (auto pause = std::chrono::milliseconds(1);; pause = std::min(pause * 2, kLongestPause)) {
    const auto status = child.poll();
    if (open) open = take_output(reader.get(), output.text);
    if (status) {
      output.status = *status;
      return output;
    }
    if (Clock::now() >= deadline)
      return fail(ErrorCode::timeout, "{} did not end within {} s", argv[0], limit.count() / 1000);
    if (open) {
      pollfd wanted{.fd = reader.get(), .events = POLLIN, .revents = 0};
      if (::poll(&wanted, 1, static_cast<int>(pause.count())) > 0) pause = std::chrono::milliseconds(1);
    } else {
      std::this_thread::sleep_for(pause);
    }
  }
}

}  // namespace lifeboat
