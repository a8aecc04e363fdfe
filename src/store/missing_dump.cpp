// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/store/missing_dump.h"

#include <filesystem>

#include "capture/plan/capture_plan.h"
#include "src/base/file.h"
#include "src/base/text.h"
#include "src/store/crash_list.h"

namespace lifeboat {
namespace {

namespace fs = std::filesystem;

// Empty: `path` exists and is no folder.
std::string folder_of(const std::string& path) {
  std::error_code error;
  if (fs::is_directory(path, error)) return path;
  if (fs::exists(path, error)) return {};
  const fs::path parent = fs::path(path).parent_path();
  return parent.empty() ? "." : parent.string();
}

}  // namespace

std::optional<Error> why_no_dump(const std::string& path) {
  const std::string folder = folder_of(path);
  if (folder.empty()) return std::nullopt;
  const auto fd = open_file(folder, O_RDONLY | O_DIRECTORY);
  const auto record = fd ? read_crash_record(fd->get()) : std::nullopt;
  if (!record) return std::nullopt;
  const CrashOutcome there = outcome_in(fd->get());
  if (there != CrashOutcome::log_only && there != CrashOutcome::nothing) return std::nullopt;
  const std::string log = shell_word(folder + "/" + kLogFile);
  return Error(ErrorCode::not_found,
               fmt::format("the crash in {} has no dump: {}", folder, describe_dump(there, *record)))
      .hint(there == CrashOutcome::log_only ? "read its log: less " + log
                                            : "see why: cat " + shell_word(folder + "/" + kCaptureLogFile));
}

}  // namespace lifeboat
