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
//
// Some interrupt the kernel before they reset the machine, and that may panic it: see pretimeout.h. This is
// turned off for each of them, also for those that are not opened; for those that are, before they are fed.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "capture/run/pretimeout.h"
#include "src/base/file.h"

namespace lifeboat::capture {

inline constexpr const char* kWatchdogFolder = "/sys/class/watchdog";

// Documentation/watchdog/watchdog-api.rst, and Documentation/ABI/testing/sysfs-class-watchdog.
class Watchdogs {
 public:
  // The folders of /sys and of the devices.
  explicit Watchdogs(std::string sys = kWatchdogFolder, std::string dev = "/dev")
      : sys_(std::move(sys)), dev_(std::move(dev)) {}

  // Opens those that run and that it has not opened yet; none is fine. Their drivers are loaded. `ran`: the
  // identities of those that ran before the crash. Numbers may differ in this kernel. If several
  // devices have an identity, all of them are opened.
  void start(const std::vector<std::string>& ran);
  // Opens /dev/watchdog where a driver has that alone: one that does not use the kernel's watchdog core
  // (ipmi_watchdog), and shows no state. Only once no driver is being loaded any more: the core makes
  // /dev/watchdog, too, and makes it first.
  void start_old();
  // Only makes pretimeouts harmless, as far as that is possible without opening a device: for a system that
  // has its own program to feed them.
  void turn_off_pretimeouts();
  void feed() const;
  // Before a halt or a shell, which may last: stops those that can be stopped. Without it they go on, and
  // restart a machine whose reboot hangs.
  void stop();
  // Which of them may still panic this kernel by its pretimeout, and why.
  [[nodiscard]] std::vector<std::string> problems() const;

 private:
  struct Device {
    std::string name;  // "watchdog 0", "/dev/watchdog"
    UniqueFd fd;
  };
  [[nodiscard]] bool runs(int number, const std::vector<std::string>& ran) const;
  [[nodiscard]] std::string folder(int number) const { return fmt::format("{}/watchdog{}", sys_, number); }
  // nullptr: it is not open.
  [[nodiscard]] const Device* find(const std::string& name) const;
  void open(const std::string& name, const std::string& path, const std::string& folder);
  // Logs what is new.
  void note(const std::string& name, const PretimeoutCare& care);

  std::string sys_, dev_;
  std::vector<Device> devices_;
  std::map<std::string, PretimeoutCare> care_;  // by the device's name
};

}  // namespace lifeboat::capture
