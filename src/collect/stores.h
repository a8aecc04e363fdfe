// SPDX-License-Identifier: GPL-2.0-or-later
// The folders of crashes of this machine: one for each configured target, wherever that is.
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
  std::string folder;      // as anybody names it; with a `device`: from the root of its file system on
  std::string device;      // as it is configured; empty: it is mounted. Else it is for this process alone
  std::string filesystem;  // of the device
  UniqueFd fd;

  // Its name in messages: "/var/crash/lifeboat", "UUID=...:/crash".
  [[nodiscard]] std::string name() const { return place(folder); }
  [[nodiscard]] std::string crash_folder(const std::string& crash) const {
    return (folder.ends_with('/') ? folder : folder + "/") + crash;
  }
  [[nodiscard]] std::string crash_name(const std::string& crash) const { return place(crash_folder(crash)); }
  // A path of a crash's folder, which this process has open, for those that it starts. It never leads to a
  // folder of somebody else: where others can change where the plain path leads it is /proc/PID/fd/N, which
  // is this very folder. Good for as long as this process has it open.
  [[nodiscard]] std::string crash_path(const std::string& crash, int crash_fd) const;

 private:
  [[nodiscard]] std::string place(const std::string& path) const {
    return device.empty() ? path : device + ":" + path;
  }
};

// A folder of this system; nullopt: it is not there yet. Links on the way to it as base/real_folder.h follows
// them.
Result<std::optional<Store>> open_store(const std::string& path);

struct OpenStores {
  std::vector<Store> stores;
  // Why others could not be opened. A folder that is not there yet is no problem: it holds nothing.
  std::vector<std::string> problems;
};

// One that cannot be opened costs the others nothing. A target by its device is found where it is mounted,
// else mounted for this process alone.
OpenStores open_stores(std::span<const config::TargetEntry> targets, Access access,
                       const HostPaths& paths = {});

// What to type to do something with a file of a crash's folder: "lifeboat inspect /var/crash/...", or, of a
// device that has to be mounted first: "mount UUID=... /mnt; lifeboat inspect /mnt/crash/...".
std::string command_for(const std::string& command, const Store& store, const std::string& crash,
                        const std::string& file);

// A crash in one of them.
struct FoundCrash {
  const Store* store;
  StoredCrash crash;

  [[nodiscard]] std::string folder() const { return store->crash_folder(crash.name); }
  [[nodiscard]] std::string name() const { return store->crash_name(crash.name); }
};
// The newest first, whatever store they are in. What hides some of them is told in `problems`.
std::vector<FoundCrash> find_crashes(const std::vector<Store>& stores, std::vector<std::string>& problems);

}  // namespace lifeboat::collect
