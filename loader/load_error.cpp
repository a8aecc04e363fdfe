// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/load_error.h"

#include <cerrno>

namespace lifeboat {
namespace {

struct Explanation {
  int error_number;
  const char* why;
  const char* next_step;
};

// Where the kernel returns them: kernel/kexec_file.c, kernel/kexec_core.c, arch/x86/kernel/kexec-bzimage64.c,
// security/integrity, crypto/asymmetric_keys.
constexpr Explanation kExplanations[] = {
    {ENOEXEC, "the running kernel does not take this image (no bzImage for kexec_file_load, or an unsigned one)",
     "give a bzImage of the same architecture, as /boot/vmlinuz-VERSION is"},
    {EINVAL, "the running kernel does not take the request: its image, a flag, or the command line's length",
     "look at the end of dmesg: the kernel tells the detail there"},
    {EBUSY, "another program has been loading a kernel all this time", "find out which (kdump.service? kexec-load?), and try again"},
    {EADDRNOTAVAIL, "the images do not fit into the memory there is for them",
     "reserve more: raise crashkernel= on the kernel command line, and reboot"},
    {ENOMEM, "the running kernel has no memory for the load",
     "free some memory and try again; for a crash kernel a larger crashkernel= may be needed"},
    {ENOSYS, "the running kernel cannot load kernels from files (CONFIG_KEXEC_FILE is off)",
     "use a kernel that has it; distribution kernels do"},
    {EKEYREJECTED, "the kernel's signature is not one that the running kernel trusts",
     "load a kernel signed by your distribution, or enrol its key (mokutil)"},
    {ENOKEY, "the key that signed the kernel is not known to the running kernel",
     "load a kernel signed by your distribution, or enrol its key (mokutil)"},
    {EBADMSG, "the kernel's signature is damaged or missing", "install the kernel package again"},
    {ENODATA, "the kernel is not signed, and the running kernel wants a signature", "load a signed kernel"},
    {ETXTBSY, "a file to be loaded is open for writing", "wait until whatever writes it has ended"},
    {EFAULT, "the running kernel could not read the command line", "this is a fault of lifeboat: please report it"},
};

std::string why_permission(const SystemState& state) {
  if (state.load_disabled.value_or(false)) return "loading kernels is switched off until the next boot (kernel.kexec_load_disabled)";
  if (!state.lockdown.empty() && state.lockdown != "none") {
    return fmt::format("the running kernel is locked down ({}) and takes only kernels with a signature that it trusts", state.lockdown);
  }
  return "the running kernel refuses: no privilege (CAP_SYS_BOOT), a limit that is used up (kernel.kexec_load_limit_*), "
         "or a signature that is missing";
}

}  // namespace

Error explain_load_error(int error_number, bool crash, const SystemState& before, const SystemState& after) {
  std::string why = "the kernel refused";
  std::string next_step = "look at the end of dmesg: the kernel may tell why";
  if (error_number == EPERM || error_number == EACCES) {
    why = why_permission(after);
    next_step = "run as root; under Secure Boot load a kernel signed by your distribution";
  }
  for (const auto& explanation : kExplanations) {
    if (explanation.error_number != error_number) continue;
    why = explanation.why;
    next_step = explanation.next_step;
  }
  std::string message = fmt::format("cannot load the {}kernel: {}", crash ? "capture " : "", why);
  if (crash && after.crash_loaded) {
    if (after.armed()) {
      message += "; the capture kernel that was loaded before is still there";
    } else if (before.armed()) {
      message += "; the one that was loaded before is gone: THIS MACHINE IS NOT ARMED ANY MORE";
    } else {
      message += "; this machine is not armed";
    }
  }
  return errno_error(error_number, std::move(message)).hint(next_step);
}

}  // namespace lifeboat
