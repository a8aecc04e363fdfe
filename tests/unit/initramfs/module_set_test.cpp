// SPDX-License-Identifier: GPL-2.0-or-later
// What a module tree shows to be built into its kernel.
#include "capture/initramfs/module_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "src/base/file.h"
#include "src/base/process.h"
#include "tests/support/results.h"

namespace lifeboat {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using test::code_of;
using test::why;
using testing::IsEmpty;

class ModuleTree : public testing::Test {
 protected:
  [[nodiscard]] std::string tree() const { return folder_.path() / "lib/modules/6.1.0-test"; }
  void put(const std::string& name, std::string_view text) const {
    const fs::path path = fs::path(tree()) / name;
    fs::create_directories(path.parent_path());
    ASSERT_TRUE(write_file_atomically(path.string(), as_byte_span(text), 0600));
  }
  void make_indexes() const {
    put("modules.order", "");
    const auto depmod = find_program("depmod");
    if (!depmod) GTEST_SKIP() << "depmod is not installed";
    const auto done = run_process({*depmod, "-b", folder_.path(), "6.1.0-test"}, 60s);
    ASSERT_TRUE(done) << why(done);
  }
  TempDir folder_ = TempDir::create("module-set-test").value();
};

// Entries with a zero behind each; one has no name.
constexpr char kEntries[] =
    "nvme.license=GPL\0nvme.alias=pci:v*d*sv*sd*bc01sc08i02*\0virtio_pci.file=drivers/virtio/"
    "virtio_pci\0broken";
constexpr std::string_view kInformation(kEntries, sizeof kEntries);

TEST_F(ModuleTree, ListsOfBuiltInModulesCountWithoutIndexes) {
  EXPECT_FALSE(has_module(tree(), "nvme"));
  put("modules.builtin", "kernel/drivers/nvme/host/nvme-core.ko\nkernel/drivers/block/virtio_blk.ko\n");
  EXPECT_TRUE(has_module(tree(), "nvme-core"));
  EXPECT_TRUE(has_module(tree(), "nvme_core"));
  EXPECT_TRUE(has_module(tree(), "virtio-blk"));
  EXPECT_FALSE(has_module(tree(), "nvme"));
  EXPECT_FALSE(has_module(tree(), "blk"));
  EXPECT_FALSE(has_module(tree(), ""));
  put("modules.builtin.modinfo", kInformation);
  EXPECT_TRUE(has_module(tree(), "nvme"));
  EXPECT_TRUE(has_module(tree(), "virtio-pci"));
  EXPECT_TRUE(has_module(tree(), "pci:v0000144Dd0000A808sv0000144Dsd0000A801bc01sc08i02"));
  EXPECT_FALSE(has_module(tree(), "pci:v0000144Dd0000A808sv0000144Dsd0000A801bc01sc06i01"));
  EXPECT_FALSE(has_module(tree(), "broken"));
  EXPECT_FALSE(has_module(tree(), "nvm"));
}

TEST_F(ModuleTree, AModuleOfTheTreeCounts) {
  put("kernel/far.ko",
      "\x7f"
      "ELF");
  ASSERT_NO_FATAL_FAILURE(make_indexes());
  EXPECT_TRUE(has_module(tree(), "far"));
  EXPECT_FALSE(has_module(tree(), "near"));
  EXPECT_FALSE(has_module(tree(), "pci:v0000144D"));
}

// depmod has not run since the list was written.
TEST_F(ModuleTree, WhatIsListedAsBuiltInIsNotMissing) {
  ASSERT_NO_FATAL_FAILURE(make_indexes());
  EXPECT_EQ(code_of(resolve_modules(tree(), {"nvme"})), ErrorCode::not_found);
  put("modules.builtin", "kernel/drivers/nvme/host/nvme.ko\n");
  const auto resolved = resolve_modules(tree(), {"nvme"});
  ASSERT_TRUE(resolved) << why(resolved);
  EXPECT_THAT(*resolved, IsEmpty());
}

}  // namespace
}  // namespace lifeboat
