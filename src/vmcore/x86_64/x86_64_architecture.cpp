// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/vmcore/x86_64/x86_64_architecture.h"

#include <elf.h>

#include <array>

#include "src/vmcore/symbols.h"
#include "src/vmcore/x86_64/orc_unwinder.h"
#include "src/vmcore/x86_64/page_table.h"
#include "src/vmcore/x86_64/pt_regs.h"

namespace lifeboat::x86_64 {
namespace {

constexpr std::array<PageSize, 1> kPageSizes = {PageSize::of(kPageBytes).value()};

constexpr auto kSymbols = std::to_array<std::string_view>({
    "init_top_pgt",
    "hardirq_stack_ptr",
    "pcpu_hot",
    "cea_exception_stacks",
    "__start_orc_unwind_ip",
    "__start_orc_unwind",
    "__stop_orc_unwind",
    "__start_orc_header",
    "orc_header",
    "ret_from_fork_asm",
    "ret_from_fork",
    "return_to_handler",
    "arch_rethook_trampoline",
    "kretprobe_trampoline",
    "__kretprobe_trampoline",
    "__start_rodata",
    "__end_rodata",
    "_sdata",
    "__smp_locks",
    "__smp_locks_end",
    "__start_bss_decrypted_unused",
    "__end_bss_decrypted",
    "_brk_end",
    "__brk_base",
    "__brk_limit",
});

constexpr auto kGlobalTypes = std::to_array<ArchitectureFacts::GlobalType>({
    {"boot_cpu_data", "struct cpuinfo_x86"},
    {"cpu_info", "struct cpuinfo_x86"},
    {"cpu_number", "int"},
    {"cpu_tss_rw", "struct tss_struct"},
    {"current_task", "struct task_struct *"},
    {"page_offset_base", "unsigned long"},
    {"pcpu_hot", "struct pcpu_hot"},
    {"phys_base", "unsigned long"},
    {"swapper_pg_dir", "pgd_t []"},
    {"vmalloc_base", "unsigned long"},
    {"vmemmap_base", "unsigned long"},
});

// arch/x86/kernel/{dumpstack,crash,traps}.c, arch/x86/mm/fault.c.
constexpr auto kPanicPath = std::to_array<std::string_view>({
    "native_machine_crash_shutdown",
    "oops_end",
    "oops_begin",
    "die_addr",
    "__die_body",
    "die_body",
    "no_context",
    "page_fault_oops",
    "kernelmode_fixup_or_oops",
    "bad_area_nosemaphore",
    "__bad_area_nosemaphore",
    "__bad_area",
    "do_kern_addr_fault",
    "do_user_addr_fault",
    "handle_page_fault",
    "exc_page_fault",
    "asm_exc_page_fault",
    "do_trap",
    "do_error_trap",
    "handle_bug",
    "exc_invalid_op",
    "asm_exc_invalid_op",
    "exc_general_protection",
    "asm_exc_general_protection",
    "exc_divide_error",
    "asm_exc_divide_error",
    "exc_double_fault",
    "asm_exc_double_fault",
});

constexpr auto kHandlers = std::to_array<ArchitectureFacts::Handler>({
    {"page_fault_oops", Exception::bad_address},
    {"exc_page_fault", Exception::bad_address},
    {"exc_general_protection", Exception::protection},
    {"exc_divide_error", Exception::divide_error},
    {"exc_invalid_op", Exception::invalid_instruction},
    {"exc_double_fault", Exception::double_fault},
    {"handle_stack_overflow", Exception::stack_overflow},
    {"mce_panic", Exception::machine_check},
    {"do_machine_check", Exception::machine_check},
    {"unknown_nmi_error", Exception::nmi},
    {"pci_serr_error", Exception::nmi},
    {"io_check_error", Exception::nmi},
});

constexpr ArchitectureFacts kFacts = {
    .machine = "x86_64",
    .elf_machine = EM_X86_64,
    .page_sizes = kPageSizes,
    .lowest_kernel_address = 0xff00000000000000,  // with five levels of page tables
    .max_image_bytes = uint64_t{1} << 30,         // with KASLR
    .image_bytes_key = "KERNEL_IMAGE_SIZE",
    .image_offset_key = "phys_base",
    .illegal_pointer = 0xdead000000000000,
    .stack_pointer_member = "thread.sp",
    .symbols = kSymbols,
    .global_types = kGlobalTypes,
    .panic_path = kPanicPath,
    .exception_handlers = kHandlers,
    .assembly = {"entry_SYSCALL_64", "arch/x86/entry/entry_64.S"},
};

// Gaps between sections (mark_rodata_ro(), arch/x86/mm/init_64.c), the table of lock prefixes
// (alternative_instructions(), arch/x86/kernel/alternative.c), unencrypted variables without encryption
// (mem_encrypt_free_decrypted_mem(), arch/x86/mm/mem_encrypt_amd.c), and what the early allocator did not
// need (reserve_brk(), arch/x86/kernel/setup.c).
std::vector<AddressRange> released_parts(const KernelMemory& memory, const Kallsyms& symbols) {
  std::vector<AddressRange> parts;
  const auto found =
      symbols.addresses_of({"_etext", "__start_rodata", "__end_rodata", "_sdata", "__smp_locks",
                            "__smp_locks_end", "__start_bss_decrypted_unused", "__end_bss_decrypted"});
  for (size_t at = 0; at + 1 < found.size(); at += 2)
    if (found[at] && found[at + 1]) parts.push_back({*found[at], *found[at + 1]});
  const auto brk = symbols.addresses_of({"_brk_end", "__brk_base", "__brk_limit"});
  if (brk[0] && brk[1] && brk[2]) {
    const auto end = memory.read<uint64_t>(*brk[0]);
    if (end && *end >= *brk[1] && *end <= *brk[2]) parts.push_back({*end, *brk[2]});
  }
  return parts;
}

class X86 final : public Architecture {
 public:
  [[nodiscard]] const ArchitectureFacts& facts() const override { return kFacts; }

  [[nodiscard]] Result<std::unique_ptr<AddressSpace>> kernel_address_space(PhysicalMemory& memory,
                                                                           const Vmcoreinfo& info,
                                                                           PageSize) const override {
    return kernel_page_table(memory, info);
  }

  [[nodiscard]] std::optional<SavedRegisters> parse_prstatus(ByteSpan description) const override {
    return x86_64::parse_prstatus(description);
  }

  [[nodiscard]] Result<std::unique_ptr<Unwinder>> unwinder(const KernelMemory& memory,
                                                           const KernelTypes& types,
                                                           const Kallsyms& symbols) const override {
    return orc_unwinder(memory, types, symbols);
  }

  [[nodiscard]] std::vector<AddressRange> released_image(const KernelMemory& memory,
                                                         const Kallsyms& symbols) const override {
    return released_parts(memory, symbols);
  }

  [[nodiscard]] std::string_view explain_address(uint64_t address) const override {
    if (address < uint64_t{1} << 47) return "an address of user space";
    // 56 bits with five levels of page tables.
    if (address < uint64_t{1} << 56) return "an address of user space, or not canonical";
    if (address < uint64_t{0xff} << 56) return "not canonical: no address at all";
    return "an address of the kernel's part of memory where nothing is mapped";
  }

  [[nodiscard]] OopsLine parse_oops_line(std::string_view line) const override {
    // 0010 is the kernel's code segment: user code is not what failed.
    constexpr std::string_view kInstruction = "RIP: 0010:", kFault = "#PF: ";
    OopsLine found;
    if (line.starts_with(kInstruction)) found.instruction = line.substr(kInstruction.size());
    if (line.starts_with(kFault)) {
      if (line.find("write access") != std::string_view::npos) found.access = "write";
      if (line.find("read access") != std::string_view::npos) found.access = "read";
      if (line.find("instruction fetch") != std::string_view::npos) found.access = "execute";
    }
    return found;
  }
};

}  // namespace

const Architecture& architecture() {
  static const X86 the;
  return the;
}

}  // namespace lifeboat::x86_64
