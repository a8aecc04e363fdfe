// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/init/watchdog.h"

#include <unistd.h>

#include <algorithm>

#include "base/log.h"

namespace lifeboat::init {

void Watchdogs::start() {
  constexpr int kMost = 8;
  for (int number = 0; number < kMost; ++number) {
    if (std::ranges::find(devices_, number, &Device::number) != devices_.end()) continue;
    auto device = open_file(fmt::format("/dev/watchdog{}", number), O_WRONLY);
    if (!device) continue;
    log::info("watchdog {} is fed from now on", number);
    devices_.push_back({number, *std::move(device)});
  }
  feed();
}

void Watchdogs::feed() const {
  for (const auto& device : devices_) {
    [[maybe_unused]] const ssize_t ignored = ::write(device.fd.get(), "\0", 1);
  }
}

void Watchdogs::stop() {
  // The "magic close": this letter says that the end is meant.
  for (const auto& device : devices_) {
    [[maybe_unused]] const ssize_t ignored = ::write(device.fd.get(), "V", 1);
  }
  devices_.clear();
}

}  // namespace lifeboat::init
