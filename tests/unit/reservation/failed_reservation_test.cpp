// SPDX-License-Identifier: GPL-2.0-or-later
// Why nothing was reserved, by the messages of several kernels and by the memory map; and advice that is not
// what was tried.
#include "src/reservation/failed_reservation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/base/size.h"
#include "src/reservation/boot_log.h"
#include "tests/unit/reservation/boot_root.h"

namespace lifeboat::reservation {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// 2.5 GiB below 4 GiB in one piece, 5 GiB above.
Reserved eight_gib(std::string_view command_line) {
  Reserved reserved;
  reserved.asked = crashkernel_request(command_line);
  reserved.got = 0;
  reserved.free = {{0x100000, 0xa0000000}, {0x100000000, 0x240000000}};
  reserved.ram = total_size(reserved.free);
  if (reserved.asked.main) {
    reserved.asked_size = reserved.asked.main->size_for(*reserved.ram, false);
    reserved.asked_size_rounded = reserved.asked.main->size_for(*reserved.ram, true);
  }
  return reserved;
}

FailedReservation failed(const Reserved& reserved, std::vector<std::string> log = {},
                         std::optional<uint64_t> needed = std::nullopt) {
  auto explanation = failed_reservation(
      {.reserved = reserved, .log = std::move(log), .needed = needed, .alignment = 16_MiB});
  EXPECT_TRUE(explanation);
  return explanation.value_or(FailedReservation());
}

TEST(FailedReservations, NothingFailedWhereMemoryIsReservedOrNotRequested) {
  Reserved reserved = eight_gib("crashkernel=256M");
  reserved.got = 256_MiB;
  EXPECT_FALSE(failed_reservation({.reserved = reserved}));
  reserved.got.reset();
  EXPECT_FALSE(failed_reservation({.reserved = reserved})) << "the kernel does not report it";
  EXPECT_FALSE(failed_reservation({.reserved = eight_gib("ro quiet")}));
}

TEST(FailedReservations, TheKernelsMessageShowsTheReason) {
  struct Case {
    const char* line;
    FailureReason reason;
  };
  for (const auto& [line, reason] : {
           Case{"crashkernel size resulted in zero bytes", FailureReason::no_range},
           Case{"crashkernel: invalid size", FailureReason::too_large},
           Case{"crashkernel reservation failed - memory is in use.", FailureReason::address_in_use},
           Case{"crashkernel reservation failed - memory is in use [mem 0x1-0x2]",
                FailureReason::address_in_use},
           Case{"cannot reserve crashkernel: region overlaps reserved memory", FailureReason::address_in_use},
           Case{"cannot allocate crashkernel low memory (size:0x10000000).", FailureReason::no_low_part},
           Case{"Cannot reserve 256MB crashkernel low memory, please try smaller size.",
                FailureReason::no_low_part},
           Case{"crashkernel: memory value expected", FailureReason::invalid},
           Case{"crashkernel: Memory value expected after '@'", FailureReason::invalid},
           Case{"crashkernel: unrecognized char: B", FailureReason::invalid},
           Case{"Ignoring crashkernel for a Xen PV domain", FailureReason::xen},
           Case{"crashkernel reserved: 0x000000005a000000 - 0x000000006a000000 (256 MB)",
                FailureReason::released},
           Case{"Reserving 256MB of memory at 800MB for crashkernel (System RAM: 8191MB)",
                FailureReason::released},
       }) {
    const auto explanation = failed(eight_gib("crashkernel=256M"), {"other", line});
    EXPECT_EQ(explanation.reason, reason) << line;
    EXPECT_THAT(explanation.log, ElementsAre(line));
    EXPECT_THAT(explanation.detail, Not(IsEmpty()));
    EXPECT_THAT(explanation.advice, Not(IsEmpty()));
    EXPECT_NE(explanation.try_value, "256M") << line << ": that was tried";
  }
}

TEST(FailedReservations, NoRoomIsTooLargeOrFragmented) {
  for (const char* line : {"cannot allocate crashkernel (size:0xc0000000)",
                           "crashkernel reservation failed - No suitable area found.",
                           "crashkernel reservation failed: no suitable area found"}) {
    // More than there is below 4 GiB.
    const auto large = failed(eight_gib("crashkernel=3G"), {line});
    EXPECT_EQ(large.reason, FailureReason::low_memory) << line;
    EXPECT_EQ(large.try_value, "3072M,high 128M,low");
    EXPECT_THAT(large.advice, HasSubstr("lifeboat reserve set '3072M,high 128M,low'"));
    // In pieces of 256 MiB, with as much between them.
    Reserved reserved = eight_gib("crashkernel=512M");
    reserved.free = {};
    for (uint64_t at = 0; at < 4_GiB; at += 512_MiB) reserved.free.push_back({at, at + 256_MiB});
    const auto pieces = failed(reserved, {line});
    EXPECT_EQ(pieces.reason, FailureReason::fragmented) << line;
    EXPECT_EQ(pieces.try_value, "192M") << "what fits into a piece";
    // It does not help where more is needed.
    const auto none = failed(reserved, {line}, 300_MiB);
    EXPECT_EQ(none.try_value, std::nullopt);
    EXPECT_THAT(none.advice, HasSubstr("300.0 MiB"));
  }
}

TEST(FailedReservations, WithoutALogTheRequestAndTheMapShowIt) {
  const auto reason = [](std::string_view command_line) { return failed(eight_gib(command_line)).reason; };
  EXPECT_EQ(reason("crashkernel=64G-:1G"), FailureReason::no_range);
  EXPECT_EQ(reason("crashkernel=100G"), FailureReason::too_large);
  EXPECT_EQ(reason("crashkernel=256MB"), FailureReason::invalid);
  EXPECT_EQ(reason("crashkernel=auto"), FailureReason::invalid);
  EXPECT_EQ(reason("crashkernel=256M@16M"), FailureReason::address_in_use);
  EXPECT_EQ(reason("crashkernel=3G"), FailureReason::low_memory);
  EXPECT_EQ(reason("crashkernel=256M"), FailureReason::unknown);
  EXPECT_EQ(reason("crashkernel=6G,high"), FailureReason::too_large);
  Reserved reserved = eight_gib("crashkernel=1G,high crashkernel=512M,low");
  reserved.free = {{0, 256_MiB}, {4_GiB, 9_GiB}};
  EXPECT_EQ(failed(reserved).reason, FailureReason::no_low_part);
}

TEST(FailedReservations, AdviceDiffersFromWhatWasTried) {
  const auto tried = [](const char* value) {
    const auto explanation = failed(eight_gib(std::string("crashkernel=") + value), {}, 200_MiB);
    EXPECT_NE(explanation.try_value, value);
    return explanation.try_value.value_or("(none)");
  };
  EXPECT_EQ(tried("64G-:1G"), "200M");
  EXPECT_EQ(tried("256MB"), "200M");
  EXPECT_EQ(tried("256M@16M"), "200M");
  EXPECT_EQ(tried("256M"), "256M,high 128M,low");
  EXPECT_EQ(tried("200M"), "200M,high 128M,low");
  EXPECT_EQ(tried("100G"), "200M");
  // A smaller low part, until it would be useless.
  const std::vector<std::string> log = {"cannot allocate crashkernel low memory (size:0x10000000)."};
  EXPECT_EQ(failed(eight_gib("crashkernel=1G,high"), log).try_value, "1024M,high 128M,low");
  EXPECT_EQ(failed(eight_gib("crashkernel=1G,high crashkernel=128M,low"), log).try_value,
            "1024M,high 64M,low");
  EXPECT_EQ(failed(eight_gib("crashkernel=1G,high crashkernel=32M,low"), log, 200_MiB).try_value, "200M");
}

TEST(FailedReservations, AnUnknownMemoryMapStillHasAdvice) {
  for (const char* value : {"256M", "256M,high", "64G-:1G", "x", "256M@16M"}) {
    Reserved reserved = eight_gib(std::string("crashkernel=") + value);
    reserved.free = {};
    reserved.ram.reset();
    for (const auto& needed : {std::optional<uint64_t>(), std::optional<uint64_t>(200_MiB)}) {
      const auto explanation = failed(reserved, {"cannot allocate crashkernel (size:0x10000000)"}, needed);
      EXPECT_THAT(explanation.advice, Not(IsEmpty()));
      EXPECT_NE(explanation.try_value, value);
    }
  }
}

TEST(FailedReservations, EachReasonHasANameOfItsOwn) {
  std::vector<std::string_view> names;
  for (const auto reason :
       {FailureReason::invalid, FailureReason::no_range, FailureReason::too_large,
        FailureReason::address_in_use, FailureReason::no_low_part, FailureReason::low_memory,
        FailureReason::fragmented, FailureReason::released, FailureReason::xen, FailureReason::unknown}) {
    EXPECT_THAT(names, Not(testing::Contains(failure_reason_name(reason))));
    names.push_back(failure_reason_name(reason));
  }
}

TEST(ReservationLines, OfEveryForm) {
  EXPECT_THAT(
      reservation_lines("5,12,34567,-;cannot allocate crashkernel (size:0x1)\n SUBSYSTEM=x crashkernel\n"
                        "[    0.012345] crashkernel: invalid size\n"
                        "4,1,0,-;Kernel command line: ro crashkernel=1G\n"
                        "Command line: crashkernel=1G\n"
                        "other\n"
                        "Reserving 1MB of memory at 2MB for crashkernel (System RAM: 3MB)"),
      ElementsAre("cannot allocate crashkernel (size:0x1)", "crashkernel: invalid size",
                  "Reserving 1MB of memory at 2MB for crashkernel (System RAM: 3MB)"));
  EXPECT_THAT(reservation_lines(""), IsEmpty());
  std::string many;
  for (int line = 0; line < 200; ++line) many += "crashkernel: \x1b[2J\n";
  const auto lines = reservation_lines(many);
  EXPECT_EQ(lines.size(), 50U);
  EXPECT_THAT(lines.front(), Not(HasSubstr("\x1b")));
}

TEST_F(BootRoot, ALogThatCannotBeReadIsEmpty) {
  EXPECT_THAT(reservation_log({.kmsg = path("none"), .journal = false}), IsEmpty());
  put("kmsg", "5,0,1,-;crashkernel: invalid size\n");
  EXPECT_THAT(reservation_log({.kmsg = path("kmsg"), .journal = false}),
              ElementsAre("crashkernel: invalid size"));
}

TEST_F(BootRoot, TheMapAndTheLogOfAMachine) {
  put("proc/cmdline", "ro crashkernel=64G-:1G\n");
  put("proc/iomem",
      "00100000-7fffffff : System RAM\n  01000000-01ffffff : Kernel code\n100000000-17fffffff : System "
      "RAM\n");
  put("sys/kernel/kexec_crash_size", "0\n");
  put("kmsg", "6,0,1,-;crashkernel size resulted in zero bytes\n");
  const Reserved reserved =
      read_reserved({.sys = path("sys"), .proc = path("proc"), .iomem = {}, .run = root()});
  EXPECT_EQ(total_size(reserved.free), 0x7ff00000U - 16_MiB + 2_GiB);
  const auto explanation = failed_reservation_here(reserved, 200_MiB, path("kmsg"));
  ASSERT_TRUE(explanation);
  EXPECT_EQ(explanation->reason, FailureReason::no_range);
  EXPECT_EQ(explanation->try_value, "200M");
}

}  // namespace
}  // namespace lifeboat::reservation
