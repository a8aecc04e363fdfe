// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/init/startup.h"

#include <fcntl.h>
#include <sys/mount.h>

#include <cerrno>
#include <cstring>

#include "capture/plan/capture_plan.h"
#include "src/base/file.h"
#include "src/base/folders.h"
#include "src/base/log.h"
#include "src/base/sys.h"

namespace lifeboat::capture {

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
    if (sys::mkdirat(AT_FDCWD, path, 0755) != 0 && errno != EEXIST)
      failures.push_back(fmt::format("cannot make the folder {}: {}", path, strerror(errno)));
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
    if (sys::finit_module(file->get()) != 0) {
      // EEXIST: built in or loaded. ENODEV: the variant for a processor that this one is not (crc32c_intel).
      const int error = errno;
      if (error != EEXIST && error != ENODEV) log::warning("module {}: {}", name, strerror(error));
    }
    if (const auto removed = remove_file(path); !removed)
      log::warning("module {}: cannot remove its file: {}", name, removed.error().to_string());
  }
  return {};
}

}  // namespace lifeboat::capture
