// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/reservation/estimate.h"

#include <algorithm>
#include <cstddef>

#include "src/base/bytes.h"
#include "src/base/error.h"
#include "src/base/size.h"

namespace lifeboat::reservation {
namespace {

// What the kernel allocates for itself until lifeboat-init runs: tables, slab caches, per-CPU memory of one
// CPU.
constexpr uint64_t kKernelWork = 8_MiB;
// lifeboat-init while it saves: bitmaps of a chunk, batches of pages, the codec's state, and pending writes.
constexpr uint64_t kSaving = 4_MiB;
// What each further CPU takes of the kernel: its per-CPU area (a quarter MiB at first), stacks, idle thread
// and other threads of the kernel, slabs and page lists of its own. docs/reserve.md has the measurements.
constexpr uint64_t kFurtherCpu = 2_MiB;
// And of lifeboat-init: a batch of pages before and after compression, and the codec's state.
constexpr uint64_t kFurtherThread = 4_MiB;
// Once there are several: the batches that wait for the one that writes.
constexpr uint64_t kRing = 8_MiB;
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

// Of crashkernel=,cma (CRASHKERNEL_CMA_RANGES_MAX): the kernel halves the size where it finds no room.
constexpr uint64_t kCmaRanges = 4;

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

// The first parts: in use when the files are loaded; and when the initramfs has just been unpacked, before
// lifeboat-init can measure.
constexpr size_t kLoadedParts = 5, kUnpackingParts = 8;

uint64_t further_cpus(const EstimateInput& input) {
  return input.cpus <= 1 ? 0 : input.cpus - 1;
}

uint64_t threads_memory(unsigned cpus) {
  return cpus <= 1 ? 0 : kRing + (cpus - 1) * kFurtherThread;
}

// The modelled parts: the kernel with its files, and the programs in it.
std::vector<EstimatePart> modelled_parts(const EstimateInput& input, uint64_t reservation) {
  // With the first MiB of the machine, and what programs had until the crash.
  const uint64_t memory = reservation + 1_MiB + input.cma;
  std::vector<EstimatePart> parts = {
      {"kernel", input.kernel_memory, "init_size of its file"},
      {"page structures", page_structures(input, reservation),
       fmt::format("{:g} MiB for each {} MiB section that it uses a part of",
                   static_cast<double>(structures_of_section(input)) / static_cast<double>(1_MiB),
                   input.section_size / 1_MiB)},
      {"tables", kTables + input.elfcorehdr_size, "headers of the dump, boot parameters"},
      {"initramfs, packed", align_up(input.initramfs_packed, input.page_size),
       "its size; freed once it is unpacked"},
      {"initramfs, unpacked", align_up(input.initramfs_unpacked, input.page_size), "size of its archive"},
      {"kernel's own", kKernelWork, "measured in virtual machines"},
      {"further CPUs", further_cpus(input) * kFurtherCpu,
       input.cpus <= 1 ? "the capture kernel uses one CPU"
                       : fmt::format("{} for each CPU beside the first", format_size(kFurtherCpu))},
      {"bounce buffers", bounce_buffer_size(input.bounce_buffers, memory),
       bounce_buffer_source(input.bounce_buffers)},
  };
  for (const auto& driver : input.drivers) {
    parts.push_back({"driver " + driver.name, driver.memory + driver.bytes,
                     fmt::format("{} of modules; {} for {}", format_size(driver.memory),
                                 format_size(driver.bytes), driver.source)});
  }
  parts.push_back({"lifeboat-init", kSaving + threads_memory(input.cpus),
                   input.cpus <= 1
                       ? "measured in virtual machines"
                       : fmt::format("measured in virtual machines; {} with several threads, and {} for each "
                                     "beside the first",
                                     format_size(kRing), format_size(kFurtherThread))});
  return parts;
}

// Of a capture kernel with as many CPUs as the one to estimate. One that used more says nothing about fewer.
uint64_t used_by(const MeasuredUse& use, const EstimateInput& input) {
  const uint64_t used = use.reserved - use.lowest;
  const unsigned before = std::max(use.cpus, 1u);
  if (input.cpus <= before) return used;
  return used + (input.cpus - before) * kFurtherCpu + threads_memory(input.cpus) - threads_memory(before);
}

const MeasuredUse* most_used(const EstimateInput& input, bool real) {
  const MeasuredUse* most = nullptr;
  for (const auto& use : input.measured) {
    if (use.real != real || use.reserved < use.lowest) continue;
    if (most == nullptr || used_by(use, input) > used_by(*most, input)) most = &use;
  }
  return most;
}

// A measurement of a real capture on this machine replaces the model; that of a rehearsal, which has other
// devices, is used only when it is larger.
void apply_measurements(std::vector<EstimatePart>& parts, const EstimateInput& input) {
  const MeasuredUse* const real = most_used(input, true);
  const MeasuredUse* const use = real != nullptr ? real : most_used(input, false);
  if (use == nullptr) return;
  const uint64_t used = used_by(*use, input), modelled = sum_of(parts);
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
  estimate.cpus = input.cpus;
  const auto add_up = [&](uint64_t reservation) {
    auto& parts = estimate.parts = modelled_parts(input, reservation);
    estimate.bounce_buffers = parts.at(kUnpackingParts - 1).bytes;
    estimate.least = sum_of({parts.begin(), parts.begin() + kLoadedParts});
    estimate.alone = align_up(sum_of({parts.begin(), parts.begin() + kUnpackingParts}), kRound);
    apply_measurements(parts, input);
    if (input.report)
      parts.push_back({"report", kReport, "measured in virtual machines; [capture] report = no saves it"});
    const uint64_t margin = margin_of(sum_of(parts));
    parts.push_back({"margin", margin, fmt::format("a sixteenth, rounded up to {}", format_size(kRound))});
    estimate.total = sum_of(parts);
  };
  // The structures of pages and the bounce buffers grow with the reservation, by less than a tenth of it, and
  // the reservation with them.
  uint64_t reservation = 0;
  add_up(reservation);
  while (estimate.total > reservation) {
    reservation = estimate.total;
    add_up(reservation);
  }
  // Each of the ranges lies in a section of its own.
  if (estimate.total > estimate.alone)
    estimate.cma =
        align_up(estimate.total - estimate.alone + kCmaRanges * structures_of_section(input), kRound);
  return estimate;
}

unsigned cpus_that_fit(EstimateInput input, uint64_t memory, unsigned wanted) {
  for (input.cpus = wanted; input.cpus > 1; --input.cpus) {
    if (estimate_reservation(input).total <= memory) return input.cpus;
  }
  return 1;
}

}  // namespace lifeboat::reservation
