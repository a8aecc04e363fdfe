// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/engine/essential_pages.h"

#include <algorithm>

#include "capture/engine/pfn_ranges.h"
#include "src/base/size.h"
#include "src/vmcore/per_cpu.h"
#include "src/vmcore/symbols.h"

namespace lifeboat {
namespace {

// A direct map of 16 TiB by pages of 2 MiB has 16 thousand tables; that of 1 GiB pages, a few.
constexpr size_t kMaxTables = size_t{1} << 16;
// All static per-CPU variables of a kernel with every driver built in take some hundred KiB.
constexpr uint64_t kMaxPerCpuBytes = 4_MiB;
// The least that the first chunk has behind the static variables: PERCPU_MODULE_RESERVE and
// PERCPU_DYNAMIC_RESERVE (include/linux/percpu.h).
constexpr uint64_t kPerCpuReserve = 8_KiB + 28_KiB;
// Without symbols: how far the image may begin before _stext, and how large a part may not be mapped.
constexpr uint64_t kMaxHead = 2_MiB, kMaxGap = 8_MiB;

class Finder {
 public:
  explicit Finder(const KernelMemory& kernel)
      : kernel_(kernel), page_(kernel.page_size()), ranges_(kMaxEssentialRanges) {}

  EssentialPages find() {
    const auto symbols = Kallsyms::read(kernel_);
    if (symbols) {
      add_image(*symbols);
      add_per_cpu(*symbols);
    } else {
      warn(
          "the kernel's symbols are missing ({}): its image is taken for what is mapped at _stext, and its "
          "per-CPU areas are not known",
          symbols.error().message);
      add_image_around_stext();
    }
    add_page_tables();
    if (ranges_.full()) warn("there are more than {} of them: the memory is damaged", kMaxEssentialRanges);
    return {ranges_.take(), std::move(warnings_)};
  }

 private:
  template <typename... Args>
  void warn(fmt::format_string<Args...> format, Args&&... args) {
    warnings_.push_back("essential pages: " + fmt::format(format, std::forward<Args>(args)...));
  }

  // The pages to which [begin, end) is mapped. Returns how many bytes are not.
  uint64_t add_mapped(uint64_t begin, uint64_t end) {
    uint64_t missing = 0;
    for (uint64_t at = begin; at < end;) {
      const auto run = kernel_.translate_run(at);
      const uint64_t to_border = page_.bytes() - page_.within(at);
      const uint64_t bytes = std::min(run ? run->bytes_left : to_border, end - at);
      if (run) {
        ranges_.add(
            {page_.frame(run->physical_address), page_.frame(run->physical_address + (bytes - 1)) + 1});
      } else {
        missing += bytes;
      }
      at += bytes;
    }
    return missing;
  }

  void add_image(const Kallsyms& symbols) {
    const auto bounds = symbols.addresses_of({"_text", "_end"});
    if (!bounds[0] || !bounds[1]) {
      warn("kallsyms has no _text or no _end: the image is taken for what is mapped at _stext");
      return add_image_around_stext();
    }
    const AddressRange image{*bounds[0], *bounds[1]};
    if (image.begin >= image.end || image.end - image.begin > kernel_.max_image_bytes()) {
      warn("the kernel's image cannot be from {:#x} to {:#x}: it is taken for what is mapped at _stext",
           image.begin, image.end);
      return add_image_around_stext();
    }
    uint64_t at = image.begin;
    for (const AddressRange& gone : released_parts(symbols)) {
      if (gone.end <= at || gone.begin >= image.end) continue;
      if (gone.begin > at) add_mapped(at, gone.begin);
      at = gone.end;
    }
    if (at < image.end) add_mapped(at, image.end);
  }

  // Sorted; only whole pages of them are gone.
  std::vector<AddressRange> released_parts(const Kallsyms& symbols) const {
    auto parts = kernel_.architecture().released_image(kernel_, symbols);
    // On every architecture: free_initmem().
    const auto init = symbols.addresses_of({"__init_begin", "__init_end"});
    if (init[0] && init[1]) parts.push_back({*init[0], *init[1]});
    for (auto& part : parts) {
      part.begin = align_up(part.begin, page_.bytes());
      part.end = align_down(part.end, page_.bytes());
    }
    std::erase_if(parts, [](const AddressRange& part) { return part.begin >= part.end; });
    std::ranges::sort(parts, {}, &AddressRange::begin);
    return parts;
  }

  // Page by page, or large page by large page: only mapped memory is looked at, so no other size is known.
  void add_image_around_stext() {
    const auto stext = kernel_.vmcoreinfo().symbol("_stext");
    if (!stext) return warn("VMCOREINFO has no SYMBOL(_stext): the kernel's image is not known");
    const uint64_t start = align_down(*stext, page_.bytes());
    uint64_t head = start;
    while (head >= page_.bytes() && start - head < kMaxHead && kernel_.translate(head - page_.bytes()))
      head -= page_.bytes();
    add_mapped(head, start);
    const uint64_t limit = std::min(kernel_.max_image_bytes(), ~uint64_t{0} - start);
    const uint64_t end = start + align_down(limit, page_.bytes());
    uint64_t gap = 0;
    for (uint64_t at = start; at < end && gap < kMaxGap;) {
      const auto run = kernel_.translate_run(at);
      const uint64_t bytes = std::min(run ? run->bytes_left : page_.bytes(), end - at);
      if (run) add_mapped(at, at + bytes);
      gap = run ? 0 : gap + bytes;
      at += bytes;
    }
  }

  void add_per_cpu(const Kallsyms& symbols) {
    const auto areas = PerCpu::read(kernel_, symbols);
    if (!areas) return warn("{}", areas.error().message);
    const auto bounds = symbols.addresses_of({"__per_cpu_start", "__per_cpu_end"});
    if (!bounds[0] || !bounds[1])
      return warn("per-CPU areas are not known: no symbol __per_cpu_start or __per_cpu_end");
    const uint64_t bytes = *bounds[1] - *bounds[0];
    if (*bounds[1] < *bounds[0] || bytes > kMaxPerCpuBytes)
      return warn("per-CPU areas cannot have {} bytes, at most {} are possible", bytes, kMaxPerCpuBytes);
    uint64_t missing = 0;
    for (const auto& cpu : areas->cpus()) {
      const uint64_t begin = *bounds[0] + cpu.offset;
      if (begin > ~uint64_t{0} - bytes - kPerCpuReserve - page_.bytes()) {
        missing += bytes;
        continue;
      }
      missing += add_mapped(begin, begin + bytes);
      // What is behind them may be a little less, or not be mapped.
      const uint64_t end = align_up(begin + bytes + kPerCpuReserve, page_.bytes());
      add_mapped(begin + bytes, end);
    }
    if (missing > 0)
      warn("{} bytes of the per-CPU areas of {} CPUs are not mapped", missing, areas->cpus().size());
  }

  void add_page_tables() {
    const TableFrames tables = kernel_.table_frames(kMaxTables);
    for (const uint64_t frame : tables.frames) ranges_.add({frame, frame + 1});
    if (tables.cut) warn("there are more than {} page tables: the rest is not known", kMaxTables);
    if (tables.unreadable > 0)
      warn("{} page tables cannot be read; those below them are not known ({})", tables.unreadable,
           tables.first_error);
  }

  const KernelMemory& kernel_;
  const PageSize page_;
  PfnRanges ranges_;
  std::vector<std::string> warnings_;
};

}  // namespace

EssentialPages find_essential_pages(const KernelMemory& kernel) {
  return Finder(kernel).find();
}

}  // namespace lifeboat
