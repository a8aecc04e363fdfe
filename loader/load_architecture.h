// SPDX-License-Identifier: GPL-2.0-or-later
// What a load asks of an architecture: which kernels it can enter, what such a kernel must know about this
// machine, and where its parts lie. Each folder named after an architecture implements it; everything else
// here holds for all of them. Formats of kernel files are in src/image/native_kernel.h.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "loader/command_line.h"
#include "loader/machine.h"
#include "loader/plan.h"
#include "loader/system_state.h"
#include "src/base/error.h"
#include "src/image/kernel_file.h"

namespace lifeboat {

class LoadArchitecture {
 public:
  virtual ~LoadArchitecture() = default;

  // KEXEC_ARCH_* (include/uapi/linux/kexec.h), a part of the flags of kexec_load(2).
  [[nodiscard]] virtual unsigned long kexec_flag() const = 0;
  // The part of the longest command line that kexec_file_load(2) needs itself, its NUL included.
  [[nodiscard]] virtual uint64_t file_load_appends(bool crash) const = 0;
  // What to do about a kernel file that the running kernel does not accept (ENOEXEC): one clause.
  [[nodiscard]] virtual std::string_view refused_file_fix() const = 0;

  // What a capture kernel needs on its command line on such machines only.
  [[nodiscard]] virtual std::span<const ParameterRule> capture_parameters() const = 0;
  // The parameter by which a capture kernel on several CPUs leaves the boot CPU alone, the one that firmware
  // started. It has no effect where the crash came on that CPU. Empty: on such machines a kernel may start
  // any CPU. nullopt: it is needed, and `proc` does not show which CPU it is: one CPU alone is safe then.
  [[nodiscard]] virtual std::optional<std::string> boot_cpu_parameter(const std::string& proc) const = 0;

  // The crash reservation begins at a multiple of this.
  [[nodiscard]] virtual uint64_t reservation_alignment() const = 0;
  // The kernel allocates struct page for whole sections of this size (include/linux/mmzone.h,
  // SECTION_SIZE_BITS).
  [[nodiscard]] virtual uint64_t memory_section_size(uint64_t page_size) const = 0;

  // The release of the kernel in `file` (empty when it has none), a bare one of any format that can be loaded
  // here; an error with a hint, which names the file, for all others.
  [[nodiscard]] virtual Result<std::string> check_kernel(const KernelFile& file, bool crash) const = 0;

  // Where the running kernel maps itself and all memory, as far as `proc` shows it.
  [[nodiscard]] virtual KernelMapping read_mapping(const std::string& proc,
                                                   const std::vector<Resource>& resources) const = 0;

  // The segments for kexec_load(2), with purgatory and the boot parameters of the new kernel. Reads what only
  // this architecture needs to know of the machine below `paths`. `unsupported`: the kernel cannot be entered
  // that way; `no_space`: no memory for a part; `not_found`: the running kernel does not provide the
  // necessary data.
  [[nodiscard]] virtual Result<LoadPlan> plan(const PlanInput& input, const Machine& machine,
                                              const SystemPaths& paths) const = 0;
};

// The one that this program is built for.
const LoadArchitecture& this_architecture();

}  // namespace lifeboat
