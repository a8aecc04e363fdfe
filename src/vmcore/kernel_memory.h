// SPDX-License-Identifier: GPL-2.0-or-later
// A dumped kernel's memory, addressed as the kernel addressed it.
#pragma once

#include <memory>
#include <string>

#include "src/vmcore/address_space.h"
#include "src/vmcore/architecture.h"

namespace lifeboat {

class KernelMemory {
 public:
  // Parses the VMCOREINFO text and finds the page tables. `memory` and `architecture` must outlive this
  // object. `corrupt`: the architecture has no pages of the size in VMCOREINFO (PAGESIZE).
  static Result<KernelMemory> create(PhysicalMemory& memory, const Architecture& architecture,
                                     std::string_view vmcoreinfo_text);

  [[nodiscard]] const Architecture& architecture() const { return *architecture_; }
  [[nodiscard]] PageSize page_size() const { return page_size_; }
  [[nodiscard]] const Vmcoreinfo& vmcoreinfo() const { return *info_; }
  [[nodiscard]] PhysicalMemory& physical() const { return *physical_; }
  // The kernel's image, from _stext on, is not larger.
  [[nodiscard]] uint64_t max_image_bytes() const;
  Result<uint64_t> translate(uint64_t virtual_address) const;
  // The same, with the number of bytes that lie behind it without a gap, in virtual and in physical memory.
  Result<Translation> translate_run(uint64_t virtual_address) const;
  // The page frames of the kernel's own page tables, at most `max`.
  [[nodiscard]] TableFrames table_frames(size_t max) const { return space_->table_frames(max); }

  // Across page borders; all of `out` or an error that names the address.
  Result<> read(uint64_t virtual_address, MutableByteSpan out) const;
  template <typename T>
    requires std::is_trivially_copyable_v<T>
  Result<T> read(uint64_t virtual_address) const {
    T value;
    TRY_VOID(read(virtual_address, std::as_writable_bytes(std::span(&value, 1))));
    return value;
  }
  // A NUL-terminated string of at most `limit` bytes; cut there.
  Result<std::string> read_string(uint64_t virtual_address, size_t limit) const;

 private:
  KernelMemory() = default;
  PhysicalMemory* physical_ = nullptr;
  const Architecture* architecture_ = nullptr;
  PageSize page_size_;
  std::unique_ptr<Vmcoreinfo> info_;
  std::unique_ptr<AddressSpace> space_;
};

}  // namespace lifeboat
