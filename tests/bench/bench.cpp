// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/bench/bench.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>

#include "src/base/file.h"

namespace lifeboat::test {
namespace {

using Clock = std::chrono::steady_clock;

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

volatile std::sig_atomic_t signal_came = 0;

// In a child: as it was before stop_on_signals().
void take_signals_as_usual() {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) ::signal(signal, SIG_DFL);
}

// Nothing: it did not exit with status 0.
std::optional<Cost> wait_for(pid_t child, Clock::time_point begin) {
  int status = 0;
  rusage usage{};
  pid_t ended = ::wait4(child, &status, 0, &usage);
  while (ended < 0 && errno == EINTR) {
    if (signal_came != 0) ::kill(child, SIGKILL);
    ended = ::wait4(child, &status, 0, &usage);
  }
  if (signal_came != 0) throw BenchError("interrupted");
  if (ended != child) throw BenchError("cannot wait for a child");
  const std::chrono::duration<double> wall = Clock::now() - begin;
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) return std::nullopt;
  return Cost{wall.count(), seconds(usage.ru_utime) + seconds(usage.ru_stime),
              static_cast<double>(usage.ru_maxrss) * 1024 / 1e6};
}

}  // namespace

int guarded_main(const char* name, int (*run)(int, char**), int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}: {}\n", name, error.what());
    return 2;
  }
}

void stop_on_signals() {
  struct sigaction action{};
  action.sa_handler = [](int) { signal_came = 1; };  // without SA_RESTART: the wait for a child ends
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) ::sigaction(signal, &action, nullptr);
}

std::optional<Cost> try_cost_of(const std::vector<std::string>& argv) {
  std::vector<char*> arguments;
  for (const auto& argument : argv) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  const UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  const auto begin = Clock::now();
  const pid_t child = ::fork();
  if (child < 0) throw BenchError("cannot fork");
  if (child == 0) {
    take_signals_as_usual();
    for (int fd = 0; fd < 3; ++fd) ::dup2(null.get(), fd);
    ::execvp(arguments[0], arguments.data());
    ::_exit(127);
  }
  return wait_for(child, begin);
}

Cost cost_of(const std::vector<std::string>& argv) {
  const auto cost = try_cost_of(argv);
  if (cost) return *cost;
  std::string command;
  for (const auto& argument : argv) command += argument + ' ';
  throw BenchError("failed: " + command);
}

Cost cost_in_child(const std::function<void()>& work) {
  std::fflush(nullptr);
  const auto begin = Clock::now();
  const pid_t child = ::fork();
  if (child < 0) throw BenchError("cannot fork");
  if (child == 0) {
    take_signals_as_usual();
    int status = 0;
    try {
      work();
    } catch (const std::exception& error) {
      fmt::print(stderr, "{}\n", error.what());
      status = 1;
    }
    std::fflush(nullptr);
    ::_exit(status);
  }
  const auto cost = wait_for(child, begin);
  if (!cost) throw BenchError("a child of the bench failed; its reason is above");
  return *cost;
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

Cost median_of(const std::vector<Cost>& costs) {
  const auto of = [&costs](double Cost::* figure) {
    std::vector<double> values;
    for (const auto& cost : costs) values.push_back(cost.*figure);
    return median(std::move(values));
  };
  return {of(&Cost::wall), of(&Cost::cpu), of(&Cost::peak_mb)};
}

}  // namespace lifeboat::test
