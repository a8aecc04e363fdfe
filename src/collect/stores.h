// SPDX-License-Identifier: GPL-2.0-or-later
// The stores of this machine: one for each configured target, mounted or not.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "src/base/file.h"
#include "src/collect/detached_mount.h"
#include "src/config/config.h"
#include "src/store/crash_list.h"

namespace lifeboat::collect {

struct Store {
  std::string folder;      // its path; with a `device`: from the root of its file system on
  std::string device;      // as it is configured, mounted for this process alone; empty: a mounted folder
  std::string filesystem;  // of the device
  UniqueFd fd;

  // Its name in messages: "/var/crash/lifeboat", "UUID=...:/crash".
  [[nodiscard]] std::string name() const { return place(folder); }
  [[nodiscard]] std::string crash_folder(const std::string& crash) const {
    return (folder.ends_with('/') ? folder : folder + "/") + crash;
  }
  [[nodiscard]] std::string crash_name(const std::string& crash) const { return place(crash_folder(crash)); }
  // A path of a crash's folder, which this process has open, for its child processes. It never leads to
  // another folder: if other users could redirect the plain path, it is /proc/PID/fd/N. Valid as long as this
  // process has the folder open.
  [[nodiscard]] std::string crash_path(const std::string& crash, int crash_fd) const;

 private:
  [[nodiscard]] std::string place(const std::string& path) const {
    return device.empty() ? path : device + ":" + path;
  }
};

// A folder of this system; nullopt: it does not exist yet. Links in its path are followed as in
// base/real_folder.h.
Result<std::optional<Store>> open_store(const std::string& path);

struct OpenStores {
  std::vector<Store> stores;
  // Why others could not be opened. A folder that does not exist yet is not a problem.
  std::vector<std::string> problems;
};

// A store that cannot be opened does not prevent the others. A target by its device is used where it is
// mounted, else mounted for this process alone.
OpenStores open_stores(std::span<const config::TargetEntry> targets, Access access,
                       const HostPaths& paths = {});

// A shell command for a file of a crash's folder: "lifeboat inspect /var/crash/...", or, of a
// device that has to be mounted first: "mount UUID=... /mnt; lifeboat inspect /mnt/crash/...".
std::string command_for(const std::string& command, const Store& store, const std::string& crash,
                        const std::string& file);

// A crash in one of the stores.
struct FoundCrash {
  const Store* store;
  StoredCrash crash;

  [[nodiscard]] std::string folder() const { return store->crash_folder(crash.name); }
  [[nodiscard]] std::string name() const { return store->crash_name(crash.name); }
};
// The newest first, over all stores. Why some could not be read is reported in `problems`.
std::vector<FoundCrash> find_crashes(const std::vector<Store>& stores, std::vector<std::string>& problems);

}  // namespace lifeboat::collect
