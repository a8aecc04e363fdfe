// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/sys.h"

#include <fcntl.h>
#include <linux/reboot.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

namespace lifeboat::sys {
namespace {

FaultHook& fault_hook() {
  static FaultHook hook;
  return hook;
}

// What the hook wants: an errno, 0, or kPretend.
int fault(Call call) {
  return fault_hook() ? fault_hook()(call) : 0;
}

template <typename Function>
auto retry(Call call, Function function) -> decltype(function()) {
  if (const int wanted = fault(call); wanted != 0) {
    if (wanted == kPretend) return 0;
    errno = wanted;
    return -1;
  }
  decltype(function()) result;
  do {
    result = function();
  } while (result == -1 && errno == EINTR);
  return result;
}

}  // namespace

void set_fault_hook(FaultHook hook) {
  fault_hook() = std::move(hook);
}

int open(int dir_fd, const char* path, int flags, mode_t mode) {
  return retry(Call::open, [&] { return ::openat(dir_fd, path, flags | O_CLOEXEC, mode); });
}
ssize_t read(int fd, void* buffer, size_t size) {
  return retry(Call::read, [&] { return ::read(fd, buffer, size); });
}
ssize_t pread(int fd, void* buffer, size_t size, off_t offset) {
  return retry(Call::pread, [&] { return ::pread(fd, buffer, size, offset); });
}
ssize_t write(int fd, const void* buffer, size_t size) {
  return retry(Call::write, [&] { return ::write(fd, buffer, size); });
}
ssize_t pwrite(int fd, const void* buffer, size_t size, off_t offset) {
  return retry(Call::pwrite, [&] { return ::pwrite(fd, buffer, size, offset); });
}
int fsync(int fd) {
  return retry(Call::fsync, [&] { return ::fsync(fd); });
}
int renameat(int old_dir, const char* old_path, int new_dir, const char* new_path) {
  return retry(Call::rename, [&] { return ::renameat(old_dir, old_path, new_dir, new_path); });
}
int renameat_noreplace(int old_dir, const char* old_path, int new_dir, const char* new_path) {
  return retry(Call::rename,
               [&] { return ::renameat2(old_dir, old_path, new_dir, new_path, RENAME_NOREPLACE); });
}
int ftruncate(int fd, off_t size) {
  return retry(Call::ftruncate, [&] { return ::ftruncate(fd, size); });
}
int mkdirat(int dir_fd, const char* path, mode_t mode) {
  return retry(Call::mkdir, [&] { return ::mkdirat(dir_fd, path, mode); });
}
int mount(const char* source, const char* target, const char* type, unsigned long flags, const char* data) {
  return retry(Call::mount, [&] { return ::mount(source, target, type, flags, data); });
}
long kexec_file_load(int kernel_fd, int initrd_fd, unsigned long cmdline_len, const char* cmdline,
                     unsigned long flags) {
  return retry(Call::kexec_file_load, [&] {
    return ::syscall(SYS_kexec_file_load, kernel_fd, initrd_fd, cmdline_len, cmdline, flags);
  });
}
long kexec_load(unsigned long entry, unsigned long count, const KexecSegment* segments, unsigned long flags) {
  return retry(Call::kexec_load, [&] { return ::syscall(SYS_kexec_load, entry, count, segments, flags); });
}
int reboot_kexec() {
  return retry(Call::reboot, [] { return ::reboot(LINUX_REBOOT_CMD_KEXEC); });
}

}  // namespace lifeboat::sys
