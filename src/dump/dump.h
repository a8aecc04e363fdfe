// SPDX-License-Identifier: GPL-2.0-or-later
// A dump of a machine's memory, whatever file format holds it, opened for reading.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "src/base/bytes.h"
#include "src/base/error.h"
#include "src/base/page_size.h"

namespace lifeboat {

// Physical memory that can be read: a dump, /proc/vmcore, or a test's map.
class PhysicalMemory {
 public:
  virtual ~PhysicalMemory() = default;
  // Fills `out` from the physical address. Distinct errors: `not_present` (no RAM there), `excluded`
  // (filtered out), `lost` (should be there, was never written), `corrupt` (does not decompress).
  virtual Result<> read(uint64_t physical_address, MutableByteSpan out) = 0;
  // Whether the same address may read otherwise the next time: the memory of a running kernel.
  [[nodiscard]] virtual bool changes() const { return false; }
  // Whether several threads may read at the same time.
  [[nodiscard]] virtual bool parallel_reads() const { return false; }
};

enum class DumpFormat {
  elf,
  kdump,
  live,  // no dump: the memory of the running kernel, which changes while it is read
};
enum class Compression { none, zlib, lzo, snappy, zstd };

// utsname of the dumped kernel, as far as the container has it. Empty strings: unknown.
struct Utsname {
  std::string sysname, nodename, release, version, machine, domainname;
};

// What the container itself records; nothing is read from the memory for it.
struct DumpInfo {
  DumpFormat format = DumpFormat::elf;
  PageSize page_size;       // of the dumped kernel: page frames are counted in it
  std::string machine;      // as `uname -m` has it; empty: unknown
  bool flattened = false;   // wrapped by makedumpfile -F
  bool incomplete = false;  // the writer marked it so, or did not clear the mark
  bool cut_off = false;     // page data that should be there lie beyond the end of the file
  bool split = false;       // one of several files, holding [start_pfn, end_pfn)
  uint64_t start_pfn = 0, end_pfn = 0;
  std::optional<int> dump_level;                // nullopt: the format does not record it (ELF)
  bool mem_map_left_out = false;                // in part: the struct pages of pages that were left out, too
  Compression compression = Compression::none;  // the default of the file; single pages may differ
  uint64_t max_pfn = 0;                         // one past the last page frame
  uint64_t ram_pages = 0;                       // page frames that the dumped machine had
  uint64_t stored_pages = 0;                    // of these, how many the file has (zero pages included)
  std::optional<uint64_t> timestamp;           // seconds since the epoch, of the dump or the crash; live: now
  std::optional<uint64_t> uptime_nanoseconds;  // live: at `timestamp`, by the clock of the kernel's log
  int cpus = 0;                                // NT_PRSTATUS notes
  Utsname uts;
  std::string vmcoreinfo;        // text; empty: none in the file
  std::vector<std::byte> notes;  // the PT_NOTE data, as stored
  // What does not fit together, as far as it is seen without reading a page; one line each. Pages may come
  // out as others' contents then.
  std::vector<std::string> damage;

  [[nodiscard]] bool live() const { return format == DumpFormat::live; }
  // As far as it is seen without reading a page. A copy of a dump that is not whole is not whole either.
  [[nodiscard]] bool whole() const { return !incomplete && !cut_off && damage.empty(); }
};

// The state of a page frame in a dump. ELF dumps cannot distinguish `excluded` from `absent`.
enum class PageState {
  absent,  // no RAM, or not recorded in the file
  stored,
  excluded,  // RAM, but left out
};

// A contiguous piece of physical memory, [start, end).
struct PhysicalRange {
  uint64_t start = 0;
  uint64_t end = 0;
  friend bool operator==(const PhysicalRange&, const PhysicalRange&) = default;
};

// Page frames [first, end).
struct PfnRange {
  uint64_t first = 0;
  uint64_t end = 0;
  friend bool operator==(const PfnRange&, const PfnRange&) = default;
};

class ByteSource;
class Progress;
struct VerifyReport;

class Dump : public PhysicalMemory {
 public:
  // Identifies the format by its magic (KDUMP, ELF core, each possibly flattened) and opens it; /proc/kcore
  // is identified by the file itself. Errors: not_found, truncated (empty or cut off), unsupported (another
  // format, with its name where known; a 32-bit or big-endian machine; another page size), corrupt. Whether
  // the memory of info().machine can be understood is not checked.
  static Result<std::unique_ptr<Dump>> open(const std::string& path);
  static Result<std::unique_ptr<Dump>> open(std::unique_ptr<ByteSource> file);

  [[nodiscard]] virtual const DumpInfo& info() const = 0;
  [[nodiscard]] PageSize page_size() const { return info().page_size; }
  // An Error when the container's record of the page cannot be read: the state of the page is unknown then.
  [[nodiscard]] virtual Result<PageState> page_state(uint64_t pfn) const = 0;
  // The first stored pages of [pfn, end); nothing: there are none. May stop where more follow. For walking
  // over all pages: the gaps between ranges of memory may be a million times larger than the memory. The
  // default is that all of ram() is stored.
  [[nodiscard]] virtual Result<std::optional<PfnRange>> next_stored(uint64_t pfn, uint64_t end) const;
  // The first address, at or above this one, whose contents the file has; what is between them is zero,
  // however large it is: a hole. The default: no holes are known.
  [[nodiscard]] virtual uint64_t next_data(uint64_t physical_address) const { return physical_address; }
  // Sorted, not overlapping: where the dumped machine had RAM, according to the container.
  [[nodiscard]] virtual const std::vector<PhysicalRange>& ram() const = 0;
  // Reads all that the file holds, and counts in `report` what was checked and what could not be read. Each
  // format has its own checks. Findings of the opening are in info() and added by the caller: see
  // verify_dump().
  virtual void verify(VerifyReport& report, Progress& progress) = 0;
};

std::string_view compression_name(Compression compression);
std::optional<Compression> parse_compression(std::string_view name);
std::string_view format_name(DumpFormat format);

}  // namespace lifeboat
