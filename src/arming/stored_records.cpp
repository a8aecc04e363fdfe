// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/arming/stored_records.h"

#include <utility>

#include "capture/initramfs/mounted_target.h"
#include "src/base/file.h"
#include "src/store/crash_list.h"

namespace lifeboat::arming {

std::vector<StoredRecord> stored_records(const config::Config& config) {
  std::vector<StoredRecord> records;
  for (const auto& target : config.targets) {
    const auto folder = mounted_folder(target.device, target.path);
    if (!folder || !*folder) continue;
    const auto store = open_file(**folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    auto crashes = store ? list_crashes(store->get()) : std::unexpected(store.error());
    if (!crashes) continue;
    for (auto& crash : *crashes) {
      if (!crash.record) continue;
      records.push_back({.record = *std::move(crash.record),
                         .outcome = crash.outcome,
                         .path = fmt::format("{}/{}/{}", **folder, crash.name, kCrashRecordFile)});
    }
  }
  return records;
}

}  // namespace lifeboat::arming
