// SPDX-License-Identifier: GPL-2.0-or-later
#include "collect/report.h"

#include <sys/mman.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "base/file.h"
#include "base/size.h"
#include "capture/init/supervise.h"
#include "capture/manifest.h"
#include "capture/store.h"
#include "inspect/report_text.h"

namespace lifeboat::collect {
namespace {

constexpr uint64_t kMostReportBytes = 16_MiB;
constexpr uint64_t kMostProblemBytes = 64_KiB;

Result<> write_fresh(int folder_fd, const std::string& name, std::string_view text) {
  if (text.size() > kMostReportBytes)
    return fail(ErrorCode::unsupported, "{} would be larger than {}", name, format_size(kMostReportBytes));
  // What an earlier attempt left that was interrupted.
  ::unlinkat(folder_fd, (name + ".incomplete").c_str(), 0);
  return write_small_file(folder_fd, name, text);
}

// In the child. The dump's file is opened in its folder, so that no link leads elsewhere.
Result<> read_and_write(const std::string& called, int folder_fd, const std::string& dump_file) {
  const UniqueFd dump = TRY(open_at(folder_fd, dump_file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
  const auto session = TRY(inspect::Session::open(fmt::format("/proc/self/fd/{}", dump.get())));
  const inspect::Report report = inspect::make_report(session);
  const std::string text = inspect::report_text(report, called, inspect::Style(false));
  if (::faccessat(folder_fd, kReportTextFile, F_OK, AT_SYMLINK_NOFOLLOW) != 0)
    TRY_VOID(write_fresh(folder_fd, kReportTextFile, text));
  // A dead kernel's strings need not be UTF-8; the document must be. The last of the two: it says that there
  // is a report.
  const std::string json =
      inspect::report_json(report, called).dump(2, ' ', false, nlohmann::json::error_handler_t::replace);
  return write_fresh(folder_fd, kReportJsonFile, json + "\n");
}

std::string text_in(int fd) {
  std::string text(kMostProblemBytes, '\0');
  const auto size = pread_some(fd, 0, std::as_writable_bytes(std::span(text)), "what the child said");
  text.resize(size.value_or(0));
  return text;
}

}  // namespace

Result<std::string> write_report(const std::string& called, int folder_fd, const ReportLimits& limits,
                                 const std::string& dump_file) {
  // What went wrong, from the child: memory that both share, since there may be nobody left to tell.
  const UniqueFd said(::memfd_create("report", MFD_CLOEXEC));
  if (!said.valid()) return fail_errno("cannot make room for what a child says");
  const init::ChildLimits child{
      .stall = limits.time, .total = limits.time, .address_space = limits.memory, .expendable = true};
  const auto outcome = init::supervise("report", child, [&](init::Heartbeat&) -> Result<> {
    if (const auto written = read_and_write(called, folder_fd, dump_file); !written)
      return write_all(said.get(), as_byte_span(written.error().to_string()), "the reason");
    return {};
  });
  if (outcome == init::Outcome::stalled) {
    return fail(ErrorCode::timeout, "it was not done within {} s, which no dump needs: is it damaged?",
                limits.time.count());
  }
  if (outcome == init::Outcome::failed) {
    return fail(ErrorCode::corrupt, "reading the dump ended badly, or would take more than {} of memory",
                format_size(limits.memory));
  }
  if (const std::string problem = text_in(said.get()); !problem.empty())
    return std::unexpected(Error(ErrorCode::corrupt, problem));
  return read_text_at(folder_fd, kReportJsonFile, kMostReportBytes);
}

}  // namespace lifeboat::collect
