// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/arming/companion_files.h"

#include <sys/types.h>

#include <filesystem>
#include <set>

#include "capture/initramfs/cpio.h"
#include "loader/entries/uki_companions.h"
#include "src/base/file.h"
#include "src/base/size.h"

namespace lifeboat::arming {
namespace {

// The largest that are known are system extensions with some 100 MiB.
constexpr uint64_t kLargestCompanion = 1_GiB;
constexpr uint64_t kLargestInitramfs = 1_GiB;
constexpr std::string_view kFolder = ".extra";

// Where systemd looks for them in the initramfs (systemd-stub(7), "Companion Files").
std::string folder_of(const UkiCompanion& companion) {
  const std::string_view name = [&]() -> std::string_view {
    switch (companion.kind) {
      case CompanionKind::credential:
        return "credentials";
      case CompanionKind::confext:
        return "confext";
      case CompanionKind::sysext:
      case CompanionKind::addon:
        break;
    }
    return "sysext";
  }();
  return fmt::format("{}/{}{}", kFolder, companion.global ? "global_" : "", name);
}

// As systemd-stub sets them: credentials are secrets.
mode_t mode_of(const UkiCompanion& companion) {
  return companion.kind == CompanionKind::credential ? 0400 : 0444;
}

class Collector {
 public:
  explicit Collector(EntryFiles& files) : files_(files) {}

  void add(const UkiCompanion& companion) {
    auto bytes = read_file(companion.path, kLargestCompanion);
    if (!bytes) {
      files_.notes.push_back(fmt::format("the file {} of the boot entry is not used: {}", companion.path,
                                         bytes.error().reason()));
      return;
    }
    if (companion.kind == CompanionKind::addon) {
      files_.uki.addons.push_back({companion.path, *std::move(bytes)});
      return;
    }
    if (const auto added = add_to_archive(companion, *bytes); !added) {
      files_.notes.push_back(fmt::format("the file {} of the boot entry is not used: {}", companion.path,
                                         added.error().reason()));
    } else {
      files_.notes.push_back(fmt::format("the file {} is passed on", companion.path));
    }
  }

  void finish() {
    if (!folders_.empty()) files_.archive = archive_.finish();
  }

 private:
  Result<> add_to_archive(const UkiCompanion& companion, ByteSpan bytes) {
    const std::string folder = folder_of(companion);
    for (const auto& each : {std::string(kFolder), folder})
      if (folders_.insert(each).second) TRY_VOID(archive_.folder(each));
    const std::string name = std::filesystem::path(companion.path).filename().string();
    return archive_.file(folder + "/" + name, mode_of(companion), bytes);
  }

  EntryFiles& files_;
  CpioWriter archive_;
  std::set<std::string> folders_;
};

}  // namespace

Result<EntryFiles> read_entry_files(const BootEntry& entry, AddonSignature signature) {
  EntryFiles files;
  files.uki.profile = entry.profile;
  files.uki.signature = signature;
  Collector collector(files);
  if (entry.unified) {
    for (const auto& path : entry.initramfs)
      files.uki.initramfs.push_back({path, TRY(read_file(path, kLargestInitramfs))});
    for (const auto& companion : find_uki_companions(entry.kernel, entry.root)) collector.add(companion);
  }
  for (const auto& path : entry.extras) {
    const auto kind = companion_kind(path);
    if (!kind) continue;  // left out, and reported, when the entry was read
    if (*kind == CompanionKind::addon && !entry.unified) {
      files.notes.push_back(
          fmt::format("the addon {} is not applied: its kernel is not a unified kernel image", path));
    } else {
      collector.add({.kind = *kind, .global = false, .path = path});
    }
  }
  collector.finish();
  return files;
}

}  // namespace lifeboat::arming
