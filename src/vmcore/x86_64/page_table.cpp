// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/vmcore/x86_64/page_table.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <unordered_map>

namespace lifeboat::x86_64 {
namespace {

constexpr uint64_t kKernelMap = 0xffffffff80000000;    // __START_KERNEL_map
constexpr uint64_t kAddressMask = 0x000ffffffffff000;  // bits 12..51 of an entry
constexpr uint64_t kPresent = 1;
constexpr uint64_t kLargePage = uint64_t{1} << 7;
constexpr unsigned kIndexBits = 9;
// Tables are 4 KiB each; the vmemmap of a large machine is mapped by few of them.
constexpr size_t kCachedTables = 256;

class PageTable final : public AddressSpace {
 public:
  PageTable(PhysicalMemory& memory, uint64_t root, unsigned levels, uint64_t encryption_mask)
      : memory_(memory), root_(root), levels_(levels), address_mask_(kAddressMask & ~encryption_mask) {}

  Result<Translation> translate(uint64_t virtual_address) override {
    if (!is_canonical(virtual_address))
      return fail(ErrorCode::not_mapped, "{:#x} is not a valid address", virtual_address);
    uint64_t table = root_;
    for (unsigned level = levels_; level-- > 0;) {
      const unsigned shift = kPageBits + level * kIndexBits;
      const uint64_t entry = TRY_CONTEXT(read_entry(table, virtual_address >> shift, level),
                                         "page table of {:#x}", virtual_address);
      if ((entry & kPresent) == 0)
        return fail(ErrorCode::not_mapped, "{:#x} is not mapped (level {})", virtual_address, level + 1);
      if (is_leaf(entry, level)) {
        const uint64_t within = virtual_address & ((uint64_t{1} << shift) - 1);
        const uint64_t base = entry & address_mask_ & ~((uint64_t{1} << shift) - 1);
        return Translation{base + within, (uint64_t{1} << shift) - within};
      }
      table = entry & address_mask_;
    }
    return fail(ErrorCode::not_mapped, "{:#x} is not mapped", virtual_address);
  }

  [[nodiscard]] TableFrames table_frames(size_t max) const override {
    TableFrames found;
    std::vector<uint64_t> tables = {root_};  // of one level
    for (unsigned level = levels_; level-- > 0;) {
      const size_t left = max - std::min(max, found.frames.size());
      if (tables.size() > left) {
        tables.resize(left);
        found.cut = true;
      }
      for (const uint64_t table : tables) found.frames.push_back(table >> kPageBits);
      // The lowest ones lead to no table.
      if (level > 0) tables = tables_below(tables, level, max, found);
    }
    sort_out(found.frames);
    return found;
  }

 private:
  using Table = std::array<uint64_t, kPageBytes / sizeof(uint64_t)>;

  // 1 GiB and 2 MiB pages are entries of the third and second level.
  static bool is_leaf(uint64_t entry, unsigned level) {
    return level == 0 || (level <= 2 && (entry & kLargePage) != 0);
  }

  static void sort_out(std::vector<uint64_t>& numbers) {
    std::ranges::sort(numbers);
    numbers.erase(std::ranges::unique(numbers).begin(), numbers.end());
  }

  // The tables to which those of `level` lead, each once: a kernel with KASAN has one table in a million
  // places.
  [[nodiscard]] std::vector<uint64_t> tables_below(const std::vector<uint64_t>& tables, unsigned level,
                                                   size_t max, TableFrames& found) const {
    std::vector<uint64_t> below;
    Table entries;
    for (const uint64_t table : tables) {
      if (const auto read = memory_.read(table, std::as_writable_bytes(std::span(entries))); !read) {
        ++found.unreadable;
        if (found.first_error.empty()) found.first_error = read.error().to_string();
        continue;
      }
      for (const uint64_t entry : entries)
        if ((entry & kPresent) != 0 && !is_leaf(entry, level)) below.push_back(entry & address_mask_);
      if (below.size() <= 2 * max) continue;
      sort_out(below);
      if (below.size() > max) break;  // too many: the caller takes so many of them
    }
    sort_out(below);
    return below;
  }

  [[nodiscard]] bool is_canonical(uint64_t address) const {
    const unsigned bits = kPageBits + levels_ * kIndexBits;
    const auto extended = static_cast<int64_t>(address << (64 - bits)) >> (64 - bits);
    return static_cast<uint64_t>(extended) == address;
  }

  Result<uint64_t> read_entry(uint64_t table, uint64_t index, unsigned level) {
    index %= std::tuple_size_v<Table>;
    const auto found = tables_.find(table);
    if (found != tables_.end() && (!memory_.changes() || is_lasting(found->second[index], level)))
      return found->second[index];
    Table entries;
    TRY_VOID(memory_.read(table, std::as_writable_bytes(std::span(entries))));
    if (tables_.size() >= kCachedTables) tables_.clear();
    return tables_.insert_or_assign(table, entries).first->second[index];
  }

  // A running kernel maps and unmaps single pages all the time (stacks, modules), and adds tables, but never
  // removes the tables of its own half.
  static bool is_lasting(uint64_t entry, unsigned level) { return level > 0 && (entry & kPresent) != 0; }

  PhysicalMemory& memory_;
  uint64_t root_;
  unsigned levels_;
  uint64_t address_mask_;
  std::unordered_map<uint64_t, Table> tables_;
};

}  // namespace

Result<std::unique_ptr<AddressSpace>> kernel_page_table(PhysicalMemory& memory, const Vmcoreinfo& info) {
  // init_top_pgt is exported under its old name, swapper_pg_dir, as well.
  auto root = info.symbol("swapper_pg_dir");
  if (!root) root = TRY(info.require_symbol("init_top_pgt"));
  if (*root < kKernelMap)
    return fail(ErrorCode::corrupt,
                "VMCOREINFO has a wrong address of swapper_pg_dir: {:#x} is below the kernel's map at {:#x}",
                *root, kKernelMap);
  const auto phys_base = static_cast<uint64_t>(TRY(info.require_number("phys_base")));
  const bool five_levels = info.number("pgtable_l5_enabled").value_or(0) != 0;
  const auto encryption_mask = static_cast<uint64_t>(info.number("sme_mask").value_or(0));
  return std::make_unique<PageTable>(memory, *root - kKernelMap + phys_base, five_levels ? 5 : 4,
                                     encryption_mask);
}

}  // namespace lifeboat::x86_64
