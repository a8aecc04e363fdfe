// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/load_checks.h"

#include <algorithm>

#include "base/size.h"
#include "loader/obstacles.h"

namespace lifeboat {
namespace {

constexpr uint64_t kPage = 4096;
// A bzImage with everything built in has some 40 MiB; this only keeps a wrong file name from filling the
// memory.
constexpr uint64_t kLargestKernel = 512_MiB;

// O_NONBLOCK: a FIFO must be refused, not waited for.
Result<UniqueFd> open_regular(const std::string& path, uint64_t& size) {
  UniqueFd fd = TRY(open_file(path, O_RDONLY | O_NONBLOCK));
  size = TRY(file_size(fd.get(), path));
  return fd;
}

Result<> open_kernel(const LoadRequest& request, CheckedLoad& load) {
  uint64_t size = 0;
  auto fd = open_regular(request.kernel, size);
  if (!fd) return std::unexpected(std::move(fd).error().hint("name the kernel file: /boot/vmlinuz-RELEASE"));
  load.kernel = *std::move(fd);
  if (size > kLargestKernel) {
    return fail(ErrorCode::unsupported, "{} has {}, more than any kernel", request.kernel, format_size(size));
  }
  std::vector<std::byte> bytes(size);
  TRY_VOID(pread_exact(load.kernel.get(), 0, bytes, request.kernel));
  load.image = TRY(BzImage::parse(bytes, request.kernel));
  auto capable = request.crash ? load.image.crash_capable() : load.image.kexec_capable();
  if (!capable) {
    return std::unexpected(
        std::move(capable)
            .error()
            .context(fmt::format("{} cannot be loaded", request.kernel))
            .hint("load an x86_64 kernel with CONFIG_RELOCATABLE=y, as distributions ship it"));
  }
  return {};
}

Result<> open_initramfs(const LoadRequest& request, CheckedLoad& load) {
  if (request.initramfs.empty()) {
    if (request.crash) {
      load.warnings.emplace_back(
          "no initramfs: unless the kernel has one built in, nothing will save the dump after a crash");
    }
    return {};
  }
  const std::string_view next = "'lifeboat build' makes one";
  auto fd = open_regular(request.initramfs, load.initramfs_size);
  if (!fd) return std::unexpected(std::move(fd).error().context("initramfs").hint(next));
  load.initramfs = *std::move(fd);
  std::array<std::byte, kIdentifyBytes> buffer;
  const size_t count = TRY(pread_some(load.initramfs.get(), 0, buffer, request.initramfs));
  const ImageKind kind = identify_image(ByteSpan(buffer).first(count));
  if (is_initramfs(kind)) return {};
  return std::unexpected(Error(ErrorCode::unsupported, fmt::format("{} is not an initramfs: it is {}",
                                                                   request.initramfs, image_kind_name(kind)))
                             .hint(next));
}

Result<> check_command_line(const LoadRequest& request, const BzImage& image) {
  const std::string& text = request.command_line;
  if (text.find('\0') != text.npos || text.find('\n') != text.npos) {
    return std::unexpected(Error(ErrorCode::usage, "the command line holds a newline or a NUL")
                               .hint("give it as one line of text"));
  }
  const uint64_t longest = longest_command_line(image, request.crash);
  if (text.size() <= longest) return {};
  return std::unexpected(
      Error(ErrorCode::usage,
            fmt::format("the command line has {} characters; {} takes {}{}", text.size(), request.kernel,
                        longest, request.crash ? " and what is appended for a crash" : ""))
          .hint("leave parameters out: give the whole line with --command-line"));
}

// How much of the reservation is left for a kernel that must begin at a multiple of its alignment.
uint64_t usable_reservation(const BzImage& image, const SystemState& state) {
  const uint64_t size = *state.crash_size;
  if (!state.crash_ranges || image.kernel_alignment == 0) return size;
  // With crashkernel=,high there are two; crash_size is of the one that is loaded into.
  const auto range = std::ranges::find(*state.crash_ranges, size, &MemoryRange::size);
  if (range == state.crash_ranges->end() || range->begin > UINT64_MAX - image.kernel_alignment) return size;
  const uint64_t begin = align_up(range->begin, image.kernel_alignment);
  return begin < range->end ? range->end - begin : 0;
}

Result<> check_reservation(const CheckedLoad& load, const SystemState& state) {
  if (!state.crash_size) return {};
  const uint64_t needed = crash_memory_needed(load.image, load.initramfs_size, state);
  const uint64_t usable = usable_reservation(load.image, state);
  if (needed <= usable) return {};
  return std::unexpected(
      Error(ErrorCode::no_space,
            fmt::format(
                "the crash reservation is too small: {} of its {} can be used, and at least {} are needed "
                "(kernel {}, initramfs {}, the rest tables)",
                format_size(usable), format_size(*state.crash_size), format_size(needed),
                format_size(load.image.init_size), format_size(load.initramfs_size)))
          .hint("raise crashkernel= on the kernel command line and reboot, or make the initramfs smaller"));
}

void add_state_warnings(const LoadRequest& request, const SystemState& state, CheckedLoad& load) {
  if (wants_signature(state)) {
    load.warnings.emplace_back(
        "this machine is locked down: the kernel is loaded only if it has a signature that the running one "
        "trusts");
  }
  if (request.crash && !state.crash_size) {
    load.warnings.emplace_back("the running kernel does not say how much memory is reserved: not checked");
  }
}

}  // namespace

uint64_t longest_command_line(const BzImage& image, bool crash) {
  // bzImage64_load() counts the NUL, and for a crash adds MAX_ELFCOREHDR_STR_LEN for " elfcorehdr=0x...",
  // newer ones also MAX_DMCRYPTKEYS_STR_LEN for " dmcryptkeys=0x..." (arch/x86/kernel/kexec-bzimage64.c).
  const uint64_t reserved = 1 + (crash ? 30 + 31 : 0);
  return image.cmdline_size > reserved ? image.cmdline_size - reserved : 0;
}

uint64_t crash_memory_needed(const BzImage& image, uint64_t initramfs_size, const SystemState& state) {
  // Besides the two files: ELF core headers, purgatory, boot_params with the command line and the EFI memory
  // map, and in older kernels a copy of the first 640 KiB. The sum of these was below 1 MiB wherever looked
  // at.
  const uint64_t tables = 1_MiB + std::max<uint64_t>(state.elfcorehdr_size.value_or(0), 64_KiB);
  const uint64_t kernel = align_up(std::max<uint64_t>(image.init_size, image.kernel.size), kPage);
  return kernel + align_up(initramfs_size, kPage) + tables;
}

Result<CheckedLoad> check_load(const LoadRequest& request, const SystemState& state) {
  if (auto obstacles = load_obstacles(state, request.crash); !obstacles.empty())
    return std::unexpected(std::move(obstacles.front()));
  CheckedLoad load;
  TRY_VOID(open_kernel(request, load));
  TRY_VOID(open_initramfs(request, load));
  TRY_VOID(check_command_line(request, load.image));
  if (request.crash) TRY_VOID(check_reservation(load, state));
  add_state_warnings(request, state, load);
  return load;
}

}  // namespace lifeboat
