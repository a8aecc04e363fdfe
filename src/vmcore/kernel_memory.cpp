// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/vmcore/kernel_memory.h"

#include <algorithm>
#include <array>

#include "src/base/size.h"

namespace lifeboat {
namespace {

// Every kernel writes PAGESIZE. Whatever a damaged text has, the only possible size is right.
Result<PageSize> page_size_of(const Vmcoreinfo& info, std::span<const PageSize> possible) {
  if (possible.size() == 1) return possible.front();
  const auto text = info.value("PAGESIZE");
  if (!text) return fail(ErrorCode::not_found, "VMCOREINFO has no PAGESIZE");
  const auto size = PageSize::of(parse_number(*text).value_or(0));
  if (!size || std::ranges::find(possible, *size) == possible.end())
    return fail(ErrorCode::corrupt,
                "VMCOREINFO: PAGESIZE={}; kernels of this architecture have pages of {} bytes", *text,
                page_sizes_text(possible));
  return *size;
}

}  // namespace

Result<KernelMemory> KernelMemory::create(PhysicalMemory& memory, const Architecture& architecture,
                                          std::string_view vmcoreinfo_text) {
  KernelMemory kernel;
  kernel.physical_ = &memory;
  kernel.architecture_ = &architecture;
  kernel.info_ = std::make_unique<Vmcoreinfo>(TRY(Vmcoreinfo::parse(vmcoreinfo_text)));
  kernel.page_size_ = TRY_CONTEXT(page_size_of(*kernel.info_, architecture.facts().page_sizes),
                                  "cannot read the kernel's memory");
  kernel.space_ = TRY_CONTEXT(architecture.kernel_address_space(memory, *kernel.info_, kernel.page_size_),
                              "cannot find the kernel's page tables");
  return kernel;
}

uint64_t KernelMemory::max_image_bytes() const {
  const ArchitectureFacts& facts = architecture_->facts();
  const auto of_kernel = info_->number(facts.image_bytes_key);
  return std::min(facts.max_image_bytes, of_kernel ? static_cast<uint64_t>(*of_kernel) : UINT64_MAX);
}

Result<uint64_t> KernelMemory::translate(uint64_t virtual_address) const {
  return TRY(space_->translate(virtual_address)).physical_address;
}

Result<Translation> KernelMemory::translate_run(uint64_t virtual_address) const {
  return space_->translate(virtual_address);
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
    const size_t rest = page_size_.bytes() - page_size_.within(virtual_address);
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
