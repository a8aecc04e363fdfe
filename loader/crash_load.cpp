// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/crash_load.h"

#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <thread>

#include "base/file.h"
#include "base/size.h"
#include "base/sys.h"
#include "image/image.h"
#include "image/x86_64/bzimage.h"
#include "loader/command_line.h"
#include "loader/load_error.h"

namespace lifeboat {
namespace {

// include/uapi/linux/kexec.h
constexpr unsigned long kFileUnload = 0x1, kFileOnCrash = 0x2, kFileNoInitramfs = 0x4;

constexpr std::chrono::milliseconds kBusyInterval{100};

// Everything that goes into the call, checked.
struct Prepared {
  UniqueFd kernel, initramfs;
  BzImage image;
  uint64_t initramfs_bytes = 0;
};

Result<UniqueFd> open_regular(const std::string& path) {
  // O_NONBLOCK: a FIFO in the wrong place must not make this wait.
  UniqueFd file = TRY(open_file(path, O_RDONLY | O_NONBLOCK));
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return fail_errno("cannot examine {}", path);
  if (!S_ISREG(status.st_mode)) return fail(ErrorCode::usage, "{} is not a regular file", path);
  if (status.st_size == 0) return fail(ErrorCode::usage, "{} is empty", path);
  return file;
}

Result<BzImage> parse_kernel(int fd, const std::string& path) {
  const uint64_t size = TRY(file_size(fd, path));
  constexpr uint64_t kMost = 1_GiB;
  if (size > kMost) return fail(ErrorCode::unsupported, "{} has {}, more than a kernel has", path, format_size(size));
  std::vector<std::byte> bytes(size);
  TRY_VOID(pread_exact(fd, 0, bytes, path));
  return TRY_CONTEXT(BzImage::parse(bytes), "{}", path);
}

// The kernel would find out only at boot, which after a crash is too late.
Result<> check_initramfs(int fd, const std::string& path) {
  std::array<std::byte, 512> start{};
  const size_t count = TRY(pread_some(fd, 0, start, path));
  const ImageKind kind = identify_image(ByteSpan(start).first(count));
  switch (kind) {
    case ImageKind::cpio:
    case ImageKind::gzip:
    case ImageKind::xz:
    case ImageKind::zstd:
    case ImageKind::lz4:
    case ImageKind::lzma:
    case ImageKind::bzip2:
    case ImageKind::lzo: return {};
    default: break;
  }
  return std::unexpected(Error(ErrorCode::unsupported, fmt::format("{} is not an initramfs: it is {}", path, image_kind_name(kind)))
                             .hint("'lifeboat build' makes one for the capture kernel"));
}

Result<> check_command_line(const LoadRequest& request, const BzImage& image) {
  TRY_VOID(split_command_line(request.command_line));
  if (request.command_line.size() > image.command_line_size) {
    return fail(ErrorCode::usage, "the command line has {} characters; {} takes at most {}", request.command_line.size(),
                request.kernel, image.command_line_size);
  }
  return {};
}

Result<> check_reservation(const LoadRequest& request, const SystemState& state, const Prepared& files) {
  if (!state.crash_size) return {};  // an unusual kernel: it will say so itself
  if (*state.crash_size == 0) {
    return std::unexpected(Error(ErrorCode::not_found, "no memory is reserved for a capture kernel")
                               .hint("put crashkernel=256M on the kernel command line, and reboot"));
  }
  // The kernel unpacks in place within init_size; the initramfs lies beside it. What is left must hold what it unpacks to
  // and everything the capture kernel allocates; how much that is nobody can tell here, so only the sure is refused.
  const uint64_t needed = files.image.init_size + files.initramfs_bytes;
  if (needed < *state.crash_size) return {};
  return std::unexpected(
      Error(ErrorCode::no_space, fmt::format("{} are reserved, but {} alone needs {} and its initramfs {}",
                                             format_size(*state.crash_size), request.kernel,
                                             format_size(files.image.init_size), format_size(files.initramfs_bytes)))
          .hint("raise crashkernel= on the kernel command line, and reboot"));
}

// What the kernel would refuse anyway, found before the call can do harm.
Result<> check_allowed(bool crash, const SystemState& state) {
  if (state.load_disabled.value_or(false)) {
    return std::unexpected(
        Error(ErrorCode::no_permission, "loading kernels is switched off (kernel.kexec_load_disabled is 1)")
            .hint("this lasts until the next boot; find what sets it in /etc/sysctl.d"));
  }
  const auto& limit = crash ? state.limit_panic : state.limit_reboot;
  if (limit && *limit == 0) {
    return std::unexpected(Error(ErrorCode::no_permission,
                                 fmt::format("no load is left: kernel.kexec_load_limit_{} is 0", crash ? "panic" : "reboot"))
                               .hint("every load and unload uses one up; the next boot starts afresh"));
  }
  return {};
}

Result<Prepared> prepare(const LoadRequest& request, const SystemState& state) {
  Prepared files;
  files.kernel = TRY_CONTEXT(open_regular(request.kernel), "the kernel");
  files.image = TRY(parse_kernel(files.kernel.get(), request.kernel));
  if (request.crash) TRY_VOID(files.image.check_crash_capable());
  if (!request.initramfs.empty()) {
    files.initramfs = TRY_CONTEXT(open_regular(request.initramfs), "the initramfs");
    files.initramfs_bytes = TRY(file_size(files.initramfs.get(), request.initramfs));
    TRY_VOID(check_initramfs(files.initramfs.get(), request.initramfs));
  }
  TRY_VOID(check_command_line(request, files.image));
  TRY_VOID(check_allowed(request.crash, state));
  if (request.crash) TRY_VOID(check_reservation(request, state, files));
  return files;
}

// 0, or the errno of the last try.
int call_kernel(int kernel_fd, int initramfs_fd, const std::string& command_line, unsigned long flags,
                std::chrono::milliseconds busy_deadline) {
  const auto end = std::chrono::steady_clock::now() + busy_deadline;
  for (;;) {
    // The length counts the NUL.
    if (sys::kexec_file_load(kernel_fd, initramfs_fd, command_line.size() + 1, command_line.c_str(), flags) == 0) return 0;
    const int error = errno;
    if (error != EBUSY || std::chrono::steady_clock::now() >= end) return error;
    std::this_thread::sleep_for(kBusyInterval);
  }
}

}  // namespace

Result<LoadReport> load_kernel(const LoadRequest& request, const SystemPaths& paths) {
  const SystemState before = read_system_state(paths);
  const Prepared files = TRY(prepare(request, before));
  unsigned long flags = request.crash ? kFileOnCrash : 0;
  if (!files.initramfs.valid()) flags |= kFileNoInitramfs;
  const int error = call_kernel(files.kernel.get(), files.initramfs.get(), request.command_line, flags, request.busy_deadline);
  const SystemState after = read_system_state(paths);
  if (error != 0) return std::unexpected(explain_load_error(error, request.crash, before, after));

  LoadReport report{.release = files.image.release(), .warnings = {}};
  const auto& loaded = request.crash ? after.crash_loaded : after.normal_loaded;
  if (loaded && !*loaded) {
    return std::unexpected(Error(ErrorCode::io, "the kernel accepted the image, but says that none is loaded")
                               .hint("another program may have unloaded it; see 'lifeboat status'"));
  }
  if (!loaded) report.warnings.emplace_back("the kernel does not tell whether an image is loaded (/sys/kernel/kexec_*)");
  return report;
}

Result<> unload_kernel(bool crash, const SystemPaths& paths) {
  const SystemState before = read_system_state(paths);
  TRY_VOID(check_allowed(crash, before));
  const unsigned long flags = kFileUnload | (crash ? kFileOnCrash : 0);
  const int error = call_kernel(-1, -1, "", flags, LoadRequest{}.busy_deadline);
  if (error == 0) return {};
  return std::unexpected(errno_error(error, fmt::format("cannot unload the {}kernel", crash ? "capture " : ""))
                             .hint("run as root; see 'lifeboat status' for what may forbid it"));
}

}  // namespace lifeboat
