// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/dump/dump_machine.h"

#include <elf.h>

#include <algorithm>

#include "src/base/size.h"
#include "src/dump/dump.h"
#include "src/dump/vmcoreinfo_line.h"

namespace lifeboat {
namespace {

struct KnownMachine {
  uint16_t elf;
  std::string_view name;
  std::optional<PageSize> only_page_size = {};  // nothing: it is chosen when a kernel is built
};

constexpr KnownMachine kMachines[] = {
    {EM_X86_64, "x86_64", PageSize::of(4_KiB)},
    {EM_AARCH64, "aarch64"},
    {EM_RISCV, "riscv64", PageSize::of(4_KiB)},
    {EM_PPC64, "ppc64le"},
    {EM_LOONGARCH, "loongarch64"},
    {EM_386, "i386"},
    {EM_ARM, "arm"},
};

Result<PageSize> supported(uint64_t bytes, const std::string& file) {
  if (const auto page_size = PageSize::of(bytes)) return *page_size;
  return fail(ErrorCode::unsupported, "{}: pages of {} bytes; 4, 16 and 64 KiB are supported", file, bytes);
}

std::optional<PageSize> only_page_size(const std::string& machine) {
  const auto* const found = std::ranges::find(kMachines, machine, &KnownMachine::name);
  return found != std::end(kMachines) ? found->only_page_size : std::nullopt;
}

// A line that is not a number does not count.
std::optional<uint64_t> recorded_page_size(const DumpInfo& info) {
  return parse_number(vmcoreinfo_line(info.vmcoreinfo, "PAGESIZE="));
}

}  // namespace

std::string machine_name(uint16_t elf_machine) {
  const auto* const found = std::ranges::find(kMachines, elf_machine, &KnownMachine::elf);
  return found != std::end(kMachines) ? std::string(found->name) : fmt::format("ELF-machine-{}", elf_machine);
}

bool is_32_bit_machine(std::string_view machine) {
  // i386 to i686; arm, armv7l.
  return (machine.size() == 4 && machine.starts_with('i') && machine.ends_with("86")) ||
         machine.starts_with("arm");
}

Result<PageSize> page_size_of_elf(const DumpInfo& info, const std::string& file) {
  // First: VMCOREINFO is memory of the crashed kernel, and a damaged digit in it must not cost the dump.
  if (const auto only = only_page_size(info.machine)) return *only;
  if (const auto recorded = recorded_page_size(info)) return supported(*recorded, file);
  return std::unexpected(
      Error(ErrorCode::unsupported,
            fmt::format("{}: the page size is unknown: it has no VMCOREINFO with a PAGESIZE line, and {} has "
                        "more than one page size",
                        file, info.machine))
          .hint("make the dump again with VMCOREINFO in it (QEMU: a guest with -device vmcoreinfo)"));
}

Result<PageSize> page_size_of_kdump(int32_t block_size, const std::string& file) {
  if (block_size < 0) return fail(ErrorCode::unsupported, "{}: pages of {} bytes", file, block_size);
  return supported(static_cast<uint64_t>(block_size), file);
}

Result<> check_page_size(const DumpInfo& info, const std::string& file) {
  const auto recorded = recorded_page_size(info);
  if (!recorded || *recorded == info.page_size.bytes()) return {};
  if (only_page_size(info.machine) == info.page_size) return {};
  return std::unexpected(Error(ErrorCode::unsupported,
                               fmt::format("{} has pages of {} bytes, but by its VMCOREINFO the kernel had "
                                           "pages of {} bytes",
                                           file, info.page_size.bytes(), *recorded))
                             .hint("if QEMU made it, make an ELF dump instead (dump-guest-memory without "
                                   "-z); else it is damaged"));
}

}  // namespace lifeboat
