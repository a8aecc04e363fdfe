// SPDX-License-Identifier: GPL-2.0-or-later
// What the benches share: measured runs of programs and of own work, and medians.
#pragma once

#include <sys/mman.h>

#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

namespace lifeboat::test {

// Nothing can be measured; the message says why. Ends the bench, whose main() prints it, and its folders go.
struct BenchError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Runs a bench; what it throws is printed, behind its name, with exit code 2.
int guarded_main(const char* name, int (*run)(int, char**), int argc, char** argv);

// From now on SIGINT, SIGTERM and SIGHUP end the child that is measured, and are a BenchError: dumps in
// memory must not outlive the bench.
void stop_on_signals();

// Of a whole process and its threads, as the kernel accounts for it.
struct Cost {
  double wall = 0, cpu = 0;  // seconds; cpu: user and system
  // Of resident memory, 10^6 bytes. The kernel counts what the process was before it started the program,
  // too: a copy of this one. So a bench keeps its own memory small, and does large work in a child.
  double peak_mb = 0;
};

// Runs to the end, its output thrown away; nothing: it failed.
std::optional<Cost> try_cost_of(const std::vector<std::string>& argv);
// A BenchError when it fails.
Cost cost_of(const std::vector<std::string>& argv);
// Each figure by itself.
Cost median_of(const std::vector<Cost>& costs);
double median(std::vector<double> values);

// Runs `work` in a child and waits for its end. A BenchError when it throws, or the child ends otherwise.
Cost cost_in_child(const std::function<void()>& work);

// The same of work that has a result, which is copied as bytes.
template <typename T>
struct ChildResult {
  T value{};
  Cost cost;
};
template <typename T>
  requires std::is_trivially_copyable_v<T>
ChildResult<T> in_child(const std::function<T()>& work) {
  void* const shared = ::mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) throw BenchError("no memory for the result of a child");
  auto* const value = new (shared) T();
  ChildResult<T> result;
  result.cost = cost_in_child([&] { *value = work(); });
  result.value = *value;
  ::munmap(shared, sizeof(T));
  return result;
}

}  // namespace lifeboat::test
