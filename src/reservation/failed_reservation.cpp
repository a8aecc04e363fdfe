// SPDX-License-Identifier: GPL-2.0-or-later
// Sources: kernel/crash_reserve.c of 6.9 and later, kernel/kexec_core.c and the architectures' own code of
// older kernels (reserve_crashkernel()). Their messages differ, so all are searched for.
#include "src/reservation/failed_reservation.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "loader/load_architecture.h"
#include "src/base/bytes.h"
#include "src/base/size.h"
#include "src/reservation/boot_log.h"

namespace lifeboat::reservation {
namespace {

constexpr uint64_t kFourGiB = 4_GiB;
// What the kernel adds below 4 GiB to a ,high of its own accord: 256 MiB on some machines, 128 on others.
constexpr uint64_t kLargestDefaultLow = 256_MiB;
constexpr uint64_t kUsualLow = 128_MiB;
constexpr uint64_t kSmallestLow = 32_MiB;

struct LogText {
  std::string_view text;
  FailureReason reason;
};
// The first that a line contains counts. `low_memory` stands for "no room found", of which the memory map
// decides the kind.
constexpr auto kLogTexts = std::to_array<LogText>({
    {"for a Xen PV domain", FailureReason::xen},
    {"resulted in zero bytes", FailureReason::no_range},
    {"invalid size", FailureReason::too_large},
    {"memory is in use", FailureReason::address_in_use},
    {"base address is not", FailureReason::address_in_use},
    {"region is not memory", FailureReason::address_in_use},
    {"region overlaps reserved memory", FailureReason::address_in_use},
    {"crash_base too low", FailureReason::address_in_use},
    {"base of crash kernel memory unspecified", FailureReason::address_in_use},
    {"cannot allocate crashkernel low memory", FailureReason::no_low_part},
    {"crashkernel low memory, please try smaller size", FailureReason::no_low_part},
    {"No suitable area found", FailureReason::low_memory},
    {"no suitable area found", FailureReason::low_memory},
    {"first memory chunk must be at least crashkernel size", FailureReason::low_memory},
    {"cannot allocate crashkernel", FailureReason::low_memory},
    {"crashkernel allocation failed", FailureReason::low_memory},
    {"emory value expected", FailureReason::invalid},
    {"unrecognized char", FailureReason::invalid},
    {"end <= start", FailureReason::invalid},
    {"crashkernel: '-' expected", FailureReason::invalid},
    {"crashkernel: ':' expected", FailureReason::invalid},
});

bool shows_success(std::string_view line) {
  return line.find("crashkernel reserved:") != std::string_view::npos ||
         (line.starts_with("Reserving ") && line.find("for crashkernel") != std::string_view::npos);
}

// The memory map as far as a reservation is concerned. At boot a part of each piece was in use already (the
// kernel, its initramfs, firmware), so what seems to fit may not.
struct Room {
  uint64_t low = 0, high = 0;          // largest piece, bytes, from an aligned address on
  uint64_t low_sum = 0, high_sum = 0;  // all of it
  [[nodiscard]] bool known() const { return low_sum + high_sum != 0; }
};

uint64_t largest_piece(const std::vector<MemoryRange>& ranges, uint64_t alignment) {
  uint64_t largest = 0;
  for (const auto& range : ranges) {
    const uint64_t begin = alignment == 0 ? range.begin : align_up(range.begin, alignment);
    if (begin < range.end) largest = std::max(largest, range.end - begin);
  }
  return largest;
}

Room room_of(const Reserved& reserved, uint64_t alignment) {
  const auto low = intersect(reserved.free, {0, kFourGiB});
  const auto high = intersect(reserved.free, {kFourGiB, UINT64_MAX});
  return {.low = largest_piece(low, alignment),
          .high = largest_piece(high, alignment),
          .low_sum = total_size(low),
          .high_sum = total_size(high)};
}

struct Tried {
  uint64_t size = 0;
  bool high = false;
  std::optional<uint64_t> low;
  bool ranges = false, address = false;
};

Tried what_was_tried(const Reserved& reserved) {
  Tried tried;
  tried.size = std::max(reserved.asked_size.value_or(0), reserved.asked_size_rounded.value_or(0));
  if (!reserved.asked.main) return tried;
  tried.high = reserved.asked.main->kind == CrashKernelKind::high;
  tried.ranges = !reserved.asked.main->ranges.empty();
  tried.address = reserved.asked.main->offset.has_value();
  if (reserved.asked.low) tried.low = reserved.asked.low->size;
  return tried;
}

std::string megabytes(uint64_t bytes) {
  return fmt::format("{}M", bytes / 1_MiB);
}

// A size that fits into a piece, part of which is in use at boot.
uint64_t fitting(uint64_t piece, uint64_t alignment) {
  const uint64_t part = piece / 4 * 3;
  const uint64_t step = std::max<uint64_t>(alignment, 1_MiB);
  return part / step * step;
}

class Explanation {
 public:
  explicit Explanation(const FailureFacts& facts)
      : facts_(facts),
        tried_(what_was_tried(facts.reserved)),
        room_(room_of(facts.reserved, facts.alignment)) {}

  FailedReservation explain() {
    failed_.reason = reason_by_log().value_or(reason_by_request());
    if (failed_.reason == FailureReason::low_memory) failed_.reason = kind_of_no_room();
    describe();
    choose_value();
    advise();
    return std::move(failed_);
  }

 private:
  std::optional<FailureReason> reason_by_log() {
    for (const auto& line : facts_.log) {
      for (const auto& [text, reason] : kLogTexts) {
        if (line.find(text) == std::string::npos) continue;
        failed_.log.push_back(line);
        return reason;
      }
    }
    for (const auto& line : facts_.log) {
      if (!shows_success(line)) continue;
      failed_.log.push_back(line);
      return FailureReason::released;
    }
    return std::nullopt;
  }

  // Without a log.
  [[nodiscard]] FailureReason reason_by_request() const {
    const auto& reserved = facts_.reserved;
    if (!reserved.asked.main) return FailureReason::invalid;
    if (tried_.ranges && reserved.asked_size && tried_.size == 0) return FailureReason::no_range;
    if (reserved.ram && tried_.size >= *reserved.ram) return FailureReason::too_large;
    if (tried_.address) return FailureReason::address_in_use;
    const bool fits = tried_.size < (tried_.high ? std::max(room_.high, room_.low) : room_.low);
    if (!room_.known() || fits) {
      const bool low_fits = tried_.low.value_or(kLargestDefaultLow) < room_.low;
      return tried_.high && room_.known() && !low_fits ? FailureReason::no_low_part : FailureReason::unknown;
    }
    return FailureReason::low_memory;
  }

  // "No room" is less than what there is, or in pieces.
  [[nodiscard]] FailureReason kind_of_no_room() const {
    if (!room_.known()) return FailureReason::low_memory;
    const uint64_t sum = tried_.high ? std::max(room_.high_sum, room_.low_sum) : room_.low_sum;
    const bool above = room_.high_sum > room_.low_sum;
    if (tried_.size > sum)
      return tried_.high || !above ? FailureReason::too_large : FailureReason::low_memory;
    const uint64_t piece = tried_.high ? std::max(room_.high, room_.low) : room_.low;
    if (tried_.size <= piece && !tried_.high && piece - tried_.size < piece / 4)
      return FailureReason::low_memory;
    return FailureReason::fragmented;
  }

  void describe() {
    const auto& reserved = facts_.reserved;
    const std::string ram = reserved.ram ? format_size(*reserved.ram) : "an unknown amount";
    switch (failed_.reason) {
      case FailureReason::invalid:
        failed_.detail = reserved.asked.mistakes.empty()
                             ? std::string("the kernel does not understand its value")
                             : reserved.asked.mistakes.front();
        break;
      case FailureReason::no_range:
        failed_.detail = fmt::format("none of its ranges matches this machine's RAM, {}", ram);
        break;
      case FailureReason::too_large:
        failed_.detail =
            fmt::format("{} do not fit into this machine's RAM, {}", format_size(tried_.size), ram);
        break;
      case FailureReason::address_in_use:
        failed_.detail = "the memory at the requested address is in use, or is not RAM";
        break;
      case FailureReason::no_low_part:
        failed_.detail =
            fmt::format("the part below 4 GiB that ,high needs besides ({}) was not free",
                        tried_.low ? format_size(*tried_.low) : "128 or 256 MiB, as the kernel chooses");
        break;
      case FailureReason::low_memory:
        failed_.detail =
            fmt::format("it was too large for the free memory below 4 GiB{}", piece_text(room_.low));
        break;
      case FailureReason::fragmented:
        failed_.detail = fmt::format("no free piece of memory was large enough{}: it is fragmented",
                                     piece_text(tried_.high ? std::max(room_.high, room_.low) : room_.low));
        break;
      case FailureReason::released:
        failed_.detail = "it was reserved at boot, and has been given back since (kexec_crash_size)";
        break;
      case FailureReason::xen:
        failed_.detail = "a Xen PV domain reserves nothing by its own kernel";
        break;
      case FailureReason::unknown:
        failed_.detail = "the kernel's log does not show why";
        break;
    }
  }

  [[nodiscard]] std::string piece_text(uint64_t piece) const {
    return room_.known() ? fmt::format(", whose largest piece is {}", format_size(piece)) : std::string();
  }

  // What to reserve, where the request itself was wrong.
  [[nodiscard]] uint64_t wanted_size() const {
    if (facts_.needed) return *facts_.needed;
    if (tried_.size != 0 && failed_.reason != FailureReason::too_large) return tried_.size;
    return 256_MiB;
  }

  void choose_value() {
    switch (failed_.reason) {
      case FailureReason::invalid:
      case FailureReason::no_range:
      case FailureReason::address_in_use:
      case FailureReason::too_large:
        return choose_plain(wanted_size());
      case FailureReason::no_low_part:
        return choose_smaller_low();
      case FailureReason::low_memory:
      case FailureReason::fragmented:
      case FailureReason::unknown:
        return choose_elsewhere();
      case FailureReason::released:
      case FailureReason::xen:
        return;
    }
  }

  // Not more than there is room for.
  void choose_plain(uint64_t size) {
    if (!room_.known() || size <= fitting(room_.low, facts_.alignment)) return propose(megabytes(size));
    if (fits_above(size)) return propose(high_value(size, kUsualLow));
    propose_smaller(size);
  }

  [[nodiscard]] bool fits_above(uint64_t size) const {
    return size <= fitting(room_.high, facts_.alignment) &&
           fitting(room_.low, facts_.alignment) >= kSmallestLow;
  }

  [[nodiscard]] std::string high_value(uint64_t size, uint64_t low) const {
    const uint64_t possible = fitting(room_.low, facts_.alignment);
    return fmt::format("{},high {},low", megabytes(size),
                       megabytes(std::min(low, std::max(possible, kSmallestLow))));
  }

  void choose_smaller_low() {
    const uint64_t tried = tried_.low.value_or(kLargestDefaultLow);
    const uint64_t possible = room_.known() ? fitting(room_.low, facts_.alignment) : tried / 2;
    const uint64_t low = std::min(tried / 2, possible);
    if (low < kSmallestLow) return choose_plain(wanted_size());
    propose(high_value(tried_.size, low));
  }

  // Where the kernel has not searched, or less.
  void choose_elsewhere() {
    if (!tried_.high && fits_above(tried_.size)) return propose(high_value(tried_.size, kUsualLow));
    const uint64_t needed = facts_.needed.value_or(0);
    if (tried_.high && needed != 0 && needed < tried_.size && fits_above(needed))
      return propose(high_value(needed, tried_.low.value_or(kUsualLow)));
    propose_smaller(tried_.size);
  }

  // The largest that fits below what was tried, if that is enough.
  void propose_smaller(uint64_t than) {
    const uint64_t alignment = facts_.alignment;
    uint64_t size = room_.known() ? fitting(std::max(room_.low, room_.high), alignment) : than / 2;
    if (size >= than)
      size = than / 4 * 3 / std::max<uint64_t>(alignment, 1_MiB) * std::max<uint64_t>(alignment, 1_MiB);
    if (facts_.needed && *facts_.needed < size) size = *facts_.needed;
    if (size < 1_MiB || (facts_.needed && size < *facts_.needed)) return;
    if (room_.known() && size > fitting(room_.low, alignment)) return propose(high_value(size, kUsualLow));
    propose(megabytes(size));
  }

  void propose(std::string value) {
    const bool same = facts_.reserved.asked.main && facts_.reserved.asked.main->text == value;
    if (!same) failed_.try_value = std::move(value);
  }

  void advise() {
    if (failed_.try_value) {
      failed_.advice = fmt::format("lifeboat reserve set '{}', then reboot", *failed_.try_value);
      return;
    }
    switch (failed_.reason) {
      case FailureReason::released:
        failed_.advice = "reboot: the memory is reserved again at boot; find what writes to kexec_crash_size";
        return;
      case FailureReason::xen:
        failed_.advice =
            "give crashkernel= to the hypervisor, and capture there; or run this system as HVM or PVH";
        return;
      default:
        failed_.advice =
            facts_.needed
                ? fmt::format(
                      "no free piece of memory has the {} that are needed: make the initramfs and the "
                      "drivers of the capture kernel fewer (lifeboat reserve estimate), or add memory",
                      format_size(*facts_.needed))
                : std::string(
                      "lifeboat reserve estimate, then lifeboat reserve set with a smaller size, then "
                      "reboot");
    }
  }

  const FailureFacts& facts_;
  Tried tried_;
  Room room_;
  FailedReservation failed_;
};

}  // namespace

std::string_view failure_reason_name(FailureReason reason) {
  switch (reason) {
    case FailureReason::invalid:
      return "invalid";
    case FailureReason::no_range:
      return "no matching range";
    case FailureReason::too_large:
      return "too large";
    case FailureReason::address_in_use:
      return "address in use";
    case FailureReason::no_low_part:
      return "no low part";
    case FailureReason::low_memory:
      return "too large for low memory";
    case FailureReason::fragmented:
      return "fragmented";
    case FailureReason::released:
      return "released";
    case FailureReason::xen:
      return "xen";
    case FailureReason::unknown:
      return "unknown";
  }
  return "unknown";
}

std::optional<FailedReservation> failed_reservation(const FailureFacts& facts) {
  if (facts.reserved.got != 0 || !facts.reserved.asked.any()) return std::nullopt;
  return Explanation(facts).explain();
}

std::optional<FailedReservation> failed_reservation_here(const Reserved& reserved,
                                                         std::optional<uint64_t> needed,
                                                         const std::string& kmsg) {
  if (reserved.got != 0 || !reserved.asked.any()) return std::nullopt;
  return failed_reservation({.reserved = reserved,
                             .log = reservation_log({.kmsg = kmsg, .journal = kmsg == "/dev/kmsg"}),
                             .needed = needed,
                             .alignment = this_architecture().reservation_alignment()});
}

}  // namespace lifeboat::reservation
