// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/reservation/estimate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "src/base/size.h"

namespace lifeboat::reservation {
namespace {

using testing::Contains;
using testing::Field;
using testing::HasSubstr;
using testing::Not;

EstimateInput debian() {
  return {.page_size = 4_KiB,
          .section_size = 128_MiB,
          .kernel_memory = 56_MiB,
          .initramfs_packed = 1700_KiB,
          .initramfs_unpacked = 5_MiB,
          .drivers = {{"virtio_blk", 1_MiB, 64_KiB, "a test"}, {"virtio_pci", 1_MiB, 64_KiB, "a test"}},
          .bounce_buffers = {},
          .cma = 0,
          .elfcorehdr_size = 0,
          .report = true,
          .measured = {}};
}

TEST(ReservationEstimate, ItsPartsAddUp) {
  const auto estimate = estimate_reservation(debian());
  const uint64_t sum =
      std::accumulate(estimate.parts.begin(), estimate.parts.end(), uint64_t{0},
                      [](uint64_t all, const EstimatePart& part) { return all + part.bytes; });
  EXPECT_EQ(estimate.total, sum);
  EXPECT_LT(estimate.least, estimate.total);
  EXPECT_EQ(estimate.total % 1_MiB, 0U);
  for (const auto& part : estimate.parts) EXPECT_FALSE(part.from.empty()) << part.name;
}

TEST(ReservationEstimate, EveryInputCounts) {
  const auto base = estimate_reservation(debian()).total;
  const auto with = [](auto change) {
    auto input = debian();
    change(input);
    return estimate_reservation(input).total;
  };
  EXPECT_GE(with([](auto& i) { i.kernel_memory += 8_MiB; }), base + 8_MiB);
  EXPECT_GE(with([](auto& i) { i.initramfs_packed += 8_MiB; }), base + 8_MiB);
  EXPECT_GE(with([](auto& i) { i.initramfs_unpacked += 8_MiB; }), base + 8_MiB);
  EXPECT_GE(with([](auto& i) { i.elfcorehdr_size += 8_MiB; }), base + 8_MiB);
  EXPECT_GE(with([](auto& i) { i.drivers.push_back({"mpt3sas", 16_MiB, 1_MiB, "a test"}); }), base + 17_MiB);
  EXPECT_GE(with([](auto& i) { i.drivers.front().memory += 8_MiB; }), base + 8_MiB);
  EXPECT_GE(with([](auto& i) { i.bounce_buffers.forced = true; }), base + 64_MiB);
  EXPECT_LT(with([](auto& i) { i.report = false; }), base);
}

TEST(ReservationEstimate, AnEncryptedGuestNeedsBounceBuffers) {
  auto input = debian();
  EXPECT_EQ(estimate_reservation(input).bounce_buffers, 0U);
  input.bounce_buffers.encryption = {MemoryEncryption::guest, "AMD SEV-SNP", "a test"};
  const auto estimate = estimate_reservation(input);
  EXPECT_EQ(estimate.bounce_buffers, 64_MiB);
  EXPECT_GE(estimate.total, estimate_reservation(debian()).total + 64_MiB);
  // The kernel takes less where it must: only the page structures of a larger reservation come on top.
  EXPECT_LE(estimate.least, estimate_reservation(debian()).least + 4_MiB);
  EXPECT_THAT(estimate.parts, Contains(testing::AllOf(Field(&EstimatePart::name, "bounce buffers"),
                                                      Field(&EstimatePart::from, HasSubstr("AMD SEV-SNP")))));
  // By the memory of the capture kernel, also that of crashkernel=,cma.
  input.cma = 4_GiB;
  EXPECT_GT(estimate_reservation(input).bounce_buffers, 240_MiB);
  EXPECT_LT(estimate_reservation(input).bounce_buffers, 280_MiB);
  input.cma = 0;
  input.initramfs_unpacked = 4_GiB;
  const auto large = estimate_reservation(input);
  EXPECT_GE(large.bounce_buffers, large.total / 100 * 6);
}

TEST(ReservationEstimate, TwoPartsForCma) {
  const auto estimate = estimate_reservation(debian());
  EXPECT_GE(estimate.alone, estimate.least);
  EXPECT_LT(estimate.alone, estimate.total);
  EXPECT_GE(estimate.alone + estimate.cma, estimate.total);
  EXPECT_EQ(estimate.alone % 4_MiB, 0U);
  EXPECT_EQ(estimate.cma % 4_MiB, 0U);
  // A capture that was measured to need less than the model: there is nothing to share.
  auto input = debian();
  input.report = false;
  input.measured = {{.reserved = 160_MiB, .lowest = 160_MiB, .real = true, .source = "x"}};
  const auto small = estimate_reservation(input);
  EXPECT_GE(small.alone + small.cma, small.total);
}

TEST(ReservationEstimate, ABigReservationNeedsMorePageStructures) {
  auto input = debian();
  input.initramfs_unpacked = 1_GiB;
  const auto estimate = estimate_reservation(input);
  EXPECT_THAT(estimate.parts, Contains(testing::AllOf(Field(&EstimatePart::name, "page structures"),
                                                      Field(&EstimatePart::bytes, testing::Ge(20_MiB)))));
}

TEST(ReservationEstimate, PagesAndSectionsAreTheMachines) {
  const auto structures = [](const EstimateInput& input) {
    const auto parts = estimate_reservation(input).parts;
    return *std::ranges::find(parts, "page structures", &EstimatePart::name);
  };
  auto input = debian();
  EXPECT_EQ(structures(input).from, "2 MiB for each 128 MiB section that it uses a part of");
  EXPECT_EQ(structures(input).bytes, 6_MiB);
  input.page_size = 64_KiB;
  input.section_size = 512_MiB;
  EXPECT_EQ(structures(input).from, "0.5 MiB for each 512 MiB section that it uses a part of");
  EXPECT_EQ(structures(input).bytes, 3 * 512_KiB);
  // Archives lie in whole pages.
  input.initramfs_packed = 1;
  const auto parts = estimate_reservation(input).parts;
  EXPECT_EQ(std::ranges::find(parts, "initramfs, packed", &EstimatePart::name)->bytes, 64_KiB);
}

TEST(ReservationEstimate, ARealCaptureCountsInsteadOfTheModel) {
  auto input = debian();
  input.measured = {{.reserved = 160_MiB, .lowest = 20_MiB, .real = true, .source = "crash/manifest.json"}};
  const auto more = estimate_reservation(input);
  EXPECT_GT(more.total, estimate_reservation(debian()).total);
  EXPECT_THAT(more.parts, Contains(Field(&EstimatePart::from, HasSubstr("crash/manifest.json"))));
  input.measured.front().lowest = 82_MiB;
  EXPECT_LT(estimate_reservation(input).total, estimate_reservation(debian()).total);
  // Never less than both archives, which are there before anything measures.
  input.measured.front().lowest = 160_MiB;
  EXPECT_GT(estimate_reservation(input).least, 56_MiB + 5_MiB + 1700_KiB);
}

TEST(ReservationEstimate, ARehearsalOnlyRaisesIt) {
  auto input = debian();
  input.measured = {{.reserved = 160_MiB, .lowest = 90_MiB, .real = false, .source = "rehearsal.json"}};
  EXPECT_EQ(estimate_reservation(input).total, estimate_reservation(debian()).total);
  input.measured.front().lowest = 50_MiB;
  EXPECT_GT(estimate_reservation(input).total, estimate_reservation(debian()).total);
}

TEST(ReservationEstimate, EveryCpuCounts) {
  auto input = debian();
  const auto one = estimate_reservation(input);
  EXPECT_THAT(one.parts, Contains(testing::AllOf(Field(&EstimatePart::name, "further CPUs"),
                                                 Field(&EstimatePart::bytes, 0))));
  uint64_t before = one.total;
  for (const unsigned cpus : {2u, 4u, 16u}) {
    input.cpus = cpus;
    const auto estimate = estimate_reservation(input);
    EXPECT_EQ(estimate.cpus, cpus);
    EXPECT_GE(estimate.total, before + 2_MiB) << cpus;
    // The kernel has them before it unpacks the initramfs. Sizes are rounded up: two may be as much as one.
    EXPECT_GE(estimate.alone, one.alone) << cpus;
    EXPECT_TRUE(cpus == 2 || estimate.alone > one.alone) << cpus;
    EXPECT_THAT(estimate.parts, Contains(testing::AllOf(Field(&EstimatePart::name, "further CPUs"),
                                                        Field(&EstimatePart::bytes, (cpus - 1) * 2_MiB))));
    // Only the page structures of a larger reservation.
    EXPECT_LE(estimate.least, one.least + 2_MiB) << cpus;
    before = estimate.total;
  }
}

TEST(ReservationEstimate, WhatWasMeasuredWithFewerCpusIsRaised) {
  const auto with = [](unsigned measured, unsigned cpus) {
    auto input = debian();
    input.cpus = cpus;
    input.measured = {
        {.reserved = 160_MiB, .lowest = 20_MiB, .cpus = measured, .real = true, .source = "crash"}};
    return estimate_reservation(input).total;
  };
  EXPECT_EQ(with(4, 4), with(1, 1));
  EXPECT_GT(with(1, 4), with(2, 4));
  EXPECT_GT(with(2, 4), with(4, 4));
  EXPECT_EQ(with(4, 1), with(4, 4)) << "how much less it would be is not known";
  // The one of several measurements that leads to the most.
  auto input = debian();
  input.cpus = 8;
  input.measured = {{.reserved = 160_MiB, .lowest = 60_MiB, .cpus = 1, .real = true, .source = "one"},
                    {.reserved = 160_MiB, .lowest = 50_MiB, .cpus = 8, .real = true, .source = "eight"}};
  EXPECT_THAT(estimate_reservation(input).parts.front().from, HasSubstr("one"));
}

TEST(ReservationEstimate, HowManyCpusFit) {
  auto input = debian();
  const auto total = [&](unsigned cpus) {
    input.cpus = cpus;
    return estimate_reservation(input).total;
  };
  const uint64_t four = total(4), eight = total(8);
  EXPECT_EQ(cpus_that_fit(input, eight, 8), 8U);
  EXPECT_EQ(cpus_that_fit(input, eight, 2), 2U);
  EXPECT_LT(cpus_that_fit(input, eight - 1, 8), 8U);
  EXPECT_GE(cpus_that_fit(input, four, 8), 4U);
  EXPECT_LT(cpus_that_fit(input, four, 8), 8U);
  EXPECT_EQ(cpus_that_fit(input, 0, 8), 1U);
  EXPECT_EQ(cpus_that_fit(input, UINT64_MAX, 0), 1U);
}

TEST(ReservationEstimate, AFigureThatMakesNoSenseIsNone) {
  auto input = debian();
  input.measured = {{.reserved = 1_MiB, .lowest = 90_MiB, .real = true, .source = "x"}};
  const auto estimate = estimate_reservation(input);
  EXPECT_EQ(estimate.total, estimate_reservation(debian()).total);
  EXPECT_THAT(estimate.parts, Not(Contains(Field(&EstimatePart::from, HasSubstr("measured: ")))));
}

}  // namespace
}  // namespace lifeboat::reservation
