// SPDX-License-Identifier: GPL-2.0-or-later
// The same dump, with no debug information by lifeboat, with all of it by drgn and crash: the same tasks,
// stacks, modules, log and types. Where the programs use a word with different meanings, a comment here
// explains it.
#include "tests/peers/views.h"

#include <regex>

#include "src/inspect/session.h"

namespace lifeboat::test {
namespace {

using ::testing::UnorderedElementsAreArray;

// "0xff41ab4181244200 1 init S 0": address, PID, name, state, parent.
std::vector<std::string> described(const View& view) {
  std::vector<std::string> lines;
  for (const auto& [address, task] : view.tasks) {
    // crash shows `parent` and not the real one, and an idle task has 0 there: no task waits for it.
    const int64_t parent = task.pid == 0 ? 0 : task.ppid;
    lines.push_back(fmt::format("{:#x} {} {} {} {}", address, task.pid, task.comm, task.state, parent));
  }
  return lines;
}

// "The same function": by name, or by the label that kallsyms has inside what is one function to a debugger
// (entry_SYSCALL_64_after_hwframe in entry_SYSCALL_64).
bool same_function(const SeenFrame& ours, const SeenFrame& theirs) {
  if (ours.name == theirs.name) return true;
  return ours.start >= theirs.start && ours.start - theirs.start < theirs.size;
}

std::string shown(const std::vector<SeenFrame>& frames) {
  std::string text;
  for (const auto& frame : frames) text += fmt::format("  {:#x} {}\n", frame.address, frame.name);
  return text;
}

void expect_same_stack(const SeenTask& ours, const SeenTask& theirs) {
  bool same = ours.frames.size() == theirs.frames.size();
  for (size_t index = 0; same && index < ours.frames.size(); ++index) {
    const auto &one = ours.frames[index], &other = theirs.frames[index];
    same = one.address == other.address && (other.name.empty() || same_function(one, other));
  }
  EXPECT_TRUE(same) << ours.pid << ' ' << ours.comm << "\nlifeboat:\n"
                    << shown(ours.frames) << "the other:\n"
                    << shown(theirs.frames);
}

// Lines behind the first of a record have no time of their own. dmesg, crash and lifeboat put blanks there.
std::string without_indent(const std::string& log) {
  return std::regex_replace(log, std::regex("\n +"), "\n");
}

TEST(Drgn, sees_the_same_tasks) {
  EXPECT_GT(drgn_view().tasks.size(), 50u);
  EXPECT_THAT(described(lifeboat_view()), UnorderedElementsAreArray(described(drgn_view())));
}

TEST(Drgn, sees_the_same_stacks) {
  size_t named = 0;
  for (const auto& [address, theirs] : drgn_view().tasks) {
    const auto ours = lifeboat_view().tasks.find(address);
    ASSERT_NE(ours, lifeboat_view().tasks.end());
    EXPECT_GT(theirs.frames.size(), 2u) << theirs.comm;
    // drgn has no symbols of the modules: their frames have an address only.
    for (const auto& frame : theirs.frames) named += frame.name.empty() ? 0 : 1;
    expect_same_stack(ours->second, theirs);
  }
  EXPECT_GT(named, 250u);
}

TEST(Drgn, sees_the_same_modules) {
  EXPECT_GT(drgn_view().modules.size(), 3u);
  EXPECT_EQ(lifeboat_view().modules, drgn_view().modules);
}

TEST(Drgn, sees_the_same_log) {
  EXPECT_GT(drgn_view().log.size(), 5000u);
  EXPECT_EQ(without_indent(lifeboat_view().log), without_indent(drgn_view().log));
}

TEST(Drgn, sees_the_same_types) {
  auto session = inspect::Session::open(rehearsal() / "vmcore");
  ASSERT_TRUE(session) << session.error().to_string();
  ASSERT_TRUE(session->types()) << session->types().error().to_string();
  const KernelTypes& types = *session->types();
  size_t members = 0;
  for (const auto& [name, theirs] : drgn_view().types) {
    EXPECT_EQ(types.size_of(name).value_or(0), theirs.size) << name;
    for (const auto& [member, bits] : theirs.members) {
      const auto field = types.field(name, member);
      ASSERT_TRUE(field) << name << '.' << member << ": " << field.error().to_string();
      EXPECT_EQ(field->offset * 8 + field->bit_offset, bits) << name << '.' << member;
      ++members;
    }
  }
  EXPECT_GT(members, 1000u);
}

TEST(Crash, sees_the_same_tasks) {
  EXPECT_GT(crash_view().tasks.size(), 50u);
  EXPECT_THAT(described(lifeboat_view()), UnorderedElementsAreArray(described(crash_view())));
}

// crash goes on from the CPU that panicked into what saved its registers: from __crash_kexec(), in which they
// were saved some instructions earlier, into machine_kexec().
std::vector<SeenFrame> from_saved_registers(std::vector<SeenFrame> frames,
                                            const std::vector<SeenFrame>& ours) {
  if (frames.size() < 2 || frames[0].name != "machine_kexec" || ours.empty()) return frames;
  EXPECT_EQ(frames[1].name, "__crash_kexec");
  EXPECT_EQ(ours[0].name, "__crash_kexec");
  frames.erase(frames.begin());
  frames[0].address = ours[0].address;
  return frames;
}

TEST(Crash, sees_the_same_stacks) {
  for (const auto& [address, theirs] : crash_view().tasks) {
    const auto ours = lifeboat_view().tasks.find(address);
    ASSERT_NE(ours, lifeboat_view().tasks.end());
    EXPECT_GT(theirs.frames.size(), 2u) << theirs.comm;
    auto seen = theirs;
    seen.frames = from_saved_registers(theirs.frames, ours->second.frames);
    expect_same_stack(ours->second, seen);
  }
}

TEST(Crash, sees_the_same_modules) {
  EXPECT_EQ(lifeboat_view().modules, crash_view().modules);
}

TEST(Crash, sees_the_same_log) {
  EXPECT_EQ(lifeboat_view().log, crash_view().log);
}

}  // namespace
}  // namespace lifeboat::test
