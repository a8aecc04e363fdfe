// SPDX-License-Identifier: GPL-2.0-or-later
#include "dump/verify.h"

#include <algorithm>
#include <limits>

#include "base/size.h"
#include "dump/elf_core.h"
#include "dump/kdump_reader.h"

namespace lifeboat {
namespace {

constexpr size_t kMostFindings = 20;

void add_finding(VerifyReport& report, std::string text) {
  if (report.findings.size() < kMostFindings) {
    report.findings.push_back(std::move(text));
  } else {
    ++report.more_findings;
  }
}

// A page that could not be had, counted as what it is.
void count_failure(VerifyReport& report, const Error& error) {
  if (error.code == ErrorCode::lost) {
    ++report.pages_lost;
  } else {
    ++report.pages_damaged;
  }
  add_finding(report, error.to_string());
}

// Every writer puts the page data right behind the descriptors, the shared zero page first (which no
// descriptor need point at). If they begin elsewhere, the second bitmap has more or fewer bits than there are
// descriptors, and each page behind the wrong bit gets another's descriptor. Not checked: a bit that moved,
// and parts of a split dump.
void check_data_start(const KdumpReader& dump, uint64_t first_data, VerifyReport& report) {
  if (report.pages_checked == 0 || report.pages_lost > 0 || dump.info().split) return;
  const uint64_t expected = dump.data_offset();
  if (first_data == expected || first_data == expected + kPageSize) return;
  report.consistent = false;
  add_finding(report,
              fmt::format("the second bitmap counts descriptors up to offset {:#x}, but the page data "
                          "begin at {:#x}: pages may be mistaken for others",
                          expected, first_data));
}

void verify_kdump(KdumpReader& dump, VerifyReport& report, Progress& progress) {
  std::vector<std::byte> page(kPageSize);
  const DumpInfo& info = dump.info();
  const uint64_t first = info.split ? info.start_pfn : 0;
  const uint64_t end = info.split ? std::min(info.end_pfn, info.max_pfn) : info.max_pfn;
  // Descriptors with the same place in the file (zero pages) need expanding once.
  uint64_t last_good = 0;
  uint64_t first_data = std::numeric_limits<uint64_t>::max();
  for (uint64_t pfn = first; pfn < end; ++pfn) {
    if (dump.page_state(pfn) != PageState::stored) continue;
    ++report.pages_checked;
    if (report.pages_checked % 4096 == 0) progress.update(pfn * kPageSize, end * kPageSize);
    const auto descriptor = dump.descriptor(pfn);
    if (!descriptor) {
      count_failure(report, descriptor.error());
      continue;
    }
    first_data = std::min(first_data, descriptor->offset);
    if (descriptor->offset == last_good && descriptor->flags == 0) continue;
    if (auto expanded = dump.expand(*descriptor, page); !expanded) {
      count_failure(report, std::move(expanded).error().context(fmt::format("page {:#x}", pfn)));
    } else if (descriptor->flags == 0) {
      last_good = descriptor->offset;
    }
  }
  check_data_start(dump, first_data, report);
  progress.update(end * kPageSize, end * kPageSize);
}

void verify_elf(ElfCore& dump, VerifyReport& report, Progress& progress) {
  std::vector<std::byte> buffer(1_MiB);
  report.pages_checked = dump.info().ram_pages;
  // What has no bytes in the file is not read page by page: one header may claim petabytes of it.
  for (const auto& range : dump.lost_ranges()) {
    report.pages_lost += (range.end - range.start) / kPageSize;
    add_finding(report,
                fmt::format("the file ends before the memory from {:#x} to {:#x}", range.start, range.end));
  }
  for (const auto& range : dump.present_ranges()) {
    for (uint64_t at = range.start; at < range.end; at += buffer.size()) {
      const MutableByteSpan part =
          MutableByteSpan(buffer).first(std::min<uint64_t>(buffer.size(), range.end - at));
      progress.update(at, dump.info().max_pfn * kPageSize);
      if (dump.read(at, part)) continue;
      for (uint64_t page = 0; page < part.size(); page += kPageSize) {
        if (auto read = dump.read(at + page, part.subspan(page, kPageSize)); !read)
          count_failure(report, read.error());
      }
    }
  }
}

}  // namespace

Result<VerifyReport> verify_dump(const std::string& path, Progress& progress) {
  const auto dump = TRY(Dump::open(path));
  if (dump->info().live()) {
    return std::unexpected(
        Error(ErrorCode::unsupported, fmt::format("{} is the memory of the running kernel, not a dump", path))
            .hint(fmt::format("'lifeboat inspect {}' reads it", path)));
  }
  return verify_dump(*dump, path, progress);
}

VerifyReport verify_dump(Dump& dump, const std::string& name, Progress& progress) {
  VerifyReport report;
  report.info = dump.info();
  progress.phase("verify");
  if (report.info.incomplete) {
    add_finding(report, fmt::format("{} is marked incomplete, or was cut off", name));
  }
  if (auto* kdump = dynamic_cast<KdumpReader*>(&dump)) {
    verify_kdump(*kdump, report, progress);
  } else if (auto* elf = dynamic_cast<ElfCore*>(&dump)) {
    verify_elf(*elf, report, progress);
  }
  report.whole =
      !report.info.incomplete && report.consistent && report.pages_lost == 0 && report.pages_damaged == 0;
  return report;
}

}  // namespace lifeboat
