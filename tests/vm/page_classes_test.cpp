// SPDX-License-Identifier: GPL-2.0-or-later
// A kernel with pages of every class panics. What the filter makes of them is compared with the lists that
// the kernel itself keeps, which this test walks; and what the filter must never leave out is marked as cache
// before the panic, as by stale flags.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <sstream>

#include "capture/initramfs/module_set.h"
#include "src/vmcore/dump_kernel.h"
#include "src/vmcore/free_lists.h"
#include "src/vmcore/page_scan.h"
#include "tests/support/kernel_lists.h"
#include "tests/support/programs.h"
#include "tests/support/usual_page_size.h"
#include "tests/vm/support/kernel_guest.h"
#include "tests/vm/support/must.h"

namespace lifeboat::test {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;

// Facts go to /disk/facts: what was done, and to which pages.
constexpr const char* kScript = R"sh(
run load lifeboat load /disk/boot/vmlinuz --crash --initrd /disk/boot/capture.img
for module in /disk/modules/*; do insmod "$module" || mark no-module "$module"; done
mkdir -p /disk/facts /shared
# Cache with and without blocks of its own; shared memory.
mount -t tmpfs shared /shared
dd if=/dev/urandom of=/shared/file bs=1M count=8 2>/dev/null
dd if=/dev/urandom of=/disk/file bs=1M count=8 2>/dev/null
# Anonymous memory, huge pages among it.
echo always >/sys/kernel/mm/transparent_hugepage/enabled
awk 'BEGIN { x = "lifeboat"; while (length(x) < 16777216) x = x x; system("echo >/ready; sleep 10000") }' &
awk=$!
until [ -e /ready ]; do sleep 0.1; done
echo 8 >/proc/sys/vm/nr_hugepages
cat /proc/sys/vm/nr_hugepages >/disk/facts/hugetlb
# The host takes 32 MiB back.
wait_for_test balloon
until [ "$(sed -n 's/^balloon_inflate //p' /proc/vmstat)" -ge 8192 ]; do sleep 0.1; done
# Broken pages: the first page of the heap, and the last free one.
heap=$(sed -n 's/-.*\[heap\]$//p' /proc/$awk/maps)
bytes=$(dd if=/proc/$awk/pagemap bs=8 skip=$((0x$heap / 4096)) count=1 2>/dev/null |
  hexdump -v -e '8/1 "%02x"')
user=$((0x$(echo "$bytes" | sed 's/^\(..\)\(..\)\(..\)\(..\).*/\4\3\2\1/')))
free=$(hexdump -v -e '8/1 "%02x" "\n"' /proc/kpageflags | grep -n '^0004' | tail -n 1 | sed 's/:.*//')
free=$((free - 1))
for page in $user $free; do
  echo $((page * 4096)) >/sys/devices/system/memory/hard_offline_page && echo $page >>/disk/facts/poisoned
done
if [ -e /disk/crash_module.ko ]; then
  run module insmod /disk/crash_module.ko
  parameters=/sys/module/crash_module/parameters
  sed -n 's/^\([0-9a-f]*\) . __bss_start$/0x\1/p' /proc/kallsyms >$parameters/stale_begin
  # Behind it are pages that the kernel gave back.
  sed -n 's/^\([0-9a-f]*\) . __start_bss_decrypted$/0x\1/p' /proc/kallsyms >$parameters/stale_end
  cat $parameters/stale_begin $parameters/stale_end >/disk/facts/stale
  echo stale_flags >$parameters/crash
fi
crash_now
sleep 600
)sh";

std::vector<uint64_t> numbers_in(const fs::path& file) {
  std::vector<uint64_t> numbers;
  std::istringstream text(fs::exists(file) ? text_of(file) : "");
  for (uint64_t number = 0; text >> number;) numbers.push_back(number);
  return numbers;
}

// A dump with all that is needed to look into it.
struct OpenDump {
  explicit OpenDump(const fs::path& path)
      : dump(must(Dump::open(path))),
        kernel(must(kernel_of(*dump))),
        symbols(must(Kallsyms::read(kernel))),
        types(must(KernelTypes::read(kernel, symbols))),
        lists(kernel, symbols, types) {}

  [[nodiscard]] bool stored(uint64_t pfn) const { return dump->page_state(pfn).value() == PageState::stored; }

  std::unique_ptr<Dump> dump;
  KernelMemory kernel;
  Kallsyms symbols;
  KernelTypes types;
  KernelLists lists;
};

// Of each page frame of RAM; the others are not there.
std::map<uint64_t, PageClass> classes_of(const OpenDump& opened) {
  std::map<uint64_t, PageClass> classes;
  const MemMap map = must(MemMap::create(opened.kernel));
  const PageClassifier classifier = must(PageClassifier::create(opened.kernel.vmcoreinfo()));
  EXPECT_THAT(classifier.warnings(), ::testing::IsEmpty());
  const auto add = [&](uint64_t pfn, uint64_t pages, PageClass page_class) {
    for (uint64_t page = pfn; page < pfn + pages; ++page)
      if (opened.stored(page)) classes[page] = page_class;
  };
  const auto statistics = scan_page_classes(opened.kernel, map, classifier, 0, opened.dump->info().max_pfn,
                                            add, FreeBlocks::page_by_page);
  for (const auto& [type, pages] : statistics.unknown_types)
    ADD_FAILURE() << pages << " pages of type " << std::hex << type;
  return classes;
}

class PageClasses : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    folder_ = rehearsals() / ("classes-" + GetParam());
    // One guest serves all tests of a kernel; if it failed, they do.
    if (tried_ != GetParam()) {
      tried_ = GetParam();
      fs::remove_all(folder_);
      play();
    }
    ASSERT_TRUE(fs::exists(folder_ / "vmcore.elf"));
    whole_ = std::make_unique<OpenDump>(folder_ / "vmcore.elf");
  }

  void play() const {
    GuestFiles files;
    files.add(kernel_path(GetParam()), "boot/vmlinuz");
    files.write("boot/capture.img", capture_initramfs(GetParam(), [](InitramfsContents& contents) {
                  contents.plan.copy_elf = true;
                }));
    const auto tree = fs::canonical(cache() / "kernels" / GetParam() / "modules").string();
    int number = 10;
    for (const auto& module : must(collect_modules(tree, {"virtio_balloon"})))
      files.write(fmt::format("modules/{}-{}", number++, module.name), module.bytes);
    if (fs::exists(cache() / "kernels" / GetParam() / "headers"))
      files.add(crash_module(GetParam()), "crash_module.ko");
    Guest guest({.name = "classes-" + GetParam(),
                 .kernel = GetParam(),
                 .command_line = "crashkernel=128M",
                 .script = kScript,
                 .cpus = 2,
                 .devices = {"virtio-balloon-pci"}},
                files);
    const Mark load = guest.wait_for("load");
    if (load.text != "0") throw std::runtime_error("lifeboat load --crash failed: " + load.output);
    guest.wait_for("balloon");
    guest.command_machine("balloon 480");
    guest.answer("done");
    guest.wait_for("crashing");
    guest.wait_for_line("lifeboat: phase capture-end", std::chrono::seconds(900));
    guest.wait_for_end();
    fs::create_directories(folder_);
    for (const auto& crash : fs::directory_iterator(guest.fetch("/dump")))
      fs::copy(crash, folder_, fs::copy_options::recursive);
    fs::copy(guest.fetch("/facts"), folder_ / "facts");
  }

  // The page frames that the crash module marked; none without it.
  [[nodiscard]] std::set<uint64_t> stale_pages() const {
    std::set<uint64_t> pages;
    const auto range = numbers_in(folder_ / "facts/stale");
    if (range.empty()) return pages;
    for (uint64_t at = range.at(0); at < range.at(1); at += kPageSize)
      pages.insert(must(whole_->kernel.translate(at)) / kPageSize);
    return pages;
  }

  fs::path folder_;
  std::unique_ptr<OpenDump> whole_;
  static std::string tried_;
};
std::string PageClasses::tried_;

TEST_P(PageClasses, free_pages_are_those_of_the_buddy_lists) {
  const auto blocks = whole_->lists.free_blocks();
  EXPECT_GT(blocks.size(), 20u);
  std::map<uint64_t, PageClass> expected;
  for (const auto& [pfn, pages] : blocks)
    for (uint64_t page = pfn; page < pfn + pages; ++page)
      if (whole_->stored(page)) expected[page] = PageClass::free;
  auto found = classes_of(*whole_);
  std::erase_if(found, [](const auto& page) { return page.second != PageClass::free; });
  // The kernel may leave a broken page in its block (5.10 does).
  for (const uint64_t pfn : numbers_in(folder_ / "facts/poisoned")) expected.erase(pfn);
  EXPECT_GT(expected.size(), 10'000u);
  EXPECT_EQ(found.size(), expected.size());
  EXPECT_TRUE(found == expected);
}

// For a kernel without the number of the type of free pages.
TEST_P(PageClasses, the_buddy_lists_are_found_by_vmcoreinfo) {
  const auto blocks = whole_->lists.free_blocks();
  KernelLists::Blocks found;
  const auto statistics = must(walk_free_lists(whole_->kernel, must(MemMap::create(whole_->kernel)),
                                               [&found](uint64_t pfn, uint64_t pages) {
                                                 found[pfn] = pages;
                                                 return true;
                                               }));
  EXPECT_EQ(statistics.damaged, 0u) << statistics.first_damage;
  EXPECT_EQ(statistics.blocks, blocks.size());
  EXPECT_TRUE(found == blocks);
}

TEST_P(PageClasses, cache_and_user_pages_are_those_of_the_lru_lists) {
  const auto folios = whole_->lists.lru_folios();
  EXPECT_GT(folios.size(), 1000u);
  const auto classes = classes_of(*whole_);
  size_t huge = 0;
  std::map<PageClass, uint64_t> seen;
  for (const auto& [pfn, pages] : folios) {
    huge += pages >= 512 ? 1 : 0;
    for (uint64_t page = pfn; page < pfn + pages; ++page) {
      const auto found = classes.find(page);
      if (found == classes.end()) continue;
      ++seen[found->second];
      EXPECT_TRUE(found->second == PageClass::cache || found->second == PageClass::cache_private ||
                  found->second == PageClass::user)
          << page << " is " << page_class_name(found->second);
    }
  }
  EXPECT_GT(huge, 0u) << "no transparent huge page";
  EXPECT_GT(seen[PageClass::user], 4000u);
  EXPECT_GT(seen[PageClass::cache] + seen[PageClass::cache_private], 2000u);

  // And no page has the flag without being on a list; unevictable ones are on none.
  const uint64_t lru = whole_->lists.flag("PG_lru"), unevictable = whole_->lists.flag("PG_unevictable");
  const auto stale = stale_pages();
  for (const auto& [pfn, page_class] : classes) {
    const auto state = whole_->lists.page_state(pfn);
    if (!state || state->tail || (state->flags & lru) == 0 || (state->flags & unevictable) != 0) continue;
    if (stale.contains(pfn)) continue;
    EXPECT_TRUE(folios.contains(pfn)) << pfn << " is " << page_class_name(page_class);
  }
}

TEST_P(PageClasses, slabs_are_the_kernels) {
  const auto slabs = whole_->lists.listed_slabs();
  EXPECT_GT(slabs.size(), 50u);
  const auto classes = classes_of(*whole_);
  for (const auto& [pfn, pages] : slabs) {
    EXPECT_TRUE(whole_->lists.is_slab(whole_->lists.page_state(pfn).value())) << pfn;
    for (uint64_t page = pfn; page < pfn + pages; ++page) {
      const auto found = classes.find(page);
      EXPECT_TRUE(found == classes.end() || found->second == PageClass::kernel) << page;
    }
  }
  // Those that are on no list, since they are full: as many as the caches have counted.
  uint64_t counted = 0;
  for (const auto& [pfn, page_class] : classes) {
    const auto state = whole_->lists.page_state(pfn);
    if (!state || !whole_->lists.is_slab(*state)) continue;
    ++counted;
    EXPECT_EQ(page_class_name(page_class), "kernel") << pfn;
  }
  EXPECT_EQ(counted, whole_->lists.slab_count());
  EXPECT_GT(counted, 1000u);
}

TEST_P(PageClasses, ballooned_broken_and_hugetlb_pages) {
  const auto classes = classes_of(*whole_);
  EXPECT_GE(
      std::ranges::count_if(classes, [](const auto& page) { return page.second == PageClass::offline; }),
      8192);
  const auto poisoned = numbers_in(folder_ / "facts/poisoned");
  EXPECT_EQ(poisoned.size(), 2u);
  EXPECT_THAT(text_of(folder_ / "vmcore-dmesg.txt"), HasSubstr("recovery action for free buddy page"));
  const OpenDump level_31(folder_ / "vmcore");
  for (const uint64_t pfn : poisoned) {
    EXPECT_EQ(page_class_name(classes.at(pfn)), "poisoned") << pfn;
    EXPECT_FALSE(level_31.stored(pfn)) << pfn;
  }
  // Free ones of the pool are not on any list that was walked above.
  const auto folios = whole_->lists.lru_folios();
  uint64_t others = 0;
  for (const auto& [pfn, page_class] : classes) {
    const auto head = folios.upper_bound(pfn);
    const bool listed = head != folios.begin() && pfn < std::prev(head)->first + std::prev(head)->second;
    others += page_class == PageClass::user && !listed ? 1 : 0;
  }
  const auto hugetlb = numbers_in(folder_ / "facts/hugetlb");
  ASSERT_EQ(hugetlb.size(), 1u);
  EXPECT_GE(others, hugetlb[0] * 512);
  EXPECT_GT(hugetlb[0], 0u);
}

TEST_P(PageClasses, what_the_level_keeps_is_what_the_classes_say) {
  const OpenDump level_31(folder_ / "vmcore");
  const auto stale = stale_pages();
  for (const auto& [pfn, page_class] : classes_of(*whole_)) {
    const bool kept = !level_excludes(31, page_class) || stale.contains(pfn);
    EXPECT_EQ(level_31.stored(pfn), kept) << pfn << " is " << page_class_name(page_class);
  }
}

// Only on kernels that the crash module is built for.
TEST_P(PageClasses, pages_of_the_image_are_kept_whatever_their_flags_say) {
  const auto stale = stale_pages();
  const std::string log = text_of(folder_ / "capture.log");
  if (!fs::exists(cache() / "kernels" / GetParam() / "headers")) {
    EXPECT_THAT(log, Not(HasSubstr("pages of the kernel's image")));
    EXPECT_THAT(log, Not(HasSubstr("essential pages")));
    return;
  }
  ASSERT_GT(stale.size(), 100u);
  OpenDump level_31(folder_ / "vmcore");
  const uint64_t lru = whole_->lists.flag("PG_lru");
  std::vector<std::byte> expected(kPageSize), got(kPageSize);
  for (const uint64_t pfn : stale) {
    ASSERT_NE(whole_->lists.page_state(pfn)->flags & lru, 0u) << pfn;
    ASSERT_TRUE(level_31.stored(pfn)) << pfn;
    ASSERT_TRUE(whole_->dump->read(pfn * kPageSize, expected));
    ASSERT_TRUE(level_31.dump->read(pfn * kPageSize, got));
    ASSERT_EQ(got, expected) << pfn;
  }
  EXPECT_THAT(log, HasSubstr(fmt::format("{} pages of the kernel's image", stale.size())));
  const auto report = run_lifeboat({"inspect", folder_ / "vmcore"});
  EXPECT_EQ(report.status, 0) << report.text;
  EXPECT_THAT(report.text, HasSubstr("sysrq"));
  EXPECT_EQ(run_lifeboat({"inspect", folder_ / "vmcore", "ps"}).status, 0);
}

std::string kernel_name(const ::testing::TestParamInfo<std::string>& info) {
  std::string name = "k" + info.param;
  std::ranges::replace(name, '.', '_');
  return name;
}
INSTANTIATE_TEST_SUITE_P(On, PageClasses, ::testing::Values("6.1", "6.12"), kernel_name);
INSTANTIATE_TEST_SUITE_P(LongOn, PageClasses, ::testing::Values("5.10", "7.2", "7.3"), kernel_name);

}  // namespace
}  // namespace lifeboat::test
