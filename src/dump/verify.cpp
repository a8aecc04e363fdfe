// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/dump/verify.h"

namespace lifeboat {

void VerifyReport::failed(const Error& error) {
  const auto describe = [&error] { return error.to_string(); };
  if (error.code == ErrorCode::lost) {
    lost(1, describe);
  } else {
    damaged(1, describe);
  }
}

void VerifyReport::inconsistent(std::string finding) {
  consistent = false;
  find([&finding] { return std::move(finding); });
}

Result<VerifyReport> verify_dump(const std::string& path, Progress& progress) {
  const auto dump = TRY(Dump::open(path));
  if (dump->info().live()) {
    return std::unexpected(
        Error(ErrorCode::unsupported, fmt::format("{} is the memory of the running kernel, not a dump", path))
            .hint(fmt::format("read it with 'lifeboat inspect {}'", path)));
  }
  return verify_dump(*dump, path, progress);
}

VerifyReport verify_dump(Dump& dump, const std::string& name, Progress& progress) {
  VerifyReport report;
  const DumpInfo& info = dump.info();
  report.format = info.format;
  report.incomplete = info.incomplete;
  progress.phase("verify");
  if (info.incomplete)
    report.find([&name] { return fmt::format("{} is marked incomplete or is truncated", name); });
  for (const auto& finding : info.damage) report.inconsistent(finding);
  dump.verify(report, progress);
  // A part of a split dump may have no page of its own. Any other dump without pages is not whole.
  if (report.pages_checked == 0 && !info.split && report.consistent)
    report.inconsistent(fmt::format("{} holds no page", name));
  report.whole = !info.incomplete && report.consistent && report.pages_lost == 0 && report.pages_damaged == 0;
  return report;
}

}  // namespace lifeboat
