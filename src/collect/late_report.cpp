// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/collect/late_report.h"

#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "capture/plan/capture_plan.h"
#include "capture/run/supervise.h"
#include "src/base/confine.h"
#include "src/base/file.h"
#include "src/base/folders.h"
#include "src/base/size.h"
#include "src/dump/byte_source.h"
#include "src/dump/dump.h"
#include "src/inspect/report_text.h"
#include "src/store/store.h"

namespace lifeboat::collect {
namespace {

constexpr uint64_t kMaxReportBytes = 16_MiB;

Result<> write_fresh(int folder_fd, const std::string& name, std::string_view text) {
  // Left by an interrupted earlier attempt.
  TRY_VOID(remove_file_at(folder_fd, name + ".incomplete"));
  return write_small_file(folder_fd, name, text);
}

// The child's result, in memory shared with the parent: it remains when the child crashes.
class Handover {
 public:
  static Result<Handover> create(const char* name) {
    Handover made;
    made.fd_ = UniqueFd(::memfd_create(name, MFD_CLOEXEC));
    if (!made.fd_.valid()) return fail_errno("cannot create a buffer for the report");
    return made;
  }
  [[nodiscard]] Result<> write(std::string_view text) const {
    if (text.size() > kMaxReportBytes)
      return fail(ErrorCode::unsupported, "the report would be larger than {}", format_size(kMaxReportBytes));
    return write_all(fd_.get(), as_byte_span(text), "the report buffer");
  }
  // The child may have been compromised by the dump: its size is not trusted.
  [[nodiscard]] Result<std::string> read() const {
    const uint64_t size = TRY(file_size(fd_.get(), "the report buffer"));
    if (size > kMaxReportBytes) return fail(ErrorCode::corrupt, "the report is larger than allowed");
    std::string text(size, '\0');
    TRY_VOID(pread_exact(fd_.get(), 0, std::as_writable_bytes(std::span(text)), "the report buffer"));
    return text;
  }

 private:
  UniqueFd fd_;
};

struct Handovers {
  Handover text, json, problem;
};

// A regular file, opened in its folder without following links.
Result<UniqueFd> open_dump(int folder_fd, const std::string& dump_file) {
  UniqueFd dump = TRY(open_at(folder_fd, dump_file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
  TRY_VOID(file_size(dump.get(), dump_file));
  return dump;
}

// In the child, which may be compromised by a malicious dump: it is confined before it reads.
Result<> make_report(UniqueFd dump, const std::string& called, const Handovers& to) {
  // RLIMIT_AS does not count what is written into the buffers.
  const rlimit file_size{.rlim_cur = kMaxReportBytes, .rlim_max = kMaxReportBytes};
  if (::setrlimit(RLIMIT_FSIZE, &file_size) != 0) return fail_errno("cannot limit the size of the report");
  TRY_VOID(confine_process());
  const auto session =
      inspect::Session::over(TRY(Dump::open(TRY(open_byte_source(std::move(dump), called)))));
  const inspect::Report report = inspect::make_report(session);
  TRY_VOID(to.text.write(inspect::report_text(report, called, inspect::Style(false))));
  // A crashed kernel's strings need not be UTF-8; the document must be.
  const std::string json =
      inspect::report_json(report, called).dump(2, ' ', false, nlohmann::json::error_handler_t::replace);
  return to.json.write(json + "\n");
}

}  // namespace

Result<std::string> write_report(const std::string& called, int folder_fd, const ReportLimits& limits,
                                 const std::string& dump_file) {
  UniqueFd dump = TRY(open_dump(folder_fd, dump_file));
  const Handovers from{.text = TRY(Handover::create("report.txt")),
                       .json = TRY(Handover::create("report.json")),
                       .problem = TRY(Handover::create("problem"))};
  const capture::ChildLimits child{
      .stall = limits.time, .total = limits.time, .address_space = limits.memory, .expendable = true};
  const auto outcome = capture::supervise("report", child, [&](capture::Heartbeat&) -> Result<> {
    if (const auto made = make_report(std::move(dump), called, from); !made)
      return from.problem.write(made.error().to_string());
    return {};
  });
  if (outcome == capture::Outcome::stalled) {
    return fail(ErrorCode::timeout, "not finished within {} s; the dump may be damaged", limits.time.count());
  }
  if (outcome == capture::Outcome::failed) {
    return fail(ErrorCode::corrupt, "reading the dump failed, or needs more than {} of memory",
                format_size(limits.memory));
  }
  if (const std::string problem = TRY(from.problem.read()); !problem.empty())
    return std::unexpected(Error(ErrorCode::corrupt, problem));
  std::string json = TRY(from.json.read());
  if (::faccessat(folder_fd, kReportTextFile, F_OK, AT_SYMLINK_NOFOLLOW) != 0)
    TRY_VOID(write_fresh(folder_fd, kReportTextFile, TRY(from.text.read())));
  // Written last: its presence marks the report as complete.
  TRY_VOID(write_fresh(folder_fd, kReportJsonFile, json));
  return json;
}

}  // namespace lifeboat::collect
