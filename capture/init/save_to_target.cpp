// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/init/save_to_target.h"

#include <fcntl.h>

#include "capture/run/capture_console.h"
#include "capture/run/save.h"
#include "capture/storage/target.h"
#include "src/base/file.h"
#include "src/store/store.h"

namespace lifeboat::capture {

Result<> save_to_target(const CapturePlan& plan, const Target& target, Journal& journal,
                        Heartbeat& heartbeat) {
  heartbeat.phase("target");
  TRY_VOID(mount_target(target, plan.capture.device_deadline, heartbeat));
  announce(phase::kCaptureTarget);
  const UniqueFd root = TRY(open_file(kMountPoint, O_RDONLY | O_DIRECTORY));
  const UniqueFd store = TRY(open_folder_below(root.get(), target.path));
  return save_into_store(kVmcore, store.get(), kMountPoint + target.path, plan, journal, heartbeat);
}

}  // namespace lifeboat::capture
