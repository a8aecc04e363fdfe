// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/inspect/report.h"

#include <iostream>
#include <nlohmann/json.hpp>

#include "src/cli/inspect/view.h"
#include "src/inspect/report_text.h"

namespace lifeboat::cli {

Result<int> view_report(const View& view) {
  TRY_VOID(view.expect_arguments("report", 0, 0));
  const inspect::Report report = inspect::make_report(view.session);
  if (view.json()) {
    view.print(inspect::report_json(report, view.path));
  } else {
    std::cout << inspect::report_text(report, view.path, view.style);
  }
  return kDone;
}

}  // namespace lifeboat::cli
