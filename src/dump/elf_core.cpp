// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/dump/elf_core.h"

#include <elf.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>
#include <memory>

#include "src/base/size.h"
#include "src/dump/block_cache.h"
#include "src/dump/dump_machine.h"
#include "src/dump/elf_notes.h"
#include "src/dump/limits.h"
#include "src/dump/verify.h"

namespace lifeboat {
namespace {

// makedumpfile -E sets this bit of e_flags when it could not write everything.
constexpr uint32_t kDumpIncomplete = 1;

// As they lie in the file, which has the byte order of this machine: check_header().
struct Headers {
  Elf64_Ehdr file;
  std::vector<Elf64_Phdr> programs;
};

Result<> check_header(const Elf64_Ehdr& header, const std::string& name) {
  if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0)
    return fail(ErrorCode::unsupported, "{} is not an ELF file", name);
  if (header.e_ident[EI_CLASS] != ELFCLASS64)
    return fail(ErrorCode::unsupported, "{} is a 32-bit ELF file; only 64-bit machines are supported", name);
  if (header.e_ident[EI_DATA] != ELFDATA2LSB)
    return fail(ErrorCode::unsupported, "{} is big-endian; only little-endian machines are supported", name);
  if (header.e_ident[EI_VERSION] != EV_CURRENT)
    return fail(ErrorCode::corrupt, "{}: version {} of ELF instead of {}", name,
                int{header.e_ident[EI_VERSION]}, EV_CURRENT);
  // A 32-bit kernel's dump may have 64-bit headers, because of its physical addresses.
  if (const std::string machine = machine_name(header.e_machine); is_32_bit_machine(machine))
    return fail(ErrorCode::unsupported, "{} is of a 32-bit machine ({}); only 64-bit machines are supported",
                name, machine);
  if (header.e_type != ET_CORE) {
    return std::unexpected(
        Error(ErrorCode::unsupported,
              fmt::format("{} is an ELF file, but not a core (type {})", name, header.e_type))
            .hint("give the vmcore: a kernel image such as vmlinux holds no memory"));
  }
  if (header.e_phentsize != sizeof(Elf64_Phdr))
    return fail(ErrorCode::corrupt, "{}: its program headers have {} bytes each instead of {}", name,
                header.e_phentsize, sizeof(Elf64_Phdr));
  return {};
}

// The number of program headers, which does not fit into e_phnum on large machines: then it is sh_info of
// section header 0 (elf(5), PN_XNUM).
Result<uint64_t> program_header_count(const ByteSource& file, const Elf64_Ehdr& header) {
  if (header.e_phnum != PN_XNUM) return header.e_phnum;
  if (header.e_shoff == 0)
    return fail(ErrorCode::corrupt,
                "{}: the number of program headers is missing: PN_XNUM, but no section header", file.name());
  Elf64_Shdr first_section{};
  TRY_VOID(file.read(header.e_shoff, std::as_writable_bytes(std::span(&first_section, 1))));
  return first_section.sh_info;
}

// Not by libelf: it takes a whole file, of a descriptor or in memory, and a ByteSource may be flattened, and
// has terabytes behind its headers.
Result<Headers> read_headers(const ByteSource& file) {
  static_assert(std::endian::native == std::endian::little);
  Headers headers{};
  TRY_VOID(file.read(0, std::as_writable_bytes(std::span(&headers.file, 1))));
  TRY_VOID(check_header(headers.file, file.name()));
  const uint64_t count = TRY(program_header_count(file, headers.file));
  const uint64_t table = count * sizeof(Elf64_Phdr);  // 32-bit count: cannot overflow
  TRY_VOID(check_fits(file, headers.file.e_phoff, table, "program headers"));
  if (count > kMaxRanges)
    return fail(ErrorCode::corrupt, "{}: there are too many program headers: {}, at most {}", file.name(),
                count, kMaxRanges);
  headers.programs.resize(count);
  TRY_VOID(file.read(headers.file.e_phoff, std::as_writable_bytes(std::span(headers.programs))));
  return headers;
}

// More than the notes of CPUs and the kernel ever take. Drivers' dumps of their devices (NT_VMCOREDD, one
// note each) come before them (fs/proc/vmcore.c): the large ones are left out, all others are kept.
Result<> read_small_notes(const ByteSource& file, const Elf64_Phdr& segment, DumpInfo& info) {
  constexpr uint64_t kLargeNote = 1_MiB;
  constexpr uint64_t kWindow = 64_KiB;
  BlockCache notes(file, segment.p_offset, segment.p_filesz, kWindow, 2);
  uint64_t left_out = 0;
  info.notes.reserve(kMaxNoteBytes);  // taken from the system as it is filled
  for (uint64_t at = 0; segment.p_filesz - at >= sizeof(Elf64_Nhdr);) {
    Elf64_Nhdr header;
    std::array<std::byte, sizeof header> scratch;
    const ByteSpan bytes = TRY(notes.bytes(at, scratch));
    std::memcpy(&header, bytes.data(), sizeof header);
    if (header.n_namesz == 0 && header.n_descsz == 0 && header.n_type == 0) {  // padding
      at += sizeof header;
      continue;
    }
    const uint64_t size =
        sizeof header + align_up(uint64_t{header.n_namesz}, 4) + align_up(uint64_t{header.n_descsz}, 4);
    const uint64_t present = std::min(size, segment.p_filesz - at);
    if (present > kLargeNote) {
      left_out += present;
    } else {
      const uint64_t before = info.notes.size();
      if (before + present > kMaxNoteBytes)
        return fail(ErrorCode::corrupt, "{}: the ELF notes take more than {}, the maximum", file.name(),
                    format_size(kMaxNoteBytes));
      info.notes.resize(before + present);
      const MutableByteSpan out = MutableByteSpan(info.notes).subspan(before);
      const ByteSpan whole = TRY(notes.bytes(at, out));
      if (whole.data() != out.data()) std::ranges::copy(whole, out.begin());
    }
    at += present;
  }
  if (left_out == 0)
    return fail(ErrorCode::corrupt, "{}: the ELF notes are too large: {}, at most {}", file.name(),
                format_size(segment.p_filesz), format_size(kMaxNoteBytes));
  info.damage.push_back(fmt::format("{} of notes (dumps of devices) are left out: there are {} of notes",
                                    format_size(left_out), format_size(segment.p_filesz)));
  return {};
}

Result<> read_notes(const ByteSource& file, const Elf64_Phdr& segment, DumpInfo& info) {
  if (segment.p_filesz > std::max(kMaxNoteBytes, file.size()))
    return fail(ErrorCode::corrupt, "{}: the ELF notes are too large: {} bytes, more than the file",
                file.name(), segment.p_filesz);
  if (segment.p_offset > file.size() || segment.p_filesz > file.size() - segment.p_offset) {
    info.incomplete = true;
    return {};
  }
  // Many headers may point at the same bytes; valid ones do not, and together fit into the file.
  const uint64_t before = info.notes.size();
  if (before + segment.p_filesz > file.stored_size())
    return fail(ErrorCode::corrupt, "{}: more notes than fit into the file", file.name());
  if (before + segment.p_filesz > kMaxNoteBytes) return read_small_notes(file, segment, info);
  info.notes.resize(before + segment.p_filesz);
  return file.read(segment.p_offset, MutableByteSpan(info.notes).subspan(before));
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
PhysicalRange whole_pages(uint64_t physical, uint64_t bytes, PageSize page) {
  return {align_down(physical, page.bytes()), align_up(physical + bytes, page.bytes())};
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

ElfCore::ElfCore(std::unique_ptr<ByteSource> file, DumpInfo info, std::vector<Piece> segments)
    : file_(std::move(file)), info_(std::move(info)), pieces_(without_overlap(std::move(segments))) {
  const PageSize page = info_.page_size;
  std::vector<PhysicalRange> ranges;
  ranges.reserve(pieces_.size());
  for (const auto& piece : pieces_) ranges.push_back(whole_pages(piece.physical, piece.size, page));
  ram_ = merge(std::move(ranges));
  for (const auto& range : ram_) {
    info_.ram_pages += page.frame(range.end - range.start);
    info_.max_pfn = page.frame(range.end);
  }
  info_.stored_pages = info_.ram_pages;
  for (const auto& range : lost_ranges()) info_.stored_pages -= page.frame(range.end - range.start);
}

// Segments may overlap: /proc/vmcore has one for the kernel's text within the RAM that holds it. Both have
// the same bytes; the one that begins last is used, so each address is in exactly one piece.
std::vector<ElfCore::Piece> ElfCore::without_overlap(std::vector<Piece> segments) {
  std::ranges::stable_sort(segments, {}, &Piece::physical);
  std::vector<Piece> pieces;
  std::vector<Piece> open;  // that have begun and may go on; the last covers the others
  uint64_t at = 0;          // pieces are made up to here
  const auto cover_until = [&](uint64_t end) {
    while (at < end && !open.empty()) {
      const Piece& top = open.back();
      if (top.end() <= at) {
        open.pop_back();
        continue;
      }
      const uint64_t within = at - top.physical, size = std::min(top.end(), end) - at;
      const uint64_t in_file = top.file_size - std::min(top.file_size, within);
      pieces.push_back({at, size, top.file_offset + within, std::min(in_file, size)});
      at += size;
    }
  };
  for (const auto& segment : segments) {
    cover_until(segment.physical);
    at = segment.physical;
    open.push_back(segment);
  }
  cover_until(kMaxPhysical);
  return pieces;
}

Result<std::unique_ptr<ElfCore>> ElfCore::open(std::unique_ptr<ByteSource> file) {
  const Headers headers = TRY(read_headers(*file));
  DumpInfo info;
  info.format = DumpFormat::elf;
  info.flattened = file->flattened();
  info.incomplete = (headers.file.e_flags & kDumpIncomplete) != 0 || !file->complete();
  std::vector<Piece> segments;
  for (size_t index = 0; index < headers.programs.size(); ++index) {
    const Elf64_Phdr& program_header = headers.programs[index];
    if (program_header.p_type == PT_NOTE) TRY_VOID(read_notes(*file, program_header, info));
    if (program_header.p_type != PT_LOAD || program_header.p_memsz == 0) continue;
    // /proc/kcore marks areas with no physical address so.
    if (program_header.p_paddr == std::numeric_limits<uint64_t>::max()) continue;
    if (program_header.p_paddr >= kMaxPhysical ||
        program_header.p_memsz > kMaxPhysical - program_header.p_paddr ||
        program_header.p_filesz > program_header.p_memsz) {
      return fail(ErrorCode::corrupt,
                  "{}: segment {} claims {:#x} bytes ({:#x} in the file) at physical {:#x}", file->name(),
                  index, program_header.p_memsz, program_header.p_filesz, program_header.p_paddr);
    }
    if (program_header.p_offset > file->size() ||
        program_header.p_filesz > file->size() - program_header.p_offset)
      info.incomplete = true;
    // A segment beyond the file stays beyond it: offsets within it must not wrap to the file's beginning.
    const uint64_t offset = std::min(program_header.p_offset, file->size());
    segments.push_back({program_header.p_paddr, program_header.p_memsz, offset, program_header.p_filesz});
  }
  if (segments.empty())
    return fail(ErrorCode::corrupt, "{} is an ELF core with no memory in it", file->name());
  if (std::ranges::all_of(segments, [](const Piece& piece) { return piece.file_size == 0; }))
    info.damage.emplace_back("no segment has contents in the file: all memory would read as zero");
  NotesSummary notes = summarize_notes(info.notes);
  info.cpus = notes.cpus;
  info.vmcoreinfo = std::move(notes.vmcoreinfo);
  info.machine = machine_name(headers.file.e_machine);
  info.page_size = TRY(page_size_of_elf(info, file->name()));
  std::unique_ptr<ElfCore> core(new ElfCore(std::move(file), std::move(info), std::move(segments)));
  // A file of megabytes could describe petabytes. Several segments may have the same memory and the same
  // bytes: QEMU writes one for each virtual mapping (dump-guest-memory -p).
  uint64_t bytes_left = core->file_->size();
  for (const Piece& piece : core->pieces_) {
    const uint64_t present = core->present(piece);
    if (present > bytes_left)
      return fail(ErrorCode::corrupt, "{}: the segments claim more bytes than it has", core->file_->name());
    bytes_left -= present;
  }
  return core;
}

uint64_t ElfCore::present(const Piece& piece) const {
  const uint64_t rest = file_->size() - std::min(file_->size(), piece.file_offset);
  return std::min(piece.file_size, rest);
}

std::vector<PhysicalRange> ElfCore::present_ranges() const {
  std::vector<PhysicalRange> ranges;
  for (const auto& piece : pieces_) {
    if (present(piece) > 0) ranges.push_back(whole_pages(piece.physical, present(piece), info_.page_size));
  }
  return merge(std::move(ranges));
}

std::vector<PhysicalRange> ElfCore::lost_ranges() const {
  std::vector<PhysicalRange> expected;
  for (const auto& piece : pieces_) {
    if (piece.file_size > 0)
      expected.push_back(whole_pages(piece.physical, piece.file_size, info_.page_size));
  }
  return subtract(merge(std::move(expected)), present_ranges());
}

Result<PageState> ElfCore::page_state(uint64_t pfn) const {
  if (pfn >= info_.max_pfn) return PageState::absent;
  const uint64_t address = info_.page_size.address(pfn);
  const auto after = std::ranges::upper_bound(ram_, address, {}, &PhysicalRange::start);
  if (after == ram_.begin()) return PageState::absent;
  return address < std::prev(after)->end ? PageState::stored : PageState::absent;
}

std::vector<ElfCore::Piece>::const_iterator ElfCore::piece_behind(uint64_t physical_address) const {
  return std::ranges::upper_bound(pieces_, physical_address, {}, &Piece::physical);
}

Result<> ElfCore::read(uint64_t physical_address, MutableByteSpan out) {
  const PageSize page_size = info_.page_size;
  while (!out.empty()) {
    const auto next = piece_behind(physical_address);
    const Piece* piece = next == pieces_.begin() ? nullptr : &*std::prev(next);
    uint64_t count = out.size();
    if (piece == nullptr || physical_address >= piece->end()) {
      // ram() rounds outward to whole pages; what lies between a segment's end and its page's is zero.
      if (TRY(page_state(page_size.frame(physical_address))) != PageState::stored)
        return fail(ErrorCode::not_present, "no memory at physical address {:#x}", physical_address);
      count = std::min(count, page_size.bytes() - page_size.within(physical_address));
      if (next != pieces_.end()) count = std::min(count, next->physical - physical_address);
      std::ranges::fill(out.first(count), std::byte{0});
    } else if (const uint64_t within = physical_address - piece->physical; within < piece->file_size) {
      count = std::min(count, piece->file_size - within);
      if (auto read = file_->read(piece->file_offset + within, out.first(count)); !read) {
        Error error = std::move(read).error();
        if (error.code == ErrorCode::truncated) error.code = ErrorCode::lost;
        return std::unexpected(
            std::move(error).context(fmt::format("physical address {:#x}", physical_address)));
      }
    } else {
      count = std::min(count, piece->size - within);
      std::ranges::fill(out.first(count), std::byte{0});
    }
    physical_address += count;
    out = out.subspan(count);
  }
  return {};
}

uint64_t ElfCore::next_data(uint64_t physical_address) const {
  auto piece = piece_behind(physical_address);
  if (piece != pieces_.begin()) --piece;
  for (; piece != pieces_.end(); ++piece) {
    const uint64_t within = physical_address - std::min(physical_address, piece->physical);
    if (within >= piece->file_size) continue;
    // What was cut off is not skipped.
    if (within >= present(*piece)) return piece->physical + within;
    const uint64_t stored = file_->next_data(piece->file_offset + within).start - piece->file_offset;
    if (stored < present(*piece) || present(*piece) < piece->file_size)
      return piece->physical + std::min(stored, present(*piece));
  }
  return kMaxPhysical;
}

void ElfCore::verify(VerifyReport& report, Progress& progress) {
  const PageSize page_size = info_.page_size;
  std::vector<std::byte> buffer(1_MiB);
  report.pages_checked = info_.ram_pages;
  // What has no bytes in the file is not read page by page: one header may claim petabytes of it.
  for (const auto& range : lost_ranges()) {
    report.lost(page_size.frame(range.end - range.start), [&range] {
      return fmt::format("the file ends before the memory from {:#x} to {:#x}", range.start, range.end);
    });
  }
  uint64_t data = 0;  // behind the last hole of the file that was found: it reads as zeros, whatever its size
  for (const auto& range : present_ranges()) {
    uint64_t at = range.start;
    for (;;) {
      if (data < at) data = next_data(at);
      at = std::max(at, align_down(data, page_size.bytes()));
      if (at >= range.end) break;
      const MutableByteSpan part =
          MutableByteSpan(buffer).first(std::min<uint64_t>(buffer.size(), range.end - at));
      progress.update(at, page_size.address(info_.max_pfn));
      if (!read(at, part)) {
        for (uint64_t page = 0; page < part.size(); page += page_size.bytes()) {
          if (auto single = read(at + page, part.subspan(page, page_size.bytes())); !single)
            report.failed(single.error());
        }
      }
      at += part.size();
    }
  }
}

}  // namespace lifeboat
