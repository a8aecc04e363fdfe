// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/vmcore/kernel_memory.h"

#include <algorithm>
#include <array>

#include "src/vmcore/x86_64/page_table.h"

namespace lifeboat {

Result<std::unique_ptr<AddressSpace>> kernel_address_space(PhysicalMemory& memory, const Vmcoreinfo& info) {
  // See check_machine(): x86-64 is the only one read today.
  return x86_64::kernel_page_table(memory, info);
}

Result<KernelMemory> KernelMemory::create(PhysicalMemory& memory, std::string_view vmcoreinfo_text) {
  KernelMemory kernel;
  kernel.physical_ = &memory;
  kernel.info_ = std::make_unique<Vmcoreinfo>(TRY(Vmcoreinfo::parse(vmcoreinfo_text)));
  kernel.space_ =
      TRY_CONTEXT(kernel_address_space(memory, *kernel.info_), "cannot find the kernel's page tables");
  return kernel;
}

Result<uint64_t> KernelMemory::translate(uint64_t virtual_address) const {
  return TRY(space_->translate(virtual_address)).physical_address;
}

Result<> KernelMemory::read(uint64_t virtual_address, MutableByteSpan out) const {
  while (!out.empty()) {
    const Translation translation = TRY(space_->translate(virtual_address));
    const size_t count = std::min<uint64_t>(out.size(), translation.bytes_left);
    if (auto read = physical_->read(translation.physical_address, out.first(count)); !read)
      return std::unexpected(std::move(read).error().context(fmt::format("address {:#x}", virtual_address)));
    virtual_address += count;
    out = out.subspan(count);
  }
  return {};
}

Result<std::string> KernelMemory::read_string(uint64_t virtual_address, size_t limit) const {
  constexpr size_t kPiece = 256;
  std::string text;
  while (text.size() < limit) {
    // Never across a page border: memory behind the end of the string may not be mapped.
    const size_t rest = kPageSize - virtual_address % kPageSize;
    std::array<std::byte, kPiece> piece;
    const MutableByteSpan part = MutableByteSpan(piece).first(std::min({rest, kPiece, limit - text.size()}));
    TRY_VOID(read(virtual_address, part));
    const std::string_view read_text = text_until_nul(part);
    text += read_text;
    if (read_text.size() < part.size()) break;
    virtual_address += part.size();
  }
  return text;
}

}  // namespace lifeboat
