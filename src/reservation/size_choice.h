// SPDX-License-Identifier: GPL-2.0-or-later
// Which crashkernel= is to be set, and whether the kernel could reserve it and a capture would succeed with
// it.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "loader/system_state.h"
#include "src/reservation/estimate.h"
#include "src/reservation/setting.h"

namespace lifeboat::reservation {

// How much this machine needs. Takes seconds, so it is called only where the answer depends on it.
using Estimator = std::function<Result<Estimate>()>;

// Whether `auto` takes a part of the estimate as crashkernel=,cma.
enum class AutoParts { one, with_cma };

struct SizeRequest {
  // A value of crashkernel= ("256M", "1G,high 128M,low"); "auto": the estimate; "none": what lifeboat set is
  // removed; "again": the value that was set last, for boot entries that are new since.
  std::string size;
  std::string root = "/";
  bool this_machine = true;               // false: `root` is another system, whose memory is not known
  std::optional<BootLoader> boot_loader;  // unset: the installed one
  bool force = false;                     // also a size that is not enough
  AutoParts auto_parts = AutoParts::one;
  std::vector<int> levels;  // [dump] level: one that keeps user pages does not go with ,cma
  SystemPaths paths;
};

// What plan_setting() is to set; nullopt: there is nothing to set again. `usage` for a value that the kernel
// would not accept, or cannot reserve, or that is less than the files of a capture need. A value that may
// not be enough is a warning. `unsupported` in Xen's dom0, without `force`. What cannot be determined is not
// an error.
Result<std::optional<SettingRequest>> choose_setting(const SizeRequest& request, const Estimator& estimate,
                                                     std::vector<std::string>& warnings);

// `crashkernel=` of an estimate in two parts: "96M 24M,cma"; empty: there is nothing to share.
std::string value_with_cma(const Estimate& estimate);

// shrink_reservation(), if `size` is enough by the estimate, or `force` is given.
enum class Enough { estimated, forced };
Result<uint64_t> shrink_to(uint64_t size, Enough enough, const Estimator& estimate, const SystemPaths& paths);

}  // namespace lifeboat::reservation
