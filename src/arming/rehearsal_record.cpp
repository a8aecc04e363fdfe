// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/arming/rehearsal_record.h"

#include <unistd.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "src/base/file.h"
#include "src/base/folders.h"

namespace lifeboat::arming {
namespace {

using Json = nlohmann::ordered_json;

Result<> save(const Json& json, const std::string& path) {
  TRY_VOID(make_folder_of(path));
  const std::string text = json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
  return write_file_atomically(path, as_byte_span(text), 0600);
}

std::optional<Json> load(const std::string& path) {
  const auto text = read_text(path);
  if (!text) return std::nullopt;
  Json json = Json::parse(*text, nullptr, false);
  return json.is_object() ? std::optional(std::move(json)) : std::nullopt;
}

}  // namespace

Result<> save_rehearsal(const RehearsalRecord& record, const std::string& path) {
  return save({{"time", record.time},
               {"real", record.real},
               {"release", record.release},
               {"whole", record.whole},
               {"log_only", record.log_only},
               {"problem", record.problem},
               {"initramfs_digest", record.initramfs_digest},
               {"memory_reserved_kib", record.memory_reserved_kib},
               {"memory_total_kib", record.memory_total_kib},
               {"memory_lowest_kib", record.memory_lowest_kib},
               {"cpus", record.cpus}},
              path);
}

std::optional<RehearsalRecord> read_rehearsal(const std::string& path) {
  const auto json = load(path);
  if (!json) return std::nullopt;
  // value() throws on a field of another type.
  try {
    return RehearsalRecord{.time = json->value("time", uint64_t{0}),
                           .real = json->value("real", false),
                           .release = json->value("release", ""),
                           .whole = json->value("whole", false),
                           .log_only = json->value("log_only", false),
                           .problem = json->value("problem", ""),
                           .initramfs_digest = json->value("initramfs_digest", ""),
                           .memory_reserved_kib = json->value("memory_reserved_kib", uint64_t{0}),
                           .memory_total_kib = json->value("memory_total_kib", uint64_t{0}),
                           .memory_lowest_kib = json->value("memory_lowest_kib", uint64_t{0}),
                           .cpus = json->value("cpus", 0U)};
  } catch (const Json::exception&) {
    return std::nullopt;
  }
}

PendingRehearsal pending_rehearsal_of(uint64_t now, const std::string& boot_id,
                                      const std::string& running_release,
                                      const std::optional<LoadedState>& loaded) {
  PendingRehearsal pending{
      .time = now, .boot_id = boot_id, .release = running_release, .initramfs_digest = {}};
  if (!loaded) return pending;
  if (!loaded->release.empty()) pending.release = loaded->release;
  if (!loaded->initramfs.empty()) pending.initramfs_digest = loaded->initramfs.front().digest;
  return pending;
}

Result<> save_pending_rehearsal(const PendingRehearsal& pending, const std::string& path) {
  return save({{"time", pending.time},
               {"boot_id", pending.boot_id},
               {"release", pending.release},
               {"initramfs_digest", pending.initramfs_digest}},
              path);
}

std::optional<PendingRehearsal> read_pending_rehearsal(const std::string& path) {
  const auto json = load(path);
  if (!json) return std::nullopt;
  try {
    return PendingRehearsal{.time = json->value("time", uint64_t{0}),
                            .boot_id = json->value("boot_id", ""),
                            .release = json->value("release", ""),
                            .initramfs_digest = json->value("initramfs_digest", "")};
  } catch (const Json::exception&) {
    return std::nullopt;
  }
}

Result<> forget_pending_rehearsal(const std::string& path) {
  return remove_file(path);
}

}  // namespace lifeboat::arming
