// SPDX-License-Identifier: GPL-2.0-or-later
// The hardware watchdogs that the dead kernel left running: without food one would reset the machine in the
// middle of the capture. PID 1 feeds them while it is in charge of itself; what a child does not get done is
// its deadlines' business. When PID 1 hangs, or the kernel under it, they do what they are there for.
#pragma once

#include <vector>

#include "base/file.h"

namespace lifeboat::init {

class Watchdogs {
 public:
  // Opens those that there are (Documentation/watchdog/watchdog-api.rst); none is fine. Their drivers are
  // loaded.
  void start();
  void feed() const;
  // Before a halt or a shell, which may last: stops those that can be stopped. Without it they go on, and
  // restart a machine whose reboot hangs.
  void stop();

 private:
  struct Device {
    int number = 0;
    UniqueFd fd;
  };
  std::vector<Device> devices_;
};

}  // namespace lifeboat::init
