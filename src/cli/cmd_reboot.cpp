// SPDX-License-Identifier: GPL-2.0-or-later
// lifeboat reboot [--now]
#include <nlohmann/json.hpp>

#include "loader/reboot.h"
#include "src/cli/command.h"

namespace lifeboat::cli {

Result<int> run_reboot(const Arguments& arguments) {
  CommandLine line(
      "reboot", "[--now]",
      "Reboot into the kernel that 'lifeboat load' loaded, without firmware. The service manager stops\n"
      "services and unmounts file systems first; with --now this is skipped.");
  // clang-format off
  line.options()
    ("now", "reboot at once: do not stop services, do not unmount file systems")
    ("no-sync", "with --now: do not write file systems back first")
    ("no-network-down", "with --now: leave the network interfaces up");
  // clang-format on
  if (!TRY(line.parse(arguments))) return kDone;
  if (!line.has("now")) {
    if (line.has("no-sync") || line.has("no-network-down"))
      return fail(ErrorCode::usage, "reboot: --no-sync and --no-network-down need --now");
    TRY_VOID(reboot_in_order(SystemPaths{}));
    if (line.json())
      print_json({{"rebooting", true}});
    else
      fmt::print("the service manager reboots into the loaded kernel\n");
    return kDone;
  }
  const RebootNow how{.sync = !line.has("no-sync"), .network_down = !line.has("no-network-down")};
  TRY_VOID(reboot_now(how, SystemPaths{}));
  return kDone;
}

}  // namespace lifeboat::cli
