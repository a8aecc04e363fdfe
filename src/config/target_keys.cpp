// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/config/target_keys.h"

#include "capture/plan/values.h"

namespace lifeboat::config {
namespace {

Result<> set_device(TargetEntry& target, std::string_view value) {
  for (const std::string_view prefix : {"UUID=", "LABEL=", "/dev/"}) {
    if (value.starts_with(prefix) && value.size() > prefix.size()) {
      target.device = value;
      return {};
    }
  }
  return fail(ErrorCode::usage, "'{}' is not UUID=..., LABEL=... or /dev/...", value);
}

constexpr TargetKey kTargetKeys[] = {
    {"path", "The folder that dumps go to",
     [](TargetEntry& target, std::string_view value) -> Result<> {
       target.path = TRY(values::Path::parse(value));
       return {};
     },
     [](const TargetEntry& target) { return target.path; }},
    {"device", "The device of its file system; empty: the folder is on a mounted one", set_device,
     [](const TargetEntry& target) { return target.device; }},
    {"filesystem", "The type of the device's file system; empty: detected",
     [](TargetEntry& target, std::string_view value) -> Result<> {
       target.filesystem = TRY(values::Name::parse(value));
       return {};
     },
     [](const TargetEntry& target) { return target.filesystem; }},
};

}  // namespace

std::span<const TargetKey> target_keys() {
  return kTargetKeys;
}

}  // namespace lifeboat::config
