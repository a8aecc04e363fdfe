// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/image/kernel_file.h"

#include <sys/mman.h>

#include <algorithm>

#include "src/base/size.h"
#include "src/image/arm64/arm64_image.h"
#include "src/image/elf_kernel.h"
#include "src/image/x86_64/bzimage.h"

// Linux 6.3; not in glibc 2.36.
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif

namespace lifeboat {
namespace {

// A complete unified kernel image has some 200 MiB; the limit only prevents that a wrong file name fills the
// memory.
constexpr uint64_t kLargestFile = 1_GiB;
// The kernel puts "memfd:" before a name and takes 255 bytes in all.
constexpr size_t kLongestMemoryFileName = 200;

UniqueFd create_memory_file(const std::string& name) {
  constexpr unsigned kFlags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
  // Not executable, where the kernel has the flag: with vm.memfd_noexec=2 it is mandatory.
  UniqueFd fd(::memfd_create(name.c_str(), kFlags | MFD_NOEXEC_SEAL));
  if (!fd.valid() && errno == EINVAL) fd.reset(::memfd_create(name.c_str(), kFlags));
  return fd;
}

std::string release_in(const KernelFile& file) {
  if (file.kind == ImageKind::bzimage) {
    const auto image = BzImage::parse(file.bytes, file.name);
    return image ? image->release() : std::string();
  }
  if (file.kind == ImageKind::elf_vmlinux) {
    const auto kernel = ElfKernel::parse(file.bytes, file.name);
    return kernel ? kernel->release : std::string();
  }
  const auto image = Arm64Image::parse(file.bytes, file.name);
  return image ? image->release : std::string();
}

}  // namespace

Result<KernelFile> read_kernel_file(const std::string& path) {
  KernelFile file;
  file.name = path;
  // O_NONBLOCK: a FIFO must be refused without blocking.
  auto fd = open_file(path, O_RDONLY | O_NONBLOCK);
  if (!fd) return std::unexpected(std::move(fd).error().hint("name the kernel file: /boot/vmlinuz-RELEASE"));
  file.fd = *std::move(fd);
  const auto measured = file_size(file.fd.get(), path);
  if (!measured)
    return std::unexpected(Error(measured.error()).hint("name the kernel file: /boot/vmlinuz-RELEASE"));
  const uint64_t size = *measured;
  if (size > kLargestFile)
    return std::unexpected(Error(ErrorCode::unsupported,
                                 fmt::format("{} has {}: too large for a kernel", path, format_size(size)))
                               .hint("name the kernel file: /boot/vmlinuz-RELEASE"));
  file.bytes.resize(size);
  TRY_VOID(pread_exact(file.fd.get(), 0, file.bytes, path));
  file.kind = identify_image(ByteSpan(file.bytes).first(std::min(file.bytes.size(), kIdentifyBytes)));
  if (!is_kernel(file.kind) && !is_kernel_wrapper(file.kind))
    return std::unexpected(not_a_loadable_kernel(path, file.kind));
  return file;
}

std::string kernel_file_release(const KernelFile& file) {
  std::string release = release_in(file);
  return release.empty() ? file.release.value_or("") : release;
}

std::string describe_kernel_file(const KernelFile& file) {
  std::string text(image_kind_name(file.kind));
  const auto described = Arm64Image::parse(file.bytes, file.name);
  if (described) {
    text = described->description();
  } else if (const std::string release = is_kernel(file.kind) ? kernel_file_release(file) : "";
             !release.empty()) {
    // A file with a kernel release is a kernel, not just an executable.
    if (file.kind == ImageKind::elf_vmlinux) text = "an ELF kernel (vmlinux)";
    text += " " + release;
  }
  for (size_t index = 0; index < file.wrappers.size(); ++index)
    text +=
        fmt::format("{}{}", index == 0 ? ", unwrapped from: " : ", ", image_kind_name(file.wrappers[index]));
  return text;
}

Result<UniqueFd> sealed_memory_file(const std::string& name, ByteSpan bytes) {
  // Shown in /proc/PID/fd only.
  UniqueFd fd = create_memory_file(name.substr(0, kLongestMemoryFileName));
  if (!fd.valid()) return fail_errno("cannot create a file in memory for {}", name);
  TRY_VOID(pwrite_all(fd.get(), 0, bytes, fmt::format("the copy of {} in memory", name)));
  if (::fcntl(fd.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
    return fail_errno("cannot seal the copy of {} in memory", name);
  return fd;
}

}  // namespace lifeboat
