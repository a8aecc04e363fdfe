// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/collect/prune_stores.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "capture/plan/capture_plan.h"
#include "src/base/sys.h"
#include "tests/support/faults.h"
#include "tests/support/whole_dump.h"

namespace lifeboat::collect {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* kOldest = "20261121T084228Z";
constexpr const char* kMiddle = "20261122T084228Z";
constexpr const char* kNewest = "20261123T084228Z";

class PruneStores : public testing::Test {
 protected:
  PruneStores() {
    for (const char* store : {"a", "b"}) {
      for (const char* name : {kOldest, kMiddle, kNewest}) {
        fs::create_directories(path(store) / name);
        const std::string dump = path(store) / name / kDumpFile;
        EXPECT_TRUE(write_file_atomically(dump, as_byte_span(test::whole_dump()), 0600));
      }
      stores_.push_back(*open_store(path(store)).value());
    }
  }
  [[nodiscard]] fs::path path(const std::string& name) const { return folder_.path() / name; }
  // Of the crashes that were, or would be, removed.
  [[nodiscard]] static std::vector<std::string> folders(const Pruning& pruning) {
    std::vector<std::string> list;
    for (const auto& [store, removal] : pruning.removed) list.push_back(store->crash_folder(removal.name));
    return list;
  }
  TempDir folder_ = TempDir::create("prune-stores-test").value();
  std::vector<Store> stores_;
};

TEST_F(PruneStores, EachStoreHasTheLimit) {
  const Pruning pruning = prune_stores(stores_, {.keep = 2}, PruneMode::remove);
  EXPECT_THAT(folders(pruning), ElementsAre(path("a") / kOldest, path("b") / kOldest));
  EXPECT_THAT(pruning.problems, IsEmpty());
  EXPECT_FALSE(fs::exists(path("a") / kOldest));
  EXPECT_TRUE(fs::exists(path("a") / kMiddle));
  EXPECT_THAT(pruning.removed.front().removal.reason, HasSubstr("2 crashes"));
}

TEST_F(PruneStores, ShowsWithoutRemoving) {
  EXPECT_THAT(folders(prune_stores(stores_, {.keep = 2}, PruneMode::show)),
              ElementsAre(path("a") / kOldest, path("b") / kOldest));
  EXPECT_TRUE(fs::exists(path("a") / kOldest));
}

TEST_F(PruneStores, OneThatCannotBeRemovedDoesNotPreventTheOthers) {
  const test::FaultInjection fault(sys::Call::unlink, 0, EIO);
  std::vector<std::string> removed;
  const Pruning pruning = prune_stores(stores_, {.keep = 1}, PruneMode::remove, [&](const auto& crash) {
    removed.push_back(crash.removal.name);
    EXPECT_FALSE(std::filesystem::exists(crash.store->crash_folder(crash.removal.name)));
  });
  EXPECT_EQ(removed.size(), pruning.removed.size());
  EXPECT_THAT(pruning.problems, ElementsAre(HasSubstr(path("a") / kOldest)));
  EXPECT_THAT(folders(pruning), ElementsAre(path("a") / kMiddle, path("b") / kOldest, path("b") / kMiddle));
}

TEST_F(PruneStores, AStoreThatCannotBeReadDoesNotPreventTheOthers) {
  stores_.front().fd = open_file(path("a") / kOldest / kDumpFile, O_RDONLY).value();
  const Pruning pruning = prune_stores(stores_, {.keep = 2}, PruneMode::remove);
  EXPECT_THAT(pruning.problems, ElementsAre(HasSubstr(stores_.front().name())));
  EXPECT_THAT(folders(pruning), ElementsAre(path("b") / kOldest));
}

TEST_F(PruneStores, WithoutALimitNothingIsRemoved) {
  const Pruning pruning = prune_stores(stores_, {}, PruneMode::remove);
  EXPECT_THAT(pruning.removed, IsEmpty());
  EXPECT_THAT(pruning.problems, IsEmpty());
}

}  // namespace
}  // namespace lifeboat::collect
