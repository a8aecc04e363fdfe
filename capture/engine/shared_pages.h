// SPDX-License-Identifier: GPL-2.0-or-later
// Which pages are in the file already: identical ones are stored once. The memory is fixed; what is not
// remembered any more is stored again.
#pragma once

#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "src/dump/kdump_format.h"

namespace lifeboat {

// A page whose data is in the file.
struct StoredCopy {
  uint64_t hash = 0;
  uint64_t pfn = 0;
  kdump::PageDescriptor descriptor{};
};

// For several threads; they lock it once a batch.
class SharedPages {
 public:
  // Takes at most `bytes`; 0: nothing is remembered.
  explicit SharedPages(size_t bytes);

  // What is remembered may have the same hash and other contents: compare the pages.
  class Access {
   public:
    // nullptr: none. Valid until the next add().
    [[nodiscard]] const StoredCopy* find(uint64_t hash) const;
    void add(const StoredCopy& copy);

   private:
    friend class SharedPages;
    explicit Access(SharedPages& pages) : pages_(pages), lock_(pages.mutex_) {}
    SharedPages& pages_;
    std::scoped_lock<std::mutex> lock_;
  };
  Access access() { return Access(*this); }
  [[nodiscard]] bool empty() const { return copies_.empty(); }

 private:
  // Copies that a hash may be at: one after the other, so that a search reads few cache lines.
  static constexpr size_t kWays = 4;
  [[nodiscard]] size_t first_way(uint64_t hash) const;

  std::mutex mutex_;
  std::vector<StoredCopy> copies_;  // kWays for each value of a part of the hash; size 0: unused
};

}  // namespace lifeboat
