// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/obstacles.h"

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <span>

#include "loader/load_architecture.h"
#include "src/image/native_kernel.h"

namespace lifeboat {
namespace {

Error obstacle(ErrorCode code, std::string what, std::string_view next) {
  return Error(code, std::move(what)).hint(next);
}

// Every call uses up one of the limit, failed ones and unloads too (kernel/kexec_core.c,
// kexec_load_permitted()).
void add_permission_obstacles(std::vector<Error>& list, const SystemState& state, bool crash) {
  if (state.load_disabled == true) {
    list.push_back(
        obstacle(ErrorCode::no_permission,
                 "kernel.kexec_load_disabled is 1: kernels can neither be loaded nor unloaded",
                 "find what sets it (grep -r kexec_load_disabled /etc/sysctl*), run that after 'lifeboat "
                 "load', and reboot: it cannot be reset"));
  }
  if (state.load_limit(crash) == 0) {
    list.push_back(obstacle(ErrorCode::no_permission,
                            fmt::format("kernel.kexec_load_limit_{} is 0: the limit of loads is used up",
                                        crash ? "panic" : "reboot"),
                            "reboot, and load before the limit is set: it cannot be raised"));
  }
}

void add_privilege_obstacle(std::vector<Error>& list, const SystemState& state) {
  if (state.privileged == false) {
    list.push_back(obstacle(ErrorCode::no_permission,
                            "only a process with CAP_SYS_BOOT may load or unload kernels",
                            "run as root, outside of a container"));
  }
}

void add_reservation_obstacle(std::vector<Error>& list, const SystemState& state) {
  if (state.crash_size == 0u) {
    list.push_back(obstacle(ErrorCode::not_found, "no memory is reserved for a capture kernel",
                            "lifeboat reserve set auto, then reboot"));
  }
}

struct Explanation {
  int error_number;
  ErrorCode code;
  std::string_view reason;
  std::string_view next;
};

// From kernel/kexec_file.c, kernel/kexec_core.c, the architectures' loaders and crypto/asymmetric_keys.
constexpr Explanation kExplanations[] = {
    {ENOEXEC, ErrorCode::unsupported, "the running kernel does not accept this kernel file",
     "look at 'dmesg | tail'"},
    {EINVAL, ErrorCode::unsupported, "the running kernel does not accept these arguments",
     "look at 'dmesg | tail'; try a shorter command line"},
    {EBUSY, ErrorCode::busy, "another program is loading a kernel, and did not finish in time",
     "find it (ps -C kexec,kdumpctl,kdump-config,lifeboat), wait for it, and try again"},
    {EADDRNOTAVAIL, ErrorCode::no_space, "no free memory for the parts of this kernel",
     "lifeboat reserve set auto, then reboot; or make the initramfs smaller"},
    {ENOMEM, ErrorCode::no_space,
     "the running kernel is out of memory for a copy of the kernel and its initramfs",
     "free memory (both files must fit in it at once), and try again"},
    {ENOSYS, ErrorCode::unsupported, "the running kernel has no kexec_file_load",
     "boot a kernel with CONFIG_KEXEC_FILE=y (and CONFIG_CRASH_DUMP=y)"},
    {EKEYREJECTED, ErrorCode::no_permission, "the signature of the kernel file was rejected",
     "load a kernel that the distribution signed, or enrol your key (mokutil --import)"},
    {ENOKEY, ErrorCode::no_permission,
     "the kernel file is signed with a key that the running kernel does not trust",
     "enrol that key (mokutil --import), or load a kernel that is signed with a trusted one"},
    {ENODATA, ErrorCode::no_permission, "the kernel file has no signature, and one is required",
     "load a kernel that the distribution signed, or sign this one (sbsign) and enrol the key (mokutil "
     "--import)"},
    {EBADMSG, ErrorCode::corrupt, "the signature of the kernel file is damaged or belongs to another file",
     "install that kernel's package again"},
    {ELIBBAD, ErrorCode::corrupt, "the signed kernel file is damaged", "install that kernel's package again"},
    {ENOPKG, ErrorCode::no_permission,
     "the signature of the kernel file uses an algorithm or a format that the running kernel does not have",
     "load a kernel that the distribution signed, or sign this one again with SHA-256 and RSA (sbsign)"},
    {EKEYEXPIRED, ErrorCode::no_permission, "the key that signed the kernel file has expired",
     "load a kernel that is signed with a valid key"},
    {EKEYREVOKED, ErrorCode::no_permission, "the key that signed the kernel file was revoked",
     "load a newer kernel of the distribution, which is signed with a valid key"},
    {EACCES, ErrorCode::no_permission, "a security policy (IMA appraisal, SELinux) forbids loading this file",
     "see the audit log (ausearch -m avc,integrity_data -ts recent)"},
    {ETXTBSY, ErrorCode::busy, "the kernel file or the initramfs is open for writing",
     "wait until the program that installs or builds it has finished"},
    {EFAULT, ErrorCode::io, "the running kernel could not read the command line", "report this bug"},
    {EFBIG, ErrorCode::unsupported,
     "the kernel file or the initramfs is larger than the running kernel accepts",
     "make the initramfs smaller"},
    {EBADF, ErrorCode::io, "the running kernel cannot read from the kernel file or the initramfs",
     "put both on a local file system"},
    {EIO, ErrorCode::io, "the kernel file or the initramfs could not be read",
     "look at 'dmesg | tail', and check the disk that holds it"},
};

// The meaning of the same errnos for kexec_load(2) (kernel/kexec.c, kernel/kexec_core.c).
constexpr Explanation kSegmentExplanations[] = {
    {ENOSYS, ErrorCode::unsupported, "the running kernel has no kexec_load",
     "use --syscall file, or boot a kernel with CONFIG_KEXEC=y"},
    {EADDRNOTAVAIL, ErrorCode::no_space, "the running kernel refuses the planned addresses",
     "print the addresses with --dry-run, and change them with --mem-min and --mem-max"},
    {EINVAL, ErrorCode::unsupported, "the running kernel does not accept these segments",
     "print them with --dry-run; look at 'dmesg | tail'"},
};

std::string lockdown_name(const SystemState& state) {
  return fmt::format("lockdown ({})", state.lockdown && *state.lockdown != Lockdown::none
                                          ? lockdown_name(*state.lockdown)
                                          : "Secure Boot");
}

Error explain_refusal(const SystemState& state) {
  if (state.load_disabled == true) {
    return obstacle(ErrorCode::no_permission, "kernel.kexec_load_disabled was set to 1 meanwhile",
                    "reboot: it cannot be reset");
  }
  if (wants_signature(state)) {
    return obstacle(
        ErrorCode::no_permission,
        fmt::format("the running kernel is in {} and requires a signature that it can check",
                    lockdown_name(state)),
        "load a kernel that the distribution signed, or sign this one (sbsign) and enrol the key (mokutil "
        "--import)");
  }
  return obstacle(ErrorCode::no_permission,
                  "the running kernel refuses: CAP_SYS_BOOT is missing, a limit is used up "
                  "(kernel.kexec_load_limit_*), or a signature is required",
                  "run as root, outside of a container; look at 'dmesg | tail'");
}

}  // namespace

bool wants_signature(const SystemState& state) {
  if (state.lockdown) return *state.lockdown != Lockdown::none;
  return state.secure_boot == true;
}

bool is_signature_refusal(int error_number) {
  // kernel/kexec_file.c, crypto/asymmetric_keys. EPERM is lockdown's answer, EACCES that of IMA.
  constexpr int kRefusals[] = {EKEYREJECTED, ENOKEY,  ENODATA,     ENOPKG,
                               EBADMSG,      ELIBBAD, EKEYEXPIRED, EKEYREVOKED};
  return std::ranges::find(kRefusals, error_number) != std::end(kRefusals);
}

bool segments_permitted(const SystemState& state, bool crash) {
  if (wants_signature(state) || state.ima_appraises_kernels == true) return false;
  if (state.ima && state.secure_boot == true) return false;
  if (!crash && !state.handover.empty()) return false;
  return load_obstacles(state, crash).empty();
}

std::string load_without_signature_fix(bool crash) {
  std::string text = "or load it without a check of the signature: --syscall segments (kexec: -c)";
  if (crash) text += ", which '[capture] syscall = segments' in lifeboat.conf sets for the service";
  return text;
}

std::vector<Error> unload_obstacles(const SystemState& state, bool crash) {
  std::vector<Error> list;
  add_privilege_obstacle(list, state);
  add_permission_obstacles(list, state, crash);
  return list;
}

std::vector<Error> load_obstacles(const SystemState& state, bool crash) {
  std::vector<Error> list;
  if (auto xen = xen_obstacle(state.xen)) list.push_back(*std::move(xen));
  std::ranges::move(unload_obstacles(state, crash), std::back_inserter(list));
  // On a machine with Xen the reservation is Xen's, and not seen here.
  if (crash && state.xen != XenDomain::dom0) add_reservation_obstacle(list, state);
  return list;
}

std::vector<Error> not_armed_because(const SystemState& state) {
  std::vector<Error> list;
  // Even if one is loaded: it does not start.
  if (auto xen = xen_obstacle(state.xen)) return {*std::move(xen)};
  if (state.crash_loaded == true) return list;
  if (!state.crash_loaded) {
    list.push_back(
        obstacle(ErrorCode::unsupported, "cannot read whether a capture kernel is loaded", kNoCrashStateFix));
    return list;
  }
  add_reservation_obstacle(list, state);
  add_permission_obstacles(list, state, true);
  if (list.empty()) {
    list.push_back(obstacle(ErrorCode::not_found, "no capture kernel is loaded", "lifeboat load --crash"));
  }
  return list;
}

Error segments_forbidden(const SystemState& state) {
  Error error(
      ErrorCode::no_permission,
      fmt::format("the running kernel is in {} and always refuses kexec_load(2), which passes no file with a "
                  "signature",
                  lockdown_name(state)),
      EPERM);
  return std::move(error).hint(fmt::format(
      "use --syscall file with a signed {}; and no '[capture] syscall = segments' in lifeboat.conf",
      native_format().name));
}

Error explain_load_error(int error_number, LoadCall call, const SystemState& state, bool crash) {
  const bool segments = call == LoadCall::segments;
  if (error_number == EPERM) {
    Error error = segments && wants_signature(state) ? segments_forbidden(state) : explain_refusal(state);
    error.sys_errno = EPERM;
    return error;
  }
  const auto find = [&](std::span<const Explanation> table) -> const Explanation* {
    const auto known = std::ranges::find(table, error_number, &Explanation::error_number);
    return known == table.end() ? nullptr : &*known;
  };
  const Explanation* known = segments ? find(kSegmentExplanations) : nullptr;
  if (known == nullptr) known = find(kExplanations);
  if (known == nullptr)
    return errno_error(error_number, "the running kernel refused it").hint("look at 'dmesg | tail'");
  Error error(known->code, std::string(known->reason), error_number);
  // A normal kexec has no reservation to raise.
  const bool no_memory = error_number == EADDRNOTAVAIL && !crash && !segments;
  // With Kexec Handover the parts go into the memory that it set aside at boot (kho_locate_mem_hole()).
  if (no_memory && !state.handover.empty())
    return std::move(error).hint(
        "boot with more memory for them (kho_scratch=), or make the initramfs smaller");
  if (no_memory) return std::move(error).hint("free memory, and try again");
  if (error_number != ENOEXEC) return std::move(error).hint(known->next);
  return std::move(error).hint(fmt::format("{}; {}", known->next, this_architecture().refused_file_fix()));
}

}  // namespace lifeboat
