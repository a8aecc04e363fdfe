// SPDX-License-Identifier: GPL-2.0-or-later
// The whole chain: a Debian kernel boots, is armed, panics, is captured, and the dump is read back.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <nlohmann/json.hpp>

#include "tests/support/programs.h"

namespace lifeboat::test {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

struct Machine {
  const char* name;
  const char* version;    // folder of the kernel
  const char* cpu_model;  // decides how many levels the page tables have
};

void PrintTo(const Machine& machine, std::ostream* out) {
  *out << machine.version;
}

class Rehearsal : public ::testing::TestWithParam<Machine> {
 protected:
  // One rehearsal serves all tests of a kernel.
  static void SetUpTestSuite() { done_.clear(); }
  void SetUp() override {
    out_ = rehearsals() / GetParam().version;
    if (done_ == GetParam().version) return;
    std::filesystem::remove_all(out_);
    std::filesystem::create_directories(rehearsals());
    const auto kernel = cache() / "kernels" / GetParam().version;
    const auto output = run_lifeboat({"rehearse", "--accel", "tcg", "--kernel", kernel / "vmlinuz",
                                      "--modules", std::filesystem::canonical(kernel / "modules"), "-o", out_,
                                      "--memory", "1G", "--cpu-model", GetParam().cpu_model, "--copy-elf"},
                                     std::chrono::minutes(22));
    ASSERT_EQ(output.status, 0) << output.text;
    done_ = GetParam().version;
  }

  [[nodiscard]] nlohmann::json json(const char* name) const {
    return nlohmann::json::parse(text_of(out_ / name));
  }
  [[nodiscard]] std::string dump() const { return out_ / "vmcore"; }
  [[nodiscard]] std::string release() const { return json("result.json")["release"]; }

  std::filesystem::path out_;
  static std::string done_;
};
std::string Rehearsal::done_;

TEST_P(Rehearsal, leaves_a_whole_dump) {
  EXPECT_EQ(json("result.json")["whole"], true);
  EXPECT_EQ(json("result.json")["pages_lost"], 0);
  EXPECT_EQ(run_lifeboat({"verify", dump()}).status, 0);
  EXPECT_FALSE(std::filesystem::exists(out_ / "vmcore.incomplete"));
}

TEST_P(Rehearsal, nobody_else_can_read_what_was_saved) {
  for (const char* name : {"vmcore", "vmcore-dmesg.txt", "report.txt", "report.json", "capture.log"}) {
    struct stat status{};
    ASSERT_EQ(::stat((out_ / name).c_str(), &status), 0) << name;
    EXPECT_EQ(status.st_mode & 0777, 0600u) << name;
  }
}

TEST_P(Rehearsal, reports_the_phases_in_their_order) {
  std::vector<std::string> names;
  double last = 0;
  const auto timings = json("timings.json");
  for (const auto& phase : timings["guest"]) {
    names.push_back(phase["phase"]);
    EXPECT_GE(phase["at"].get<double>(), last);
    last = phase["at"];
  }
  EXPECT_THAT(names, ::testing::ElementsAre("guest-start", "guest-ready", "guest-loaded", "guest-panic",
                                            "capture-start", "capture-target", "capture-log",
                                            "capture-report", "capture-dump", "capture-end", "power-off"));
}

TEST_P(Rehearsal, saves_the_log_that_the_dump_holds) {
  const std::string saved = text_of(out_ / "vmcore-dmesg.txt");
  EXPECT_THAT(saved, HasSubstr("sysrq: Trigger a crash"));
  EXPECT_THAT(saved, HasSubstr("Kernel panic - not syncing: sysrq triggered crash"));
  EXPECT_THAT(saved, HasSubstr("Linux version " + release()));
  EXPECT_EQ(run_lifeboat({"inspect", dump(), "log"}).text, saved);
  // The unchanged vmcore gives the same.
  EXPECT_EQ(run_lifeboat({"inspect", out_ / "vmcore.elf", "log"}).text, saved);
}

TEST_P(Rehearsal, saves_the_report_of_the_dump) {
  const auto saved = nlohmann::json::parse(text_of(out_ / "report.json"));
  const auto report = nlohmann::json::parse(run_lifeboat({"inspect", dump(), "--json"}).text);
  for (const char* member : {"kind", "signature", "stack", "other_cpus", "tasks", "memory", "log"})
    EXPECT_EQ(saved[member], report[member]) << member;
  EXPECT_EQ(saved["kind"], "sysrq");
  EXPECT_THAT(text_of(out_ / "report.txt"), HasSubstr("sysrq triggered crash"));
}

TEST_P(Rehearsal, describes_the_machine) {
  const auto output = run_lifeboat({"inspect", dump(), "sys", "--json"});
  ASSERT_EQ(output.status, 0) << output.text;
  const auto sys = nlohmann::json::parse(output.text);
  EXPECT_EQ(sys["utsname"]["release"], release());
  EXPECT_EQ(sys["utsname"]["machine"], "x86_64");
  EXPECT_EQ(sys["level"], 31);
  EXPECT_EQ(sys["whole"], true);
  EXPECT_THAT(sys["crash"]["panic"].get<std::string>(), HasSubstr("sysrq triggered crash"));
  EXPECT_THAT(sys["crash"]["cause"].get<std::string>(), HasSubstr("sysrq: Trigger a crash"));
  EXPECT_GT(sys["pages"]["free"]["pages"], 10000);
  EXPECT_EQ(sys["pages"]["free"]["stored"], 0);
  EXPECT_GT(sys["pages"]["kernel"]["stored"], 1000);
  const auto now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  EXPECT_NEAR(sys["crash_time"].get<double>(), static_cast<double>(now), 3600);
}

TEST_P(Rehearsal, has_page_tables_of_the_expected_depth) {
  const bool five_levels = std::string(GetParam().cpu_model) == "max";
  const auto vmcoreinfo = run({"strings", "-n", "8", out_ / "vmcore.elf"}).text;
  EXPECT_THAT(vmcoreinfo,
              ContainsRegex(five_levels ? "NUMBER.pgtable_l5_enabled.=1" : "NUMBER.pgtable_l5_enabled.=0"));
}

TEST_P(Rehearsal, recorded_what_the_kernel_reported_of_itself) {
  EXPECT_THAT(text_of(out_ / "facts/version"), HasSubstr(release()));
  EXPECT_THAT(text_of(out_ / "facts/tasks"), HasSubstr(" kthreadd\n"));
  EXPECT_THAT(text_of(out_ / "facts/modules"), HasSubstr("virtio_blk"));
}

TEST_P(Rehearsal, complains_of_nothing) {
  EXPECT_THAT(text_of(out_ / "capture.log"), Not(ContainsRegex("(warning|error):")));
}

INSTANTIATE_TEST_SUITE_P(Debian, Rehearsal,
                         ::testing::Values(Machine{"debian_6_1", "6.1", "Nehalem"},
                                           Machine{"debian_6_12", "6.12", "max"}),
                         [](const auto& machine) { return std::string(machine.param.name); });

}  // namespace
}  // namespace lifeboat::test
