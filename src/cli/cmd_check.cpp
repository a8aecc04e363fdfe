// SPDX-License-Identifier: GPL-2.0-or-later
// lifeboat check
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "src/base/text.h"
#include "src/check/check_facts.h"
#include "src/check/point.h"
#include "src/cli/command.h"
#include "src/cli/configuration.h"

namespace lifeboat::cli {
namespace {

using Json = nlohmann::ordered_json;
using check::Point;
using check::PointResult;

void print_points(const std::vector<Point>& points) {
  for (const auto& point : points) {
    const char* mark = point.result == PointResult::ok        ? "ok"
                       : point.result == PointResult::warning ? "warning"
                                                              : "FAILURE";
    // A detail may quote text from a guest's console or from a crash record.
    fmt::print("{:<8} {}{}{}\n", mark, point.name, point.detail.empty() ? "" : ": ",
               plain_lines(point.detail));
    if (point.result != PointResult::ok && !point.next.empty())
      fmt::print("{:<8}   fix: {}\n", "", plain_lines(point.next));
  }
  fmt::print("{}\n",
             check::would_capture(points) ? "a crash would be captured" : "a crash would NOT be captured");
}

}  // namespace

Result<int> run_check(const Arguments& arguments) {
  CommandLine line(
      "check", "[--json]",
      "Check point by point whether a crash of this machine would be captured, and show the command that\n"
      "fixes a failure. Exit code 0: it would be captured, perhaps with warnings; 3: it would not.");
  add_config_option(line);
  if (!TRY(line.parse(arguments))) return kDone;
  if (::geteuid() != 0) {
    return std::unexpected(
        Error(ErrorCode::no_permission, "check: cannot read all that is needed without root")
            .hint("run as root; 'lifeboat status' needs no privilege"));
  }
  const auto points = check::all_points(check::gather_facts(check::request_for(read_config(line))));
  if (line.json()) {
    Json list = Json::array();
    for (const auto& point : points)
      list.push_back({{"name", point.name},
                      {"result", check::result_name(point.result)},
                      {"detail", point.detail},
                      {"next", point.next}});
    print_json(list);
  } else {
    print_points(points);
  }
  return check::would_capture(points) ? kDone : kNo;
}

}  // namespace lifeboat::cli
