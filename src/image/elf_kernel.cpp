// SPDX-License-Identifier: GPL-2.0-or-later
// Parsed without libelf: only a few fixed fields are needed, from bytes in memory that are not trusted.
#include "src/image/elf_kernel.h"

#include <elf.h>

#include <algorithm>

#include "src/base/machine_names.h"
#include "src/image/banner.h"
#include "src/image/image.h"

namespace lifeboat {
namespace {

Result<Elf64_Ehdr> read_header(ByteSpan file) {
  const auto header = TRY(load<Elf64_Ehdr>(file, 0, "ELF header"));
  if (header.e_machine != machine_names().elf) {
    return fail(ErrorCode::unsupported, "it is built for another machine (ELF machine {})", header.e_machine);
  }
  if (header.e_type != ET_EXEC)
    return fail(ErrorCode::unsupported, "it is not an executable with fixed addresses (ELF type {})",
                header.e_type);
  if (header.e_phnum == 0) return fail(ErrorCode::corrupt, "it has no program headers");
  // PN_XNUM: the number is stored elsewhere. A kernel has less than ten.
  if (header.e_phnum == PN_XNUM) return fail(ErrorCode::corrupt, "it has more than 65534 program headers");
  if (header.e_phentsize != sizeof(Elf64_Phdr)) {
    return fail(ErrorCode::corrupt, "its program headers have {} bytes each instead of {}",
                header.e_phentsize, sizeof(Elf64_Phdr));
  }
  return header;
}

Result<ElfKernel::Segment> read_segment(const Elf64_Phdr& header, ByteSpan file) {
  if (header.p_memsz == 0)
    return fail(ErrorCode::corrupt, "the segment at {:#x} has no size", header.p_paddr);
  if (header.p_filesz > header.p_memsz) {
    return fail(ErrorCode::corrupt, "the segment at {:#x} has more bytes in the file than in memory",
                header.p_paddr);
  }
  if (header.p_paddr > UINT64_MAX - header.p_memsz)
    return fail(ErrorCode::corrupt, "the segment at {:#x} ends beyond the address space", header.p_paddr);
  TRY_VOID(slice(file, header.p_offset, header.p_filesz, "segment"));
  return ElfKernel::Segment{header.p_paddr, header.p_offset, header.p_filesz, header.p_memsz};
}

Result<> check_layout(const ElfKernel& kernel) {
  for (size_t index = 1; index < kernel.segments.size(); ++index) {
    const auto& before = kernel.segments[index - 1];
    const auto& segment = kernel.segments[index];
    if (segment.physical - before.physical < before.memory_size) {
      return fail(ErrorCode::corrupt, "the segments at {:#x} and {:#x} overlap", before.physical,
                  segment.physical);
    }
  }
  // Within the part in the file: the rest is zero, and not code.
  const bool entered = std::ranges::any_of(kernel.segments, [&](const ElfKernel::Segment& segment) {
    return kernel.entry >= segment.physical && kernel.entry - segment.physical < segment.file_size;
  });
  if (!entered) return fail(ErrorCode::corrupt, "its entry point {:#x} is not in any segment", kernel.entry);
  return {};
}

Result<ElfKernel> parse_fields(ByteSpan file) {
  const auto header = TRY(read_header(file));
  const ByteSpan table = TRY(
      slice(file, header.e_phoff, uint64_t{header.e_phnum} * sizeof(Elf64_Phdr), "table of program headers"));
  ElfKernel kernel;
  kernel.entry = header.e_entry;
  for (uint64_t offset = 0; offset < table.size(); offset += sizeof(Elf64_Phdr)) {
    const auto program = TRY(load<Elf64_Phdr>(table, offset, "program header"));
    if (program.p_type == PT_INTERP)
      return fail(ErrorCode::unsupported, "it is a user-space program, not a kernel");
    if (program.p_type == PT_LOAD) kernel.segments.push_back(TRY(read_segment(program, file)));
  }
  if (kernel.segments.empty()) return fail(ErrorCode::corrupt, "it has no segment to load");
  std::ranges::sort(kernel.segments, {}, &ElfKernel::Segment::physical);
  TRY_VOID(check_layout(kernel));
  kernel.release = banner_release(file);
  return kernel;
}

std::string fix_of(ErrorCode code) {
  return code == ErrorCode::unsupported
             ? fmt::format("name a kernel for {}: /boot/vmlinuz-RELEASE, or the vmlinux of its build",
                           machine_names().kernel)
             : "build or install that kernel again: the file is damaged or truncated";
}

}  // namespace

Result<ElfKernel> ElfKernel::parse(ByteSpan file, std::string_view name) {
  const ImageKind kind = identify_image(file.first(std::min(file.size(), kIdentifyBytes)));
  if (kind != ImageKind::elf_vmlinux) return std::unexpected(not_a_loadable_kernel(name, kind));
  auto kernel = parse_fields(file);
  if (!kernel) {
    const ErrorCode code = kernel.error().code;
    return std::unexpected(std::move(kernel).error().context(name).hint(fix_of(code)));
  }
  return kernel;
}

uint64_t ElfKernel::begin() const {
  return segments.front().physical;
}

uint64_t ElfKernel::end() const {
  return segments.back().physical + segments.back().memory_size;
}

}  // namespace lifeboat
