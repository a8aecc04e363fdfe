// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/bench/bench.h"

#include <fmt/core.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <algorithm>

namespace lifeboat::test {
namespace {

[[noreturn]] void give_up(const std::string& what) {
  fmt::print(stderr, "{}\n", what);
  std::exit(1);
}

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

}  // namespace

std::filesystem::path bench_rehearsal() {
  const auto folder = rehearsals() / "bench";
  if (std::filesystem::exists(folder / "vmcore.elf")) return folder;
  fmt::print("making a vmcore of 2 GiB in a virtual machine\n");
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(rehearsals());
  const auto kernel = cache() / "kernels/6.12";
  const auto result =
      run_process({lifeboat_program(), "rehearse", "--accel", "tcg", "--kernel", kernel / "vmlinuz",
                   "--modules", std::filesystem::canonical(kernel / "modules"), "-o", folder, "--copy-elf"},
                  std::chrono::minutes(25));
  if (!result) give_up("no vmcore: " + result.error().to_string());
  if (result->status != 0) give_up("no vmcore: " + result->text);
  return folder;
}

Cost cost_of(const std::vector<std::string>& argv) {
  std::vector<char*> arguments;
  for (const auto& argument : argv) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  const UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  const auto begin = std::chrono::steady_clock::now();
  const pid_t child = ::fork();
  if (child < 0) give_up("cannot fork");
  if (child == 0) {
    for (int fd = 0; fd < 3; ++fd) ::dup2(null.get(), fd);
    ::execvp(arguments[0], arguments.data());
    ::_exit(127);
  }
  int status = 0;
  rusage usage{};
  if (::wait4(child, &status, 0, &usage) != child) give_up("cannot wait for " + argv[0]);
  const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - begin;
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
    give_up(fmt::format("{} failed, by status {}", argv[0], status));
  return {wall.count(), seconds(usage.ru_utime) + seconds(usage.ru_stime),
          static_cast<double>(usage.ru_maxrss) * 1024 / 1e6};
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
