// SPDX-License-Identifier: GPL-2.0-or-later
// Notes which page frames are read from a dump: they are what a view or a report needs of it.
#pragma once

#include <memory>
#include <span>
#include <unordered_set>
#include <vector>

#include "src/dump/dump.h"

namespace lifeboat {

// Where the numbers of page frames go, in the order of the first read. It may be memory that is shared with
// another process, which reads it when this one has ended, in whatever way.
struct PageRecord {
  uint64_t count = 0;     // of `pages` that are filled in
  uint64_t overflow = 0;  // 1: more pages were read than there is space for
  static constexpr size_t kMostPages = size_t{1} << 16;
  uint64_t pages[kMostPages] = {};

  // Those that are filled in, each once and below `max_pfn`: nothing else is believed.
  [[nodiscard]] std::vector<uint64_t> checked(uint64_t max_pfn) const;
};

// A dump in front of another one. Not for several threads at once.
class RecordingDump final : public Dump {
 public:
  // `record` outlives it.
  RecordingDump(std::unique_ptr<Dump> dump, PageRecord& record) : dump_(std::move(dump)), record_(record) {}

  [[nodiscard]] const DumpInfo& info() const override { return dump_->info(); }
  [[nodiscard]] Result<PageState> page_state(uint64_t pfn) const override { return dump_->page_state(pfn); }
  [[nodiscard]] Result<std::optional<PfnRange>> next_stored(uint64_t pfn, uint64_t end) const override {
    return dump_->next_stored(pfn, end);
  }
  [[nodiscard]] uint64_t next_data(uint64_t physical_address) const override {
    return dump_->next_data(physical_address);
  }
  [[nodiscard]] const std::vector<PhysicalRange>& ram() const override { return dump_->ram(); }
  [[nodiscard]] bool changes() const override { return dump_->changes(); }
  // What could be read is noted.
  Result<> read(uint64_t physical_address, MutableByteSpan out) override;
  void verify(VerifyReport& report, Progress& progress) override { dump_->verify(report, progress); }

 private:
  void note(uint64_t pfn);

  std::unique_ptr<Dump> dump_;
  PageRecord& record_;
  std::unordered_set<uint64_t> noted_;
};

}  // namespace lifeboat
