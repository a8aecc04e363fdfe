// SPDX-License-Identifier: GPL-2.0-or-later
// A real dump, mutilated in every way that a filter, a disk or a network can do it; then every view of it.
// Each must end in time, by no signal, print a message on failure, and show what can still be known.
#include <elf.h>

#include <functional>
#include <nlohmann/json.hpp>

#include "src/inspect/session.h"
#include "tests/oracle/oracle.h"
#include "tests/support/dump_surgeon.h"
#include "tests/support/usual_page_size.h"

namespace lifeboat::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

constexpr std::chrono::seconds kLimit(100);
const std::vector<std::vector<std::string>> kViews = {
    {"report"},
    {"report", "--json"},
    {"log"},
    {"bt"},
    {"bt", "-a", "--json"},
    {"ps", "--tree", "--threads"},
    {"ps", "--memory", "--json"},
    {"mod"},
    {"sys", "--json"},
    {"mem"},
    {"sym", "schedule"},
    {"type", "struct", "task_struct"},
    {"read", "init_task.tasks.next"},
    {"read", "init_uts_ns"},
    {"search", "0x6465616462656566"},
};

class DamagedDumps : public testing::TestWithParam<std::filesystem::path> {
 protected:
  void SetUp() override {
    original_ = GetParam() / "vmcore";
    session_.emplace(inspect::Session::open(original_.string()).value());
    ASSERT_TRUE(session_->types()) << session_->types().error().to_string();
    ASSERT_TRUE(session_->tasks());
    temp_.emplace(TempDir::create("damaged-dumps").value());
  }

  [[nodiscard]] DumpSurgeon surgeon() const { return DumpSurgeon(original_.string()); }
  [[nodiscard]] std::string path() const { return temp_->path() / "vmcore"; }
  [[nodiscard]] std::optional<uint64_t> page_of(uint64_t address) const {
    const auto physical = session_->kernel()->translate(address);
    return physical ? std::optional(*physical >> kPageShift) : std::nullopt;
  }
  // The pages from one symbol to another.
  [[nodiscard]] std::vector<uint64_t> pages(const char* begin, const char* end) const {
    const auto ends = session_->symbols()->addresses_of({begin, end});
    std::vector<uint64_t> all;
    if (!ends[0] || !ends[1]) return all;
    for (uint64_t at = align_down(*ends[0], kPageSize); at < *ends[1]; at += kPageSize)
      if (const auto page = page_of(at)) all.push_back(*page);
    return all;
  }
  // Changes one word of the dumped memory.
  void poke(DumpSurgeon& surgeon, uint64_t address, uint64_t value) const {
    const auto pfn = page_of(address);
    ASSERT_TRUE(pfn);
    std::vector<std::byte> page(kPageSize);
    ASSERT_TRUE(session_->dump().read(*pfn * kPageSize, page));
    std::memcpy(page.data() + address % kPageSize, &value, sizeof value);
    surgeon.replace(*pfn, page);
  }

  // Every view of what lies at path(). Returns the output of each, by its words.
  std::map<std::string, ProcessOutput> look() {
    std::map<std::string, ProcessOutput> all;
    for (const auto& view : kViews) {
      std::vector<std::string> arguments = {"inspect", path()};
      arguments.insert(arguments.end(), view.begin(), view.end());
      std::string name;
      for (const auto& word : view) name += (name.empty() ? "" : " ") + word;
      ProcessOutput output = run_lifeboat(arguments, kLimit);
      EXPECT_TRUE(output.status == 0 || output.status == 1) << name << ": " << output.status << "\n"
                                                            << output.text;
      if (output.status == 1) {
        EXPECT_THAT(output.text, HasSubstr("error: ")) << name;
      }
      EXPECT_THAT(output.text, Not(HasSubstr("terminate called"))) << name;
      all.emplace(name, std::move(output));
    }
    return all;
  }
  using Looked = std::map<std::string, ProcessOutput>;
  static void expect_log(const Looked& looked) {
    EXPECT_EQ(looked.at("log").status, 0);
    EXPECT_THAT(looked.at("log").text, HasSubstr("sysrq triggered crash"));
    EXPECT_THAT(looked.at("report").text, HasSubstr("kind        sysrq"));
  }
  // The views that need what is missing report it, with this word.
  static void expect_reported(const Looked& looked, std::initializer_list<const char*> views,
                              const std::string& word) {
    for (const char* view : views) {
      EXPECT_EQ(looked.at(view).status, 1) << view;
      EXPECT_THAT(looked.at(view).text, HasSubstr(word)) << view;
    }
  }

  std::filesystem::path original_;
  std::optional<inspect::Session> session_;
  std::optional<TempDir> temp_;
};

TEST_P(DamagedDumps, whole) {
  surgeon().write(path());
  for (const auto& [view, output] : look()) EXPECT_EQ(output.status, 0) << view << ": " << output.text;
}

TEST_P(DamagedDumps, cut_off) {
  const DumpSurgeon whole = surgeon();
  const uint64_t data = whole.size() - whole.data();
  for (const uint64_t length :
       {uint64_t{0}, uint64_t{7}, uint64_t{100}, uint64_t{4096}, uint64_t{4200}, whole.bitmaps(),
        whole.descriptors() - 1, whole.descriptors(), whole.descriptors() + 25, whole.data()}) {
    whole.write(path(), length);
    const auto output = run_lifeboat({"inspect", path()}, kLimit);
    EXPECT_TRUE(output.status == 0 || output.status == 1) << length;
    EXPECT_FALSE(output.text.empty());
  }
  for (const uint64_t part : {1, 4, 7}) {
    SCOPED_TRACE(part);
    whole.write(path(), whole.data() + data * part / 8);
    const auto looked = look();
    EXPECT_THAT(looked.at("report").text, HasSubstr("the end is missing"));
  }
}

TEST_P(DamagedDumps, without_types) {
  DumpSurgeon harder = surgeon();
  for (const uint64_t pfn : pages("__start_BTF", "__stop_BTF")) harder.leave_out(pfn);
  harder.write(path());
  const auto looked = look();
  expect_log(looked);
  expect_reported(looked, {"bt", "ps --memory --json", "mod", "type struct task_struct"},
                  "left out when the dump was made");
  EXPECT_EQ(looked.at("sym schedule").status, 0);
}

TEST_P(DamagedDumps, with_a_hole_in_the_types) {
  DumpSurgeon harder = surgeon();
  const auto all = pages("__start_BTF", "__stop_BTF");
  ASSERT_GT(all.size(), 100u);
  harder.lose(all[all.size() / 2]);
  harder.write(path());
  expect_log(look());
}

TEST_P(DamagedDumps, without_names) {
  DumpSurgeon harder = surgeon();
  // The tables lie in the kernel's read-only data; VMCOREINFO has their addresses in 6.0 and later.
  for (const uint64_t pfn : pages("__start_rodata", "__end_rodata")) harder.leave_out(pfn);
  harder.write(path());
  const auto looked = look();
  expect_log(looked);
  expect_reported(looked, {"bt", "ps --memory --json", "mod", "sym schedule"}, "error: ");
}

TEST_P(DamagedDumps, without_page_tables) {
  DumpSurgeon harder = surgeon();
  const auto root = page_of(session_->kernel()->vmcoreinfo().symbol("swapper_pg_dir").value());
  ASSERT_TRUE(root);
  harder.lose(*root);
  harder.write(path());
  const auto looked = look();
  EXPECT_EQ(looked.at("report").status, 0);
  EXPECT_THAT(looked.at("report").text, HasSubstr("was never written"));
  expect_reported(looked, {"log", "bt", "mod", "ps --memory --json"}, "was never written");
}

TEST_P(DamagedDumps, without_tasks) {
  DumpSurgeon harder = surgeon();
  for (const auto& task : session_->tasks()->tasks)
    if (task.pid > 1 && task.pid % 3 == 0) {
      if (const auto pfn = page_of(task.address)) harder.leave_out(*pfn);
    }
  harder.write(path());
  const auto looked = look();
  expect_log(looked);
  EXPECT_EQ(looked.at("ps --tree --threads").status, 0);
  EXPECT_THAT(looked.at("ps --tree --threads").text, HasSubstr("warning: "));
  EXPECT_EQ(looked.at("bt").status, 0);
}

TEST_P(DamagedDumps, with_lists_in_loops_or_astray) {
  const auto offset = session_->types()->field("task_struct", "tasks").value().offset;
  const auto modules = session_->symbols()->address_of("modules").value();
  const auto caches = session_->symbols()->address_of("slab_caches").value();
  const auto second = [&](uint64_t head) { return session_->kernel()->read<uint64_t>(head).value(); };
  const auto& tasks = session_->tasks()->tasks;
  const auto init = std::ranges::find(tasks, 1, &Task::pid)->address + offset;
  for (const bool loop : {true, false}) {
    SCOPED_TRACE(loop ? "loops" : "wild pointers");
    DumpSurgeon spoiled = surgeon();
    for (const uint64_t node : {init, second(modules), second(caches)})
      poke(spoiled, node, loop ? node : 0xdead000000000100);
    spoiled.write(path());
    const auto looked = look();
    expect_log(looked);
    for (const char* view : {"ps --tree --threads", "mod", "mem", "bt"})
      EXPECT_EQ(looked.at(view).status, 0) << view;
    EXPECT_THAT(looked.at("ps --tree --threads").text, HasSubstr("warning: the list of processes"));
    EXPECT_THAT(looked.at("mod").text, HasSubstr("the list of modules"));
    EXPECT_THAT(looked.at("mem").text, HasSubstr("the list of slab caches"));
  }
}

TEST_P(DamagedDumps, with_every_seventh_page_damaged) {
  DumpSurgeon spoiled = surgeon();
  for (const uint64_t pfn : spoiled.pages())
    if (pfn % 7 == 3) spoiled.damage(pfn);
  spoiled.write(path());
  EXPECT_EQ(look().at("report").status, 0);
}

TEST_P(DamagedDumps, with_noise_instead_of_the_kernels_data) {
  DumpSurgeon spoiled = surgeon();
  uint64_t state = 1;
  for (const uint64_t pfn : pages("_sdata", "_edata")) {
    std::vector<std::byte> noise(kPageSize);
    for (auto& byte : noise) {
      state = state * 6364136223846793005 + 1442695040888963407;
      byte = static_cast<std::byte>(state >> 56);
    }
    if (pfn % 2 == 0) spoiled.replace(pfn, noise);
  }
  spoiled.write(path());
  EXPECT_EQ(look().at("report").status, 0);
}

TEST_P(DamagedDumps, without_stacks_tables_and_mem_map) {
  DumpSurgeon harder = surgeon();
  for (const uint64_t pfn : pages("__start_orc_unwind_ip", "__stop_orc_unwind")) harder.leave_out(pfn);
  const auto top = session_->symbols()->address_of("mem_section").value();
  if (const auto root = session_->kernel()->read<uint64_t>(top)) {
    if (const auto pfn = page_of(*root)) harder.leave_out(*pfn);
  }
  harder.write(path());
  const auto looked = look();
  expect_log(looked);
  EXPECT_EQ(looked.at("bt").status, 0);
  EXPECT_THAT(looked.at("bt").text, HasSubstr("sysrq_handle_crash"));
  EXPECT_EQ(looked.at("mem").status, 0);
}

TEST_P(DamagedDumps, of_another_machine) {
  DumpSurgeon other = surgeon();
  other.header().uts[4] = {'a', 'a', 'r', 'c', 'h', '6', '4'};
  other.write(path());
  const auto looked = look();
  for (const auto& [view, output] : looked) {
    EXPECT_EQ(output.status, 1) << view;
    EXPECT_THAT(output.text, HasSubstr("aarch64")) << view;
  }
}

TEST_P(DamagedDumps, reads_report_why_a_page_is_not_there) {
  DumpSurgeon spoiled = surgeon();
  const auto at = session_->symbols()->addresses_of({"init_task", "init_uts_ns", "linux_banner"});
  spoiled.lose(*page_of(*at[0]));
  spoiled.damage(*page_of(*at[1]));
  spoiled.leave_out(*page_of(*at[2]));
  spoiled.write(path());
  const auto read = [&](uint64_t address) {
    return run_lifeboat({"inspect", path(), "read", fmt::format("{:#x}", address)}).text;
  };
  EXPECT_THAT(read(*at[0]), HasSubstr("was never written"));
  EXPECT_THAT(read(*at[1]), testing::AnyOf(HasSubstr("decompress"), HasSubstr("bytes")));
  EXPECT_THAT(read(*at[2]), HasSubstr("it was the kernel's own"));
  EXPECT_THAT(read(0x1000), HasSubstr("not mapped"));
  // Free memory, as every dump of this level lacks it.
  const auto base = session_->symbols()->address_of("page_offset_base");
  ASSERT_TRUE(base);
  const uint64_t direct_map = session_->kernel()->read<uint64_t>(*base).value();
  const auto& ram = session_->dump().ram();
  for (uint64_t pfn = ram.back().end / kPageSize / 2;; ++pfn) {
    if (session_->dump().page_state(pfn).value() != PageState::excluded) continue;
    EXPECT_THAT(read(direct_map + pfn * kPageSize), HasSubstr("it was "));
    break;
  }
}

INSTANTIATE_TEST_SUITE_P(, DamagedDumps, testing::ValuesIn(oracle_folders()), oracle_name);
// Without the VM tests' dumps there is nothing to damage.
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(DamagedDumps);

}  // namespace
}  // namespace lifeboat::test
