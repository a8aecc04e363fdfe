// SPDX-License-Identifier: GPL-2.0-or-later
// What a page that is not in the dump was used for, by its struct page, which is in the dump.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "src/inspect/session.h"
#include "src/vmcore/page_class.h"

namespace lifeboat::inspect {

// Not for several threads at once. `session` must outlive it.
class MissingPages {
 public:
  explicit MissingPages(const Session& session) : session_(session) {}

  // Of the page at a virtual address. nullopt: the filter did not leave it out, or it has no struct page.
  // Reads the struct pages of up to 262144 page frames (16 MiB), since those of free memory and of huge
  // pages describe many pages after them.
  std::optional<PageClass> class_at(uint64_t virtual_address);

  // `error`, which came from reading `size` bytes at the address: when it is `excluded`, the first such
  // page's use is added, and the level of a dump that has it. Others are returned unchanged.
  Error explain(Error error, uint64_t virtual_address, uint64_t size);

 private:
  std::optional<PageClass> class_of(uint64_t pfn);

  const Session& session_;
  std::map<uint64_t, std::optional<PageClass>> known_;  // by page frame
};

// "file cache", "free memory"
std::string_view page_class_description(PageClass page_class);

}  // namespace lifeboat::inspect
