// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/load_architecture.h"
#include "loader/x86_64/boot_cpu.h"
#include "loader/x86_64/entry.h"
#include "loader/x86_64/machine_facts.h"
#include "loader/x86_64/plan_segments.h"
#include "src/base/size.h"
#include "src/image/elf_kernel.h"
#include "src/image/x86_64/bzimage.h"

namespace lifeboat {
namespace x86_64 {
namespace {

Result<std::string> check_bzimage(const KernelFile& file, bool crash) {
  const BzImage image = TRY(BzImage::parse(file.bytes, file.name));
  auto capable = crash ? image.crash_capable() : image.kexec_capable();
  if (capable) return image.release();
  return std::unexpected(std::move(capable)
                             .error()
                             .context(fmt::format("{} cannot be loaded", file.name))
                             .hint(kLoadableKernelHint));
}

Result<std::string> check_vmlinux(const KernelFile& file) {
  ElfKernel elf = TRY(ElfKernel::parse(file.bytes, file.name));
  if (!elf.release.empty()) return std::move(elf.release);
  return std::unexpected(
      Error(ErrorCode::unsupported,
            fmt::format("{} is an ELF executable, but not a Linux kernel: it has no \"Linux "
                        "version\" banner",
                        file.name))
          .hint("name the vmlinux of a kernel's build folder, or the kernel file in /boot"));
}

// What firmware describes by ACPI, and controls.
constexpr ParameterRule kCaptureParameters[] = {
    {"acpi_no_memhotplug", "memory found through ACPI is the crashed kernel's: it must not be used"},
    {"pcie_ports=compat",
     "no error reporting and hotplug of PCIe ports, which react to what the crash left behind"},
    {"hest_disable",
     "no polling of firmware's error records: the crash may have left some, and buffers cost memory"},
};

class LoadX86 : public LoadArchitecture {
 public:
  [[nodiscard]] unsigned long kexec_flag() const override { return 62UL << 16; }  // KEXEC_ARCH_X86_64

  // bzImage64_load() counts the NUL, and for a crash adds MAX_ELFCOREHDR_STR_LEN for " elfcorehdr=0x...",
  // newer ones also MAX_DMCRYPTKEYS_STR_LEN for " dmcryptkeys=0x..." (arch/x86/kernel/kexec-bzimage64.c).
  [[nodiscard]] uint64_t file_load_appends(bool crash) const override { return 1 + (crash ? 30 + 31 : 0); }

  [[nodiscard]] std::string_view refused_file_fix() const override {
    return "on a machine with 5-level page tables the new kernel needs CONFIG_X86_5LEVEL or the running one "
           "'no5lvl'";
  }

  [[nodiscard]] std::span<const ParameterRule> capture_parameters() const override {
    return kCaptureParameters;
  }

  [[nodiscard]] std::optional<std::string> boot_cpu_parameter(const std::string& proc) const override {
    return x86_64::boot_cpu_parameter(proc);
  }

  // CRASH_ALIGN (arch/x86/include/asm/crash_reserve.h).
  [[nodiscard]] uint64_t reservation_alignment() const override { return 16_MiB; }

  // arch/x86/include/asm/sparsemem.h
  [[nodiscard]] uint64_t memory_section_size(uint64_t /*page_size*/) const override { return 128_MiB; }

  [[nodiscard]] Result<std::string> check_kernel(const KernelFile& file, bool crash) const override {
    if (file.kind == ImageKind::bzimage) return check_bzimage(file, crash);
    if (file.kind == ImageKind::elf_vmlinux) return check_vmlinux(file);
    return std::unexpected(not_a_loadable_kernel(file.name, file.kind));
  }

  [[nodiscard]] KernelMapping read_mapping(const std::string& proc,
                                           const std::vector<Resource>& resources) const override {
    return x86_64::read_mapping(proc, resources);
  }

  [[nodiscard]] Result<LoadPlan> plan(const PlanInput& input, const Machine& machine,
                                      const SystemPaths& paths) const override {
    return plan_segments(input, machine, read_machine_facts(paths, machine.resources));
  }
};

}  // namespace
}  // namespace x86_64

#if defined(__x86_64__)
const LoadArchitecture& this_architecture() {
  static const x86_64::LoadX86 kArchitecture;
  return kArchitecture;
}
#endif

}  // namespace lifeboat
