// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/collect/pstore.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <vector>

#include "src/base/file.h"
#include "src/base/folders.h"
#include "src/base/size.h"
#include "src/base/sys.h"
#include "src/inspect/view_text.h"
#include "src/store/store.h"

namespace lifeboat::collect {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMaxRecordBytes = 64_MiB;
constexpr size_t kMaxRecords = 10'000;

// "175000/001/dmesg.txt" becomes "175000-001-dmesg.txt".
std::string flat_name(const fs::path& relative) {
  std::string name = relative.string();
  std::ranges::replace(name, '/', '-');
  return name;
}

// Writes a record under its name, or with "-2", "-3"... appended when another record has that name. A record
// that exists already is not written again.
Result<> keep(int folder_fd, const std::string& name, std::string_view text) {
  constexpr int kMaxOfOneName = 100;
  for (int attempt = 1; attempt <= kMaxOfOneName; ++attempt) {
    const std::string free_name = attempt == 1 ? name : fmt::format("{}-{}", name, attempt);
    if (::faccessat(folder_fd, free_name.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) != 0) {
      // Left by an interrupted attempt.
      TRY_VOID(remove_file_at(folder_fd, free_name + ".incomplete"));
      return write_small_file(folder_fd, free_name, text);
    }
    const auto there = read_text_at(folder_fd, free_name, kMaxRecordBytes);
    if (there && *there == text) return {};
  }
  return fail(ErrorCode::usage, "there are {} records named {} already", kMaxOfOneName, name);
}

// Removes the folders that systemd-pstore made for them, if they are empty.
void remove_empty_folders(const fs::path& source) {
  std::error_code ignored;
  std::vector<fs::path> folders;
  for (const auto& entry : fs::recursive_directory_iterator(source, ignored)) {
    if (entry.is_directory(ignored) && !entry.is_symlink(ignored)) folders.push_back(entry.path());
  }
  std::ranges::sort(folders, std::greater{});
  for (const auto& path : folders) {
    [[maybe_unused]] const int not_empty = sys::unlinkat(AT_FDCWD, path.c_str(), AT_REMOVEDIR);
  }
}

Result<> move_record(const fs::path& record, const fs::path& source, int folder_fd) {
  const auto bytes = TRY(read_file(record, kMaxRecordBytes));
  TRY_VOID(keep(folder_fd, flat_name(record.lexically_relative(source)), as_text(bytes)));
  if (sys::unlinkat(AT_FDCWD, record.c_str()) != 0) return fail_errno("cannot remove {}", record.string());
  return {};
}

}  // namespace

std::vector<PstoreRecord> pstore_records(std::span<const std::string> sources,
                                         std::vector<std::string>& problems) {
  std::vector<PstoreRecord> records;
  for (const auto& source : sources) {
    std::error_code error;
    for (auto entry = fs::recursive_directory_iterator(source, error); !error && entry != fs::end(entry);
         entry.increment(error)) {
      struct stat status{};
      if (records.size() < kMaxRecords && ::lstat(entry->path().c_str(), &status) == 0 &&
          S_ISREG(status.st_mode))
        records.push_back({entry->path(), static_cast<uint64_t>(std::max<time_t>(status.st_mtim.tv_sec, 0))});
    }
    if (error && error.value() != ENOENT)
      problems.push_back(errno_error(error.value(), fmt::format("cannot read {}", source)).to_string());
  }
  std::ranges::sort(records, [](const PstoreRecord& one, const PstoreRecord& other) {
    return one.time != other.time ? one.time > other.time : one.path < other.path;
  });
  return records;
}

std::string describe(std::span<const PstoreRecord> records) {
  return fmt::format("{} in pstore without a saved crash, the newest of {}",
                     inspect::plural(records.size(), "record"), inspect::format_utc(records.front().time));
}

bool has_own_time(const PstoreRecord& record) {
  const std::string name = fs::path(record.path).filename();
  return !name.starts_with("console-") && !name.starts_with("ftrace-") && !name.starts_with("pmsg-");
}

MovedRecords move_pstore(const std::string& source, int crash_folder_fd, uint64_t not_before) {
  return move_pstore(source, crash_folder_fd,
                     [&](const PstoreRecord& record) { return record.time >= not_before; });
}

MovedRecords move_pstore(const std::string& source, int crash_folder_fd,
                         const std::function<bool(const PstoreRecord&)>& belongs) {
  MovedRecords moved;
  auto records = pstore_records({&source, 1}, moved.problems);
  std::erase_if(records, std::not_fn(belongs));
  if (records.empty()) return moved;
  const auto folder = open_folder_below(crash_folder_fd, "pstore");
  if (!folder) {
    moved.problems.push_back(folder.error().to_string());
    return moved;
  }
  for (const auto& record : records) {
    if (const auto done = move_record(record.path, source, folder->get())) {
      ++moved.count;
    } else {
      moved.problems.push_back(done.error().to_string());
      // The others would not fit either.
      if (done.error().code == ErrorCode::no_space) break;
    }
  }
  if (moved.count > 0) remove_empty_folders(source);
  return moved;
}

}  // namespace lifeboat::collect
