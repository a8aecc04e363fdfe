// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/inspect/memory_use.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/fake_system.h"
#include "tests/support/results.h"
#include "tests/support/usual_page_size.h"

namespace lifeboat::inspect {
namespace {

using test::FakeSystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

void lose(FakeSystem& system, uint64_t address) {
  system.fake.memory().fail_page(test::FakeKernel::to_physical(address), ErrorCode::lost);
}

TEST(MemoryUse, CountersByTheirNames) {
  FakeSystem system;
  const auto session = system.session();
  const MemoryUse use = read_memory_use(session).value();
  EXPECT_EQ(use.total, 8000u);
  EXPECT_EQ(use.free, 5000u);
  EXPECT_EQ(use.page_tables, 40u);
  EXPECT_EQ(use.cache, 100u);
  EXPECT_EQ(use.anonymous, 101u);
  EXPECT_EQ(use.slab_reclaimable, 102u);
  EXPECT_EQ(use.slab_unreclaimable, 103u);
  EXPECT_EQ(use.kernel_stacks, 104u / 4);
  EXPECT_FALSE(use.dirty);
  EXPECT_FALSE(use.swap_total);
}

TEST(MemoryUse, ACounterBelowZeroIsZero) {
  FakeSystem system;
  system.fake.write64(system.zone_counters, static_cast<uint64_t>(-5));
  EXPECT_EQ(read_memory_use(system.session()).value().free, 0u);
}

TEST(MemoryUse, WithoutASymbolOrItsPageTheReasonIsShown) {
  FakeSystem system;
  system.symbols.erase("vm_zone_stat");
  system.write_symbols();
  EXPECT_THAT(read_memory_use(system.session()).error().message, HasSubstr("vm_zone_stat"));
  FakeSystem damaged;
  lose(damaged, damaged.node_counters);
  EXPECT_EQ(test::code_of(read_memory_use(damaged.session())), ErrorCode::lost);
}

TEST(Zones, AreShown) {
  FakeSystem system;
  const ZoneList list = read_zones(system.session()).value();
  EXPECT_THAT(list.notes, IsEmpty());
  ASSERT_THAT(list.zones, SizeIs(1));  // the other has no memory
  const Zone& zone = list.zones[0];
  EXPECT_EQ(zone.name, "DMA32");
  EXPECT_EQ(zone.present, 8192u);
  EXPECT_EQ(zone.managed, 8000u);
  EXPECT_EQ(zone.free, 5000u);
  EXPECT_EQ(zone.min_watermark, 10u);
  EXPECT_EQ(zone.low_watermark, 20u);
  EXPECT_EQ(zone.high_watermark, 30u);
}

TEST(Zones, AWildNameTakesNothingElse) {
  FakeSystem system;
  system.fake.write64(system.zones, 0x1234567890);
  EXPECT_EQ(read_zones(system.session()).value().zones.at(0).name, "?");
}

TEST(Zones, ALostNodeIsNoted) {
  FakeSystem system;
  lose(system, system.zones);
  const ZoneList list = read_zones(system.session()).value();
  EXPECT_THAT(list.zones, IsEmpty());
  EXPECT_THAT(list.notes, ElementsAre(HasSubstr("zone 0 of node 0"), HasSubstr("zone 1 of node 0")));
}

TEST(Zones, NoNodeIsAnError) {
  FakeSystem system;
  system.fake.remove_key("SYMBOL(contig_page_data)");
  EXPECT_EQ(test::code_of(read_zones(system.session())), ErrorCode::not_found);
}

TEST(Zones, ManyNodesThatLeadNowhereEnd) {
  FakeSystem system;
  system.fake.remove_key("SYMBOL(contig_page_data)");
  const uint64_t array = system.fake.allocate(kPageSize);
  for (uint64_t node = 0; node < 512; ++node)
    system.fake.write64(array + node * 8, 0xdead000000000000 + node);
  system.fake.set_key("SYMBOL(node_data)", fmt::format("{:x}", array));
  system.fake.set_key("LENGTH(node_data)", "4000000000");
  const ZoneList list = read_zones(system.session()).value();
  EXPECT_THAT(list.zones, IsEmpty());
  EXPECT_THAT(list.notes, SizeIs(20));
}

std::vector<std::string> names(const SlabCaches& list) {
  std::vector<std::string> all;
  for (const auto& cache : list.caches) all.push_back(cache.name);
  return all;
}

TEST(SlabCachesView, LargestFirst) {
  FakeSystem system;
  const SlabCaches list = read_slab_caches(system.session()).value();
  EXPECT_THAT(list.notes, IsEmpty());
  EXPECT_THAT(names(list), ElementsAre("inode_cache", "dentry"));
  EXPECT_EQ(list.caches[0].object_size, 192u);
  EXPECT_EQ(list.caches[0].slabs, 50u);
  EXPECT_EQ(list.caches[0].objects, 50u * 42);
  EXPECT_EQ(list.caches[0].pages, 100u);
}

TEST(SlabCachesView, WithTwoPointersForEachNode) {
  FakeSystem system(FakeSystem::NodePointers::two);
  const SlabCaches list = read_slab_caches(system.session()).value();
  EXPECT_THAT(names(list), ElementsAre("inode_cache", "dentry"));
  EXPECT_EQ(list.caches[0].slabs, 50u);
}

TEST(SlabCachesView, LoopsAndWildPointersEnd) {
  using test::fake_cache::kList;
  for (const uint64_t wrong : {uint64_t{0}, uint64_t{0xdead000000000100}, uint64_t{0xffffffff80700001}}) {
    FakeSystem system;
    system.fake.write64(system.caches["dentry"] + kList, wrong);
    const SlabCaches list = read_slab_caches(system.session()).value();
    EXPECT_THAT(list.notes, SizeIs(1)) << wrong;
    EXPECT_THAT(names(list), testing::UnorderedElementsAre("inode_cache", "dentry")) << wrong;
  }
  FakeSystem system;
  const uint64_t node = system.caches["dentry"] + kList;
  system.fake.write64(node, node);
  EXPECT_THAT(read_slab_caches(system.session()).value().notes, ElementsAre(HasSubstr("it loops")));
}

TEST(SlabCachesView, AHugeOrderIsNotBelieved) {
  FakeSystem system;
  system.fake.write32(system.caches["dentry"] + test::fake_cache::kOrder, 0xffff0000);
  EXPECT_EQ(read_slab_caches(system.session()).value().caches[0].pages, 30u << 16);
}

TEST(ProcessMemory, OfEachAddressSpace) {
  FakeSystem system;
  const auto session = system.session();
  const auto all = read_process_memory(session).value();
  ASSERT_THAT(all, SizeIs(3));
  EXPECT_EQ(all[0].pid, 7);
  EXPECT_EQ(all[0].comm, "server");
  EXPECT_EQ(all[0].file, 7u);
  EXPECT_EQ(all[0].resident(), 7u);
}

TEST(ProcessMemory, OneThatIsLostDoesNotHideTheOthers) {
  FakeSystem system;
  system.fake.write64(system.tasks[6] + test::fake_task::kMm, 0xdead000000000000);
  EXPECT_THAT(read_process_memory(system.session()).value(), SizeIs(2));
  for (const int32_t pid : {5, 6, 7})
    system.fake.write64(system.tasks[pid] + test::fake_task::kMm,
                        0xdead000000000000 + static_cast<uint64_t>(pid));
  EXPECT_EQ(test::code_of(read_process_memory(system.session())), ErrorCode::not_mapped);
}

}  // namespace
}  // namespace lifeboat::inspect
