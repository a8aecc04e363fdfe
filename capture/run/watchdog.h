// SPDX-License-Identifier: GPL-2.0-or-later
// The hardware watchdogs that the crashed kernel left running: one that is not fed would reset the machine in
// the middle of the capture. PID 1 feeds them while it runs; a child that hangs is stopped by its deadline.
// When PID 1 or the kernel hangs, the watchdogs reset the machine.
//
// Opening a watchdog starts it, so only those are opened that run:
// - those with the `state` "active" in /sys/class/watchdog;
// - those that ran when the capture kernel was loaded, by the plan, whatever their state is here: many
//   drivers cannot detect whether the hardware runs, and show "inactive";
// - all, if the kernel shows no state (without CONFIG_WATCHDOG_SYSFS): feeding a watchdog that did not run
//   until the machine restarts does less harm than not feeding one that did.
// Others need no feeding: when a driver reports that the hardware runs (WDOG_HW_RUNNING in
// drivers/watchdog/watchdog_dev.c), the kernel feeds it, with the state "inactive".
// Any other one (a softdog that was put into the initramfs) is not opened.
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
  // identities of those that ran before the crash. Numbers may differ in this kernel. If several
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
