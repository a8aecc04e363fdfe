// SPDX-License-Identifier: GPL-2.0-or-later
// All that an architecture decides when a kernel's memory is read. One implementation for each architecture,
// in a folder named after it; outside of these folders nothing knows a register, a level of page tables or a
// function that only one architecture has.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/page_size.h"
#include "src/dump/dump.h"
#include "src/vmcore/address_space.h"
#include "src/vmcore/registers.h"
#include "src/vmcore/vmcoreinfo.h"

namespace lifeboat {

class Kallsyms;
class KernelMemory;
class KernelTypes;
class Unwinder;

// Why the processor entered the kernel. By this, a crash without a log is explained.
enum class Exception : uint8_t {
  bad_address,
  protection,
  divide_error,
  invalid_instruction,
  double_fault,
  stack_overflow,
  machine_check,
  nmi
};

// What never changes between dumps of an architecture. The texts are constants.
struct ArchitectureFacts {
  std::string_view machine;              // as `uname -m` has it
  uint16_t elf_machine = 0;              // of its ELF files: EM_*
  std::span<const PageSize> page_sizes;  // that its kernels may have
  // All of the kernel's addresses are at or above it.
  uint64_t lowest_kernel_address = 0;
  // The kernel's image, from _stext on, is never larger.
  uint64_t max_image_bytes = 0;
  // The name of the number in VMCOREINFO that has the maximum of this kernel; empty: there is none.
  std::string_view image_bytes_key;
  // The name of the number in VMCOREINFO that the header of a KDUMP file repeats as phys_base: from where the
  // kernel's image is mapped as linked to where it lies; empty: there is none.
  std::string_view image_offset_key;
  // What list poison and similar invalid pointers count from (CONFIG_ILLEGAL_POINTER_VALUE).
  uint64_t illegal_pointer = 0;
  // Where a task that sleeps keeps its stack pointer: a member of struct task_struct.
  std::string_view stack_pointer_member;

  // Kernel symbols that this architecture looks up: one walk over all names finds them, and those of the
  // other code. If VMCOREINFO has SYMBOL() of such a name, it is the symbol's address.
  std::span<const std::string_view> symbols;
  // The types of its own global variables, as known_global_type() has those of all. Any order.
  struct GlobalType {
    std::string_view symbol, type;
  };
  std::span<const GlobalType> global_types;

  // Functions on the stack between an error and the capture kernel.
  std::span<const std::string_view> panic_path;
  // Functions that are on the stack only while such an exception is handled.
  struct Handler {
    std::string_view function;
    Exception exception;
  };
  std::span<const Handler> exception_handlers;
  // A function of an assembly file, and the file's path in the kernel's sources.
  struct SourceFile {
    std::string_view function, file;
  };
  SourceFile assembly;
};

// What a line of the log behind an oops shows; empty: nothing.
struct OopsLine {
  std::string_view instruction;  // where in the kernel: "ext4_readdir+0x1a/0x40 [ext4]"
  std::string_view access;       // "read", "write" or "execute"
};

class Architecture {
 public:
  virtual ~Architecture() = default;
  [[nodiscard]] virtual const ArchitectureFacts& facts() const = 0;

  // The kernel's own page tables. `page_size` is one of the facts' page_sizes. Keeps a reference to `memory`.
  // `not_found`: VMCOREINFO has no key that leads there.
  [[nodiscard]] virtual Result<std::unique_ptr<AddressSpace>> kernel_address_space(
      PhysicalMemory& memory, const Vmcoreinfo& info, PageSize page_size) const = 0;

  // The contents of an NT_PRSTATUS note (struct elf_prstatus). nullopt: it is too short.
  [[nodiscard]] virtual std::optional<SavedRegisters> parse_prstatus(ByteSpan description) const = 0;

  // Finds what it needs to unwind stacks. What cannot be found is in notes() of the result. An error: the
  // kernel's code cannot be distinguished from its data. All arguments must outlive the result.
  [[nodiscard]] virtual Result<std::unique_ptr<Unwinder>> unwinder(const KernelMemory& memory,
                                                                   const KernelTypes& types,
                                                                   const Kallsyms& symbols) const = 0;

  // Parts of the kernel's image that only this architecture gives to the page allocator when it has started
  // (all do so with __init_begin to __init_end): what is there now is somebody else's memory. In any order;
  // what cannot be determined is missing.
  [[nodiscard]] virtual std::vector<AddressRange> released_image(const KernelMemory& memory,
                                                                 const Kallsyms& symbols) const = 0;

  // What kind of address this is, where an access failed: "an address of user space".
  [[nodiscard]] virtual std::string_view explain_address(uint64_t address) const = 0;
  // The texts are parts of `line`, or constants.
  [[nodiscard]] virtual OopsLine parse_oops_line(std::string_view line) const = 0;
};

// By the machine's name in utsname; nullptr: dumps of such machines are not read.
const Architecture* find_architecture(std::string_view machine);
// For a dump that does not name its machine: the first of the list.
const Architecture& default_architecture();

// Bytes, separated by commas: for messages.
std::string page_sizes_text(std::span<const PageSize> sizes);

}  // namespace lifeboat
