// SPDX-License-Identifier: GPL-2.0-or-later
// The hardware watchdogs that the dead kernel left running: without food one would reset the machine in the
// middle of the capture. PID 1 feeds them while it is in charge of itself; what a child does not get done is
// its deadlines' business. When PID 1 hangs, or the kernel under it, they do what they are there for.
//
// Opening a watchdog starts it, so only those are opened that run:
// - those whose driver says so (`state` in /sys/class/watchdog, "active");
// - those that ran when this machine was armed, by the plan, whatever their state is here: many drivers
//   cannot tell whether the hardware runs, and say "inactive";
// - those of a kernel that tells no state at all (without CONFIG_WATCHDOG_SYSFS): a watchdog that is fed for
//   nothing until the machine restarts does less harm than one that is not fed.
// Others need nobody: a driver that finds hardware running, and says so (WDOG_HW_RUNNING in
// drivers/watchdog/watchdog_dev.c), has the kernel feed it, with the state "inactive".
// Another one (a softdog that somebody has put into the initramfs) is left alone.
#pragma once

#include <string>
#include <vector>

#include "src/base/file.h"

namespace lifeboat::capture {

// Documentation/watchdog/watchdog-api.rst, and Documentation/ABI/testing/sysfs-class-watchdog.
class Watchdogs {
 public:
  // The folders of /sys and of the devices.
  explicit Watchdogs(std::string sys = "/sys/class/watchdog", std::string dev = "/dev")
      : sys_(std::move(sys)), dev_(std::move(dev)) {}

  // Opens those that run and that it has not opened yet; none is fine. Their drivers are loaded. `ran`: the
  // identities of those that ran before the crash. A number would not do: this kernel counts anew. If several
  // devices have an identity, all of them are opened.
  void start(const std::vector<std::string>& ran);
  void feed() const;
  // Before a halt or a shell, which may last: stops those that can be stopped. Without it they go on, and
  // restart a machine whose reboot hangs.
  void stop();

 private:
  struct Device {
    int number = 0;
    UniqueFd fd;
  };
  [[nodiscard]] bool runs(int number, const std::vector<std::string>& ran) const;

  std::string sys_, dev_;
  std::vector<Device> devices_;
};

}  // namespace lifeboat::capture
