// SPDX-License-Identifier: GPL-2.0-or-later
// An opened dump with everything that could be made of it: the container always, the kernel's memory if
// VMCOREINFO and the page tables are there. Each question says itself what it cannot answer without them.
#pragma once

#include <memory>
#include <optional>

#include "dump/dump.h"
#include "kernel/kernel_memory.h"

namespace lifeboat::inspect {

class Session {
 public:
  static Result<Session> open(const std::string& path);

  [[nodiscard]] Dump& dump() const { return *dump_; }
  // The kernel's memory, or why it cannot be read.
  [[nodiscard]] const Result<KernelMemory>& kernel() const { return kernel_; }

 private:
  Session(std::unique_ptr<Dump> dump, Result<KernelMemory> kernel)
      : dump_(std::move(dump)), kernel_(std::move(kernel)) {}
  std::unique_ptr<Dump> dump_;
  Result<KernelMemory> kernel_;
};

}  // namespace lifeboat::inspect
