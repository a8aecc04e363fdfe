// SPDX-License-Identifier: GPL-2.0-or-later
// What the kernel runs on and keeps for its successor: Xen, Kexec Handover.
#include "src/check/check_facts.h"
#include "src/check/point.h"

namespace lifeboat::check {

Point hypervisor_point(const Facts& facts) {
  Point point{.name = "hypervisor"};
  if (const auto obstacle = xen_obstacle(facts.state.xen)) {
    point.result = PointResult::failure;
    point.detail = obstacle->message;
    point.next = obstacle->fix;
    return point;
  }
  point.detail = facts.state.xen == XenDomain::guest
                     ? "a Xen guest with hardware virtualisation, where kexec works as on a machine"
                     : "not Xen's dom0";
  return point;
}

Point handover_point(const Facts& facts) {
  Point point{.name = "preserved memory", .detail = "Kexec Handover (KHO) is off"};
  if (facts.state.handover.empty()) return point;
  const std::string on = fmt::format("Kexec Handover (KHO) is on ({})", facts.state.handover);
  const bool by_segments = facts.loaded && facts.loaded->call == load_call_name(LoadCall::segments);
  if (facts.state.crash_loaded != true || by_segments) {
    point.detail = on + ": nothing of it is passed to a capture kernel that kexec_load(2) loads";
    return point;
  }
  point.result = PointResult::warning;
  point.detail =
      on +
      ": some kernels pass its data to a capture kernel that kexec_file_load(2) loaded, which then "
      "does not start";
  point.next =
      "lifeboat load --crash --syscall segments, and [capture] syscall = segments; in lockdown: boot with "
      "kho=off, or test it: lifeboat rehearse --real";
  return point;
}

}  // namespace lifeboat::check
