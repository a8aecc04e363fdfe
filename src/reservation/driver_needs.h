// SPDX-License-Identifier: GPL-2.0-or-later
// How much memory a device's driver allocates in a capture kernel, besides its code: queues, buffers, tables
// of its firmware. One table for all; where a driver is not in it, its kind decides.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace lifeboat::reservation {

struct DriverNeed {
  std::string_view name;    // of the module, with '_'
  uint64_t bytes = 0;       // allowance, rounded up
  std::string_view source;  // what the number is from
};
std::span<const DriverNeed> driver_needs();

enum class DriverKind { storage, network, other };
// By the place of its file in the module tree: "kernel/drivers/scsi/x.ko", or a longer path that ends so. A
// module outside of kernel/ (another vendor's) may be anything, and counts as storage. Empty: `other`.
DriverKind driver_kind(std::string_view path);

// What one driver adds to the estimate.
struct DriverUse {
  std::string name;     // "mpt3sas"
  uint64_t bytes = 0;   // allowance
  uint64_t memory = 0;  // of its module and those that it needs, as far as no other driver has counted them
  std::string source;   // of the allowance
};
// The allowance of a driver; '-' in its name is '_'.
DriverUse driver_use(std::string_view name, std::string_view path, uint64_t memory);

}  // namespace lifeboat::reservation
