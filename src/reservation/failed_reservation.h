// SPDX-License-Identifier: GPL-2.0-or-later
// Why the kernel has reserved nothing although crashkernel= was given, and what to set instead: by its log
// where it can be read, else by the request and the machine's memory map.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/reservation/reserved.h"

namespace lifeboat::reservation {

enum class FailureReason {
  invalid,         // the kernel does not understand the value
  no_range,        // no range of the value matches the machine's RAM
  too_large,       // as much as there is RAM, or more
  address_in_use,  // SIZE@ADDRESS: not free, or not RAM
  no_low_part,     // the part below 4 GiB that ,high needs in addition
  low_memory,      // it is larger than the free memory below 4 GiB, where this kernel searches
  fragmented,      // enough memory, but not in one piece
  released,        // it was reserved at boot, and given back since
  xen,             // a Xen guest whose kernel reserves nothing
  unknown,         // the log does not show it, and the memory map has room
};
std::string_view failure_reason_name(FailureReason reason);

struct FailedReservation {
  FailureReason reason = FailureReason::unknown;
  std::string detail;  // one clause, for messages
  std::optional<std::string>
      try_value;       // another value of crashkernel= than what was tried; nullopt: none would help
  std::string advice;  // what to do
  std::vector<std::string> log;  // the kernel's lines that show it
};

struct FailureFacts {
  const Reserved& reserved;
  std::vector<std::string> log;    // reservation_log()
  std::optional<uint64_t> needed;  // Estimate::total, bytes; nullopt: not known
  uint64_t alignment = 0;          // where a reservation begins (LoadArchitecture), bytes
};

// nullopt: memory is reserved, or none was requested, or the kernel does not report it.
std::optional<FailedReservation> failed_reservation(const FailureFacts& facts);

// The same with this machine's log and alignment. The log is read only where a reservation has failed.
std::optional<FailedReservation> failed_reservation_here(const Reserved& reserved,
                                                         std::optional<uint64_t> needed,
                                                         const std::string& kmsg = "/dev/kmsg");

}  // namespace lifeboat::reservation
