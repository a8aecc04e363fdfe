// SPDX-License-Identifier: GPL-2.0-or-later
// lifeboat verify DUMP
#include <nlohmann/json.hpp>

#include "src/base/text.h"
#include "src/cli/command.h"
#include "src/dump/verify.h"
#include "src/store/missing_dump.h"

namespace lifeboat::cli {

Result<int> run_verify(const Arguments& arguments) {
  CommandLine line(
      "verify", "DUMP",
      "Check a dump: its structure, every page descriptor, and that every page can be decompressed.\n"
      "Exit code 0: whole; 3: not whole; 1: cannot be read as a dump.");
  line.positional("DUMP");
  if (!TRY(line.parse(arguments))) return kDone;
  const std::string path = TRY(line.require("DUMP"));

  TerminalProgress progress;
  auto verified = verify_dump(path, progress);
  progress.finish();
  if (!verified) {
    if (auto missing = why_no_dump(path)) return std::unexpected(*std::move(missing));
  }
  const VerifyReport report = TRY(std::move(verified));
  if (line.json()) {
    print_json({{"dump", path},
                {"whole", report.whole},
                {"format", format_name(report.format)},
                {"incomplete_mark", report.incomplete},
                {"consistent", report.consistent},
                {"pages_checked", report.pages_checked},
                {"pages_lost", report.pages_lost},
                {"pages_damaged", report.pages_damaged},
                {"findings", report.findings},
                {"more_findings", report.more_findings}});
  } else {
    for (const auto& finding : report.findings) fmt::print("{}\n", one_line(finding));
    if (report.more_findings > 0) fmt::print("... and {} more\n", report.more_findings);
    fmt::print("{}: {}; {} pages checked, {} lost, {} damaged\n", one_line(path),
               report.whole ? "whole" : "NOT whole", report.pages_checked, report.pages_lost,
               report.pages_damaged);
  }
  return report.whole ? kDone : kNo;
}

}  // namespace lifeboat::cli
