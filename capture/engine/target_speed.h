// SPDX-License-Identifier: GPL-2.0-or-later
// How fast a target takes data: measured by writing some, and waiting until it is on the disk.
#pragma once

#include <functional>
#include <string_view>

#include "capture/engine/codec_choice.h"
#include "src/base/bytes.h"

namespace lifeboat {

// What the measurement needs from outside. Tests give a target and clocks of their own.
struct SpeedTrial {
  // Writes the bytes behind those of the calls before.
  std::function<Result<>(ByteSpan)> write;
  // Waits until all that was written is on the target.
  std::function<Result<>()> sync;
  std::function<double()> wall_seconds, cpu_seconds;
};

// Writes pieces that grow, each synced, and takes the speed of the last one: the first pieces show the delay
// of a sync, or the cache of a disk, more than the speed. Ends when the time is over, or after 64 MiB. A slow
// target may take twice the limit for a piece that is under way. The data cannot be compressed, since that
// of a dump cannot be either. An error of the first piece is returned; a later one (the target is full) ends
// the measurement.
Result<TargetSpeed> measure_speed(const SpeedTrial& trial, Seconds limit);

// The same for a file, behind its end; it has its size again afterwards. `name` is for messages.
Result<TargetSpeed> measure_file_speed(int fd, std::string_view name, Seconds limit);

}  // namespace lifeboat
