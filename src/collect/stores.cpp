// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/collect/stores.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <optional>

#include "capture/initramfs/mounted_target.h"
#include "capture/plan/file_system_root.h"
#include "src/base/real_folder.h"
#include "src/base/size.h"
#include "src/base/text.h"
#include "src/store/store.h"

namespace lifeboat::collect {
namespace {

// nullopt: it does not exist yet.
Result<std::optional<UniqueFd>> if_there(Result<UniqueFd> folder) {
  if (folder) return *std::move(folder);
  if (folder.error().code == ErrorCode::not_found) return std::nullopt;
  return std::unexpected(std::move(folder).error());
}

Result<std::optional<Store>> open_on_device(const config::TargetEntry& target, Access access,
                                            const HostPaths& paths) {
  const BlockDevice device = TRY(find_device(target.device));
  if (const auto here = mounted_folder(TRY(read_text(paths.mountinfo, 16_MiB)), device, target.path, paths))
    return open_store(*here);
  std::string type = target.filesystem;
  auto root = [&]() -> Result<UniqueFd> {
    if (type.empty()) type = TRY(probe_device(device.path)).type;
    return mount_detached(device, type, access);
  }();
  if (!root && root.error().code == ErrorCode::no_permission)
    root.error().hint("it is not mounted: run this as root");
  const UniqueFd root_fd = TRY(std::move(root));
  auto fd = TRY(if_there(find_folder_below(root_fd.get(), target.path)));
  if (!fd) return std::nullopt;
  return Store{.folder = target.path.starts_with('/') ? target.path : "/" + target.path,
               .device = target.device,
               .filesystem = type,
               .fd = *std::move(fd)};
}

Result<std::optional<Store>> open_target(const config::TargetEntry& target, Access access,
                                         const HostPaths& paths) {
  if (target.device.empty()) return open_store(target.path);
  return TRY_CONTEXT(open_on_device(target, access, paths), "{}", target.device);
}

// Two targets may refer to one folder.
bool is_among(const std::vector<Store>& stores, const Store& one) {
  struct stat mine{};
  if (::fstat(one.fd.get(), &mine) != 0) return false;
  return std::ranges::any_of(stores, [&](const Store& store) {
    struct stat other{};
    return ::fstat(store.fd.get(), &other) == 0 && other.st_dev == mine.st_dev && other.st_ino == mine.st_ino;
  });
}

}  // namespace

std::string Store::crash_path(const std::string& crash, int crash_fd) const {
  // That file system is mounted for this process alone.
  if (!device.empty()) return fmt::format("/proc/{}/fd/{}/{}", ::getpid(), fd.get(), crash);
  std::string plain = crash_folder(crash);
  return is_fixed_path(plain) ? plain : fmt::format("/proc/{}/fd/{}", ::getpid(), crash_fd);
}

std::string command_for(const std::string& command, const Store& store, const std::string& crash,
                        const std::string& file) {
  const std::string path = store.crash_folder(crash) + (file.empty() ? "" : "/" + file);
  if (store.device.empty()) return fmt::format("{} {}", command, shell_word(path));
  const auto option = option_for_root(store.filesystem);
  const std::string root =
      option ? "-o " + shell_word(fmt::format("{}={}", option->name, option->value)) : "";
  return fmt::format("mount {}{}{} /mnt; {} {}", root, root.empty() ? "" : " ", shell_word(store.device),
                     command, shell_word("/mnt" + path));
}

Result<std::optional<Store>> open_store(const std::string& path) {
  const auto open = [&]() -> Result<std::optional<Store>> {
    const RealFolder found = TRY(real_folder(path));
    if (!found.missing.empty()) return std::nullopt;
    return Store{.folder = path,
                 .device = {},
                 .filesystem = {},
                 .fd = TRY_CONTEXT(open_at(found.folder.get(), ".", O_RDONLY | O_DIRECTORY), "{}", path)};
  };
  auto store = open();
  if (!store && store.error().code == ErrorCode::no_permission)
    store.error().hint("only root can read crashes: run this as root");
  return store;
}

OpenStores open_stores(std::span<const config::TargetEntry> targets, Access access, const HostPaths& paths) {
  OpenStores opened;
  for (const auto& target : targets) {
    auto store = open_target(target, access, paths);
    if (!store) {
      opened.problems.push_back(store.error().to_string());
    } else if (*store && !is_among(opened.stores, **store)) {
      opened.stores.push_back(**std::move(store));
    }
  }
  return opened;
}

std::vector<FoundCrash> find_crashes(const std::vector<Store>& stores, std::vector<std::string>& problems) {
  std::vector<FoundCrash> found;
  for (const auto& store : stores) {
    std::vector<std::string> unreadable;
    auto crashes = list_crashes(store.fd.get(), &unreadable);
    if (!crashes) unreadable.push_back(crashes.error().to_string());
    for (const auto& problem : unreadable) problems.push_back(fmt::format("{}: {}", store.name(), problem));
    if (!crashes) continue;
    for (auto& crash : *crashes) found.push_back({.store = &store, .crash = std::move(crash)});
  }
  std::ranges::stable_sort(found, std::greater{}, [](const FoundCrash& one) { return one.crash.crash_time; });
  return found;
}

}  // namespace lifeboat::collect
