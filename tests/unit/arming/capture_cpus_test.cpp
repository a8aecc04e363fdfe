// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/arming/capture_cpus.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/arming/capture_kernel.h"
#include "src/base/file.h"
#include "src/base/size.h"
#include "tests/support/whole_dump.h"

namespace lifeboat::arming {
namespace {

using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr const char* kLeaveOut = "leave_out=0";

// A machine of 32 CPUs whose dump takes so long.
CpuFacts machine(double seconds) {
  return {.present = 32,
          .boot_cpu = kLeaveOut,
          .confidential = false,
          .time = {.seconds = seconds, .source = "x"}};
}

class Cpus : public testing::Test {
 protected:
  CaptureCpus choose(const CpuFacts& facts, const std::string& append = {}) {
    asked_ = 0;
    return choose_cpus(config_, append, facts, [this](unsigned wanted) {
      asked_ = wanted;
      return room_;
    });
  }
  [[nodiscard]] std::string line(const CaptureCpus& cpus) const {
    return capture_command_line(config_, {.running = "ro", .cpus = cpus, .append = {}});
  }

  config::Config config_;
  unsigned room_ = 1000;
  unsigned asked_ = 0;  // of the room; 0: not at all
};

TEST_F(Cpus, OneIsEnoughForAMinute) {
  for (const double seconds : {0.0, 10.0, 60.0}) {
    const auto cpus = choose(machine(seconds));
    EXPECT_EQ(cpus.count, 1U);
    EXPECT_EQ(asked_, 0U) << "the estimate takes its time";
    EXPECT_THAT(cpus.boot_cpu, IsEmpty());
    EXPECT_THAT(line(cpus), AllOf(HasSubstr(" nr_cpus=1 "), Not(HasSubstr("leave_out"))));
  }
  EXPECT_THAT(choose(machine(10)).reason, HasSubstr("about 10 s with one (x)"));
}

TEST_F(Cpus, AsManyAsBringItDownToAMinute) {
  EXPECT_EQ(choose(machine(60.1)).count, 2U);
  EXPECT_EQ(choose(machine(240)).count, 4U);
  const auto cpus = choose(machine(241));
  EXPECT_EQ(cpus.count, 5U);
  EXPECT_EQ(cpus.wanted, 5U);
  EXPECT_EQ(asked_, 5U);
  EXPECT_THAT(line(cpus), AllOf(HasSubstr(" nr_cpus=5 "), EndsWith(kLeaveOut)));
  // One thread writes.
  EXPECT_EQ(choose(machine(1e6)).count, kMaxAutomaticCpus);
  EXPECT_EQ(choose(machine(1e300)).count, kMaxAutomaticCpus);
}

TEST_F(Cpus, NoMoreThanTheMachineHasBesideItsBootCpu) {
  CpuFacts facts = machine(1000);
  facts.present = 4;
  EXPECT_EQ(choose(facts).count, 3U);
  facts.boot_cpu = "";
  EXPECT_EQ(choose(facts).count, 4U) << "any CPU may be started there";
  EXPECT_THAT(choose(facts).boot_cpu, IsEmpty());
  for (const unsigned present : {1u, 0u}) {
    facts.present = present;
    EXPECT_EQ(choose(facts).count, 1U);
  }
  facts = machine(1000);
  facts.present = 2;
  EXPECT_EQ(choose(facts).count, 1U) << "a crash on the other one leaves one";
}

TEST_F(Cpus, NoMoreThanTheReservationHasMemoryFor) {
  room_ = 3;
  const auto cpus = choose(machine(1000));
  EXPECT_EQ(cpus.count, 3U);
  EXPECT_EQ(cpus.wanted, 16U);
  EXPECT_THAT(cpus.reason, HasSubstr("16 would be useful, the reservation has no memory for more"));
  EXPECT_THAT(cpus.problem, IsEmpty());
  for (const unsigned room : {0u, 1u}) {
    room_ = room;
    EXPECT_EQ(choose(machine(1000)).count, 1U);
    EXPECT_THAT(choose(machine(1000)).boot_cpu, IsEmpty());
  }
  EXPECT_EQ(choose_cpus(config_, {}, machine(1000), {}).count, 16U) << "what to reserve";
}

TEST_F(Cpus, OneWhereMoreWouldBeOfNoUse) {
  config_.dump.compression.compression = Compression::none;
  EXPECT_EQ(choose(machine(1000)).count, 1U);
  EXPECT_THAT(choose(machine(1000)).reason, HasSubstr("the target's speed"));
}

TEST_F(Cpus, OneWhereMoreWouldNotBeSafe) {
  CpuFacts facts = machine(1000);
  facts.boot_cpu.reset();
  EXPECT_EQ(choose(facts).count, 1U);
  EXPECT_THAT(choose(facts).reason, HasSubstr("not known which CPU is the boot CPU"));
  facts = machine(1000);
  facts.confidential = true;
  EXPECT_EQ(choose(facts).count, 1U);
  EXPECT_THAT(choose(facts).reason, HasSubstr("confidential"));
}

TEST_F(Cpus, TheOwnersNumberCountsWhateverTheTimeAndTheMemory) {
  config_.capture.cpus = 4;
  room_ = 1;
  const auto cpus = choose(machine(1));
  EXPECT_EQ(cpus.count, 4U);
  EXPECT_EQ(asked_, 0U);
  EXPECT_EQ(cpus.choice, CpuChoice::configured);
  EXPECT_THAT(cpus.problem, IsEmpty());
  EXPECT_THAT(line(cpus), AllOf(HasSubstr(" nr_cpus=4 "), EndsWith(kLeaveOut)));
  config_.capture.cpus = 1;
  EXPECT_EQ(choose(machine(1000)).count, 1U);
  EXPECT_THAT(line(choose(machine(1000))), Not(HasSubstr("leave_out")));
}

TEST_F(Cpus, TheOwnersNumberEndsWithTheMachine) {
  config_.capture.cpus = 64;
  const auto cpus = choose(machine(1));
  EXPECT_EQ(cpus.count, 32U);
  EXPECT_EQ(cpus.wanted, 64U);
  EXPECT_THAT(cpus.reason, HasSubstr("64; this machine has no more"));
  CpuFacts unknown = machine(1);
  unknown.present = 0;
  EXPECT_EQ(choose(unknown).count, 64U);
}

TEST_F(Cpus, TheOwnersNumberIsNotTakenWhereTheBootCpuIsNotKnown) {
  config_.capture.cpus = 4;
  CpuFacts facts = machine(1);
  facts.boot_cpu.reset();
  auto cpus = choose(facts);
  EXPECT_EQ(cpus.count, 1U);
  EXPECT_THAT(cpus.problem, HasSubstr("one CPU instead of 4"));
  EXPECT_THAT(cpus.fix, HasSubstr("cpu0/online"));
  config_.capture.cpus = 1;
  EXPECT_THAT(choose(facts).problem, IsEmpty());
  // That is safe: the CPUs only do not come up.
  config_.capture.cpus = 4;
  facts = machine(1);
  facts.confidential = true;
  cpus = choose(facts);
  EXPECT_EQ(cpus.count, 4U);
  EXPECT_THAT(cpus.problem, HasSubstr("confidential"));
  EXPECT_FALSE(cpus.fix.empty());
}

TEST_F(Cpus, TheOwnersParametersComeFirst) {
  config_.capture.cpus = 4;
  config_.capture.append = "nr_cpus=2 debug";
  auto cpus = choose(machine(1000));
  EXPECT_EQ(cpus.count, 2U);
  EXPECT_EQ(cpus.choice, CpuChoice::parameters);
  EXPECT_THAT(line(cpus), AllOf(HasSubstr("leave_out=0 nr_cpus=2 debug"), Not(HasSubstr("nr_cpus=4"))));
  config_.capture.append = "nr_cpus=1";
  EXPECT_THAT(line(choose(machine(1000))), Not(HasSubstr("leave_out")));
  // Of the load, behind those of the configuration.
  EXPECT_EQ(choose(machine(1000), "nr_cpus=8").count, 1U) << "the smaller one counts for the kernel";
  config_.capture.append.clear();
  EXPECT_EQ(choose(machine(1), "nr_cpus=8").count, 8U);
  EXPECT_EQ(choose(machine(1), "nr_cpus=64").count, 32U);
}

// It would set memory aside for every CPU of the machine.
TEST_F(Cpus, MaxcpusHasALimitOfPossibleCpusBesideIt) {
  for (const auto& [append, count] :
       {std::pair{"maxcpus=3", "3"}, {"maxcpus=1", "1"}, {"maxcpus=0", "1"}, {"nosmp", "1"}}) {
    config_.capture.append = append;
    EXPECT_THAT(line(choose(machine(1000))),
                AllOf(HasSubstr(fmt::format(" nr_cpus={} ", count)), EndsWith(append)));
  }
}

TEST_F(Cpus, AnOwnerMayTakeTheLimitAway) {
  config_.capture.remove = {"nr-cpus"};
  const auto cpus = choose(machine(1));
  EXPECT_EQ(cpus.count, 32U) << "the kernel starts all";
  EXPECT_THAT(line(cpus), AllOf(HasSubstr(kLeaveOut), Not(HasSubstr("nr_cpus"))));
  config_.capture.remove.emplace_back("leave_out");
  EXPECT_THAT(line(choose(machine(1))), Not(HasSubstr(kLeaveOut)));
}

TEST_F(Cpus, TheOwnersParametersAreKeptWhereTheBootCpuIsNotKnown) {
  CpuFacts facts = machine(1);
  facts.boot_cpu.reset();
  config_.capture.append = "nr_cpus=2";
  const auto cpus = choose(facts);
  EXPECT_EQ(cpus.count, 2U);
  EXPECT_THAT(cpus.problem, HasSubstr("not known which CPU is the boot CPU"));
  EXPECT_THAT(cpus.boot_cpu, IsEmpty());
  config_.capture.append = "nr_cpus=1";
  EXPECT_THAT(choose(facts).problem, IsEmpty());
}

class CpusOfAMachine : public testing::Test {
 protected:
  void put(const std::string& name, std::string_view text) const {
    const auto path = folder_.path() / name;
    std::filesystem::create_directories(path.parent_path());
    ASSERT_TRUE(write_file_atomically(path, as_byte_span(text), 0600));
  }
  [[nodiscard]] CpuFacts facts() const {
    config::Config config;
    config.targets = {{.path = folder_.path() / "store"}};
    return read_cpu_facts(config, {.sys = folder_.path() / "sys", .proc = folder_.path() / "proc"});
  }
  TempDir folder_ = TempDir::create("capture-cpus-test").value();
};

TEST_F(CpusOfAMachine, AreReadFromItsFiles) {
  put("proc/iomem", "00001000-17ffffffff : System RAM\n");
  put("proc/cpuinfo", "processor\t: 0\ninitial apicid\t: 0\n\n");
  put("sys/devices/system/cpu/present", "0-3,8-9,12\n");
  CpuFacts found = facts();
  EXPECT_EQ(found.present, 7U);
  EXPECT_FALSE(found.confidential);
  EXPECT_THAT(found.time.source, HasSubstr("of 96.0 GiB"));
  put("sys/devices/system/cpu/present", "0\n");
  EXPECT_EQ(facts().present, 1U);
  for (const char* text : {"", "\n", "a", "0-", "-3", "3-0", "0-99999999999", "0;1"}) {
    put("sys/devices/system/cpu/present", text);
    EXPECT_EQ(facts().present, 0U) << text;
  }
  put("sys/class/misc/tdx_guest", "");
  EXPECT_TRUE(facts().confidential);
}

TEST_F(CpusOfAMachine, ThatShowsNothingIsOne) {
  const CpuFacts found = facts();
  EXPECT_EQ(found.present, 0U);
  EXPECT_EQ(found.time.seconds, 0);
  EXPECT_EQ(choose_cpus({}, {}, found, {}).count, 1U);
}

// What a capture recorded in the store of this machine.
TEST_F(CpusOfAMachine, GoByTheCrashesInItsStore) {
  put("proc/iomem", "00001000-7fffffff : System RAM\n");
  CrashRecord record{.level = 31, .compression = "zstd", .dump_bytes = 1, .cpus = 2};
  record.cpu_seconds = 200;
  put("store/20261123T084228Z/manifest.json", to_json_text(record));
  EXPECT_LT(facts().time.seconds, 60) << "there is no whole dump beside it";
  EXPECT_THAT(facts().time.source, HasSubstr("of 2.0 GiB"));
  put("store/20261123T084228Z/vmcore", test::whole_dump());
  EXPECT_NEAR(facts().time.seconds, 200, 1e-6);
  EXPECT_THAT(facts().time.source, EndsWith("store/20261123T084228Z/manifest.json"));
}

}  // namespace
}  // namespace lifeboat::arming
