// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/run/memory_watch.h"

#include <sys/mman.h>

#include <atomic>
#include <chrono>
#include <new>

#include "src/base/file.h"
#include "src/base/iomem.h"
#include "src/base/size.h"

namespace lifeboat::capture {
namespace {

using Clock = std::chrono::steady_clock;

struct Seen {
  uint64_t reserved_kib = 0;
  std::atomic<uint64_t> total_kib = 0, lowest_kib = UINT64_MAX;
  std::atomic<Clock::rep> last_look = 0;
};
static_assert(std::atomic<uint64_t>::is_always_lock_free);

// Null: the watch was not started. In memory that the children share.
Seen* shared = nullptr;
std::string meminfo_path;

uint64_t given_ram(const std::string& iomem) {
  const auto text = read_text(iomem, 16_MiB);
  const auto resources = text ? parse_iomem(*text) : std::unexpected(text.error());
  if (!resources) return 0;
  uint64_t bytes = 0;
  for (const auto& resource : *resources) {
    if (resource.depth == 0 && resource.name == "System RAM") bytes += resource.range.size();
  }
  return bytes;
}

// "MemTotal:         199840 kB"; nullopt: there is no such line.
std::optional<uint64_t> figure(std::string_view meminfo, std::string_view name) {
  const auto at = meminfo.find(name);
  if (at == std::string_view::npos) return std::nullopt;
  auto rest = meminfo.substr(at + name.size());
  const auto digits = rest.find_first_not_of(" \t");
  if (digits == std::string_view::npos) return std::nullopt;
  rest.remove_prefix(digits);
  return parse_number(rest.substr(0, rest.find_first_not_of("0123456789")));
}

}  // namespace

void start_memory_watch(const std::string& meminfo, const std::string& iomem) {
  meminfo_path = meminfo;
  void* const page = ::mmap(nullptr, sizeof(Seen), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  shared = page == MAP_FAILED ? nullptr : new (page) Seen;
  if (shared != nullptr) shared->reserved_kib = given_ram(iomem) / 1_KiB;
  watch_memory();
}

void watch_memory() {
  if (shared == nullptr) return;
  constexpr auto kPause = std::chrono::duration_cast<Clock::duration>(std::chrono::milliseconds(100)).count();
  const auto now = Clock::now().time_since_epoch().count();
  if (shared->total_kib != 0 && now - shared->last_look < kPause) return;
  shared->last_look = now;
  const auto text = read_text(meminfo_path);
  if (!text) return;
  const auto total = figure(*text, "MemTotal:"), available = figure(*text, "MemAvailable:");
  if (!total || !available) return;
  shared->total_kib = *total;
  uint64_t lowest = shared->lowest_kib;
  while (*available < lowest && !shared->lowest_kib.compare_exchange_weak(lowest, *available)) {
  }
}

std::optional<MemoryUse> memory_use() {
  if (shared == nullptr || shared->total_kib == 0) return std::nullopt;
  return MemoryUse{
      .reserved_kib = shared->reserved_kib, .total_kib = shared->total_kib, .lowest_kib = shared->lowest_kib};
}

}  // namespace lifeboat::capture
