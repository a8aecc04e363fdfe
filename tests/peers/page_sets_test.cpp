// SPDX-License-Identifier: GPL-2.0-or-later
// The newest makedumpfile and lifeboat on the vmcore of a kernel with pages of every class
// (tests/vm/page_classes_test.cpp). Wherever one keeps a page that the other leaves out, the reason is one of
// those named here, and what the kernel itself noted of the page shows that lifeboat is right.
#include <fcntl.h>

#include <map>
#include <set>
#include <sstream>

#include "capture/engine/capture.h"
#include "src/vmcore/dump_kernel.h"
#include "tests/peers/peers.h"
#include "tests/support/kernel_lists.h"
#include "tests/support/usual_page_size.h"

namespace lifeboat::test {
namespace {

// Why a page is in one dump only.
enum class Reason {
  // Kept by lifeboat alone: the kernel's own data, whose struct page has a stale flag.
  stale_image,
  unexplained
};

template <typename T>
T need(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().to_string());
  return *std::move(result);
}

std::vector<uint64_t> numbers_in(const std::filesystem::path& file) {
  std::vector<uint64_t> numbers;
  std::istringstream text(std::filesystem::exists(file) ? text_of(file) : "");
  for (uint64_t number = 0; text >> number;) numbers.push_back(number);
  return numbers;
}

std::filesystem::path folder() {
  return rehearsals() / ("classes-" + peer_kernel());
}

class PageSets : public ::testing::TestWithParam<int> {
 protected:
  PageSets()
      : whole_(open_dump(folder() / "vmcore.elf")),
        kernel_(need(kernel_of(*whole_))),
        symbols_(need(Kallsyms::read(kernel_))),
        types_(need(KernelTypes::read(kernel_, symbols_))),
        lists_(kernel_, symbols_, types_) {
    // Virtual addresses: from, to.
    const auto marked = numbers_in(folder() / "facts/stale");
    if (marked.empty()) return;
    for (uint64_t at = marked.at(0); at < marked.at(1); at += kPageSize)
      stale_.insert(need(kernel_.translate(at)) / kPageSize);
  }

  [[nodiscard]] Reason reason_of(uint64_t pfn, bool ours) const {
    const auto state = lists_.page_state(pfn);
    const bool marked = ours && stale_.contains(pfn) && state && (state->flags & lists_.flag("PG_lru")) != 0;
    return marked ? Reason::stale_image : Reason::unexplained;
  }
  // What nobody may read is in no dump, at any level.
  [[nodiscard]] bool is_never_saved(uint64_t pfn) const {
    const auto state = lists_.page_state(pfn);
    const auto offline = kernel_.vmcoreinfo().number("PAGE_OFFLINE_MAPCOUNT_VALUE");
    return state && ((state->flags & lists_.flag("PG_hwpoison")) != 0 ||
                     (offline && static_cast<uint32_t>(*offline) == state->mapcount));
  }

  std::unique_ptr<Dump> whole_;
  KernelMemory kernel_;
  Kallsyms symbols_;
  KernelTypes types_;
  KernelLists lists_;
  std::set<uint64_t> stale_;  // page frames of the image that the crash module marked
};

TEST_P(PageSets, differ_for_known_reasons_only) {
  const auto temp = need(TempDir::create("lifeboat-page-sets"));
  const std::string level = std::to_string(GetParam()), source = folder() / "vmcore.elf";
  const std::string theirs = temp.path() / "theirs", ours = temp.path() / "ours";
  const auto they = run({peer_program("makedumpfile"), "-l", "-d", level, source, theirs});
  ASSERT_EQ(they.status, 0) << they.text;
  const auto we = run_lifeboat({"capture", source, ours, "--compress", "lzo", "--level", level});
  ASSERT_EQ(we.status, 0) << we.text;
  const auto their_dump = open_dump(theirs), our_dump = open_dump(ours);
  ASSERT_TRUE(their_dump && our_dump);

  std::map<Reason, uint64_t> reasons;
  uint64_t both = 0, never_saved = 0;
  for (uint64_t pfn = 0; pfn < our_dump->info().max_pfn; ++pfn) {
    const bool in_ours = our_dump->page_state(pfn).value() == PageState::stored;
    const bool in_theirs = their_dump->page_state(pfn).value() == PageState::stored;
    both += in_ours && in_theirs ? 1 : 0;
    if (is_never_saved(pfn)) {
      ++never_saved;
      EXPECT_FALSE(in_ours || in_theirs) << "page frame " << pfn;
    }
    if (in_ours == in_theirs) continue;
    const Reason reason = reason_of(pfn, in_ours);
    ++reasons[reason];
    EXPECT_NE(reason, Reason::unexplained)
        << "page frame " << pfn << " is only in " << (in_ours ? "ours" : "theirs");
  }
  EXPECT_GT(both, 5000u);
  EXPECT_GE(never_saved, 8192u + 2) << "ballooned pages, and two broken ones";
  const bool leaves_cache_out = (GetParam() & 6) != 0;
  EXPECT_EQ(reasons[Reason::stale_image], leaves_cache_out ? stale_.size() : 0u);
}

// Without the parts of mem_map that describe only pages left out. makedumpfile has that too (-e), but leaves
// out others, and the kernel's data with stale flags: so each page is looked up here.
class WithoutMemMap : public PageSets {
 protected:
  CaptureReport capture(const std::string& path, bool drop_memmap) {
    const auto fd = need(open_file(path, O_RDWR | O_CREAT | O_TRUNC, 0600));
    CaptureOptions options;
    options.levels = {GetParam()};
    options.drop_memmap = drop_memmap;
    return need(capture_dump(*whole_, fd.get(), path, options, no_progress()));
  }
};

TEST_P(WithoutMemMap, all_else_is_there) {
  const auto temp = need(TempDir::create("lifeboat-mem-map"));
  const std::string with_path = temp.path() / "with", without_path = temp.path() / "without";
  const auto with = capture(with_path, false), without = capture(without_path, true);
  EXPECT_EQ(with.pages.mem_map_pages, 0u);
  EXPECT_GT(without.pages.mem_map_pages, 500u);
  EXPECT_EQ(without.pages.stored_pages, with.pages.stored_pages - without.pages.mem_map_pages);
  EXPECT_LT(without.file_bytes, with.file_bytes);
  const auto all = open_dump(with_path), fewer = open_dump(without_path);
  ASSERT_TRUE(all && fewer);
  const auto state = [](const Dump& dump, uint64_t pfn) { return dump.page_state(pfn).value(); };

  // Where each page of mem_map lies, and whether all that it describes was left out.
  constexpr uint64_t kDescribed = 64;
  std::map<uint64_t, bool> is_useless;
  for (uint64_t pfn = 0; pfn + kDescribed <= all->info().max_pfn; pfn += kDescribed) {
    const auto place = lists_.place_of(pfn);
    if (!place) continue;
    bool useless = true;
    for (uint64_t page = pfn; page < pfn + kDescribed; ++page)
      useless = useless && state(*all, page) == PageState::excluded;
    is_useless[*place / kPageSize] = useless;
  }
  uint64_t left_out = 0;
  for (uint64_t pfn = 0; pfn < all->info().max_pfn; ++pfn) {
    EXPECT_FALSE(state(*all, pfn) != PageState::stored && state(*fewer, pfn) == PageState::stored) << pfn;
    const auto found = is_useless.find(pfn);
    const bool expected = found != is_useless.end() && found->second && state(*all, pfn) == PageState::stored;
    const bool missing = state(*all, pfn) == PageState::stored && state(*fewer, pfn) != PageState::stored;
    EXPECT_EQ(missing, expected) << pfn;
    left_out += missing ? 1 : 0;
  }
  EXPECT_EQ(left_out, without.pages.mem_map_pages);
  for (const std::vector<std::string>& view :
       {std::vector<std::string>{"log"}, {"ps"}, {"bt", "-a"}, {"mod"}, {"sym", "_text"}}) {
    std::vector<std::string> one = {"inspect", with_path}, other = {"inspect", without_path};
    one.insert(one.end(), view.begin(), view.end());
    other.insert(other.end(), view.begin(), view.end());
    const auto expected = run_lifeboat(one), found = run_lifeboat(other);
    EXPECT_EQ(found.status, 0) << view[0] << found.text;
    EXPECT_EQ(found.text, expected.text) << view[0];
  }
}

INSTANTIATE_TEST_SUITE_P(Of, WithoutMemMap, ::testing::Values(31, 16));
INSTANTIATE_TEST_SUITE_P(All, PageSets, ::testing::Values(0, 1, 2, 4, 8, 16, 31));

}  // namespace
}  // namespace lifeboat::test
