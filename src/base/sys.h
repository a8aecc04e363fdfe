// SPDX-License-Identifier: GPL-2.0-or-later
// The interface between lifeboat and the system calls that change something outside this process: files,
// folders, mounts, devices, the running kernel. Nothing else makes such a call (tests/unit/base/
// changing_calls_test.cpp), so that a test can make any of them fail and check the resulting state. Calls
// that change nothing are here only if a test needs them to fail (read, pread).
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <functional>

namespace lifeboat::sys {

enum class Call {
  open,
  read,
  pread,
  write,
  pwrite,
  fsync,
  syncfs,
  sync,
  rename,
  unlink,  // and rmdir
  ftruncate,
  allocate,
  mkdir,
  chown,
  chmod,
  ioctl,
  mount,  // and fsopen, fsconfig, fsmount
  umount,
  fork,
  finit_module,
  kexec_file_load,
  kexec_load,
  reboot,
};

// Returns an errno to fail this call with, 0 to make the call, or kPretend: the call is not made and reports
// success. Only the kexec calls, reboot, mounts and sync may be pretended: tests need the effect of the
// others.
constexpr int kPretend = -1;
using FaultHook = std::function<int(Call)>;
// For tests only; not thread-safe. An empty function removes the hook.
void set_fault_hook(FaultHook hook);

// As the system calls of the same names, EINTR retried; open() adds O_CLOEXEC.
[[nodiscard]] int open(int dir_fd, const char* path, int flags, mode_t mode = 0);
[[nodiscard]] ssize_t read(int fd, void* buffer, size_t size);
[[nodiscard]] ssize_t pread(int fd, void* buffer, size_t size, off_t offset);
[[nodiscard]] ssize_t write(int fd, const void* buffer, size_t size);
[[nodiscard]] ssize_t pwrite(int fd, const void* buffer, size_t size, off_t offset);
[[nodiscard]] int fsync(int fd);
[[nodiscard]] int syncfs(int fd);
void sync();
[[nodiscard]] int renameat(int old_dir, const char* old_path, int new_dir, const char* new_path);
[[nodiscard]] int renameat_noreplace(int old_dir, const char* old_path, int new_dir, const char* new_path);
[[nodiscard]] int unlinkat(int dir_fd, const char* path, int flags = 0);
[[nodiscard]] int ftruncate(int fd, off_t size);
// posix_fallocate(3), its error in errno.
[[nodiscard]] int allocate(int fd, off_t offset, off_t size);
[[nodiscard]] int mkdirat(int dir_fd, const char* path, mode_t mode);
[[nodiscard]] int fchown(int fd, uid_t owner, gid_t group);
[[nodiscard]] int fchmod(int fd, mode_t mode);
[[nodiscard]] int ioctl(int fd, unsigned long request, void* argument);
// mkostemp(3) and mkdtemp(3): `pattern` ends in XXXXXX, and becomes the name. Call::open and Call::mkdir.
[[nodiscard]] int create_temporary_file(char* pattern);
[[nodiscard]] int create_temporary_folder(char* pattern);
// A path and all that is below it; -1 with errno. Call::unlink, once.
[[nodiscard]] int remove_all(const char* path);

[[nodiscard]] int mount(const char* source, const char* target, const char* type, unsigned long flags,
                        const char* data);
[[nodiscard]] int umount(const char* target, int flags);
[[nodiscard]] int fsopen(const char* type, unsigned flags);
[[nodiscard]] int fsconfig(int fd, unsigned command, const char* key, const void* value);
[[nodiscard]] int fsmount(int fd, unsigned flags, unsigned attributes);

[[nodiscard]] pid_t fork();
[[nodiscard]] int finit_module(int fd);
[[nodiscard]] long kexec_file_load(int kernel_fd, int initrd_fd, unsigned long cmdline_len,
                                   const char* cmdline, unsigned long flags);
// include/uapi/linux/kexec.h, struct kexec_segment: `bytes` are copied to physical `address`; sizes in bytes.
struct KexecSegment {
  const void* bytes;
  size_t byte_count;
  unsigned long address;
  size_t memory_size;
};
[[nodiscard]] long kexec_load(unsigned long entry, unsigned long count, const KexecSegment* segments,
                              unsigned long flags);
// `command`: RB_AUTOBOOT, RB_KEXEC, ... (sys/reboot.h). Returns only on failure.
[[nodiscard]] int reboot(int command);

}  // namespace lifeboat::sys
