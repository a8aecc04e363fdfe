// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/base/sys.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "src/base/kexec_observer.h"

namespace lifeboat::sys {
namespace {

FaultHook& fault_hook() {
  static FaultHook hook;
  return hook;
}

KexecFileObserver& kexec_file_observer() {
  static KexecFileObserver observer;
  return observer;
}

// The hook's result: an errno, 0, or kPretend.
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

void set_kexec_file_observer(KexecFileObserver observer) {
  kexec_file_observer() = std::move(observer);
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
int syncfs(int fd) {
  return retry(Call::syncfs, [&] { return ::syncfs(fd); });
}
void sync() {
  if (fault(Call::sync) == 0) ::sync();
}
int renameat(int old_dir, const char* old_path, int new_dir, const char* new_path) {
  return retry(Call::rename, [&] { return ::renameat(old_dir, old_path, new_dir, new_path); });
}
int renameat_noreplace(int old_dir, const char* old_path, int new_dir, const char* new_path) {
  return retry(Call::rename,
               [&] { return ::renameat2(old_dir, old_path, new_dir, new_path, RENAME_NOREPLACE); });
}
int unlinkat(int dir_fd, const char* path, int flags) {
  return retry(Call::unlink, [&] { return ::unlinkat(dir_fd, path, flags); });
}
int ftruncate(int fd, off_t size) {
  return retry(Call::ftruncate, [&] { return ::ftruncate(fd, size); });
}
int allocate(int fd, off_t offset, off_t size) {
  return retry(Call::allocate, [&] {
    errno = ::posix_fallocate(fd, offset, size);
    return errno == 0 ? 0 : -1;
  });
}
int mkdirat(int dir_fd, const char* path, mode_t mode) {
  return retry(Call::mkdir, [&] { return ::mkdirat(dir_fd, path, mode); });
}
int fchown(int fd, uid_t owner, gid_t group) {
  return retry(Call::chown, [&] { return ::fchown(fd, owner, group); });
}
int fchmod(int fd, mode_t mode) {
  return retry(Call::chmod, [&] { return ::fchmod(fd, mode); });
}
int ioctl(int fd, unsigned long request, void* argument) {
  return retry(Call::ioctl, [&] { return ::ioctl(fd, request, argument); });
}
int create_temporary_file(char* pattern) {
  return retry(Call::open, [&] { return ::mkostemp(pattern, O_CLOEXEC); });
}
int create_temporary_folder(char* pattern) {
  return retry(Call::mkdir, [&] { return ::mkdtemp(pattern) != nullptr ? 0 : -1; });
}
int remove_all(const char* path) {
  return retry(Call::unlink, [&] {
    std::error_code error;
    std::filesystem::remove_all(path, error);
    errno = error.value();
    return error ? -1 : 0;
  });
}
int mount(const char* source, const char* target, const char* type, unsigned long flags, const char* data) {
  return retry(Call::mount, [&] { return ::mount(source, target, type, flags, data); });
}
int umount(const char* target, int flags) {
  return retry(Call::umount, [&] { return ::umount2(target, flags); });
}
int fsopen(const char* type, unsigned flags) {
  return retry(Call::mount, [&] { return ::fsopen(type, flags); });
}
int fsconfig(int fd, unsigned command, const char* key, const void* value) {
  return retry(Call::mount,
               [&] { return ::fsconfig(fd, static_cast<fsconfig_command>(command), key, value, 0); });
}
int fsmount(int fd, unsigned flags, unsigned attributes) {
  return retry(Call::mount, [&] { return ::fsmount(fd, flags, attributes); });
}
pid_t fork() {
  return retry(Call::fork, [] { return ::fork(); });
}
int finit_module(int fd) {
  return retry(Call::finit_module, [&] { return static_cast<int>(::syscall(SYS_finit_module, fd, "", 0)); });
}
long kexec_file_load(int kernel_fd, int initrd_fd, unsigned long cmdline_len, const char* cmdline,
                     unsigned long flags) {
  if (kexec_file_observer()) {
    const std::string text = cmdline == nullptr ? "" : cmdline;
    kexec_file_observer()(
        {.kernel_fd = kernel_fd, .initrd_fd = initrd_fd, .command_line = text, .flags = flags});
  }
  return retry(Call::kexec_file_load, [&] {
    return ::syscall(SYS_kexec_file_load, kernel_fd, initrd_fd, cmdline_len, cmdline, flags);
  });
}
long kexec_load(unsigned long entry, unsigned long count, const KexecSegment* segments, unsigned long flags) {
  return retry(Call::kexec_load, [&] { return ::syscall(SYS_kexec_load, entry, count, segments, flags); });
}
int reboot(int command) {
  return retry(Call::reboot, [&] { return ::reboot(command); });
}

}  // namespace lifeboat::sys
