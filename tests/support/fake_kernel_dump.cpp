// SPDX-License-Identifier: GPL-2.0-or-later
// The fake kernel's memory laid out as dump files.
#include <elf.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <stdexcept>

#include "src/base/file.h"
#include "src/dump/kdump_writer.h"
#include "tests/support/fake_kernel.h"
#include "tests/support/usual_page_size.h"

namespace lifeboat::test {
namespace {

// A test's own support cannot go on without its file.
void require(const Result<>& result) {
  if (!result) throw std::runtime_error(result.error().to_string());
}

void append_note(std::vector<std::byte>& out, std::string_view name, uint32_t type, ByteSpan description) {
  const Elf64_Nhdr header{static_cast<Elf64_Word>(name.size() + 1),
                          static_cast<Elf64_Word>(description.size()), type};
  const auto append = [&out](ByteSpan bytes) {
    out.insert(out.end(), bytes.begin(), bytes.end());
    out.resize(align_up(out.size(), 4));
  };
  append(object_bytes(header));
  append(as_byte_span(std::string(name) + '\0'));
  append(description);
}

}  // namespace

std::vector<std::byte> FakeKernel::notes(int cpus) const {
  std::vector<std::byte> out;
  for (int cpu = 0; cpu < cpus; ++cpu) append_note(out, "CORE", NT_PRSTATUS, std::vector<std::byte>(336));
  append_note(out, "VMCOREINFO", 0, as_byte_span(vmcoreinfo()));
  return out;
}

void FakeKernel::write_elf(const std::string& path, int cpus, uint32_t elf_flags) const {
  const auto note_bytes = notes(cpus);
  Elf64_Ehdr header{};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_ident[EI_VERSION] = EV_CURRENT;
  header.e_type = ET_CORE;
  header.e_machine = EM_X86_64;
  header.e_version = EV_CURRENT;
  header.e_phoff = sizeof header;
  header.e_flags = elf_flags;
  header.e_ehsize = sizeof header;
  header.e_phentsize = sizeof(Elf64_Phdr);
  header.e_phnum = 2;
  std::array<Elf64_Phdr, 2> segments{};
  segments[0].p_type = PT_NOTE;
  segments[0].p_offset = sizeof header + sizeof segments;
  segments[0].p_filesz = segments[0].p_memsz = note_bytes.size();
  segments[1].p_type = PT_LOAD;
  segments[1].p_offset = align_up(segments[0].p_offset + note_bytes.size(), kPageSize);
  segments[1].p_filesz = segments[1].p_memsz = options_.ram_bytes;

  const auto fd = open_file(path, O_RDWR | O_CREAT | O_TRUNC, 0600).value();
  require(pwrite_all(fd.get(), 0, object_bytes(header), path));
  require(pwrite_all(fd.get(), sizeof header, object_bytes(segments), path));
  require(pwrite_all(fd.get(), segments[0].p_offset, note_bytes, path));
  for (const auto& [pfn, bytes] : memory_.pages()) {
    if (pfn < ram_pages()) require(pwrite_all(fd.get(), segments[1].p_offset + pfn * kPageSize, bytes, path));
  }
  const std::byte zero{0};
  if (!memory_.pages().contains(ram_pages() - 1))
    require(pwrite_all(fd.get(), segments[1].p_offset + options_.ram_bytes - 1, object_bytes(zero), path));
}

void FakeKernel::write_kdump(const std::string& path, const std::vector<uint64_t>& left_out, int level,
                             bool finish) const {
  const auto note_bytes = notes(2);
  const std::string text = vmcoreinfo();
  const auto place = std::ranges::search(note_bytes, as_byte_span(text));
  KdumpWriterOptions options;
  options.compression = Compression::none;
  options.dump_level = level;
  options.max_pfn = ram_pages();
  options.phys_base = kFakePhysBase;
  options.cpus = 2;
  options.uts = {"Linux", "node", "6.12.0-fake", "#1 SMP", "x86_64", "(none)"};
  options.notes = note_bytes;
  options.vmcoreinfo_offset = static_cast<uint64_t>(place.begin() - note_bytes.begin());
  options.vmcoreinfo_size = text.size();

  const auto fd = open_file(path, O_RDWR | O_CREAT | O_TRUNC, 0600).value();
  auto writer = KdumpWriter::create(fd.get(), path, options).value();
  std::vector<std::byte> bits(divide_up(ram_pages(), 8), std::byte{0xff});
  require(writer.write_ram_bits(0, bits));
  for (const uint64_t pfn : left_out) bits[pfn / 8] &= ~(std::byte{1} << (pfn % 8));
  require(writer.write_stored_bits(0, bits));
  require(writer.begin_pages(ram_pages() - left_out.size()));
  for (uint64_t pfn = 0; pfn < ram_pages(); ++pfn) {
    if (std::ranges::find(left_out, pfn) != left_out.end()) continue;
    const auto page = memory_.pages().find(pfn);
    require(page == memory_.pages().end() ? writer.add_zero_page() : writer.add_page(page->second, 0));
  }
  if (finish) {
    if (!writer.finish()) throw std::runtime_error("cannot finish " + path);
  } else {
    writer.abandon();
  }
}

}  // namespace lifeboat::test
