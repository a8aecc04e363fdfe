// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/arming/noted_load.h"

#include <ctime>

#include "capture/initramfs/overlay.h"
#include "loader/load_lock.h"
#include "src/arming/loaded_state.h"
#include "src/base/file.h"
#include "src/base/log.h"
#include "src/base/size.h"

namespace lifeboat::arming {
namespace {

// Of the first file with a plan; others may be anything, also large.
std::string dump_level_of(const std::vector<std::string>& initramfs) {
  constexpr uint64_t kMaxBytes = 16_MiB;
  for (const auto& path : initramfs) {
    const auto bytes = read_file(path, kMaxBytes);
    const auto plan = bytes ? initramfs_plan(*bytes) : std::unexpected(bytes.error());
    if (plan) return format_levels(plan->dump.level);
  }
  return {};
}

Result<LoadedState> state_of(const LoadRequest& request, const KernelFile& kernel, const LoadReport& report) {
  LoadedState state{.release = report.release,
                    .command_line = report.command_line,
                    .call = std::string(load_call_name(report.call)),
                    .time = static_cast<uint64_t>(std::time(nullptr))};
  // The bytes of an unwrapped kernel differ from the file on the disk.
  state.kernel =
      kernel.wrappers.empty() ? digest_bytes(kernel.name, kernel.bytes) : TRY(digest_file(kernel.name));
  for (const auto& path : request.initramfs) state.initramfs.push_back(TRY(digest_file(path)));
  state.dump_level = dump_level_of(request.initramfs);
  return state;
}

// The record while the loaded capture kernel changes. Only under the lock: whoever waits for the lock, and is
// killed meanwhile, has changed nothing.
class Record {
 public:
  // Removes it from the disk until save() or restore().
  static Result<Record> withdraw(const SystemPaths& paths, const LoadLock& /*held*/) {
    Record record(paths);
    record.before_ = read_loaded_state(record.path_);
    auto forgotten = forget_loaded_state(record.path_);
    if (forgotten) return record;
    // Without the permission to remove it the call fails too, with a better message.
    const bool may_load = read_system_state(paths).privileged != false;
    if (forgotten.error().code != ErrorCode::no_permission || may_load)
      return std::unexpected(std::move(forgotten).error().context("the record of what is loaded"));
    return record;
  }

  void save(const Result<LoadedState>& state) const {
    const auto saved = state ? save_loaded_state(*state, path_) : std::unexpected(state.error());
    if (!saved) log::warning("cannot record what is loaded: {}", saved.error().to_string());
  }
  // After a failed call, which may or may not have unloaded the earlier kernel.
  void restore(const SystemPaths& paths) const {
    if (before_ && read_system_state(paths).crash_loaded == true) save(*before_);
  }

 private:
  explicit Record(const SystemPaths& paths) : path_(loaded_state_file(paths.run)) {}
  std::string path_;
  std::optional<LoadedState> before_;
};

}  // namespace

Result<LoadReport> load_and_note(const LoadRequest& request, const KernelFile& kernel,
                                 const SystemPaths& paths) {
  if (!request.crash) return load_kernel(request, kernel, paths);
  const LoadLock lock = TRY(lock_loads(paths, request.busy_deadline));
  const Record record = TRY(Record::withdraw(paths, lock));
  auto report = load_kernel(request, kernel, paths, lock);
  if (report) {
    record.save(state_of(request, kernel, *report));
  } else {
    record.restore(paths);
  }
  return report;
}

Result<> unload_and_forget(bool crash, const SystemPaths& paths) {
  if (!crash) return unload_kernel(crash, paths);
  const LoadLock lock = TRY(lock_loads(paths, LoadRequest{}.busy_deadline));
  const Record record = TRY(Record::withdraw(paths, lock));
  auto unloaded = unload_kernel(crash, paths, lock);
  if (!unloaded) record.restore(paths);
  return unloaded;
}

}  // namespace lifeboat::arming
