// SPDX-License-Identifier: GPL-2.0-or-later
// The steps of a plan that are the same on every architecture, on a machine of pages that no x86 machine has.
#include "loader/plan_builder.h"

#include <elf.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "loader/load_architecture.h"
#include "src/base/bytes.h"
#include "src/base/machine_names.h"
#include "src/base/size.h"
#include "tests/support/fake_machine.h"

namespace lifeboat {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr uint64_t kPage = 64_KiB;
constexpr std::string_view kNoRam[] = {"reserved"};

// An arm64 machine, as /proc/iomem shows it.
constexpr std::string_view kIomem =
    "40000000-bfffffff : System RAM\n"
    "  40210000-4249ffff : Kernel code\n"
    "  7ac00000-7fdfffff : Crash kernel\n"
    "  b8123000-bfffffff : reserved\n";

class PlanSteps : public testing::Test {
 protected:
  void SetUp() override {
    machine_.page_size = kPage;
    machine_.resources = parse_iomem(kIomem).value();
    machine_.crash_reservation = crash_reservation(machine_.resources);
    machine_.cpu_notes = {{0xb7001000, 392}};
    machine_.vmcoreinfo = CoreNote{0xb7000000, 4132};
    machine_.mapping = {.text = KernelText{0xffff800080010000, 0x40210000, 0x3000000},
                        .direct_map = 0xfffeffffc0000000};
    kernel_.name = "Image";
  }
  PlanInput input(bool crash) {
    return {.kernel = kernel_, .initramfs = initramfs_, .command_line = "quiet", .crash = crash};
  }
  Result<PlanBuilder> start(const PlanInput& input) { return PlanBuilder::start(input, machine_, kNoRam, 0); }

  Machine machine_;
  KernelFile kernel_;
  std::vector<std::byte> initramfs_ = std::vector<std::byte>(100'000, std::byte{7});
};

TEST_F(PlanSteps, ACrashKernelIsPlacedInItsReservation) {
  const PlanInput crash = input(true);
  auto builder = start(crash).value();
  const auto headers = builder.place_core_headers({}).value();
  const auto initramfs = builder.place_initramfs(UINT64_MAX).value();
  EXPECT_EQ(initramfs.size(), initramfs_.size());
  EXPECT_EQ(headers, (MemoryRange{0x7fdf0000, 0x7fe00000}));
  builder.prepend_parameter("elfcorehdr=0x7fdf0000");
  EXPECT_THAT(builder.capture_ram({headers}), ElementsAre(MemoryRange{0x7ac00000, 0x7fdf0000}));
  const auto plan = std::move(builder).finish().value();
  EXPECT_EQ(plan.command_line, "elfcorehdr=0x7fdf0000 quiet");
  ASSERT_EQ(plan.segments.size(), 2u);
  EXPECT_EQ(plan.segments[0].name, "initramfs");
  for (const auto& segment : plan.segments) {
    EXPECT_EQ(segment.address % kPage, 0u) << segment.name;
    EXPECT_EQ(segment.memory_size % kPage, 0u) << segment.name;
  }
}

TEST_F(PlanSteps, CoreHeadersAreOfThisArchitectureAndHoldAllButTheReservation) {
  const PlanInput crash = input(true);
  auto builder = start(crash).value();
  ASSERT_TRUE(builder.place_core_headers({.lost = {{0x40000000, 0x40100000}}, .copy = {}}));
  const auto plan = std::move(builder).finish().value();
  const auto header = load<Elf64_Ehdr>(plan.segments[0].bytes, 0, "header").value();
  EXPECT_EQ(header.e_machine, machine_names().elf);
  // Two notes, the kernel's text, and RAM on both sides of the reservation.
  ASSERT_EQ(plan.core.size(), 5u);
  EXPECT_EQ(plan.core[3].physical, 0x40100000u);
  EXPECT_EQ(plan.core[3].virtual_address, 0xffff000000100000u);
  EXPECT_EQ(plan.core[4].physical, 0x7fe00000u);
  EXPECT_THAT(plan.warnings, IsEmpty());
}

TEST_F(PlanSteps, ANormalKernelAvoidsWhatIsReserved) {
  const PlanInput normal = input(false);
  auto builder = start(normal).value();
  EXPECT_FALSE(builder.take_at(0xb8120000, kPage));
  EXPECT_FALSE(builder.take_at(0x7ac00000, kPage));
  EXPECT_TRUE(builder.take_at(0xb8110000, kPage));
  EXPECT_EQ(builder.take({.what = "x", .size = 1}).value(), 0xb8100000u);
}

TEST_F(PlanSteps, NoInitramfsTakesNoMemory) {
  initramfs_.clear();
  const PlanInput normal = input(false);
  auto builder = start(normal).value();
  EXPECT_EQ(builder.place_initramfs(UINT64_MAX).value(), MemoryRange{});
  EXPECT_THAT(std::move(builder).finish().value().segments, IsEmpty());
}

TEST_F(PlanSteps, ARefusalHasAFix) {
  PlanInput crash = input(true);
  auto builder = start(crash).value();
  const auto refusal = [&](const MemoryRequest& wanted) {
    const auto taken = builder.take(wanted);
    EXPECT_EQ(taken.error().code, ErrorCode::no_space);
    return taken.error().fix;
  };
  EXPECT_THAT(refusal({.what = "x", .size = 1_GiB}), HasSubstr("lifeboat reserve set auto"));
  crash.memory_max = 0x7b000000;
  EXPECT_THAT(refusal({.what = "x", .size = 1_GiB}), HasSubstr("--mem-max"));
  const auto longest = builder.check_command_line(4);
  ASSERT_FALSE(longest);
  EXPECT_THAT(longest.error().message, HasSubstr("5 characters; Image takes 4"));
  EXPECT_TRUE(builder.check_command_line(5));

  machine_.crash_reservation.clear();
  EXPECT_EQ(start(crash).error().code, ErrorCode::not_found);
  EXPECT_TRUE(start(input(false)));
}

TEST_F(PlanSteps, MoreSegmentsThanTheCallTakesAreRefused) {
  const PlanInput normal = input(false);
  auto builder = start(normal).value();
  for (size_t i = 0; i <= kMaxSegments; ++i)
    builder.add("part", builder.take({.what = "part", .size = 1}).value(), 1, {}, false);
  const auto plan = std::move(builder).finish();
  ASSERT_FALSE(plan);
  EXPECT_EQ(plan.error().code, ErrorCode::unsupported);
  EXPECT_THAT(plan.error().message, HasSubstr("17 segments"));
}

TEST_F(PlanSteps, WithoutNotesThereIsNoDump) {
  machine_.vmcoreinfo.reset();
  const PlanInput crash = input(true);
  auto builder = start(crash).value();
  EXPECT_EQ(builder.place_core_headers({}).error().code, ErrorCode::not_found);
}

// An architecture that only knows where its kernel is.
class MadeUpArchitecture : public LoadArchitecture {
 public:
  [[nodiscard]] unsigned long kexec_flag() const override { return 0; }
  [[nodiscard]] uint64_t file_load_appends(bool /*crash*/) const override { return 0; }
  [[nodiscard]] std::string_view refused_file_fix() const override { return ""; }
  [[nodiscard]] std::span<const ParameterRule> capture_parameters() const override { return {}; }
  [[nodiscard]] std::optional<std::string> boot_cpu_parameter(const std::string& /*proc*/) const override {
    return "";
  }
  [[nodiscard]] uint64_t reservation_alignment() const override { return 2_MiB; }
  [[nodiscard]] uint64_t memory_section_size(uint64_t page_size) const override {
    return page_size == 64_KiB ? 512_MiB : 128_MiB;
  }
  [[nodiscard]] Result<std::string> check_kernel(const KernelFile& file, bool /*crash*/) const override {
    return std::unexpected(not_a_loadable_kernel(file.name, file.kind));
  }
  [[nodiscard]] KernelMapping read_mapping(const std::string& proc,
                                           const std::vector<Resource>& resources) const override {
    return {.text = KernelText{read_text_symbol(proc), resources.front().range.begin, 1}, .direct_map = 5};
  }
  [[nodiscard]] Result<LoadPlan> plan(const PlanInput& /*input*/, const Machine& /*machine*/,
                                      const SystemPaths& /*paths*/) const override {
    return LoadPlan{};
  }
};

TEST(MachineOfAnArchitecture, HasTheMappingThatTheArchitectureReads) {
  const test::FakeMachine files;
  files.put_proc("kallsyms", "ffff800080010000 T _text\n");
  const auto machine = read_machine(files.paths(), MadeUpArchitecture()).value();
  EXPECT_EQ(machine.mapping.text->virtual_address, 0xffff800080010000u);
  EXPECT_EQ(machine.mapping.text->physical, machine.resources.front().range.begin);
  EXPECT_EQ(machine.mapping.direct_map, 5u);
}

}  // namespace
}  // namespace lifeboat
