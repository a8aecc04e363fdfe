// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/reservation/estimate.h"

#include <algorithm>

#include "src/base/bytes.h"
#include "src/base/error.h"
#include "src/base/size.h"

namespace lifeboat::reservation {
namespace {

// What the kernel allocates for itself until lifeboat-init runs: tables, slab caches, per-CPU memory of one
// CPU.
constexpr uint64_t kKernelWork = 8_MiB;
// A driver's queues and buffers, which drivers make smaller with reset_devices.
constexpr uint64_t kDriver = 1_MiB;
// lifeboat-init while it saves: bitmaps of a chunk, batches of pages, the codec's state, and pending writes.
constexpr uint64_t kSaving = 4_MiB;
// The report is only tried with 32 MiB left (capture/run/save_report.cpp). Most of that is available
// without a reservation: by then the kernel has freed what it needs only to start, the packed initramfs, and
// the part of init_size that it needs only to unpack itself. In virtual machines this much was missing.
constexpr uint64_t kReport = 16_MiB;
// ELF core headers, purgatory, boot parameters (loader/load_checks.h).
constexpr uint64_t kTables = 1_MiB;

// sizeof(struct page) of a 64-bit kernel without debugging of its memory.
constexpr uint64_t kPageStructure = 64;
uint64_t structures_of_section(const EstimateInput& input) {
  return input.section_size / input.page_size * kPageStructure;
}
// Laid out for whole sections (include/linux/mmzone.h, SECTION_SIZE_BITS): of the first MiB, and of those
// that the reservation overlaps, which need not begin at a section boundary.
uint64_t page_structures(const EstimateInput& input, uint64_t reservation) {
  return structures_of_section(input) * (2 + divide_up(reservation, input.section_size));
}

// The total is rounded up to this: easier to read, and an additional margin.
constexpr uint64_t kRound = 4_MiB;
uint64_t margin_of(uint64_t sum) {
  return align_up(sum + std::max(sum / 16, 4_MiB), kRound) - sum;
}

uint64_t sum_of(const std::vector<EstimatePart>& parts) {
  uint64_t sum = 0;
  for (const auto& part : parts) sum += part.bytes;
  return sum;
}

// The modelled parts: the kernel with its files, and the programs in it.
std::vector<EstimatePart> modelled_parts(const EstimateInput& input, uint64_t pages) {
  return {
      {"kernel", input.kernel_memory, "init_size of its file"},
      {"page structures", pages,
       fmt::format("{:g} MiB for each {} MiB section that it uses a part of",
                   static_cast<double>(structures_of_section(input)) / static_cast<double>(1_MiB),
                   input.section_size / 1_MiB)},
      {"tables", kTables + input.elfcorehdr_size, "headers of the dump, boot parameters"},
      {"initramfs, packed", align_up(input.initramfs_packed, input.page_size),
       "its size; freed once it is unpacked"},
      {"initramfs, unpacked", align_up(input.initramfs_unpacked, input.page_size), "size of its archive"},
      {"kernel's own", kKernelWork, "measured in virtual machines"},
      {"drivers", kDriver * input.drivers,
       fmt::format("{} modules of devices, {} each", input.drivers, format_size(kDriver))},
      {"lifeboat-init", kSaving, "measured in virtual machines"},
  };
}
// The first parts: in use when the files are loaded; and when the initramfs has just been unpacked, before
// lifeboat-init can measure.
constexpr size_t kLoadedParts = 5, kUnpackingParts = 6;

const MeasuredUse* most_used(const EstimateInput& input, bool real) {
  const MeasuredUse* most = nullptr;
  for (const auto& use : input.measured) {
    if (use.real != real || use.reserved < use.lowest) continue;
    if (most == nullptr || use.reserved - use.lowest > most->reserved - most->lowest) most = &use;
  }
  return most;
}

// A measurement of a real capture on this machine replaces the model; that of a rehearsal, which has other
// devices, is used only when it is larger.
void apply_measurements(std::vector<EstimatePart>& parts, const EstimateInput& input) {
  const MeasuredUse* const real = most_used(input, true);
  const MeasuredUse* const use = real != nullptr ? real : most_used(input, false);
  if (use == nullptr) return;
  const uint64_t used = use->reserved - use->lowest, modelled = sum_of(parts);
  if (use->real) {
    const uint64_t unpacking = sum_of({parts.begin(), parts.begin() + kUnpackingParts});
    parts = {{"in use, at most", std::max(used, unpacking), "measured: " + use->source}};
  } else if (used > modelled) {
    parts.push_back({"used besides", used - modelled, "measured: " + use->source});
  }
}

}  // namespace

Estimate estimate_reservation(const EstimateInput& input) {
  Estimate estimate;
  const auto add_up = [&](uint64_t pages) {
    auto& parts = estimate.parts = modelled_parts(input, pages);
    estimate.least = sum_of({parts.begin(), parts.begin() + kLoadedParts});
    apply_measurements(parts, input);
    if (input.report)
      parts.push_back({"report", kReport, "measured in virtual machines; [capture] report = no saves it"});
    const uint64_t margin = margin_of(sum_of(parts));
    parts.push_back({"margin", margin, fmt::format("a sixteenth, rounded up to {}", format_size(kRound))});
    estimate.total = sum_of(parts);
  };
  // The structures grow with the reservation, and the reservation with them.
  uint64_t pages = page_structures(input, 0);
  add_up(pages);
  while (page_structures(input, estimate.total) > pages) {
    pages = page_structures(input, estimate.total);
    add_up(pages);
  }
  return estimate;
}

}  // namespace lifeboat::reservation
