// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/reservation/bounce_buffers.h"

#include <gtest/gtest.h>

#include "src/base/size.h"

namespace lifeboat::reservation {
namespace {

const MemoryEncryptionState kNone, kHost{MemoryEncryption::host, "AMD SME", "a test"},
    kGuest{MemoryEncryption::guest, "Intel TDX", "a test"};

uint64_t size(const std::string& line, const MemoryEncryptionState& encryption, uint64_t memory = 256_MiB) {
  return bounce_buffer_size(bounce_buffers(line, encryption), memory);
}

TEST(BounceBuffers, OnlyWithEncryption) {
  EXPECT_EQ(size("root=/dev/sda1", kNone), 0U);
  EXPECT_EQ(size("swiotlb=65536", kNone), 0U) << "a kernel that needs none allocates none";
  EXPECT_EQ(size("", kHost), 64_MiB);
  EXPECT_EQ(size("", kGuest), 64_MiB);
}

TEST(BounceBuffers, AGuestTakesAShareOfItsMemory) {
  EXPECT_EQ(size("", kGuest, 1_GiB), 64_MiB);
  EXPECT_EQ(size("", kGuest, 2_GiB), 2_GiB / 100 * 6);
  EXPECT_EQ(size("", kGuest, 64_GiB), 1_GiB);
  EXPECT_EQ(size("", kHost, 64_GiB), 64_MiB);
}

TEST(BounceBuffers, TheOwnersSize) {
  EXPECT_EQ(size("a swiotlb=131072 b", kGuest), 256_MiB);
  EXPECT_EQ(size("swiotlb=131072", kHost), 256_MiB);
  EXPECT_EQ(size("swiotlb=131072,force", kNone), 256_MiB);
  EXPECT_EQ(size("swiotlb=131072,8", kGuest), 256_MiB);
  EXPECT_EQ(size("swiotlb=131072,8,force", kNone), 256_MiB);
  EXPECT_EQ(size("swiotlb=1", kGuest), 256_KiB) << "a whole segment";
  EXPECT_EQ(size("swiotlb=force", kNone), 64_MiB);
  EXPECT_EQ(size("swiotlb=noforce", kGuest), 0U);
  EXPECT_EQ(size("swiotlb=131072 swiotlb=65536", kGuest), 128_MiB) << "the last one counts";
}

TEST(BounceBuffers, ValuesThatMakeNoSense) {
  for (const char* line :
       {"swiotlb", "swiotlb=", "swiotlb=x", "swiotlb=0", "swiotlb=,", "swiotlb=-1", "x.swiotlb=9"})
    EXPECT_EQ(size(line, kGuest), 64_MiB) << line;
  EXPECT_EQ(size("swiotlb=99999999999999999999", kGuest), 64_MiB) << "no number";
  EXPECT_LE(size("swiotlb=18446744073709551615", kGuest), uint64_t{1} << 43);
  EXPECT_EQ(size("-- swiotlb=131072", kGuest), 64_MiB) << "for init";
}

}  // namespace
}  // namespace lifeboat::reservation
