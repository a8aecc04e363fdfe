// SPDX-License-Identifier: GPL-2.0-or-later
// C expressions over a dump's memory: `init_task.tasks.next`, `((struct task_struct *)0xff..)->comm`,
// `per_cpu(runqueues, 1).nr_running`, `container_of(init_task.tasks.next, struct task_struct, tasks)`.
// Reads only what the result needs: pointers that are followed, numbers that are added.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "src/vmcore/kernel_types.h"

namespace lifeboat::inspect {

// The names and memory of an expression. All of it must outlive the evaluation only.
struct ExpressionScope {
  const KernelMemory& memory;
  const KernelTypes& types;
  // The address of a global variable or function.
  std::function<std::optional<uint64_t>(std::string_view name)> symbol;
  // The type of a global variable that `types` does not have, as C spells it. May be empty.
  std::function<std::optional<std::string>(std::string_view name, uint64_t address)> variable_type = {};
};

// Either a place in memory that has a type, not read yet, or a number.
struct Value {
  TypeId type = 0;  // 0 of a number: one without a type, 64 bits wide; of a place: its type is not known
  bool in_memory = false;  // a place
  uint64_t bits = 0;       // the place's address, or the number, sign-extended by its type
  uint32_t bit_offset = 0;
  uint32_t bit_size = 0;  // of a bit-field, from the byte at the address; 0: none
};

// Operators: . -> [] & * + - ~ casts ( ), sizeof(TYPE), per_cpu(VARIABLE, CPU), per_cpu_ptr(POINTER, CPU),
// container_of(POINTER, TYPE, MEMBER). Numbers are added to pointers as C does it: by elements.
// Errors name the position in the text: `usage` for an invalid expression, `not_found` for names that this
// kernel does not have, and errors of reading memory.
Result<Value> evaluate(const ExpressionScope& scope, std::string_view text);

// The value as a number: read from memory if it is a place; pointers, integers, enums, bit-fields. An array
// is its address, as in C. Sign-extended. `usage` for structs and other values that are not numbers.
Result<uint64_t> to_number(const ExpressionScope& scope, const Value& value);

// Where the text begins that the value stands for: what a pointer in memory points to; of any other place, as
// an array, itself; a number is the address.
Result<uint64_t> string_address(const ExpressionScope& scope, const Value& value);

}  // namespace lifeboat::inspect
