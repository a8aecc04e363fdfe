// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/base/confine.h"

#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <vector>

#include "src/base/machine_names.h"

namespace lifeboat {
namespace {

constexpr uint32_t kAllowed[] = {
    // reads and writes of open descriptors
    __NR_read, __NR_pread64, __NR_readv, __NR_write, __NR_pwrite64, __NR_writev, __NR_lseek, __NR_fstat,
    __NR_ftruncate, __NR_close, __NR_ppoll,
#ifdef __NR_poll
    __NR_poll,
#endif
#ifdef __NR_newfstatat
    // fstat(3) calls it with an empty path; with another path it returns no more than stat(2)
    __NR_newfstatat,
#endif
    // memory
    __NR_brk, __NR_mmap, __NR_munmap, __NR_mremap, __NR_mprotect, __NR_madvise,
    // the process itself
    __NR_futex, __NR_rt_sigaction, __NR_rt_sigprocmask, __NR_rt_sigreturn, __NR_sigaltstack, __NR_getpid,
    __NR_gettid, __NR_sched_yield, __NR_clock_gettime, __NR_clock_nanosleep, __NR_nanosleep, __NR_getrandom,
    __NR_restart_syscall, __NR_exit, __NR_exit_group};

// The numbers of another architecture mean other calls; the x32 numbers are in no list.
std::vector<sock_filter> filter_program() {
  const auto load = [](size_t offset) {
    return sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<uint32_t>(offset));
  };
  const auto answer = [](uint32_t action) { return sock_filter BPF_STMT(BPF_RET | BPF_K, action); };
  std::vector<sock_filter> program = {load(offsetof(seccomp_data, arch)),
                                      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, machine_names().audit, 1, 0),
                                      answer(SECCOMP_RET_ERRNO | EPERM), load(offsetof(seccomp_data, nr))};
  for (const uint32_t number : kAllowed) {
    program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1));
    program.push_back(answer(SECCOMP_RET_ALLOW));
  }
  program.push_back(answer(SECCOMP_RET_ERRNO | EPERM));
  return program;
}

Result<> drop_capabilities() {
  for (unsigned long capability = 0; ::prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; ++capability) {
    if (::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0) break;  // no CAP_SETPCAP
  }
  if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0 && errno != EINVAL)
    return fail_errno("cannot drop ambient capabilities");
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  const __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {};
  if (::syscall(SYS_capset, &header, none) != 0) return fail_errno("cannot drop capabilities");
  return {};
}

}  // namespace

Result<> confine_process() {
  TRY_VOID(drop_capabilities());
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return fail_errno("cannot set no_new_privs");
  std::vector<sock_filter> instructions = filter_program();
  const sock_fprog program{.len = static_cast<unsigned short>(instructions.size()),
                           .filter = instructions.data()};
  if (::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0) return {};
  if (errno == EINVAL)
    return fail(ErrorCode::unsupported, "this kernel cannot restrict system calls (CONFIG_SECCOMP_FILTER)");
  return fail_errno("cannot restrict system calls");
}

}  // namespace lifeboat
