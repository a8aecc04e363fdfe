// SPDX-License-Identifier: GPL-2.0-or-later
// Plans for kexec_load(2), on machines of every shape: what must hold whatever the memory looks like, and
// that the new kernel's boot parameters are true.
#include <asm/bootparam.h>
#include <elf.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "loader/x86_64/plan_segments.h"
#include "loader/x86_64/purgatory/purgatory.h"
#include "src/base/size.h"
#include "tests/support/bzimage_builder.h"
#include "tests/support/iomem_samples.h"

namespace lifeboat {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

constexpr uint64_t kInitramfsBytes = 5_MiB + 123;

KernelFile kernel_of(const test::BzImageFields& fields) {
  KernelFile kernel;
  kernel.name = "vmlinuz";
  kernel.kind = ImageKind::bzimage;
  kernel.bytes = test::build_bzimage(fields);
  return kernel;
}

struct TestMachine : Machine {
  x86_64::MachineFacts facts;
};

TestMachine machine_of(std::string_view iomem, uint64_t page_size = 4_KiB) {
  TestMachine machine;
  machine.page_size = page_size;
  machine.resources = parse_iomem(iomem).value();
  machine.facts.firmware_map = x86_64::firmware_map("/nowhere", machine.resources);
  machine.crash_reservation = crash_reservation(machine.resources);
  machine.cpu_notes = {{0x3f801000, 352}, {0x3f901000, 352}};
  machine.vmcoreinfo = CoreNote{0x3f7f0000, 4132};
  machine.mapping.text = KernelText{0xffffffff81000000, 0x1000000, 0x2000000};
  machine.mapping.direct_map = 0xffff888000000000;
  machine.command_line = "console=ttyS0";
  return machine;
}

class Plan : public testing::Test {
 protected:
  Result<LoadPlan> plan(const TestMachine& machine, bool crash) {
    return x86_64::plan_segments({.kernel = kernel_,
                                  .initramfs = initramfs_,
                                  .command_line = command_line_,
                                  .crash = crash,
                                  .memory_min = min_,
                                  .memory_max = max_},
                                 machine, machine.facts);
  }
  static const Segment& part(const LoadPlan& plan, std::string_view name) {
    const auto found = std::ranges::find(plan.segments, name, &Segment::name);
    if (found == plan.segments.end()) ADD_FAILURE() << "no segment " << name;
    return *found;
  }
  static boot_params params_of(const LoadPlan& plan) {
    boot_params params;
    std::memcpy(&params, part(plan, "boot parameters").bytes.data(), sizeof(params));
    return params;
  }
  // The bytes at a physical address, which lies in the segment of the boot parameters.
  static ByteSpan bytes_at(const LoadPlan& plan, uint64_t address, uint64_t size) {
    const Segment& segment = part(plan, "boot parameters");
    return slice(segment.bytes, address - segment.address, size, "boot parameters").value();
  }
  static std::vector<std::pair<uint32_t, ByteSpan>> setup_data_of(const LoadPlan& plan) {
    std::vector<std::pair<uint32_t, ByteSpan>> chain;
    uint64_t next = params_of(plan).hdr.setup_data;
    while (next != 0 && chain.size() < 10) {
      const ByteSpan head = bytes_at(plan, next, sizeof(setup_data));
      const auto length = load<uint32_t>(head, offsetof(setup_data, len), "len").value();
      chain.emplace_back(load<uint32_t>(head, offsetof(setup_data, type), "type").value(),
                         bytes_at(plan, next + sizeof(setup_data), length));
      next = load<uint64_t>(head, offsetof(setup_data, next), "next").value();
    }
    return chain;
  }

  KernelFile kernel_ = kernel_of({.init_size = 48u << 20});
  std::vector<std::byte> initramfs_ = std::vector<std::byte>(kInitramfsBytes, std::byte{7});
  std::string command_line_ = "root=/dev/vda1 console=ttyS1,115200";
  uint64_t min_ = 0, max_ = UINT64_MAX;
};

void expect_sound(const LoadPlan& plan, const std::vector<MemoryRange>& allowed, uint64_t page_size = 4_KiB) {
  EXPECT_LE(plan.segments.size(), kMaxSegments);
  uint64_t last_end = 0;
  for (const auto& segment : plan.segments) {
    EXPECT_EQ(segment.address % page_size, 0u) << segment.name;
    EXPECT_EQ(segment.memory_size % page_size, 0u) << segment.name;
    EXPECT_GE(segment.memory_size, segment.bytes.size()) << segment.name;
    EXPECT_GE(segment.address, last_end) << segment.name << " overlaps the one before";
    last_end = segment.address + segment.memory_size;
    EXPECT_EQ(total_size(intersect(allowed, {segment.address, last_end})), segment.memory_size)
        << segment.name << " lies outside of the free memory";
    EXPECT_GE(segment.address, 1_MiB) << segment.name;
  }
}

TEST_F(Plan, IsSoundOnEveryMachine) {
  for (const auto& sample : test::iomem_samples()) {
    SCOPED_TRACE(sample.name);
    const TestMachine machine = machine_of(sample.text);
    const auto normal = plan(machine, false);
    ASSERT_TRUE(normal) << normal.error().to_string();
    expect_sound(*normal, loadable_ram(machine.resources, x86_64::names_of_no_ram(), machine.page_size));
    EXPECT_TRUE(normal->core.empty());
    EXPECT_EQ(normal->command_line, command_line_);
    const auto crash = plan(machine, true);
    ASSERT_TRUE(crash) << crash.error().to_string();
    // The kernel takes segments of a crash load in crashk_res alone.
    expect_sound(*crash, {machine.crash_reservation.back()});
  }
}

// No x86 machine has such pages; but what a plan aligns is the running kernel's page, whatever its size.
TEST_F(Plan, IsMadeOfPagesOfTheMachine) {
  for (const uint64_t page_size : {16_KiB, 64_KiB}) {
    for (const auto& sample : test::iomem_samples()) {
      SCOPED_TRACE(sample.name);
      const TestMachine machine = machine_of(sample.text, page_size);
      const auto normal = plan(machine, false);
      ASSERT_TRUE(normal) << normal.error().to_string();
      expect_sound(*normal, loadable_ram(machine.resources, x86_64::names_of_no_ram(), page_size), page_size);
      const auto crash = plan(machine, true);
      ASSERT_TRUE(crash) << crash.error().to_string();
      expect_sound(*crash, {machine.crash_reservation.back()}, page_size);
    }
  }
}

TEST_F(Plan, PutsTheKernelWhereItWasLinkedFor) {
  const auto free_there = plan(machine_of(test::iomem_sample("small_guest")), false).value();
  EXPECT_EQ(part(free_there, "kernel").address, 0x1000000u);
  EXPECT_EQ(free_there.kernel_entry, 0x1000200u);
  EXPECT_EQ(part(free_there, "kernel").memory_size, 48_MiB);
  kernel_ = kernel_of({.kernel_alignment = 2u << 20, .pref_address = 0xe800000, .init_size = 48u << 20});
  const auto taken_there = plan(machine_of(test::iomem_sample("many_holes_and_slivers")), false).value();
  EXPECT_EQ(part(taken_there, "kernel").address, 0xf000000u);
}

TEST_F(Plan, KeepsWithinLimits) {
  const TestMachine machine = machine_of(test::iomem_sample("gart"));
  min_ = 0x40000000;
  max_ = 0x60000000;
  const auto limited = plan(machine, false).value();
  expect_sound(limited, {{min_, max_}});
  max_ = min_ + 1_MiB;
  const auto refused = plan(machine, false);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::no_space);
}

TEST_F(Plan, GivesTheKernelTheAddressesOfItsParts) {
  for (const bool crash : {false, true}) {
    const auto made = plan(machine_of(test::iomem_sample("two_crash_regions")), crash).value();
    const boot_params params = params_of(made);
    // The structure is packed: + reads a member, a reference to it may be misaligned.
    EXPECT_EQ(params.sentinel, 0);  // or the kernel takes the page for uncleared
    EXPECT_EQ(+params.hdr.header, 0x53726448u);
    EXPECT_EQ(params.hdr.type_of_loader, 0xd0);
    const uint64_t initramfs = params.hdr.ramdisk_image | uint64_t{params.ext_ramdisk_image} << 32;
    EXPECT_EQ(initramfs, part(made, "initramfs").address);
    EXPECT_GE(initramfs, 4_GiB);
    EXPECT_EQ(params.hdr.ramdisk_size | uint64_t{params.ext_ramdisk_size} << 32, kInitramfsBytes);
    const uint64_t text = params.hdr.cmd_line_ptr | uint64_t{params.ext_cmd_line_ptr} << 32;
    const auto with_nul = bytes_at(made, text, made.command_line.size() + 1);
    EXPECT_EQ(text_until_nul(with_nul), made.command_line);
    EXPECT_EQ(with_nul.back(), std::byte{0});
    ASSERT_EQ(params.e820_entries, made.memory_map.size());
    EXPECT_EQ(+params.e820_table[0].addr, made.memory_map[0].range.begin);
    EXPECT_EQ(+params.e820_table[0].size, made.memory_map[0].range.size());
  }
}

TEST_F(Plan, GivesRandomnessAndNoTwoTimesTheSame) {
  const TestMachine machine = machine_of(test::iomem_sample("small_guest"));
  const auto one = setup_data_of(plan(machine, false).value());
  ASSERT_EQ(one.size(), 1u);
  EXPECT_EQ(one[0].first, 9u);
  EXPECT_EQ(one[0].second.size(), 32u);
}

TEST_F(Plan, PutsWhatDoesNotFitIntoTheTableBehindIt) {
  TestMachine machine = machine_of(test::iomem_sample("small_guest"));
  machine.facts.firmware_map.clear();
  for (uint64_t i = 0; i < 200; ++i)
    machine.facts.firmware_map.push_back({{i << 24, (i << 24) + 4096}, x86_64::MemoryType::ram});
  const auto made = plan(machine, false).value();
  EXPECT_EQ(params_of(made).e820_entries, 128);
  const auto chain = setup_data_of(made);
  const auto rest = std::ranges::find(chain, 1u, [](const auto& entry) { return entry.first; });
  ASSERT_NE(rest, chain.end());
  EXPECT_EQ(rest->second.size(), 72 * sizeof(boot_e820_entry));
  const auto first = load<boot_e820_entry>(rest->second, 0, "entry").value();
  EXPECT_EQ(first.addr, uint64_t{128} << 24);
}

TEST_F(Plan, HandsOnScreenEfiAndAcpi) {
  TestMachine machine = machine_of(test::iomem_sample("small_guest"));
  boot_params running{};
  running.screen_info.lfb_base = 0xfd000000;
  running.efi_info.efi_loader_signature = 0x34364c45;
  running.efi_info.efi_systab = 0x7f9ee018;
  running.secure_boot = 2;
  machine.facts.boot_params.resize(sizeof(running));
  std::memcpy(machine.facts.boot_params.data(), &running, sizeof(running));
  machine.facts.rsdp = 0x7f9fe014;
  machine.facts.efi = {.fw_vendor = 0x7e000000,
                       .config_table = 0x7e001000,
                       .smbios = 0x7e002000,
                       .runtime_map = {{5, 0x7e100000, 0xfffffffefe000000, 3, 0x800000000000000f}}};
  const auto made = plan(machine, false).value();
  const boot_params params = params_of(made);
  EXPECT_EQ(+params.screen_info.lfb_base, 0xfd000000u);
  EXPECT_EQ(params.secure_boot, 2);
  EXPECT_EQ(+params.acpi_rsdp_addr, 0x7f9fe014u);
  EXPECT_EQ(+params.efi_info.efi_loader_signature, 0x34364c45u);
  EXPECT_EQ(+params.efi_info.efi_memdesc_size, 40u);
  ASSERT_EQ(params.efi_info.efi_memmap_size, 40u);
  const uint64_t at = params.efi_info.efi_memmap | uint64_t{params.efi_info.efi_memmap_hi} << 32;
  EXPECT_EQ(load<uint64_t>(bytes_at(made, at, 40), 16, "virtual").value(), 0xfffffffefe000000u);
  const auto chain = setup_data_of(made);
  const auto efi = std::ranges::find(chain, 4u, [](const auto& entry) { return entry.first; });
  ASSERT_NE(efi, chain.end());
  EXPECT_EQ(load<uint64_t>(efi->second, 16, "tables").value(), 0x7e001000u);
}

TEST_F(Plan, DescribesTheDyingKernel) {
  const TestMachine machine = machine_of(test::iomem_sample("two_crash_regions"));
  const auto made = plan(machine, true).value();
  EXPECT_THAT(made.command_line, StartsWith("elfcorehdr=0x"));
  const Segment& headers = part(made, "ELF core headers");
  EXPECT_THAT(made.command_line, StartsWith(fmt::format("elfcorehdr={:#x} ", headers.address)));
  EXPECT_EQ(as_text(ByteSpan(headers.bytes).first(4)), ELFMAG);
  const auto header = load<Elf64_Ehdr>(headers.bytes, 0, "header").value();
  EXPECT_EQ(header.e_phnum, made.core.size());
  EXPECT_EQ(headers.bytes.size(), sizeof(header) + made.core.size() * sizeof(Elf64_Phdr));
  EXPECT_EQ(std::ranges::count(made.core, CoreSegment::Kind::note, &CoreSegment::kind), 3);
  std::vector<MemoryRange> memory;
  for (const auto& segment : made.core) {
    if (segment.kind == CoreSegment::Kind::memory && segment.virtual_address < 0xffffffff80000000)
      memory.push_back({segment.physical, segment.physical + segment.size});
  }
  EXPECT_EQ(normalized(memory), subtract(dumpable_ram(machine.resources), machine.crash_reservation));
  // Its own memory, less what it must find untouched.
  for (const auto& entry : made.memory_map) {
    if (entry.type != "System RAM") continue;
    EXPECT_TRUE(intersect({entry.range}, {headers.address, headers.address + headers.memory_size}).empty());
  }
}

TEST_F(Plan, SavesLowMemoryAsideForKernelsThatDoNotKeepIt) {
  TestMachine machine = machine_of(test::iomem_sample("small_guest"));
  const auto made = plan(machine, true).value();
  const Segment& copy = part(made, "copy of low memory");
  EXPECT_EQ(copy.memory_size, 640_KiB);
  const auto low = std::ranges::find(made.core, uint64_t{0x1000}, &CoreSegment::physical);
  ASSERT_NE(low, made.core.end());
  EXPECT_EQ(low->offset, copy.address + 0x1000);
  EXPECT_EQ(low->virtual_address, 0xffff888000001000u);
  machine.elfcorehdr_size = 128_KiB;
  const auto updated = plan(machine, true).value();
  EXPECT_EQ(std::ranges::find(updated.segments, "copy of low memory", &Segment::name),
            updated.segments.end());
  for (const auto& segment : updated.core) EXPECT_GE(segment.physical, 1_MiB);
  for (const auto& segment : updated.core) EXPECT_GE(segment.physical, 1_MiB);
}

TEST_F(Plan, LeavesWhatTheKernelRewritesOutOfTheDigest) {
  TestMachine machine = machine_of(test::iomem_sample("small_guest"));
  EXPECT_TRUE(part(plan(machine, true).value(), "ELF core headers").digested);
  machine.elfcorehdr_size = 128_KiB;
  const auto made = plan(machine, true).value();
  EXPECT_TRUE(made.kernel_updates_core_headers);
  EXPECT_FALSE(part(made, "ELF core headers").digested);
  EXPECT_EQ(part(made, "ELF core headers").memory_size, 128_KiB);
  for (const char* name : {"kernel", "initramfs", "boot parameters"})
    EXPECT_TRUE(part(made, name).digested) << name;
}

TEST_F(Plan, CrashCmaIsTheCaptureKernelsButNotForLoading) {
  TestMachine machine = machine_of(test::iomem_sample("small_guest"));
  machine.crash_cma = {{0x20000000, 0x28000000}};
  const auto made = plan(machine, true).value();
  EXPECT_THAT(made.memory_map, Contains(DescribedRange{{0x20000000, 0x28000000}, "System RAM"}));
  for (const auto& segment : made.core) {
    const MemoryRange range{segment.physical, segment.physical + segment.size};
    const bool text = segment.virtual_address >= 0xffffffff80000000;
    EXPECT_TRUE(segment.kind == CoreSegment::Kind::note || text ||
                intersect({range}, machine.crash_cma[0]).empty());
  }
}

TEST_F(Plan, IsRefusedWithAReason) {
  const TestMachine machine = machine_of(test::iomem_sample("small_guest"));
  const auto refusal = [&](const TestMachine& where, bool crash) {
    const auto made = plan(where, crash);
    if (made) return std::string("planned");
    EXPECT_FALSE(made.error().fix.empty() && made.error().code != ErrorCode::no_space)
        << made.error().message;
    return made.error().to_string();
  };
  TestMachine other = machine;
  other.crash_reservation.clear();
  EXPECT_THAT(refusal(other, true), HasSubstr("lifeboat reserve set auto"));
  other = machine;
  other.vmcoreinfo.reset();
  EXPECT_THAT(refusal(other, true), AllOf(HasSubstr("vmcoreinfo"), HasSubstr("root")));
  other = machine;
  other.cpu_notes.clear();
  EXPECT_THAT(refusal(other, true), HasSubstr("crash_notes"));
  other = machine;
  other.facts.five_level_paging = true;
  kernel_ = kernel_of({.xloadflags = 0x1f, .init_size = 48u << 20});
  EXPECT_THAT(refusal(other, false), AllOf(HasSubstr("5-level"), HasSubstr("no5lvl")));
  EXPECT_EQ(refusal(machine, false), "planned");
  kernel_ = kernel_of({.relocatable_kernel = 0, .pref_address = 0x30000000, .init_size = 48u << 20});
  EXPECT_THAT(refusal(machine, false), HasSubstr("must be loaded at 0x30000000"));
  kernel_ = kernel_of({.init_size = 48u << 20});
  command_line_ = std::string(2047, 'x');
  EXPECT_EQ(refusal(machine, false), "planned");
  EXPECT_THAT(refusal(machine, true), AllOf(HasSubstr("takes 2047"), HasSubstr("--command-line")));
  command_line_ = "";
  kernel_.kind = ImageKind::arm64_image;
  EXPECT_THAT(refusal(machine, false), HasSubstr("x86_64"));
}

TEST_F(Plan, DumpsAreStillMadeWhenAddressesAreHidden) {
  TestMachine machine = machine_of(test::iomem_sample("small_guest"));
  machine.mapping.text.reset();
  machine.mapping.direct_map.reset();
  const auto made = plan(machine, true);
  ASSERT_TRUE(made);
  EXPECT_THAT(made->warnings, ElementsAre(HasSubstr("kallsyms"), HasSubstr("kcore")));
}

}  // namespace
}  // namespace lifeboat
