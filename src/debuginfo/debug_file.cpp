// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/debuginfo/debug_file.h"

#include <dwarf.h>
#include <elfutils/libdwelf.h>
#include <elfutils/libdwfl.h>
#include <sys/stat.h>

#include <algorithm>
#include <optional>

#include "src/base/file.h"
#include "src/debuginfo/inlined_functions.h"
#include "src/debuginfo/variable_type.h"

namespace lifeboat {
namespace {

// libdwfl would look for the file, or for another one with its debug information: these disable the search.
int find_no_elf(Dwfl_Module* /*module*/, void** /*user*/, const char* /*name*/, Dwarf_Addr /*base*/,
                char** /*file*/, Elf** /*elf*/) {
  return -1;
}
int find_no_debug_file(Dwfl_Module* /*module*/, void** /*user*/, const char* /*name*/, Dwarf_Addr /*base*/,
                       const char* /*file*/, const char* /*link*/, GElf_Word /*crc*/, char** /*found*/) {
  return -1;
}

constexpr Dwfl_Callbacks kCallbacks = {.find_elf = find_no_elf,
                                       .find_debuginfo = find_no_debug_file,
                                       .section_address = dwfl_offline_section_address,
                                       .debuginfo_path = nullptr};

std::string dwfl_reason() {
  const char* reason = dwfl_errmsg(-1);
  return reason != nullptr ? reason : "unknown error";
}

struct DwflEnd {
  void operator()(Dwfl* session) const { dwfl_end(session); }
};

// Checked before libdwfl sees the file: it would unpack archives, compressed files and kernel images.
Result<> check_header(int fd, const std::string& path, uint16_t elf_machine) {
  struct stat status{};
  if (fstat(fd, &status) != 0) return fail_errno("{}", path);
  if (!S_ISREG(status.st_mode)) return fail(ErrorCode::unsupported, "{} is not a regular file", path);
  Elf64_Ehdr header{};
  const auto bytes = std::as_writable_bytes(std::span(&header, 1));
  const size_t length = TRY(pread_some(fd, 0, bytes, path));
  if (length < SELFMAG || std::string_view(reinterpret_cast<const char*>(header.e_ident), SELFMAG) != ELFMAG)
    return fail(ErrorCode::unsupported, "{} is not an ELF file", path);
  if (length < sizeof header) return fail(ErrorCode::truncated, "{} ends within its ELF header", path);
  if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB ||
      header.e_machine != elf_machine)
    return fail(ErrorCode::unsupported, "{} is an ELF file of another architecture", path);
  // A truncated file would seem to have no debug information.
  const auto size = static_cast<uint64_t>(status.st_size);
  if (header.e_shoff > size || uint64_t{header.e_shnum} * sizeof(Elf64_Shdr) > size - header.e_shoff)
    return fail(ErrorCode::truncated, "{} is cut off: its section headers are at {}, it has {} bytes", path,
                header.e_shoff, size);
  return {};
}

}  // namespace

struct DebugFile::State {
  std::string path;
  std::unique_ptr<Dwfl, DwflEnd> session;
  Dwfl_Module* module = nullptr;  // the session's
  Elf* elf = nullptr;             // the module's
  bool relocatable = false;
  std::vector<std::byte> build_id;

  struct Dwarfs {
    Dwarf* dwarf = nullptr;
    Dwarf_Addr bias = 0;
  };
  std::optional<Result<Dwarfs>> dwarf;  // once asked for

  const Result<Dwarfs>& debug_info() {
    if (!dwarf) dwarf = open_debug_info();
    return *dwarf;
  }

 private:
  [[nodiscard]] Result<Dwarfs> open_debug_info() const {
    Dwarfs opened;
    opened.dwarf = dwfl_module_getdwarf(module, &opened.bias);
    if (opened.dwarf == nullptr)
      return fail(ErrorCode::not_found, "{} has no usable debug information: {}", path, dwfl_reason());
    // A file of which only lines, or nothing but frames, are left.
    Dwarf_Off next = 0;
    size_t header_size = 0;
    const int units = dwarf_nextcu(opened.dwarf, 0, &next, &header_size, nullptr, nullptr, nullptr);
    if (units > 0) return fail(ErrorCode::not_found, "{} has no .debug_info", path);
    if (units < 0)
      return fail(ErrorCode::corrupt, "the debug information of {} cannot be read: {}", path,
                  dwarf_errmsg(-1));
    return opened;
  }
};

DebugFile::DebugFile(std::unique_ptr<State> state) : state_(std::move(state)) {}
DebugFile::DebugFile(DebugFile&&) noexcept = default;
DebugFile& DebugFile::operator=(DebugFile&&) noexcept = default;
DebugFile::~DebugFile() = default;

Result<DebugFile> DebugFile::open(const std::string& path, uint16_t elf_machine) {
  // A FIFO would wait for a writer.
  UniqueFd file = TRY(open_file(path, O_RDONLY | O_NONBLOCK));
  TRY_VOID(check_header(file.get(), path, elf_machine));
  auto state = std::make_unique<State>();
  state->path = path;
  state->session.reset(dwfl_begin(&kCallbacks));
  if (!state->session) return fail(ErrorCode::io, "{}: {}", path, dwfl_reason());
  dwfl_report_begin(state->session.get());
  state->module = dwfl_report_offline(state->session.get(), "", path.c_str(), file.get());
  if (state->module == nullptr)
    return fail(ErrorCode::corrupt, "{} cannot be used as a debug file: {}", path, dwfl_reason());
  (void)file.release();  // libdwfl's now
  dwfl_report_end(state->session.get(), nullptr, nullptr);
  GElf_Addr bias = 0;
  state->elf = dwfl_module_getelf(state->module, &bias);
  GElf_Ehdr header;
  if (state->elf == nullptr || gelf_getehdr(state->elf, &header) == nullptr)
    return fail(ErrorCode::corrupt, "{} cannot be used as a debug file: {}", path, dwfl_reason());
  state->relocatable = header.e_type == ET_REL;
  const unsigned char* bits = nullptr;
  GElf_Addr place = 0;
  const int length = dwfl_module_build_id(state->module, &bits, &place);
  if (length > 0) {
    const auto bytes = std::as_bytes(std::span(bits, static_cast<size_t>(length)));
    state->build_id.assign(bytes.begin(), bytes.end());
  }
  return DebugFile(std::move(state));
}

const std::string& DebugFile::path() const {
  return state_->path;
}
const std::vector<std::byte>& DebugFile::build_id() const {
  return state_->build_id;
}
bool DebugFile::relocatable() const {
  return state_->relocatable;
}

Result<std::vector<std::string>> DebugFile::check_debug_info() const {
  const auto& opened = state_->debug_info();
  if (!opened) return std::unexpected(opened.error());
  std::vector<std::string> warnings;
  // The common part of several files, moved to another file by dwz.
  const char* name = nullptr;
  const void* id = nullptr;
  if (dwelf_dwarf_gnu_debugaltlink(opened->dwarf, &name, &id) > 0 && dwarf_getalt(opened->dwarf) == nullptr)
    warnings.push_back(
        fmt::format("{} refers to {}, which is missing: some functions have no name", state_->path, name));
  return warnings;
}

std::vector<inspect::SourcePlace> DebugFile::places(uint64_t address) const {
  if (!state_->debug_info()) return {};
  Dwarf_Addr bias = 0;
  Dwarf_Die* unit = dwfl_module_addrdie(state_->module, address, &bias);
  if (unit == nullptr || address < bias) return {};
  return source_places(*unit, address - bias);
}

std::optional<std::string> DebugFile::variable_type(std::string_view name, uint64_t address) const {
  const auto& opened = state_->debug_info();
  if (!opened || address < opened->bias) return std::nullopt;
  return spell_variable_type(opened->dwarf, name, address - opened->bias);
}

void DebugFile::visit_functions(const Visit& visit) const {
  const int count = dwfl_module_getsymtab(state_->module);
  for (int index = 1; index < count; ++index) {
    GElf_Sym symbol;
    GElf_Addr address = 0;
    GElf_Word section = 0;
    const char* name =
        dwfl_module_getsym_info(state_->module, index, &symbol, &address, &section, nullptr, nullptr);
    if (name == nullptr || *name == '\0' || GELF_ST_TYPE(symbol.st_info) != STT_FUNC) continue;
    if (section == SHN_UNDEF || section == SHN_ABS) continue;
    visit(name, address, section);
  }
}

DebugFile::Section DebugFile::section(size_t number) const {
  GElf_Shdr header;
  Elf_Scn* section = elf_getscn(state_->elf, number);
  if (section == nullptr || gelf_getshdr(section, &header) == nullptr) return {};
  // dwfl_report_offline() wrote its layout into the headers.
  if (header.sh_size > ~uint64_t{0} - header.sh_addr) return {};
  return {header.sh_addr, header.sh_addr + header.sh_size};
}

std::string format_build_id(ByteSpan build_id) {
  std::string text;
  for (const std::byte byte : build_id) text += fmt::format("{:02x}", static_cast<unsigned>(byte));
  return text;
}

}  // namespace lifeboat
