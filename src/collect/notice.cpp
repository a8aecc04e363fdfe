// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/collect/notice.h"

#include <filesystem>

#include "capture/plan/capture_plan.h"
#include "src/base/folders.h"
#include "src/base/sys.h"
#include "src/inspect/view_text.h"

namespace lifeboat::collect {

bool is_new(const StoredCrash& crash, const std::string& boot_id) {
  return !crash.record || !crash.record->collected ||
         (!boot_id.empty() && crash.record->collected_boot_id == boot_id);
}

std::string notice_text(std::span<const FoundCrash> crashes, const std::string& boot_id,
                        std::span<const PstoreRecord> records) {
  std::string text;
  for (const auto& [store, crash] : crashes) {
    if (!is_new(crash, boot_id)) continue;
    const CrashRecord record = crash.record.value_or(CrashRecord{});
    text += fmt::format("This machine crashed on {}{}{}.\n", inspect::format_utc(crash.crash_time),
                        record.panic.empty() ? "" : ": ", one_line(record.panic));
    if (crash.outcome == CrashOutcome::whole) {
      text += fmt::format("  {}\n", command_for("lifeboat inspect", *store, crash.name, kDumpFile));
    } else if (crash.dump() == DumpOutcome::log_only) {
      text +=
          fmt::format("  Its dump: {}. See: {}\n", describe_dump(crash.outcome, record),
                      command_for("less", *store, crash.name, crash.has_report ? kReportTextFile : kLogFile));
    } else {
      // An incomplete dump can be read if writing it finished.
      const bool readable = ends_capture(crash.dump());
      text += fmt::format("  Its dump: {}. See: {}\n", describe_dump(crash.outcome, record),
                          readable ? command_for("lifeboat inspect", *store, crash.name, crash.dump_file)
                                   : command_for("ls", *store, crash.name, ""));
    }
  }
  if (!records.empty()) {
    text += fmt::format("This machine has {}.\n  less {}\n", describe(records),
                        one_line(shell_word(records.front().path)));
  }
  return text;
}

Result<> leave_notice(const std::string& path, const std::string& text) {
  if (text.empty()) return remove_file(path);
  std::error_code ignored;
  const auto folder = std::filesystem::path(path).parent_path();
  if (!std::filesystem::is_directory(folder, ignored)) {
    TRY_VOID(make_folders(folder));
    // Every user who logs in must be able to read it, whatever the umask of the service is.
    const UniqueFd made = TRY(open_file(folder, O_RDONLY | O_DIRECTORY));
    if (sys::fchmod(made.get(), 0755) != 0) return fail_errno("cannot set the mode of {}", folder.string());
  }
  return write_file_atomically(path, as_byte_span(text), 0644);
}

}  // namespace lifeboat::collect
