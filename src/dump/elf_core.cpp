// SPDX-License-Identifier: GPL-2.0-or-later
#include "dump/elf_core.h"

#include <elf.h>
#include <gelf.h>

#include <algorithm>
#include <limits>
#include <memory>

#include "base/size.h"
#include "dump/other_machine.h"

namespace lifeboat {
namespace {

// makedumpfile -E sets this bit of e_flags when it could not write everything.
constexpr uint32_t kDumpIncomplete = 1;
constexpr uint64_t kMostNotes = 256_MiB;

using ElfHandle = std::unique_ptr<Elf, decltype(&elf_end)>;

std::string machine_name(uint16_t machine) {
  switch (machine) {
    case EM_386:
      return "32-bit x86";
    case EM_AARCH64:
      return "arm64";
    case EM_ARM:
      return "32-bit arm";
    case EM_PPC64:
      return "ppc64";
    case EM_S390:
      return "s390";
    case EM_RISCV:
      return "riscv";
    case EM_LOONGARCH:
      return "loongarch";
    default:
      return fmt::format("machine {}", machine);
  }
}

Result<> check_header(const Elf64_Ehdr& header, const ByteSource& file) {
  const std::string& name = file.name();
  if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0)
    return fail(ErrorCode::unsupported, "{} is no ELF file", name);
  if (header.e_ident[EI_CLASS] != ELFCLASS64)
    return fail(ErrorCode::unsupported, "{} is a 32-bit ELF file; only 64-bit machines are supported", name);
  if (header.e_ident[EI_DATA] != ELFDATA2LSB)
    return fail(ErrorCode::unsupported, "{} is big-endian; only x86-64 dumps are supported", name);
  if (header.e_machine != EM_X86_64) {
    return std::unexpected(other_machine(name, machine_name(header.e_machine),
                                         vmcoreinfo_near_start(file, "OSRELEASE="),
                                         vmcoreinfo_near_start(file, "CRASHTIME=")));
  }
  if (header.e_type != ET_CORE) {
    return std::unexpected(
        Error(ErrorCode::unsupported,
              fmt::format("{} is an ELF file, but not a core (type {})", name, header.e_type))
            .hint("a kernel image such as vmlinux holds no memory; give the vmcore"));
  }
  if (header.e_phentsize != sizeof(Elf64_Phdr))
    return fail(ErrorCode::corrupt, "{}: program headers of {} bytes instead of {}", name, header.e_phentsize,
                sizeof(Elf64_Phdr));
  return {};
}

// The number of program headers, which does not fit into e_phnum on large machines: then it is sh_info of
// section header 0 (elf(5), PN_XNUM).
Result<uint64_t> program_header_count(const ByteSource& file, const Elf64_Ehdr& header,
                                      Elf64_Shdr& first_section) {
  if (header.e_phnum != PN_XNUM) return header.e_phnum;
  if (header.e_shoff == 0)
    return fail(ErrorCode::corrupt, "{}: PN_XNUM without a section header", file.name());
  TRY_VOID(file.read(header.e_shoff, std::as_writable_bytes(std::span(&first_section, 1))));
  return first_section.sh_info;
}

// Only the headers, laid out as a small ELF file of their own: libelf reads that from memory, and never
// touches the terabyte that may follow them. `storage` must outlive the handle.
Result<ElfHandle> open_headers(const ByteSource& file, std::vector<std::byte>& storage) {
  Elf64_Ehdr header;
  TRY_VOID(file.read(0, std::as_writable_bytes(std::span(&header, 1))));
  TRY_VOID(check_header(header, file));
  Elf64_Shdr first_section{};
  const uint64_t count = TRY(program_header_count(file, header, first_section));
  const uint64_t table = count * sizeof(Elf64_Phdr);  // 32-bit count: cannot overflow
  const auto program_headers = TRY(read_bytes(file, header.e_phoff, table, "program headers"));
  storage.resize(sizeof header + table + sizeof first_section);
  std::ranges::copy(program_headers, storage.begin() + sizeof header);
  header.e_phoff = sizeof header;
  header.e_shoff = header.e_phnum == PN_XNUM ? sizeof header + table : 0;
  header.e_shnum = header.e_phnum == PN_XNUM ? 1 : 0;
  header.e_shentsize = sizeof first_section;
  header.e_shstrndx = SHN_UNDEF;
  std::memcpy(storage.data(), &header, sizeof header);
  std::memcpy(storage.data() + sizeof header + table, &first_section, sizeof first_section);

  elf_version(EV_CURRENT);
  ElfHandle elf(elf_memory(reinterpret_cast<char*>(storage.data()), storage.size()), elf_end);
  if (!elf) return fail(ErrorCode::corrupt, "{}: {}", file.name(), elf_errmsg(-1));
  return elf;
}

Result<> read_notes(const ByteSource& file, const GElf_Phdr& segment, DumpInfo& info) {
  if (segment.p_filesz > kMostNotes)
    return fail(ErrorCode::corrupt, "{}: notes of {} bytes", file.name(), segment.p_filesz);
  if (segment.p_offset > file.size() || segment.p_filesz > file.size() - segment.p_offset) {
    info.incomplete = true;
    return {};
  }
  // Many headers may point at the same bytes; honest ones do not, and together fit into the file.
  if (info.notes.size() + segment.p_filesz > std::min(kMostNotes, file.stored_size()))
    return fail(ErrorCode::corrupt, "{}: more notes than fit into the file", file.name());
  const auto notes = TRY(read_bytes(file, segment.p_offset, segment.p_filesz, "notes"));
  info.notes.insert(info.notes.end(), notes.begin(), notes.end());
  return {};
}

void interpret_notes(DumpInfo& info) {
  for (const auto& note : parse_notes(info.notes).notes) {
    if (note.name == "VMCOREINFO") info.vmcoreinfo = text_until_nul(note.description);
    if (note.name == "CORE" && note.type == NT_PRSTATUS) ++info.cpus;
  }
}

std::vector<PhysicalRange> merge(std::vector<PhysicalRange> ranges) {
  std::ranges::sort(ranges, {}, &PhysicalRange::start);
  std::vector<PhysicalRange> merged;
  for (const auto& range : ranges) {
    if (!merged.empty() && range.start <= merged.back().end) {
      merged.back().end = std::max(merged.back().end, range.end);
    } else {
      merged.push_back(range);
    }
  }
  return merged;
}

// The pages that hold the bytes.
PhysicalRange whole_pages(uint64_t physical, uint64_t bytes) {
  return {align_down(physical, kPageSize), align_up(physical + bytes, kPageSize)};
}

// What of `from` is not in `taken`; both sorted and without overlap.
std::vector<PhysicalRange> subtract(const std::vector<PhysicalRange>& from,
                                    const std::vector<PhysicalRange>& taken) {
  std::vector<PhysicalRange> rest;
  auto next = taken.begin();
  for (auto [start, end] : from) {
    while (next != taken.end() && next->end <= start) ++next;
    for (auto at = next; at != taken.end() && at->start < end; ++at) {
      if (start < at->start) rest.push_back({start, at->start});
      start = at->end;
    }
    if (start < end) rest.push_back({start, end});
  }
  return rest;
}

}  // namespace

ElfNotes parse_notes(ByteSpan bytes) {
  ElfNotes result;
  uint64_t offset = 0;
  while (bytes.size() - offset >= sizeof(Elf64_Nhdr)) {
    Elf64_Nhdr header;
    std::memcpy(&header, bytes.data() + offset, sizeof header);
    // The kernel ends its notes with an empty one, and pads with zeros.
    if (header.n_namesz == 0 && header.n_descsz == 0 && header.n_type == 0) {
      offset += sizeof header;
      continue;
    }
    const uint64_t name_offset = offset + sizeof header;
    const uint64_t description_offset = name_offset + align_up(header.n_namesz, 4);
    const auto name = slice(bytes, name_offset, header.n_namesz, "note name");
    const auto description = slice(bytes, description_offset, header.n_descsz, "note");
    if (!name || !description) {
      result.truncated = true;
      return result;
    }
    result.notes.push_back({text_until_nul(*name), header.n_type, *description, description_offset});
    const uint64_t next = description_offset + align_up(header.n_descsz, 4);
    if (next > bytes.size()) break;
    offset = next;
  }
  return result;
}

ElfCore::ElfCore(std::unique_ptr<ByteSource> file, DumpInfo info, std::vector<Segment> segments)
    : file_(std::move(file)), info_(std::move(info)), segments_(std::move(segments)) {
  std::vector<PhysicalRange> ranges;
  for (const auto& segment : segments_) {
    ranges.push_back({align_down(segment.physical, kPageSize),
                      align_up(segment.physical + segment.memory_size, kPageSize)});
  }
  ram_ = merge(std::move(ranges));
  for (const auto& range : ram_) {
    info_.ram_pages += (range.end - range.start) / kPageSize;
    info_.max_pfn = range.end / kPageSize;
  }
  info_.stored_pages = info_.ram_pages;
  for (const auto& range : lost_ranges()) info_.stored_pages -= (range.end - range.start) / kPageSize;
}

Result<std::unique_ptr<ElfCore>> ElfCore::open(std::unique_ptr<ByteSource> file) {
  std::vector<std::byte> storage;
  const ElfHandle elf = TRY(open_headers(*file, storage));
  GElf_Ehdr header;
  size_t count = 0;
  if (gelf_getehdr(elf.get(), &header) == nullptr || elf_getphdrnum(elf.get(), &count) != 0)
    return fail(ErrorCode::corrupt, "{}: {}", file->name(), elf_errmsg(-1));

  // The highest physical address of any x86-64 processor: 52 bits.
  constexpr uint64_t kMostPhysical = uint64_t{1} << 52;
  DumpInfo info;
  info.format = DumpFormat::elf;
  info.flattened = file->flattened();
  info.incomplete = (header.e_flags & kDumpIncomplete) != 0 || !file->complete();
  std::vector<Segment> segments;
  for (size_t index = 0; index < count; ++index) {
    GElf_Phdr program_header;
    if (gelf_getphdr(elf.get(), static_cast<int>(index), &program_header) == nullptr)
      return fail(ErrorCode::corrupt, "{}: program header {}: {}", file->name(), index, elf_errmsg(-1));
    if (program_header.p_type == PT_NOTE) TRY_VOID(read_notes(*file, program_header, info));
    if (program_header.p_type != PT_LOAD || program_header.p_memsz == 0) continue;
    // /proc/kcore marks areas with no physical address so.
    if (program_header.p_paddr == std::numeric_limits<uint64_t>::max()) continue;
    if (program_header.p_paddr >= kMostPhysical ||
        program_header.p_memsz > kMostPhysical - program_header.p_paddr ||
        program_header.p_filesz > program_header.p_memsz) {
      return fail(ErrorCode::corrupt,
                  "{}: segment {} claims {:#x} bytes ({:#x} in the file) at physical {:#x}", file->name(),
                  index, program_header.p_memsz, program_header.p_filesz, program_header.p_paddr);
    }
    if (program_header.p_offset > file->size() ||
        program_header.p_filesz > file->size() - program_header.p_offset)
      info.incomplete = true;
    // A segment beyond the file stays beyond it: offsets within it must not wrap to the file's beginning.
    segments.push_back({program_header.p_paddr, std::min(program_header.p_offset, file->size()),
                        program_header.p_filesz, program_header.p_memsz});
  }
  if (segments.empty())
    return fail(ErrorCode::corrupt, "{} is an ELF core with no memory in it", file->name());
  std::ranges::stable_sort(segments, {}, &Segment::physical);
  interpret_notes(info);
  return std::unique_ptr<ElfCore>(new ElfCore(std::move(file), std::move(info), std::move(segments)));
}

std::vector<PhysicalRange> ElfCore::present_ranges() const {
  std::vector<PhysicalRange> ranges;
  for (const auto& segment : segments_) {
    const uint64_t present = std::min(segment.file_size, file_->size() - segment.file_offset);
    if (present > 0) ranges.push_back(whole_pages(segment.physical, present));
  }
  return merge(std::move(ranges));
}

std::vector<PhysicalRange> ElfCore::lost_ranges() const {
  std::vector<PhysicalRange> promised;
  for (const auto& segment : segments_) {
    if (segment.file_size > 0) promised.push_back(whole_pages(segment.physical, segment.file_size));
  }
  return subtract(merge(std::move(promised)), present_ranges());
}

PageState ElfCore::page_state(uint64_t pfn) const {
  if (pfn >= info_.max_pfn) return PageState::absent;
  const uint64_t address = pfn << kPageShift;
  const auto after = std::ranges::upper_bound(ram_, address, {}, &PhysicalRange::start);
  if (after == ram_.begin()) return PageState::absent;
  return address < std::prev(after)->end ? PageState::stored : PageState::absent;
}

const ElfCore::Segment* ElfCore::find(uint64_t physical_address) const {
  // Segments may overlap: /proc/vmcore has one for the kernel's text within the RAM that holds it. Either
  // will do; the nearest start is tried first, and few lie between it and the right one.
  auto at = std::ranges::upper_bound(segments_, physical_address, {}, &Segment::physical);
  while (at != segments_.begin()) {
    --at;
    if (physical_address - at->physical < at->memory_size) return &*at;
  }
  return nullptr;
}

Result<> ElfCore::read(uint64_t physical_address, MutableByteSpan out) {
  while (!out.empty()) {
    const Segment* segment = find(physical_address);
    if (segment == nullptr) {
      // ram() rounds outward to whole pages; what lies between a segment's end and its page's is zero.
      if (page_state(physical_address >> kPageShift) != PageState::stored)
        return fail(ErrorCode::not_present, "no memory at physical address {:#x}", physical_address);
      const uint64_t rest = kPageSize - physical_address % kPageSize;
      const auto next = std::ranges::upper_bound(segments_, physical_address, {}, &Segment::physical);
      uint64_t count = std::min<uint64_t>(rest, out.size());
      if (next != segments_.end()) count = std::min(count, next->physical - physical_address);
      std::ranges::fill(out.first(count), std::byte{0});
      physical_address += count;
      out = out.subspan(count);
      continue;
    }
    const uint64_t within = physical_address - segment->physical;
    uint64_t count = std::min<uint64_t>(out.size(), segment->memory_size - within);
    if (within < segment->file_size) {
      count = std::min(count, segment->file_size - within);
      if (auto read = file_->read(segment->file_offset + within, out.first(count)); !read) {
        Error error = std::move(read).error();
        if (error.code == ErrorCode::truncated) error.code = ErrorCode::lost;
        return std::unexpected(
            std::move(error).context(fmt::format("physical address {:#x}", physical_address)));
      }
    } else {
      std::ranges::fill(out.first(count), std::byte{0});
    }
    physical_address += count;
    out = out.subspan(count);
  }
  return {};
}

}  // namespace lifeboat
