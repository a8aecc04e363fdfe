// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/xen_domain.h"

#include "src/base/file.h"
#include "src/base/size.h"
#include "src/base/text.h"

namespace lifeboat {
namespace {

// Bits in hexadecimal, without "0x". Xen sets XENFEAT_dom0 for the hardware domain alone
// (xen/include/public/features.h).
bool has_dom0_feature(const std::string& sys) {
  constexpr unsigned kFeatureDom0 = 11;
  const auto line = read_line(sys + "/hypervisor/properties/features");
  if (!line) return false;
  std::string_view digits = trim(*line);
  if (digits.starts_with("0x")) digits.remove_prefix(2);
  const auto features = parse_number(digits, 16);
  return features && (*features >> kFeatureDom0 & 1) != 0;
}

// "control_d": xenfs writes it for the domain that may control the hypervisor (drivers/xen/xenfs/super.c).
bool controls_xen(const std::string& proc) {
  const auto line = read_line(proc + "/xen/capabilities");
  if (!line) return false;
  constexpr std::string_view kName = "control_d";
  for (size_t at = line->find(kName); at != std::string::npos; at = line->find(kName, at + 1)) {
    const auto is_border = [&](size_t place) {
      return place >= line->size() || std::string_view(", \t").find((*line)[place]) != std::string_view::npos;
    };
    if ((at == 0 || is_border(at - 1)) && is_border(at + kName.size())) return true;
  }
  return false;
}

}  // namespace

std::string_view xen_domain_name(XenDomain domain) {
  switch (domain) {
    case XenDomain::none:
      return "none";
    case XenDomain::guest:
      return "guest";
    case XenDomain::pv_guest:
      return "pv-guest";
    case XenDomain::dom0:
      return "dom0";
  }
  return "unknown";
}

XenDomain read_xen_domain(const std::string& sys, const std::string& proc) {
  const auto type = read_line(sys + "/hypervisor/type");
  const bool xen = type && trim(*type) == "xen";
  // A kernel without CONFIG_SYS_HYPERVISOR has only /proc/xen.
  if (controls_xen(proc) || (xen && has_dom0_feature(sys))) return XenDomain::dom0;
  if (!xen) return XenDomain::none;
  const auto kind = read_line(sys + "/hypervisor/guest_type");
  return kind && trim(*kind) == "PV" ? XenDomain::pv_guest : XenDomain::guest;
}

std::optional<Error> xen_obstacle(XenDomain domain) {
  if (domain == XenDomain::dom0) {
    return Error(ErrorCode::unsupported,
                 "this is Xen's dom0: a kernel that is loaded here does not reach the hypervisor, and "
                 "neither a "
                 "crash nor a reboot of the machine starts it")
        .hint(
            fmt::format("use Xen's own kexec: {}, and a kexec-tools that was built with Xen support; or boot "
                        "this kernel without Xen",
                        kXenCommandLine));
  }
  // xen_machine_ops in the kernel's enlighten_pv.c: `shutdown` powers the guest off before the new kernel is
  // entered, and `crash_shutdown` ends it.
  if (domain == XenDomain::pv_guest) {
    return Error(ErrorCode::unsupported,
                 "this is a paravirtualised Xen guest: such a guest ends when it would enter a loaded kernel")
        .hint(
            "run the guest as type PVH or HVM; or let the host save its memory: on_crash = "
            "\"coredump-restart\" in the guest's configuration");
  }
  return std::nullopt;
}

}  // namespace lifeboat
