// SPDX-License-Identifier: GPL-2.0-or-later
// The seam between lifeboat and the system calls that may fail at a bad moment (disk full, I/O error,
// interrupted). Everything that writes a dump or loads a kernel calls through here, so that a test can
// make the N-th call fail and watch what is left behind.
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
  rename,
  ftruncate,
  mkdir,
  mount,
  kexec_file_load,
  kexec_load,
  reboot,
};

// Returns an errno to fail this call with, 0 to let it through, or kPretend: the call is not made, and has
// succeeded. Only the kexec calls and reboot may be pretended: the others are wanted for what they do.
constexpr int kPretend = -1;
using FaultHook = std::function<int(Call)>;
// For tests only; not thread-safe. An empty function takes the hook away.
void set_fault_hook(FaultHook hook);

// As the system calls of the same names, EINTR retried.
int open(int dir_fd, const char* path, int flags, mode_t mode = 0);
ssize_t read(int fd, void* buffer, size_t size);
ssize_t pread(int fd, void* buffer, size_t size, off_t offset);
ssize_t write(int fd, const void* buffer, size_t size);
ssize_t pwrite(int fd, const void* buffer, size_t size, off_t offset);
int fsync(int fd);
int renameat(int old_dir, const char* old_path, int new_dir, const char* new_path);
int renameat_noreplace(int old_dir, const char* old_path, int new_dir, const char* new_path);
int ftruncate(int fd, off_t size);
int mkdirat(int dir_fd, const char* path, mode_t mode);
int mount(const char* source, const char* target, const char* type, unsigned long flags, const char* data);
long kexec_file_load(int kernel_fd, int initrd_fd, unsigned long cmdline_len, const char* cmdline,
                     unsigned long flags);
// include/uapi/linux/kexec.h, struct kexec_segment: `bytes` are copied to physical `address`; sizes in bytes.
struct KexecSegment {
  const void* bytes;
  size_t byte_count;
  unsigned long address;
  size_t memory_size;
};
long kexec_load(unsigned long entry, unsigned long count, const KexecSegment* segments, unsigned long flags);
// reboot(2) into the kernel that is loaded; returns only on failure.
int reboot_kexec();

}  // namespace lifeboat::sys
