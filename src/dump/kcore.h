// SPDX-License-Identifier: GPL-2.0-or-later
// /proc/kcore: the memory of the kernel that runs this program, as an ELF core that is made while it is read
// (fs/proc/kcore.c). Its segments come and go with modules and hot-plugged memory, and no two reads see the
// same memory. The direct map's segments have physical addresses; all others have -1 there.
#pragma once

#include <chrono>
#include <optional>

#include "src/dump/elf_core.h"

namespace lifeboat {

class Kcore final : public Dump {
 public:
  // `file` has no end: its size() is only a bound. Errors: those of ElfCore::open.
  static Result<std::unique_ptr<Kcore>> open(std::shared_ptr<ByteSource> file);

  // As at the time of opening; memory that came later can be read all the same.
  [[nodiscard]] const DumpInfo& info() const override { return info_; }
  [[nodiscard]] Result<PageState> page_state(uint64_t pfn) const override;
  [[nodiscard]] const std::vector<PhysicalRange>& ram() const override { return ram_; }
  // `not_present` also where the kernel refuses (EFAULT): offline and poisoned pages read as zeros, or not at
  // all.
  Result<> read(uint64_t physical_address, MutableByteSpan out) override;
  [[nodiscard]] bool changes() const override { return true; }
  // Never whole: each page is of another moment.
  void verify(VerifyReport& report, Progress& progress) override;

 private:
  explicit Kcore(std::shared_ptr<ByteSource> file) : file_(std::move(file)) {}
  Result<> reopen();
  Result<> follow_changes();

  std::shared_ptr<ByteSource> file_;
  std::vector<std::byte> headers_;  // by which `core_` was opened
  std::unique_ptr<ElfCore> core_;
  std::chrono::steady_clock::time_point looked_;
  DumpInfo info_;
  std::vector<PhysicalRange> ram_;
};

// Whether `fd` is the file `kcore` of a procfs, by whatever path it was opened.
bool is_kcore(int fd);
// Takes an open /proc/kcore.
std::shared_ptr<ByteSource> open_kcore_source(UniqueFd fd, std::string name);
// `error`, which came from opening `path`; with a hint if that is a kcore.
Error explain_kcore_refusal(Error error, const std::string& path);
// The next step for a refusal with EPERM. `lockdown`: /sys/kernel/security/lockdown, "none [integrity] ...".
std::string kcore_permission_hint(const std::optional<std::string>& lockdown);

}  // namespace lifeboat
