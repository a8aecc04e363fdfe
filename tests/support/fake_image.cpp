// SPDX-License-Identifier: GPL-2.0-or-later
// The log of made-up kernels: written as kernel/printk/printk_ringbuffer.c does, positions that start below
// zero included.
#include "tests/support/fake_image.h"

#include <cstring>
#include <deque>

namespace lifeboat::test {
namespace {

constexpr uint64_t kIdMask = (uint64_t{1} << 62) - 1;
constexpr uint64_t kFinalized = uint64_t{2} << 62;
constexpr uint64_t kReusable = uint64_t{3} << 62;
constexpr uint64_t kTextRing = 48;  // OFFSET(printk_ringbuffer.text_data_ring)

// Where a block goes: from `begin`, or whole on the next lap when it does not fit before the end of the ring.
struct Block {
  uint64_t begin, next, index;
};

Block place_block(uint64_t head, uint64_t bytes, unsigned bits) {
  const uint64_t size = uint64_t{1} << bits;
  const uint64_t next = head + bytes;
  if (head >> bits == (next - 1) >> bits) return {head, next, head & (size - 1)};
  return {head, align_down(next - 1, size) + bytes, 0};
}

}  // namespace

std::string FakeImage::vmcoreinfo() const {
  std::string text;
  for (const auto& [key, value] : keys_) text += fmt::format("{}={}\n", key, value);
  return text;
}

void FakeImage::set_log(const std::vector<LogRecord>& records, unsigned descriptor_bits, unsigned text_bits) {
  const uint64_t count = uint64_t{1} << descriptor_bits;
  const uint64_t size = uint64_t{1} << text_bits;
  log_.ring = allocate(88);
  log_.descriptors = allocate(count * 24);
  log_.infos = allocate(count * 88);
  log_.text = allocate(size);

  log_.head_id = log_.tail_id = (-(count + 1)) & kIdMask;
  write64(log_.descriptor(log_.head_id % count), log_.head_id | kReusable);
  uint64_t head = -size;
  std::deque<uint64_t> begins;  // of the records still there, the oldest first
  for (const auto& record : records) {
    const Block block = place_block(head, align_up(8 + record.text.size(), 8), text_bits);
    head = block.next;
    log_.head_id = (log_.head_id + 1) & kIdMask;
    if (begins.empty()) log_.tail_id = log_.head_id;
    begins.push_back(block.begin);
    while (begins.size() > count || static_cast<int64_t>(begins.front() - (head - size)) < 0) {
      begins.pop_front();
      log_.tail_id = (log_.tail_id + 1) & kIdMask;
    }
    const uint64_t descriptor = log_.descriptor(log_.head_id % count);
    write64(descriptor, log_.head_id | kFinalized);
    write64(descriptor + 8, block.begin);
    write64(descriptor + 16, block.next);
    const uint64_t info = log_.info(log_.head_id % count);
    write64(info, record.sequence);
    write64(info + 8, record.nanoseconds);
    write32(info + 16, static_cast<uint32_t>(record.text.size()) |
                           static_cast<uint32_t>(record.facility) << 16 |
                           static_cast<uint32_t>(record.level) << 29);
    write32(info + 20, record.caller.value_or(0));
    write64(log_.text + block.index, log_.head_id);
    write(log_.text + block.index + 8, as_byte_span(record.text));
  }

  write32(log_.ring, descriptor_bits);
  write64(log_.ring + 8, log_.descriptors);
  write64(log_.ring + 16, log_.infos);
  write64(log_.ring + 24, log_.head_id);
  write64(log_.ring + 32, log_.tail_id);
  write32(log_.ring + kTextRing, text_bits);
  write64(log_.ring + kTextRing + 8, log_.text);
  write64(prb_, log_.ring);
}

void FakeImage::make_log_pointer() {
  prb_ = allocate(sizeof(uint64_t));
  const std::map<std::string, std::string> keys = {
      {"SYMBOL(prb)", fmt::format("{:x}", prb_)},
      {"OFFSET(atomic_long_t.counter)", "0"},
      {"SIZE(printk_ringbuffer)", "88"},
      {"OFFSET(printk_ringbuffer.desc_ring)", "0"},
      {"OFFSET(printk_ringbuffer.text_data_ring)", std::to_string(kTextRing)},
      {"OFFSET(prb_desc_ring.count_bits)", "0"},
      {"OFFSET(prb_desc_ring.descs)", "8"},
      {"OFFSET(prb_desc_ring.infos)", "16"},
      {"OFFSET(prb_desc_ring.head_id)", "24"},
      {"OFFSET(prb_desc_ring.tail_id)", "32"},
      {"OFFSET(prb_data_ring.size_bits)", "0"},
      {"OFFSET(prb_data_ring.data)", "8"},
      {"SIZE(prb_desc)", "24"},
      {"OFFSET(prb_desc.state_var)", "0"},
      {"OFFSET(prb_desc.text_blk_lpos)", "8"},
      {"SIZE(prb_data_blk_lpos)", "16"},
      {"OFFSET(prb_data_blk_lpos.begin)", "0"},
      {"OFFSET(prb_data_blk_lpos.next)", "8"},
      {"SIZE(printk_info)", "88"},
      {"OFFSET(printk_info.seq)", "0"},
      {"OFFSET(printk_info.ts_nsec)", "8"},
      {"OFFSET(printk_info.text_len)", "16"},
      {"OFFSET(printk_info.caller_id)", "20"},
  };
  keys_.insert(keys.begin(), keys.end());
}

}  // namespace lifeboat::test
