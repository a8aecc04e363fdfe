// SPDX-License-Identifier: GPL-2.0-or-later
// Our dumps in the hands of those who read them: libkdumpfile (drgn's reader) and crash.
#include <libkdumpfile/kdumpfile.h>

#include <set>
#include <sstream>

#include "tests/peers/views.h"
#include "tests/support/usual_page_size.h"

namespace lifeboat::test {
namespace {

using ::testing::HasSubstr;

TEST(Libkdumpfile, reads_every_page_of_our_dump) {
  const auto ours = open_dump(rehearsal() / "vmcore");
  ASSERT_TRUE(ours);
  const std::unique_ptr<kdump_ctx_t, decltype(&kdump_free)> context(kdump_new(), kdump_free);
  const UniqueFd file(::open((rehearsal() / "vmcore").c_str(), O_RDONLY | O_CLOEXEC));
  ASSERT_EQ(kdump_open_fd(context.get(), file.get()), KDUMP_OK) << kdump_get_err(context.get());

  std::vector<std::byte> one(kPageSize), other(kPageSize);
  uint64_t pages = 0;
  for (uint64_t pfn = 0; pfn < ours->info().max_pfn; ++pfn) {
    if (ours->page_state(pfn).value() != PageState::stored) continue;
    size_t size = kPageSize;
    ASSERT_EQ(kdump_read(context.get(), KDUMP_MACHPHYSADDR, pfn * kPageSize, other.data(), &size), KDUMP_OK)
        << "PFN " << pfn << ": " << kdump_get_err(context.get());
    ASSERT_TRUE(ours->read(pfn * kPageSize, one)) << pfn;
    ASSERT_EQ(one, other) << pfn;
    ++pages;
  }
  EXPECT_EQ(pages, ours->info().stored_pages);
}

TEST(Libkdumpfile, finds_the_kernel_of_our_dump) {
  const std::unique_ptr<kdump_ctx_t, decltype(&kdump_free)> context(kdump_new(), kdump_free);
  const UniqueFd file(::open((rehearsal() / "vmcore").c_str(), O_RDONLY | O_CLOEXEC));
  ASSERT_EQ(kdump_open_fd(context.get(), file.get()), KDUMP_OK) << kdump_get_err(context.get());
  const char* release = nullptr;
  ASSERT_EQ(kdump_get_string_attr(context.get(), "linux.uts.release", &release), KDUMP_OK);
  EXPECT_THAT(text_of(rehearsal() / "facts/version"), HasSubstr(release));
}

// pid -> comm, of all threads. Idle tasks (pid 0) are not in /proc.
using Tasks = std::set<std::pair<uint64_t, std::string>>;

Tasks tasks_of_facts() {
  Tasks tasks;
  std::istringstream lines(text_of(rehearsal() / "facts/tasks"));
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    uint64_t pid = 0, tgid = 0, ppid = 0;
    std::string state, comm;
    words >> pid >> tgid >> ppid >> state >> std::ws;
    std::getline(words, comm);
    tasks.emplace(pid, comm);
  }
  return tasks;
}

TEST(Crash, lists_the_tasks_that_proc_listed) {
  Tasks seen;
  for (const auto& [address, task] : crash_view().tasks)
    if (task.pid != 0) seen.emplace(task.pid, task.comm);
  ASSERT_GT(seen.size(), 20u);
  // Between the moment /proc was read and the panic the target is unmounted, which ends the threads of its
  // journal and the one that initialises its inode tables, and kernel workers come, go and are renamed after
  // their work.
  const auto steady = [](const Tasks& all) {
    Tasks kept;
    for (const auto& [pid, comm] : all) {
      const bool passing = comm.starts_with("kworker/") || comm.starts_with("jbd2/") ||
                           comm.starts_with("ext4-rsv-") || comm.starts_with("ext4lazyinit");
      if (!passing) kept.emplace(pid, comm.substr(0, 15));
    }
    return kept;
  };
  EXPECT_EQ(steady(seen), steady(tasks_of_facts()));
}

}  // namespace
}  // namespace lifeboat::test
