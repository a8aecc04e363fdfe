// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/store/crash_list.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>

#include "capture/plan/capture_plan.h"
#include "src/base/size.h"
#include "src/dump/dump_mark.h"
#include "src/store/folder_entries.h"
#include "src/store/store.h"

namespace lifeboat {
namespace {

constexpr uint64_t kMaxRecordBytes = 1_MiB;

Result<uint64_t> bytes_below(int folder_fd, int depth) {
  uint64_t bytes = 0;
  TRY_VOID(for_each_entry(folder_fd, [&](const std::string& name) -> Result<> {
    struct stat status{};
    if (::fstatat(folder_fd, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return {};
    bytes += static_cast<uint64_t>(status.st_blocks) * 512;
    if (!S_ISDIR(status.st_mode) || depth >= kDeepestCrashFolder) return {};
    const auto inner = open_at(folder_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (inner) bytes += TRY(bytes_below(inner->get(), depth + 1));
    return {};
  }));
  return bytes;
}

bool has_file(int folder_fd, const char* name) {
  struct stat status{};
  return ::fstatat(folder_fd, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(status.st_mode);
}

// By its header, not its name: a dump that cannot be read, or has no header, is not whole.
bool is_marked(int folder_fd, const char* name) {
  const auto file = open_at(folder_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  const auto mark = file ? read_dump_mark(file->get(), name) : Result<DumpMark>(DumpMark::incomplete);
  return mark.value_or(DumpMark::incomplete) != DumpMark::whole;
}

// A folder of another user may contain anything, and may change while it is read.
Result<> check_owner(int folder_fd, const std::string& name) {
  struct stat status{};
  if (::fstat(folder_fd, &status) != 0) return fail_errno("cannot examine {}", name);
  if (status.st_uid == 0 || status.st_uid == ::geteuid()) return {};
  return fail(ErrorCode::no_permission, "{} belongs to user {}: lifeboat did not save it", name,
              status.st_uid);
}

Result<FolderId> id_of(int folder_fd, const std::string& name) {
  struct stat status{};
  if (::fstat(folder_fd, &status) != 0) return fail_errno("cannot examine {}", name);
  return FolderId{.device = status.st_dev, .inode = status.st_ino};
}

Result<StoredCrash> look_at(int store_fd, const std::string& name, uint64_t time) {
  const UniqueFd folder = TRY(open_crash_folder(store_fd, name));
  return StoredCrash{.name = name,
                     .id = TRY(id_of(folder.get(), name)),
                     .crash_time = time,
                     .outcome = outcome_in(folder.get()),
                     .dump_file = dump_file_in(folder.get()),
                     .bytes = bytes_below(folder.get(), 0).value_or(0),
                     .has_report = has_file(folder.get(), kReportJsonFile),
                     .record = read_crash_record(folder.get())};
}

// It was removed meanwhile, or is a link or a file: not a crash folder.
bool is_no_folder(int error) {
  return error == ENOENT || error == ENOTDIR || error == ELOOP;
}

// "20261123T084228Z" exactly; strptime(3) accepts other forms too.
bool is_stamp(std::string_view text) {
  constexpr std::string_view kForm = "00000000T000000Z";
  return std::ranges::equal(text, kForm,
                            [](char c, char form) { return form == '0' ? c >= '0' && c <= '9' : c == form; });
}

// With the same boot id the longer of two names has the higher number at its end.
bool is_newer(const StoredCrash& a, const StoredCrash& b) {
  if (a.crash_time != b.crash_time) return a.crash_time > b.crash_time;
  return a.name.size() != b.name.size() ? a.name.size() > b.name.size() : a.name > b.name;
}

}  // namespace

Result<UniqueFd> open_crash_folder(int store_fd, const std::string& name, const std::optional<FolderId>& id) {
  UniqueFd folder = TRY(open_at(store_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  TRY_VOID(check_owner(folder.get(), name));
  if (id && TRY(id_of(folder.get(), name)) != *id)
    return fail(ErrorCode::busy, "{} was replaced by another folder", name);
  return folder;
}

std::optional<uint64_t> crash_folder_time(std::string_view name) {
  constexpr size_t kStamp = 16;  // 20261123T084228Z
  if (name.size() < kStamp || !is_stamp(name.substr(0, kStamp))) return std::nullopt;
  tm parts{};
  const std::string stamp(name.substr(0, kStamp));
  const char* end = ::strptime(stamp.c_str(), "%Y%m%dT%H%M%SZ", &parts);
  if (end == nullptr || *end != '\0') return std::nullopt;
  const std::string_view rest = name.substr(kStamp);
  const bool plain = std::ranges::all_of(
      rest, [](char c) { return c == '-' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
  if (!rest.empty() && (!rest.starts_with('-') || rest.size() < 2 || !plain)) return std::nullopt;
  const time_t time = ::timegm(&parts);
  return time < 0 ? std::nullopt : std::optional(static_cast<uint64_t>(time));
}

CrashOutcome outcome_in(int folder_fd) {
  if (has_file(folder_fd, kDumpFile))
    return is_marked(folder_fd, kDumpFile) ? CrashOutcome::incomplete : CrashOutcome::whole;
  if (has_file(folder_fd, kIncompleteDumpFile)) return CrashOutcome::incomplete;
  return has_file(folder_fd, kLogFile) ? CrashOutcome::log_only : CrashOutcome::nothing;
}

const char* dump_file_in(int folder_fd) {
  for (const char* name : {kDumpFile, kIncompleteDumpFile}) {
    if (has_file(folder_fd, name)) return name;
  }
  return "";
}

std::optional<CrashRecord> read_crash_record(int folder_fd) {
  const auto text = read_text_at(folder_fd, kCrashRecordFile, kMaxRecordBytes);
  if (!text) return std::nullopt;
  auto record = parse_crash_record(*text);
  if (!record) return std::nullopt;
  return *std::move(record);
}

Result<> replace_crash_record(int crash_folder_fd, const CrashRecord& record) {
  return replace_small_file(crash_folder_fd, kCrashRecordFile, to_json_text(record));
}

Result<std::vector<StoredCrash>> list_crashes(int store_fd, std::vector<std::string>* problems) {
  std::vector<StoredCrash> crashes;
  TRY_VOID(for_each_entry(store_fd, [&](const std::string& name) -> Result<> {
    const auto time = crash_folder_time(name);
    if (!time) return {};
    if (auto crash = look_at(store_fd, name, *time)) {
      crashes.push_back(*std::move(crash));
    } else if (problems != nullptr && !is_no_folder(crash.error().sys_errno)) {
      problems->push_back(crash.error().to_string());
    }
    return {};
  }));
  std::ranges::sort(crashes, is_newer);
  return crashes;
}

}  // namespace lifeboat
