// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/run/watchdog.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "src/base/log.h"
#include "src/base/sys.h"
#include "src/base/text.h"

namespace lifeboat::capture {

bool Watchdogs::runs(int number, const std::vector<std::string>& ran) const {
  const std::string folder = fmt::format("{}/watchdog{}", sys_, number);
  const auto state = read_line(folder + "/state");
  if (!state || *state == "active") return true;
  const auto identity = read_line(folder + "/identity");
  return identity && std::ranges::find(ran, trim(*identity)) != ran.end();
}

void Watchdogs::start(const std::vector<std::string>& ran) {
  constexpr int kMax = 8;
  for (int number = 0; number < kMax; ++number) {
    if (std::ranges::find(devices_, number, &Device::number) != devices_.end()) continue;
    const std::string path = fmt::format("{}/watchdog{}", dev_, number);
    if (::access(path.c_str(), F_OK) != 0 || !runs(number, ran)) continue;
    auto device = open_file(path, O_WRONLY);
    if (!device) continue;
    log::info("watchdog {} is fed from now on", number);
    devices_.push_back({number, *std::move(device)});
  }
  feed();
}

void Watchdogs::feed() const {
  for (const auto& device : devices_) {
    // If the write fails the device will restart the machine: there is no other way to feed it.
    [[maybe_unused]] const ssize_t ignored = sys::write(device.fd.get(), "\0", 1);
  }
}

void Watchdogs::stop() {
  // The "magic close": this letter stops the watchdog when the device is closed.
  for (const auto& device : devices_) {
    if (sys::write(device.fd.get(), "V", 1) != 1)
      log::warning("watchdog {} cannot be stopped: {}", device.number, std::strerror(errno));
  }
  devices_.clear();
}

}  // namespace lifeboat::capture
