// SPDX-License-Identifier: GPL-2.0-or-later
// Purgatory as it runs: on a bare virtual machine, between a replacement for the old kernel and one for the
// new one (machine.S). QEMU puts the pieces into memory, as kexec would.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include "loader/x86_64/purgatory/purgatory.h"
#include "src/base/sha256.h"
#include "tests/support/programs.h"

namespace lifeboat::x86_64 {
namespace {

using testing::Each;
using testing::HasSubstr;
using testing::Not;

// What machine.S reads and where.
constexpr uint64_t kMailboxAddress = 0x20'0000;
struct Mailbox {
  uint64_t entry, copy, copy_size;
};
// What its new kernel, which is linked to this address, sends.
constexpr uint64_t kKernelEntry = 0x10'8000;
struct Report {
  uint64_t rax, rbx, rcx, rdx, rsi, rdi, rbp, r8_to_r15[8];
  uint64_t cs, ds, es, ss, flags;
  uint64_t copy_begins_with, copy_is_right;
};
constexpr uint64_t kLowMemoryMark = 0x746f6f42796f6d6c;
constexpr uint64_t kInterruptFlag = 0x200, kDirectionFlag = 0x400;

// 128 MiB of memory lie below 4 GiB and 128 MiB above.
constexpr uint64_t kPurgatoryLow = 0x300'0000, kPurgatoryHigh = 0x1'0123'4000;
constexpr uint64_t kPayloadAddress = 0x400'0000;
constexpr uint64_t kCopyAddress = 0x320'0000, kCopySize = 640 << 10;
constexpr uint64_t kBootParams = 0x1'0000'0000;

constexpr char kDamaged[] =
    "\r\nlifeboat: the loaded kernel was damaged in memory (SHA-256 differs); resetting the machine\r\n";
constexpr int kNewKernelRan = 1, kReset = 0;  // how QEMU ends

class PurgatoryInVm : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "lifeboat-purgatory.XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
    payload_.resize(3 << 20);
    for (size_t i = 0; i < payload_.size(); ++i) payload_[i] = static_cast<std::byte>(i * 7 + (i >> 12));
    arguments_.kernel_entry = kKernelEntry;
    arguments_.boot_params = kBootParams;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  // Regions in the payload, given as offset and size; the digest over them as it is now.
  void digest(const std::vector<PurgatoryRegion>& parts) {
    Sha256 sha256;
    for (const auto& part : parts) {
      arguments_.digested.push_back({kPayloadAddress + part.address, part.size});
      sha256.update(payload_.data() + part.address, part.size);
    }
    arguments_.digest.resize(Sha256::kDigestBytes);
    sha256.finish(reinterpret_cast<uint8_t*>(arguments_.digest.data()));
  }

  std::string put(const char* name, uint64_t address, ByteSpan bytes) {
    const std::string path = folder_ / name;
    const auto fd = open_file(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    EXPECT_TRUE(fd && write_all(fd->get(), bytes, path));
    return fmt::format("loader,file={},addr={:#x},force-raw=on", path, address);
  }

  // Runs the machine to its end; `serial_` is what it printed, `log_` what QEMU logged. QEMU's exit status.
  int run(uint64_t purgatory_address) {
    const auto image = make_purgatory(arguments_);
    EXPECT_TRUE(image) << image.error().to_string();
    const Mailbox mailbox = {purgatory_address, arguments_.copy_to, arguments_.copy_size};
    const std::string serial = folder_ / "serial", log = folder_ / "log";
    const auto output = test::run({"qemu-system-x86_64",
                                   "-accel",
                                   "tcg",
                                   "-machine",
                                   machine_,
                                   "-m",
                                   "256M",
                                   "-cpu",
                                   "max",
                                   "-nodefaults",
                                   "-display",
                                   "none",
                                   "-vga",
                                   "std",
                                   "-no-reboot",
                                   "-serial",
                                   "file:" + serial,
                                   "-device",
                                   "isa-debug-exit,iobase=0xf4,iosize=4",
                                   "-d",
                                   "cpu_reset",
                                   "-D",
                                   log,
                                   "-kernel",
                                   LIFEBOAT_TEST_MACHINE,
                                   "-device",
                                   put("mailbox", kMailboxAddress, object_bytes(mailbox)),
                                   "-device",
                                   put("payload", kPayloadAddress, payload_),
                                   "-device",
                                   put("purgatory", purgatory_address, *image)},
                                  std::chrono::minutes(1));
    serial_ = test::text_of(serial);
    log_ = test::text_of(log);
    // Heard only when something else fails: QEMU warns of the small memory below 4 GiB.
    output_ = output.text;
    return output.status;
  }

  void expect_entered(uint64_t purgatory_address) {
    ASSERT_EQ(run(purgatory_address), kNewKernelRan) << serial_ << output_;
    ASSERT_EQ(serial_.size(), sizeof(Report)) << serial_;
    const auto report = *load<Report>(as_byte_span(serial_), 0, "report");
    EXPECT_EQ(report.rsi, kBootParams);
    EXPECT_EQ(report.rax | report.rbx | report.rcx | report.rdx | report.rdi | report.rbp, 0);
    EXPECT_THAT(report.r8_to_r15, Each(0));
    EXPECT_EQ(report.cs, 0x10);
    EXPECT_EQ(report.ds, 0x18);
    EXPECT_EQ(report.es, 0x18);
    EXPECT_EQ(report.ss, 0x18);
    EXPECT_EQ(report.flags & (kInterruptFlag | kDirectionFlag), 0);
    EXPECT_EQ(report.copy_is_right, 1);
    EXPECT_EQ(report.copy_begins_with, arguments_.copy_size != 0 ? kLowMemoryMark : 0);
  }

  void expect_reset(uint64_t purgatory_address, const std::string& message) {
    EXPECT_EQ(run(purgatory_address), kReset) << output_;
    EXPECT_EQ(serial_, message);
    EXPECT_THAT(log_, Not(HasSubstr("Triple fault")));
  }

  std::filesystem::path folder_;
  std::vector<std::byte> payload_;
  PurgatoryArguments arguments_;
  std::string machine_ = "pc,max-ram-below-4g=128M";
  std::string serial_, log_, output_;
};

TEST_F(PurgatoryInVm, EntersTheKernelThatIsWhole) {
  digest({{0, 0x100}, {0x10'0001, 0x9'ffff}, {0x20'0000, 0}, {0x20'0000, 0x10'0000}});
  arguments_.copy_to = kCopyAddress;
  arguments_.copy_size = kCopySize;
  expect_entered(kPurgatoryLow);
}

TEST_F(PurgatoryInVm, RunsAbove4GiBAndTakesSixteenRegions) {
  std::vector<PurgatoryRegion> parts;
  for (uint64_t i = 0; i < 16; ++i) parts.push_back({i * 0x2'1001, 0x1'0003 + i});
  digest(parts);
  arguments_.copy_to = kPurgatoryHigh + 0x10'0000;
  arguments_.copy_size = kCopySize;
  expect_entered(kPurgatoryHigh);
}

TEST_F(PurgatoryInVm, WithoutRegionsNothingIsChecked) {
  expect_entered(kPurgatoryLow);
}

TEST_F(PurgatoryInVm, OneDamagedBitIsReportedAndTheMachineReset) {
  digest({{0, 0x100}, {0x10'0000, 0x10'0000}});
  payload_[0x1f'ffff] ^= std::byte{0x10};
  expect_reset(kPurgatoryLow, kDamaged);
  expect_reset(kPurgatoryHigh, kDamaged);
}

TEST_F(PurgatoryInVm, DamageBetweenTheRegionsDoesNotMatter) {
  digest({{0, 0x100}, {0x10'0000, 0x10'0000}});
  payload_[0x100] ^= std::byte{1};
  payload_[0x20'0000] ^= std::byte{1};
  expect_entered(kPurgatoryLow);
}

TEST_F(PurgatoryInVm, ASerialPortThatIsNotThereHoldsNothingUp) {
  digest({{0, 0x100}});
  payload_[0] ^= std::byte{1};
  arguments_.serial_port = 0x2f8;
  expect_reset(kPurgatoryLow, "");
  arguments_.serial_port = 0;
  expect_reset(kPurgatoryLow, "");
}

// A PC without PCI has no reset control register, and one can be had without a keyboard controller too.
TEST_F(PurgatoryInVm, ResetsByWhateverTheMachineHas) {
  digest({{0, 0x100}});
  payload_[0] ^= std::byte{1};
  machine_ = "isapc";
  expect_reset(kPurgatoryLow, kDamaged);
  machine_ = "isapc,i8042=off";
  EXPECT_EQ(run(kPurgatoryLow), kReset) << output_;
  EXPECT_EQ(serial_, kDamaged);
  EXPECT_THAT(log_, HasSubstr("Triple fault"));
}

}  // namespace
}  // namespace lifeboat::x86_64
