// SPDX-License-Identifier: GPL-2.0-or-later
// What made-up kernels of all machines have: memory that is written by virtual address, the VMCOREINFO, and
// the log.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "src/vmcore/printk.h"
#include "src/vmcore/vmcoreinfo.h"

namespace lifeboat::test {

class FakeImage {
 public:
  virtual ~FakeImage() = default;

  // Fresh pages, one after another in virtual memory; returns the virtual address.
  virtual uint64_t allocate(uint64_t bytes) = 0;
  // To mapped kernel memory.
  virtual void write(uint64_t virtual_address, ByteSpan bytes) = 0;
  void write64(uint64_t virtual_address, uint64_t value) { write(virtual_address, object_bytes(value)); }
  void write32(uint64_t virtual_address, uint32_t value) { write(virtual_address, object_bytes(value)); }

  // VMCOREINFO. Keys are whole: "SYMBOL(prb)".
  [[nodiscard]] std::string vmcoreinfo() const;
  [[nodiscard]] Vmcoreinfo parsed() const { return Vmcoreinfo::parse(vmcoreinfo()).value(); }
  void set_key(const std::string& key, const std::string& value) { keys_.insert_or_assign(key, value); }
  void remove_key(const std::string& key) { keys_.erase(key); }

  // A fresh ring, filled with the records in order as the kernel would: old ones give way.
  void set_log(const std::vector<LogRecord>& records, unsigned descriptor_bits = 5, unsigned text_bits = 12);
  // Where its parts are, for damage: struct printk_ringbuffer, prb_desc[], printk_info[], the text.
  struct LogPlaces {
    uint64_t ring = 0, descriptors = 0, infos = 0, text = 0, head_id = 0, tail_id = 0;
    [[nodiscard]] uint64_t descriptor(uint64_t index) const { return descriptors + index * 24; }
    [[nodiscard]] uint64_t info(uint64_t index) const { return infos + index * 88; }
  };
  [[nodiscard]] const LogPlaces& log() const { return log_; }

 protected:
  // The pointer to the ring, and the keys of the log. Before set_log().
  void make_log_pointer();
  std::map<std::string, std::string> keys_;

 private:
  uint64_t prb_ = 0;
  LogPlaces log_;
};

}  // namespace lifeboat::test
