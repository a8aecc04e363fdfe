// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/x86_64/entry.h"

#include <algorithm>
#include <cstring>

#include "src/base/size.h"
#include "src/image/elf_kernel.h"
#include "src/image/x86_64/bzimage.h"

namespace lifeboat::x86_64 {
namespace {

// boot.rst, "64-bit boot protocol": startup_64 of the decompressor.
constexpr uint64_t kEntry64 = 0x200;
// startup_64 of a vmlinux checks that the difference to its linked address is a multiple of this: whole PMDs
// (arch/x86/kernel/head64.c).
constexpr uint64_t kVmlinuxAlignment = 2_MiB;
// A vmlinux does not have it; COMMAND_LINE_SIZE of x86 is 2048 (arch/x86/include/asm/setup.h).
constexpr uint64_t kVmlinuxCommandLine = 2047;
constexpr uint64_t kLargestLayout = 1_GiB;

Result<KernelLayout> layout_bzimage(const KernelFile& file, bool crash, bool five_level_paging) {
  const BzImage image = TRY(BzImage::parse(file.bytes, file.name));
  TRY_VOID(crash ? image.crash_capable() : image.kexec_capable());
  if (five_level_paging && !image.five_level) {
    return std::unexpected(
        Error(ErrorCode::unsupported,
              "it cannot be entered with 5-level page tables, which the running kernel uses")
            .hint("load a kernel with CONFIG_X86_5LEVEL=y, or boot the running one with 'no5lvl'"));
  }
  const ByteSpan code = ByteSpan(file.bytes).subspan(image.kernel.offset, image.kernel.size);
  return KernelLayout{.bytes = {code.begin(), code.end()},
                      .memory_size = std::max<uint64_t>(image.init_size, image.kernel.size),
                      .preferred = image.pref_address,
                      .alignment = image.relocatable ? image.kernel_alignment : 0,
                      .entry_offset = kEntry64,
                      .setup_header = file.bytes,
                      .longest_command_line = image.cmdline_size};
}

// One piece of memory from its lowest to its highest segment: the gaps are small, and the limit of 16
// segments never matters. Its page tables are relative to where it finds itself, so it may lie wherever the
// alignment lets it.
Result<KernelLayout> layout_vmlinux(const KernelFile& file) {
  const ElfKernel elf = TRY(ElfKernel::parse(file.bytes, file.name));
  if (elf.end() - elf.begin() > kLargestLayout) {
    return fail(ErrorCode::unsupported, "its segments are spread over {}, more than those of a kernel",
                format_size(elf.end() - elf.begin()));
  }
  KernelLayout layout{.memory_size = elf.end() - elf.begin(),
                      .preferred = elf.begin(),
                      .alignment = kVmlinuxAlignment,
                      .entry_offset = elf.entry - elf.begin(),
                      .longest_command_line = kVmlinuxCommandLine};
  if (elf.begin() % kVmlinuxAlignment != 0) layout.alignment = 0;
  for (const auto& segment : elf.segments) {
    const uint64_t at = segment.physical - elf.begin();
    layout.bytes.resize(std::max<uint64_t>(layout.bytes.size(), at + segment.file_size));
    if (segment.file_size != 0)
      std::memcpy(layout.bytes.data() + at, file.bytes.data() + segment.offset, segment.file_size);
  }
  return layout;
}

}  // namespace

Result<KernelLayout> layout_kernel(const KernelFile& file, bool crash, bool five_level_paging) {
  auto layout = [&]() -> Result<KernelLayout> {
    switch (file.kind) {
      case ImageKind::bzimage:
        return layout_bzimage(file, crash, five_level_paging);
      case ImageKind::elf_vmlinux:
        return layout_vmlinux(file);
      default:
        return fail(ErrorCode::unsupported, "it is {}, and this machine runs x86_64 kernels",
                    image_kind_name(file.kind));
    }
  }();
  if (layout) return layout;
  return std::unexpected(std::move(layout)
                             .error()
                             .context(fmt::format("{} cannot be loaded", file.name))
                             .hint(kLoadableKernelHint));
}

}  // namespace lifeboat::x86_64
