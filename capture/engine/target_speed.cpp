// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/engine/target_speed.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <ctime>
#include <vector>

#include "src/base/file.h"
#include "src/base/size.h"
#include "src/base/sys.h"

namespace lifeboat {
namespace {

constexpr uint64_t kBlock = 1_MiB;   // is written at once
constexpr uint64_t kTotal = 64_MiB;  // at most
// A piece is so many times as large as the one before.
constexpr uint64_t kGrowth = 4;

std::vector<std::byte> noise_block() {
  std::vector<std::byte> block(kBlock);
  // xorshift64: any start but 0.
  uint64_t state = 0x9e3779b97f4a7c15;
  for (size_t at = 0; at < block.size(); at += sizeof state) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    std::memcpy(block.data() + at, &state, sizeof state);
  }
  return block;
}

// Writes and syncs `bytes`, a multiple of kBlock.
Result<TargetSpeed> time_piece(const SpeedTrial& trial, ByteSpan block, uint64_t bytes) {
  const double wall = trial.wall_seconds(), cpu = trial.cpu_seconds();
  for (uint64_t done = 0; done < bytes; done += block.size()) TRY_VOID(trial.write(block));
  TRY_VOID(trial.sync());
  // Of a clock that stood still: faster than can be measured.
  const double seconds = std::max(trial.wall_seconds() - wall, 1e-9);
  const auto count = static_cast<double>(bytes);
  return TargetSpeed{.bytes_per_second = count / seconds,
                     .cpu_seconds_per_byte = std::max(trial.cpu_seconds() - cpu, 0.0) / count};
}

uint64_t whole_bytes(double bytes) {
  return static_cast<uint64_t>(std::min(bytes, static_cast<double>(kTotal)));
}

double clock_seconds(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

}  // namespace

Result<TargetSpeed> measure_speed(const SpeedTrial& trial, Seconds limit) {
  const std::vector<std::byte> block = noise_block();
  const double end = trial.wall_seconds() + limit.count();
  uint64_t piece = kBlock, total = piece;
  TargetSpeed speed = TRY(time_piece(trial, block, piece));
  for (;;) {
    // At the speed so far, in the time that is left; in whole blocks.
    const double left = std::max(end - trial.wall_seconds(), 0.0) * speed.bytes_per_second;
    const uint64_t most = std::min({piece * kGrowth, kTotal - total, whole_bytes(left)});
    const uint64_t next_piece = most / kBlock * kBlock;
    // A smaller one than before would show the delay of the sync again.
    if (next_piece < piece) return speed;
    piece = next_piece;
    total += piece;
    const auto next = time_piece(trial, block, piece);
    if (!next) return speed;
    speed = *next;
  }
}

Result<TargetSpeed> measure_file_speed(int fd, std::string_view name, Seconds limit) {
  const uint64_t size = TRY(file_size(fd, name));
  uint64_t offset = size;
  const SpeedTrial trial{
      .write = [&](ByteSpan bytes) -> Result<> {
        TRY_VOID(pwrite_all(fd, offset, bytes, name));
        offset += bytes.size();
        return {};
      },
      .sync = [&] { return sync_file(fd, name); },
      .wall_seconds = [] { return clock_seconds(CLOCK_MONOTONIC); },
      .cpu_seconds = [] { return clock_seconds(CLOCK_THREAD_CPUTIME_ID); },
  };
  auto speed = measure_speed(trial, limit);
  if (sys::ftruncate(fd, static_cast<off_t>(size)) != 0)
    return fail_errno("cannot give {} its size back after a trial", name);
  return speed;
}

}  // namespace lifeboat
