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
namespace {

// MAX_DOGS of drivers/watchdog/watchdog_core.h.
constexpr int kMaxWatchdogs = 32;

std::string name_of(int number) {
  return fmt::format("watchdog {}", number);
}

bool exists(const std::string& path) {
  return ::access(path.c_str(), F_OK) == 0;
}

}  // namespace

bool Watchdogs::runs(int number, const std::vector<std::string>& ran) const {
  const auto state = read_line(folder(number) + "/state");
  if (!state || *state == "active") return true;
  const auto identity = read_line(folder(number) + "/identity");
  return identity && std::ranges::find(ran, trim(*identity)) != ran.end();
}

const Watchdogs::Device* Watchdogs::find(const std::string& name) const {
  const auto found = std::ranges::find(devices_, name, &Device::name);
  return found == devices_.end() ? nullptr : &*found;
}

void Watchdogs::start(const std::vector<std::string>& ran) {
  for (int number = 0; number < kMaxWatchdogs; ++number) {
    const std::string name = name_of(number), path = fmt::format("{}/watchdog{}", dev_, number);
    const Device* const device = find(name);
    if (device == nullptr && exists(path) && runs(number, ran)) {
      open(name, path, folder(number));
    } else if (exists(folder(number))) {
      // Each time: a governor that is loaded later may have taken it over.
      PretimeoutCare care = turn_off_pretimeout(folder(number));
      if (device != nullptr && care.problem.empty() && care_[name].problem.empty()) continue;
      if (device != nullptr) care = turn_off_pretimeout(device->fd.get(), folder(number));
      note(name, care);
    }
  }
  feed();
}

void Watchdogs::turn_off_pretimeouts() {
  for (int number = 0; number < kMaxWatchdogs; ++number) {
    if (exists(folder(number))) note(name_of(number), turn_off_pretimeout(folder(number)));
  }
}

void Watchdogs::start_old() {
  const std::string path = dev_ + "/watchdog";
  if (find(path) != nullptr || !exists(path)) return;
  for (int number = 0; number < kMaxWatchdogs; ++number) {
    if (exists(folder(number)) || exists(fmt::format("{}/watchdog{}", dev_, number))) return;
  }
  open(path, path, "");
  feed();
}

void Watchdogs::open(const std::string& name, const std::string& path, const std::string& folder) {
  // The governor first: opening the device starts it, with the pretimeout that it has.
  const PretimeoutCare closed = turn_off_pretimeout(folder);
  auto device = open_file(path, O_WRONLY);
  if (!device) {
    note(name, closed);
    return;
  }
  PretimeoutCare care = turn_off_pretimeout(device->get(), folder);
  care.seconds = std::max(care.seconds, closed.seconds);
  note(name, care);
  log::info("{} is fed from now on", name);
  devices_.push_back({name, *std::move(device)});
}

void Watchdogs::note(const std::string& name, const PretimeoutCare& care) {
  PretimeoutCare& known = care_[name];
  const bool was_known = known.seconds > 0 && known.problem.empty();
  if (care.seconds > 0 && care.problem.empty() && !was_known)
    log::info("{}: its pretimeout of {} s is turned off", name, care.seconds);
  if (!care.problem.empty() && care.problem != known.problem) log::warning("{}: {}", name, care.problem);
  known = {.seconds = std::max(known.seconds, care.seconds), .problem = care.problem};
}

std::vector<std::string> Watchdogs::problems() const {
  std::vector<std::string> problems;
  for (const auto& [name, care] : care_) {
    if (!care.problem.empty()) problems.push_back(fmt::format("{}: {}", name, care.problem));
  }
  return problems;
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
      log::warning("{} cannot be stopped: {}", device.name, std::strerror(errno));
  }
  devices_.clear();
}

}  // namespace lifeboat::capture
