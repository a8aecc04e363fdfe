// SPDX-License-Identifier: GPL-2.0-or-later
#include "collect/pstore.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <vector>

#include "base/file.h"
#include "base/size.h"
#include "capture/store.h"

namespace lifeboat::collect {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMostRecordBytes = 64_MiB;
constexpr size_t kMostRecords = 10'000;

// "175000/001/dmesg.txt" becomes "175000-001-dmesg.txt".
std::string flat_name(const fs::path& relative) {
  std::string name = relative.string();
  std::ranges::replace(name, '/', '-');
  return name;
}

std::vector<fs::path> records_below(const fs::path& source) {
  std::vector<fs::path> records;
  std::error_code error;
  for (auto entry = fs::recursive_directory_iterator(source, error); !error && entry != fs::end(entry);
       entry.increment(error)) {
    if (entry->is_regular_file(error) && !entry->is_symlink(error) && records.size() < kMostRecords)
      records.push_back(entry->path());
  }
  std::ranges::sort(records);
  return records;
}

}  // namespace

Result<size_t> move_pstore(const std::string& source, int crash_folder_fd) {
  size_t moved = 0;
  UniqueFd folder;
  for (const auto& record : records_below(source)) {
    const auto bytes = TRY(read_file(record, kMostRecordBytes));
    if (!folder.valid()) folder = TRY(open_folder_below(crash_folder_fd, "pstore"));
    TRY_VOID(write_small_file(folder.get(), flat_name(record.lexically_relative(source)), as_text(bytes)));
    if (::unlink(record.c_str()) != 0) return fail_errno("cannot remove {}", record.string());
    ++moved;
  }
  // The folders that systemd-pstore made for them.
  std::error_code ignored;
  std::vector<fs::path> folders;
  for (const auto& entry : fs::recursive_directory_iterator(source, ignored)) {
    if (entry.is_directory(ignored) && !entry.is_symlink(ignored)) folders.push_back(entry.path());
  }
  std::ranges::sort(folders, std::greater{});
  if (moved > 0) {
    for (const auto& path : folders) ::rmdir(path.c_str());
  }
  return moved;
}

}  // namespace lifeboat::collect
