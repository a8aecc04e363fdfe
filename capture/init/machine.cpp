// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/init/machine.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/file.h"
#include "base/log.h"
#include "base/sys.h"

namespace lifeboat::init {

std::vector<std::string> mount_pseudo_file_systems() {
  struct PseudoFileSystem {
    const char* type;
    const char* path;
    unsigned long flags;
  };
  constexpr PseudoFileSystem kFileSystems[] = {
      {"proc", "/proc", MS_NOSUID | MS_NODEV | MS_NOEXEC},
      {"sysfs", "/sys", MS_NOSUID | MS_NODEV | MS_NOEXEC},
      {"devtmpfs", "/dev", MS_NOSUID | MS_NOEXEC},
      {"tmpfs", "/run", MS_NOSUID | MS_NODEV | MS_NOEXEC},
  };
  std::vector<std::string> failures;
  for (const auto& [type, path, flags] : kFileSystems) {
    ::mkdir(path, 0755);
    // EBUSY: the kernel has mounted it already (devtmpfs.mount).
    if (sys::mount(type, path, type, flags, nullptr) != 0 && errno != EBUSY)
      failures.push_back(fmt::format("cannot mount {} on {}: {}", type, path, strerror(errno)));
  }
  return failures;
}

Result<> load_modules(const std::vector<std::string>& names, Heartbeat& heartbeat) {
  for (const auto& name : names) {
    heartbeat.beat();
    const std::string path = fmt::format("{}/{}", kModuleFolder, name);
    auto file = open_file(path, O_RDONLY);
    if (!file) {
      log::warning("module {}: {}", name, file.error().to_string());
      continue;
    }
    if (::syscall(SYS_finit_module, file->get(), "", 0) != 0) {
      // EEXIST: built in or loaded. ENODEV: the variant for a processor that this one is not (crc32c_intel).
      const int error = errno;
      if (error != EEXIST && error != ENODEV) log::warning("module {}: {}", name, strerror(error));
    }
    ::unlink(path.c_str());
  }
  return {};
}

void final_action(FinalAction action) {
  const int command = action == FinalAction::poweroff ? RB_POWER_OFF
                      : action == FinalAction::halt   ? RB_HALT_SYSTEM
                                                      : RB_AUTOBOOT;
  ::reboot(command);
  // Still here. A machine that stays down helps nobody: restart it by other means.
  log::error("reboot({}) failed: {}; trying to restart", command, strerror(errno));
  ::reboot(RB_AUTOBOOT);
  [[maybe_unused]] const auto ignored = write_pseudo_file("/proc/sysrq-trigger", "b");
  ::sleep(5);
  // PID 1 ending makes the kernel panic, and panic= on its command line restarts it.
  ::_exit(1);
}

}  // namespace lifeboat::init
