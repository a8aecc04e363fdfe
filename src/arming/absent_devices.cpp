// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/arming/absent_devices.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <thread>

#include "capture/initramfs/local_target.h"
#include "src/base/log.h"

namespace lifeboat::arming {
namespace {

bool is_absent(const std::string& device) {
  const auto found = find_device(device);
  return !found && found.error().code == ErrorCode::not_found;
}

}  // namespace

std::vector<std::string> absent_devices(std::span<const config::TargetEntry> targets) {
  std::vector<std::string> absent;
  for (const auto& target : targets)
    if (!target.device.empty() && is_absent(target.device)) absent.push_back(target.device);
  return absent;
}

bool wait_for_one(std::span<const std::string> devices, std::chrono::steady_clock::time_point end) {
  // Each check may read the first blocks of every disk.
  constexpr auto kPause = std::chrono::milliseconds(500);
  for (;;) {
    if (!std::ranges::all_of(devices, is_absent)) return true;
    const auto left = end - std::chrono::steady_clock::now();
    if (left.count() <= 0) return false;
    std::this_thread::sleep_for(std::min<std::chrono::steady_clock::duration>(left, kPause));
  }
}

void wait_for_devices(std::span<const config::TargetEntry> targets, std::chrono::milliseconds max_wait) {
  if (max_wait.count() == 0) return;
  const auto end = std::chrono::steady_clock::now() + max_wait;
  auto absent = absent_devices(targets);
  if (absent.empty()) return;
  log::info("waiting for {}, {} s at most", fmt::join(absent, ", "),
            std::chrono::duration_cast<std::chrono::seconds>(max_wait).count());
  while (!absent.empty() && wait_for_one(absent, end)) absent = absent_devices(targets);
}

}  // namespace lifeboat::arming
