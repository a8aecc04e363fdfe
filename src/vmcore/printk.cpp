// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/vmcore/printk.h"

#include <algorithm>
#include <optional>

#include "src/base/bytes.h"
#include "src/base/text.h"

namespace lifeboat {
namespace {

// The states of a descriptor: only in these two is its record whole; in this one there is none (enum
// desc_state).
constexpr uint64_t kCommitted = 1;
constexpr uint64_t kFinalized = 2;
constexpr uint64_t kReusable = 3;
constexpr unsigned kStateShift = 62;
constexpr uint64_t kIdMask = (uint64_t{1} << kStateShift) - 1;
constexpr uint64_t kBlockIdSize = sizeof(uint64_t);  // each data block begins with its descriptor's id

constexpr uint64_t kMaxDescriptorBits = 24;
constexpr uint64_t kMaxTextBits = 30;
constexpr uint64_t kMaxStructSize = 1024;

// The members of the ring's structures, and its numbers, as read from the dump.
struct Ring {
  uint64_t descriptors = 0, infos = 0;  // virtual addresses of the arrays
  uint64_t count_bits = 0;
  uint64_t tail_id = 0, head_id = 0;
  uint64_t text = 0;  // virtual address
  uint64_t text_bits = 0;
  uint64_t descriptor_size = 0, info_size = 0;
  uint64_t state = 0, begin = 0, next = 0;           // offsets in prb_desc
  uint64_t sequence = 0, time = 0, text_length = 0;  // offsets in printk_info
  std::optional<uint64_t> caller;
};

// The offset of a member within a member; both must lie inside a structure of `size` bytes.
Result<uint64_t> member(uint64_t outer, uint64_t inner, uint64_t bytes, uint64_t size, const char* what) {
  if (size > kMaxStructSize || outer > size || inner > size - outer || bytes > size - outer - inner)
    return fail(ErrorCode::corrupt, "VMCOREINFO: {} at {} + {} of {} bytes", what, outer, inner, size);
  return outer + inner;
}

Result<> read_layout(const Vmcoreinfo& info, Ring& ring) {
  constexpr uint64_t kWord = sizeof(uint64_t);
  const uint64_t counter = TRY(info.require_offset("atomic_long_t.counter"));
  const uint64_t descriptor = TRY(info.require_size("prb_desc"));
  const uint64_t state = TRY(info.require_offset("prb_desc.state_var"));
  const uint64_t block = TRY(info.require_offset("prb_desc.text_blk_lpos"));
  const uint64_t begin = TRY(info.require_offset("prb_data_blk_lpos.begin"));
  const uint64_t next = TRY(info.require_offset("prb_data_blk_lpos.next"));
  ring.descriptor_size = descriptor;
  ring.state = TRY(member(state, counter, kWord, descriptor, "prb_desc.state_var"));
  ring.begin = TRY(member(block, begin, kWord, descriptor, "prb_data_blk_lpos.begin"));
  ring.next = TRY(member(block, next, kWord, descriptor, "prb_data_blk_lpos.next"));

  const uint64_t size = TRY(info.require_size("printk_info"));
  ring.info_size = size;
  ring.sequence = TRY(member(TRY(info.require_offset("printk_info.seq")), 0, kWord, size, "printk_info.seq"));
  ring.time =
      TRY(member(TRY(info.require_offset("printk_info.ts_nsec")), 0, kWord, size, "printk_info.ts_nsec"));
  // Behind text_len (u16) lie facility (u8) and flags and level (bit-fields of one byte), which no key names;
  // they have been there since the structure exists (struct printk_info, kernel/printk/printk_ringbuffer.h).
  ring.text_length =
      TRY(member(TRY(info.require_offset("printk_info.text_len")), 0, 4, size, "printk_info.text_len"));
  if (const auto caller = info.offset("printk_info.caller_id"))
    ring.caller = TRY(member(*caller, 0, sizeof(uint32_t), size, "printk_info.caller_id"));
  return {};
}

Result<Ring> find_ring(const KernelMemory& memory) {
  const Vmcoreinfo& info = memory.vmcoreinfo();
  Ring ring;
  const auto prb = info.symbol("prb");
  if (!prb) {
    return std::unexpected(Error(ErrorCode::unsupported, "VMCOREINFO has no SYMBOL(prb)")
                               .hint("the log of kernels before 5.10 is not supported"));
  }
  TRY_VOID(read_layout(info, ring));
  const uint64_t counter = TRY(info.require_offset("atomic_long_t.counter"));
  const uint64_t address = TRY(memory.read<uint64_t>(*prb));
  const uint64_t desc_ring = address + TRY(info.require_offset("printk_ringbuffer.desc_ring"));
  const uint64_t text_ring = address + TRY(info.require_offset("printk_ringbuffer.text_data_ring"));

  // Sums of addresses may wrap here: then there is nothing mapped, or something else is read; all of it is
  // checked.
  ring.count_bits =
      TRY(memory.read<uint32_t>(desc_ring + TRY(info.require_offset("prb_desc_ring.count_bits"))));
  ring.descriptors = TRY(memory.read<uint64_t>(desc_ring + TRY(info.require_offset("prb_desc_ring.descs"))));
  ring.infos = TRY(memory.read<uint64_t>(desc_ring + TRY(info.require_offset("prb_desc_ring.infos"))));
  ring.head_id =
      TRY(memory.read<uint64_t>(desc_ring + TRY(info.require_offset("prb_desc_ring.head_id")) + counter));
  ring.tail_id =
      TRY(memory.read<uint64_t>(desc_ring + TRY(info.require_offset("prb_desc_ring.tail_id")) + counter));
  ring.text_bits =
      TRY(memory.read<uint32_t>(text_ring + TRY(info.require_offset("prb_data_ring.size_bits"))));
  ring.text = TRY(memory.read<uint64_t>(text_ring + TRY(info.require_offset("prb_data_ring.data"))));
  if (ring.count_bits > kMaxDescriptorBits || ring.text_bits > kMaxTextBits)
    return fail(ErrorCode::corrupt,
                "the log ring is too large: 2^{} records and 2^{} bytes of text, at most 2^{} and 2^{}",
                ring.count_bits, ring.text_bits, kMaxDescriptorBits, kMaxTextBits);
  return ring;
}

// Reads an array of structures a piece at a time, in order or not; one read serves many neighbours.
class PiecewiseArray {
 public:
  PiecewiseArray(const KernelMemory& memory, uint64_t address, uint64_t size, uint64_t count)
      : memory_(memory), address_(address), size_(size), count_(count) {}

  Result<ByteSpan> at(uint64_t index) {
    if (index < first_ || index >= first_ + held_) {
      const uint64_t first = index / kPiece * kPiece;
      // A missing page loses only the elements in it, not the whole piece.
      if (!fill(first, std::min(kPiece, count_ - first))) TRY_VOID(fill(index, 1));
    }
    return ByteSpan(bytes_).subspan((index - first_) * size_, size_);
  }

 private:
  Result<> fill(uint64_t first, uint64_t count) {
    held_ = 0;
    bytes_.resize(count * size_);
    TRY_VOID(memory_.read(address_ + first * size_, bytes_));
    first_ = first;
    held_ = count;
    return {};
  }

  static constexpr uint64_t kPiece = 256;
  const KernelMemory& memory_;
  uint64_t address_, size_, count_;
  uint64_t first_ = 0, held_ = 0;
  std::vector<std::byte> bytes_;
};

class RingReader {
 public:
  RingReader(const KernelMemory& memory, const Ring& ring)
      : memory_(memory),
        ring_(ring),
        descriptors_(memory, ring.descriptors, ring.descriptor_size, uint64_t{1} << ring.count_bits),
        infos_(memory, ring.infos, ring.info_size, uint64_t{1} << ring.count_bits) {}

  KernelLog read() {
    KernelLog log;
    // Ids count up and wrap at 62 bits; a garbled pair cannot make this run longer than once around the ring.
    const uint64_t count = ((ring_.head_id - ring_.tail_id) & kIdMask) + 1;
    const uint64_t max_count = uint64_t{1} << ring_.count_bits;
    const uint64_t first = count > max_count ? ring_.head_id - max_count + 1 : ring_.tail_id;
    for (uint64_t step = 0; step < std::min(count, max_count); ++step) {
      const uint64_t id = (first + step) & kIdMask;
      auto record = read_record(id);
      if (!record) {
        ++log.unreadable;
      } else if (*record) {
        log.records.push_back(*std::move(*record));
      }
    }
    return log;
  }

 private:
  // Nothing for a descriptor that has no record yet: the kernel's first one, in an empty ring.
  Result<std::optional<LogRecord>> read_record(uint64_t id) {
    const uint64_t index = id & ((uint64_t{1} << ring_.count_bits) - 1);
    const ByteSpan descriptor = TRY(descriptors_.at(index));
    const auto state = TRY(load<uint64_t>(descriptor, ring_.state, "prb_desc"));
    const uint64_t kind = state >> kStateShift;
    if ((state & kIdMask) == id && kind == kReusable) return std::nullopt;
    if ((state & kIdMask) != id || (kind != kCommitted && kind != kFinalized))
      return fail(ErrorCode::lost, "record {:#x} was being written", id);
    const auto begin = TRY(load<uint64_t>(descriptor, ring_.begin, "prb_desc"));
    const auto next = TRY(load<uint64_t>(descriptor, ring_.next, "prb_desc"));

    const ByteSpan info = TRY(infos_.at(index));
    LogRecord record;
    record.sequence = TRY(load<uint64_t>(info, ring_.sequence, "printk_info"));
    record.nanoseconds = TRY(load<uint64_t>(info, ring_.time, "printk_info"));
    const auto length = TRY(load<uint16_t>(info, ring_.text_length, "printk_info"));
    record.facility = TRY(load<uint8_t>(info, ring_.text_length + 2, "printk_info"));
    record.level = TRY(load<uint8_t>(info, ring_.text_length + 3, "printk_info")) >> 5;
    if (ring_.caller) record.caller = TRY(load<uint32_t>(info, *ring_.caller, "printk_info"));
    record.text = TRY(read_text(begin, next, length));
    return record;
  }

  Result<std::string> read_text(uint64_t begin, uint64_t next, uint64_t length) {
    // Equal positions, and odd ones (NO_LPOS, FAILED_LPOS): the ring had no space for the text.
    if (begin == next || ((begin & 1) != 0 && (next & 1) != 0))
      return fail(ErrorCode::lost, "the record has no text: the log ring had no space for it");
    const uint64_t size = uint64_t{1} << ring_.text_bits;
    const auto lap = [this](uint64_t position) { return position >> ring_.text_bits; };
    uint64_t start = begin & (size - 1);
    uint64_t available = 0;
    if (lap(begin) == lap(next - 1)) {
      // A block may end exactly where the ring ends: then `next` is already on the next lap, `next - 1` is
      // not.
      available = next - begin;
    } else if (lap(begin + size) == lap(next - 1)) {
      // It did not fit before the end of the ring, and lies whole at its beginning. Positions begin one lap
      // below zero, so the first lap's number is the highest there is, and the next one's is 0: hence `begin
      // + size`.
      start = 0;
      available = ((next - 1) & (size - 1)) + 1;
    }
    if (available < kBlockIdSize || available > size - start)
      return fail(ErrorCode::corrupt,
                  "the text of a log record, from {:#x} to {:#x}, does not fit into the log ring", begin,
                  next);
    length = std::min(length, available - kBlockIdSize);
    // Texts do not overlap, so all of them together fit into the ring; a hostile dump cannot ask for more
    // memory.
    if (length > size - text_read_)
      return fail(ErrorCode::corrupt, "the text of a log record overlaps another: the log ring is damaged");
    std::string text(length, '\0');
    TRY_VOID(memory_.read(ring_.text + start + kBlockIdSize, std::as_writable_bytes(std::span(text))));
    text_read_ += length;
    return text;
  }

  const KernelMemory& memory_;
  const Ring& ring_;
  PiecewiseArray descriptors_, infos_;
  uint64_t text_read_ = 0;  // bytes
};

}  // namespace

Result<KernelLog> read_kernel_log(const KernelMemory& memory) {
  const Ring ring = TRY_CONTEXT(find_ring(memory), "cannot find the kernel's log");
  return RingReader(memory, ring).read();
}

std::string format_record(const LogRecord& record, ShowCaller show, LogReader reader) {
  std::string prefix = fmt::format("[{:5}.{:06}] ", record.nanoseconds / 1'000'000'000,
                                   record.nanoseconds % 1'000'000'000 / 1000);
  if (show == ShowCaller::yes && record.caller) {
    constexpr uint32_t kCpuBit = 0x80000000;  // printk_caller_id(), kernel/printk/printk.c
    const bool cpu = (*record.caller & kCpuBit) != 0;
    prefix += fmt::format("[{:>8}] ", fmt::format("{}{}", cpu ? 'C' : 'T', *record.caller & ~kCpuBit));
  }
  std::string out = prefix;
  std::string_view rest = record.text;
  for (;;) {
    const auto end = rest.find('\n');
    std::string_view line = rest.substr(0, end);
    if (reader == LogReader::person && line.ends_with('\r')) line.remove_suffix(1);
    out += reader == LogReader::person ? terminal_text(line) : escape_text(line);
    out += '\n';
    if (end == std::string_view::npos) return out;
    out.append(prefix.size(), ' ');
    rest.remove_prefix(end + 1);
  }
}

std::string format_log(const KernelLog& log) {
  std::string text;
  for (const auto& record : log.records) text += format_record(record);
  return text;
}

}  // namespace lifeboat
