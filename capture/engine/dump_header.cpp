// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/engine/dump_header.h"

#include <algorithm>
#include <utility>

#include "src/dump/elf_notes.h"
#include "src/dump/limits.h"
#include "src/vmcore/utsname.h"

namespace lifeboat {

KdumpWriterOptions dump_header(const CaptureSource& source, int level, const CaptureOptions& options) {
  const DumpInfo& info = source.dump.info();
  KdumpWriterOptions writer;
  writer.compression = options.compression.compression;
  writer.dump_level = level;
  writer.page_size = info.page_size;
  writer.max_pfn = info.max_pfn;
  writer.cpus = std::max(info.cpus, 1);
  writer.uts = info.uts;
  writer.timestamp_seconds = info.timestamp.value_or(0);
  writer.notes = info.notes;
  writer.source_incomplete = !info.whole();
  writer.mem_map_left_out = info.mem_map_left_out;
  writer.make_space = options.make_space;
  ElfNotes notes(info.notes);
  while (const auto note = notes.next()) {
    if (note->name != "VMCOREINFO" || note->description.size() > kMaxVmcoreinfoBytes) continue;
    writer.vmcoreinfo_offset = note->description_offset;
    writer.vmcoreinfo_size = note->description.size();
  }
  if (source.kernel) {
    const Vmcoreinfo& vmcoreinfo = source.kernel->vmcoreinfo();
    const std::string_view offset_key = source.kernel->architecture().facts().image_offset_key;
    if (!offset_key.empty())
      writer.phys_base = static_cast<uint64_t>(vmcoreinfo.number(offset_key).value_or(0));
    writer.timestamp_seconds = vmcoreinfo.crash_time().value_or(writer.timestamp_seconds);
    if (auto uts = read_utsname(*source.kernel)) {
      writer.uts = *std::move(uts);
    } else {
      writer.uts.release = vmcoreinfo.release();
    }
  }
  if (writer.uts.machine.empty()) writer.uts.machine = info.machine;
  return writer;
}

}  // namespace lifeboat
