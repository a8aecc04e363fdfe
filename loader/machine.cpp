// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/machine.h"

#include <unistd.h>

#include <algorithm>

#include "loader/load_architecture.h"
#include "loader/numbered_files.h"
#include "src/base/file.h"
#include "src/base/size.h"

namespace lifeboat {
namespace {

std::vector<CoreNote> read_cpu_notes(const std::string& sys) {
  const std::string folder = sys + "/devices/system/cpu";
  std::vector<CoreNote> notes;
  for (const uint64_t cpu : numbered(folder, "cpu")) {
    const auto address = read_hex(fmt::format("{}/cpu{}/crash_notes", folder, cpu));
    const auto size = read_line(fmt::format("{}/cpu{}/crash_notes_size", folder, cpu));
    const auto bytes = size ? parse_number(*size) : std::nullopt;
    if (address && bytes && *bytes != 0) notes.push_back({*address, *bytes});
  }
  return notes;
}

// "ADDRESS SIZE", both hexadecimal without 0x (kernel/ksysfs.c).
std::optional<CoreNote> read_vmcoreinfo(const std::string& sys) {
  const auto line = read_line(sys + "/kernel/vmcoreinfo");
  if (!line) return std::nullopt;
  const size_t space = line->find(' ');
  if (space == std::string::npos) return std::nullopt;
  const std::string_view text = *line;
  const auto address = parse_number(text.substr(0, space), 16);
  const auto size = parse_number(text.substr(space + 1), 16);
  if (!address || !size || *size == 0) return std::nullopt;
  return CoreNote{*address, *size};
}

}  // namespace

// "BEGIN-END" a line, hexadecimal (kernel/kexec_core.c, crash_cma_ranges_show()).
std::vector<MemoryRange> read_crash_cma(const std::string& sys) {
  std::vector<MemoryRange> ranges;
  const auto text = read_text(sys + "/kernel/kexec/crash_cma_ranges");
  std::string_view rest = text ? std::string_view(*text) : std::string_view();
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    const size_t dash = line.find('-');
    if (dash == line.npos) continue;
    const auto begin = parse_number(line.substr(0, dash), 16), last = parse_number(line.substr(dash + 1), 16);
    if (begin && last && *last < UINT64_MAX && *begin <= *last) ranges.push_back({*begin, *last + 1});
  }
  return normalized(std::move(ranges));
}

uint64_t running_page_size() {
  return static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
}

Result<Machine> read_machine(const SystemPaths& paths, const LoadArchitecture& architecture) {
  Machine machine{.page_size = running_page_size()};
  const std::string iomem = paths.iomem_file();
  machine.resources = TRY_CONTEXT(parse_iomem(TRY(read_text(iomem, 16_MiB))), "{}", iomem);
  machine.crash_reservation = crash_reservation(machine.resources);
  machine.crash_cma = read_crash_cma(paths.sys);
  machine.cpu_notes = read_cpu_notes(paths.sys);
  machine.vmcoreinfo = read_vmcoreinfo(paths.sys);
  machine.mapping = architecture.read_mapping(paths.proc, machine.resources);
  machine.elfcorehdr_size = read_system_state(paths).elfcorehdr_size;
  machine.command_line = read_line(paths.proc + "/cmdline").value_or("");
  return machine;
}

}  // namespace lifeboat
