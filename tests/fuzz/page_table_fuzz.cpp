// SPDX-License-Identifier: GPL-2.0-or-later
// Eight pages of memory, all of them page tables and all of them the input, repeated; the last 8 bytes are an
// address.
#include <algorithm>
#include <cstring>

#include "src/vmcore/kernel_memory.h"
#include "src/vmcore/x86_64/page_table.h"
#include "tests/support/fake_kernel.h"
#include "tests/support/usual_page_size.h"

namespace {

// The input again and again; entries are brought near, so that tables lead to tables.
class Tables final : public lifeboat::PhysicalMemory {
 public:
  explicit Tables(lifeboat::ByteSpan input) : input_(input) {}
  lifeboat::Result<> read(uint64_t address, lifeboat::MutableByteSpan out) override {
    if (address >= 8 * lifeboat::kPageSize || out.size() > 8 * lifeboat::kPageSize - address)
      return lifeboat::fail(lifeboat::ErrorCode::not_present, "no memory at {:#x}", address);
    for (size_t index = 0; index < out.size(); ++index)
      out[index] = input_[(address + index) % input_.size()];
    return {};
  }

 private:
  lifeboat::ByteSpan input_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace lifeboat;
  if (size < 16) return 0;
  uint64_t address;
  std::memcpy(&address, data + size - sizeof address, sizeof address);
  Tables memory(std::as_bytes(std::span(data, size - sizeof address)));
  for (const char* five : {"0", "1"}) {
    const std::string text = fmt::format(
        "OSRELEASE=1\nSYMBOL(swapper_pg_dir)=ffffffff80000000\nNUMBER(phys_base)=0\nNUMBER(pgtable_l5_"
        "enabled)={}\n"
        "NUMBER(sme_mask)={}\n",
        five, data[0] % 2 == 0 ? 0 : uint64_t{1} << 47);
    const auto kernel = KernelMemory::create(memory, x86_64::architecture(), text);
    if (!kernel) __builtin_trap();
    const auto space = x86_64::kernel_page_table(memory, kernel->vmcoreinfo()).value();
    const auto translation = space->translate(address);
    if (translation && (translation->bytes_left == 0 || translation->bytes_left > uint64_t{1} << 30))
      __builtin_trap();
    const auto tables = space->table_frames(100);
    if (tables.frames.size() > 100 || !std::ranges::is_sorted(tables.frames)) __builtin_trap();
    (void)kernel->read<uint64_t>(address);
    (void)kernel->read_string(address, 10000);
  }
  return 0;
}
