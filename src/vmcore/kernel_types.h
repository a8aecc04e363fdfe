// SPDX-License-Identifier: GPL-2.0-or-later
// Reads the kernel's memory by type and member; used for tasks, modules and all other kernel structures.
#pragma once

#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "src/vmcore/btf.h"
#include "src/vmcore/kernel_memory.h"
#include "src/vmcore/symbols.h"

namespace lifeboat {

// Byte offset and size of one member, found once and used often.
struct Field {
  uint64_t offset = 0;
  uint64_t size = 0;  // of a bit-field: the bytes that it touches
  uint32_t bit_offset = 0;
  uint32_t bit_size = 0;  // 0: no bit-field
};

// As Btf, not for use by several threads at once.
class KernelTypes {
 public:
  // BTF from the dump, by the symbols __start_BTF and __stop_BTF. `not_found`: no CONFIG_DEBUG_INFO_BTF, or
  // filtered out.
  static Result<KernelTypes> read(const KernelMemory& memory, const Kallsyms& symbols);
  // The same of a blob at hand. `architecture`: for global_type(); nullptr: unknown.
  static KernelTypes from(Btf btf, const Architecture* architecture = nullptr);

  KernelTypes(KernelTypes&&) noexcept;
  KernelTypes& operator=(KernelTypes&&) noexcept;
  ~KernelTypes();

  [[nodiscard]] const Btf& btf() const { return *btf_; }
  // The struct or union of that name, or the typedef ("atomic_long_t").
  [[nodiscard]] Result<TypeId> structure(std::string_view name) const;
  // "task_struct", "thread.sp". An error names struct and member. Cached, also that it is not there.
  [[nodiscard]] Result<Field> field(std::string_view structure, std::string_view path) const;
  // The first of the paths that exists: names differ between kernels ("__state", "state").
  [[nodiscard]] Result<Field> first_field(std::string_view structure,
                                          std::initializer_list<std::string_view> paths) const;
  [[nodiscard]] Result<uint64_t> size_of(std::string_view structure) const;

  // An unsigned number (or pointer) of the field's size; bit-fields are shifted and masked. `usage` for a
  // field that is no number (larger than 8 bytes).
  static Result<uint64_t> number(const KernelMemory& memory, uint64_t object, const Field& field);

  // The C type of a global variable: from BTF's variables (per-CPU ones, mostly), else from tables of those
  // that matter ("init_task" is a struct task_struct), which are not in BTF.
  [[nodiscard]] std::optional<TypeId> global_type(std::string_view symbol) const;

 private:
  struct Cache;
  KernelTypes();
  std::unique_ptr<Btf> btf_;
  std::unique_ptr<Cache> cache_;
  const Architecture* architecture_ = nullptr;
};

// The table of what all architectures have: the C spelling of the type of a global variable. A length in the
// spelling is left open where the configuration decides it.
std::optional<std::string_view> known_global_type(std::string_view symbol);

}  // namespace lifeboat
