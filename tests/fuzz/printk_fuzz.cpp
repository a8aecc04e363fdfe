// SPDX-License-Identifier: GPL-2.0-or-later
// The input is laid over a good ring, a word at a time: 16-bit position (in words of the log's pages), 64-bit
// value. What is left of the input becomes a record's text.
#include <cstring>

#include "src/vmcore/printk.h"
#include "tests/support/fake_kernel.h"
#include "tests/support/usual_page_size.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace lifeboat;
  test::FakeKernel fake;
  const std::string text(reinterpret_cast<const char*>(data), std::min<size_t>(size, 100));
  fake.set_log({{0, 1, 0, 6, 0, "first"}, {1, 2, 0, 6, 0, text}, {2, 3, 0, 6, 0, "last"}}, 4, 9);
  // Four parts, each in its own page, in the order in which they were allocated.
  const uint64_t words = 4 * kPageSize / sizeof(uint64_t);
  for (; size >= 10; data += 10, size -= 10) {
    uint16_t position;
    uint64_t value;
    std::memcpy(&position, data, sizeof position);
    std::memcpy(&value, data + 2, sizeof value);
    fake.write64(fake.log().ring + position % words * sizeof(uint64_t), value);
  }
  const auto log = read_kernel_log(fake.open());
  if (!log) return 0;
  const std::string out = format_log(*log);
  if (!out.empty() && out.back() != '\n') __builtin_trap();
  for (const char c : out) {
    // Nothing that commands a terminal, spaces apart.
    if ((c >= 0 && c < ' ' && (c < '\t' || c > '\r')) || c == 0x7f) __builtin_trap();
  }
  return 0;
}
