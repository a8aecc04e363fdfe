// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/kexec_calls.h"

#include <algorithm>
#include <cerrno>
#include <functional>
#include <thread>
#include <vector>

#include "loader/load_architecture.h"
#include "src/base/sys.h"

namespace lifeboat {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

// include/uapi/linux/kexec.h
enum FileFlag : unsigned long { kFileUnload = 1, kFileOnCrash = 2, kFileNoInitramfs = 4 };
enum SegmentFlag : unsigned long { kOnCrash = 1, kUpdateElfcorehdr = 4 };

int call_until_not_busy(const std::function<long()>& call, std::chrono::milliseconds limit) {
  const auto deadline = Clock::now() + limit;
  for (;;) {
    if (call() == 0) return 0;
    const int error_number = errno;
    const auto now = Clock::now();
    if (error_number != EBUSY || now >= deadline) return error_number;
    std::this_thread::sleep_for(std::min<Clock::duration>(100ms, deadline - now));
  }
}

}  // namespace

int call_file_load(const FileToLoad& file, bool crash, std::chrono::milliseconds limit) {
  unsigned long flags = 0;
  if (crash) flags |= kFileOnCrash;
  if (file.initramfs_fd < 0) flags |= kFileNoInitramfs;
  return call_until_not_busy(
      [&] {
        return sys::kexec_file_load(file.kernel_fd, file.initramfs_fd, file.command_line.size() + 1,
                                    file.command_line.c_str(), flags);
      },
      limit);
}

int ask_about_file(int kernel_fd, std::chrono::milliseconds limit, bool& loaded) {
  const int error_number =
      call_until_not_busy([&] { return sys::kexec_file_load(kernel_fd, -1, 1, "", 0); }, limit);
  loaded = error_number == 0;
  // The initramfs is -1: everything before it was accepted.
  return error_number == EBADF ? 0 : error_number;
}

int call_segment_load(const LoadPlan& plan, bool crash, std::chrono::milliseconds limit) {
  std::vector<sys::KexecSegment> segments;
  for (const auto& segment : plan.segments)
    segments.push_back({segment.bytes.data(), segment.bytes.size(), segment.address, segment.memory_size});
  unsigned long flags = this_architecture().kexec_flag();
  if (crash) flags |= kOnCrash;
  if (plan.kernel_updates_core_headers) flags |= kUpdateElfcorehdr;
  return call_until_not_busy(
      [&] { return sys::kexec_load(plan.entry, segments.size(), segments.data(), flags); }, limit);
}

int call_unload(bool crash, std::chrono::milliseconds limit) {
  unsigned long file_flags = kFileUnload;
  if (crash) file_flags |= kFileOnCrash;
  const int error_number =
      call_until_not_busy([&] { return sys::kexec_file_load(-1, -1, 1, "", file_flags); }, limit);
  if (error_number != ENOSYS) return error_number;
  // No segments at all: the other call's way to unload, for a kernel that has only that one.
  unsigned long flags = this_architecture().kexec_flag();
  if (crash) flags |= kOnCrash;
  return call_until_not_busy([&] { return sys::kexec_load(0, 0, nullptr, flags); }, limit);
}

}  // namespace lifeboat
