// SPDX-License-Identifier: GPL-2.0-or-later
// The first byte chooses a layout: the address form, the encoding of lengths, the order, the alignment,
// whether VMCOREINFO names the tables. The rest is laid over the tables, three bytes of position and eight of
// value at a time; then all questions are asked.
#include <array>
#include <cstring>
#include <memory>

#include "src/vmcore/symbols.h"
#include "tests/support/kallsyms_builder.h"
#include "tests/support/usual_page_size.h"

namespace {

using namespace lifeboat;

struct Undamaged {
  test::FakeKernel fake;
  test::KallsymsLayout layout;

  explicit Undamaged(uint8_t choice) {
    test::KallsymsOptions options;
    options.form = static_cast<AddressForm>(choice & 3);
    options.lengths = (choice & 4) != 0 ? NameLength::one_byte : NameLength::uleb128;
    options.order =
        (choice & 8) != 0 ? test::KallsymsOrder::addresses_first : test::KallsymsOrder::addresses_last;
    options.alignment = (choice & 16) != 0 ? 4 : 8;
    options.keys = (choice & 32) == 0;
    // Less to search in vain.
    fake.set_key("NUMBER(KERNEL_IMAGE_SIZE)", "1048576");
    layout = test::put_kallsyms(fake, test::sample_symbols(fake, test::PerCpuSymbols::none, 600), options);
  }
};

const Undamaged& undamaged(uint8_t choice) {
  static std::array<std::unique_ptr<Undamaged>, 64> kernels;
  auto& kernel = kernels[choice % kernels.size()];
  if (!kernel) kernel = std::make_unique<Undamaged>(choice);
  return *kernel;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const uint8_t choice = data[0];
  test::FakeKernel fake = undamaged(choice).fake;
  const auto& layout = undamaged(choice).layout;
  const uint64_t start = align_down(std::min(layout.addresses, layout.count), kPageSize);
  // Some inputs lose a page, too.
  if ((choice & 64) != 0)
    fake.memory().fail_page(test::FakeKernel::to_physical(start) + choice % 4 * kPageSize, ErrorCode::lost);
  for (++data, --size; size >= 11; data += 11, size -= 11) {
    uint32_t position = 0;
    uint64_t value;
    std::memcpy(&position, data, 3);
    std::memcpy(&value, data + 3, sizeof value);
    fake.write64(start + position % (8 * kPageSize), value);
  }
  const auto kernel = fake.open();
  const auto read = Kallsyms::read(kernel);
  if (!read) {
    if (read.error().message.empty()) __builtin_trap();
    return 0;
  }
  size_t visited = 0;
  read->visit([&](std::string_view name, uint64_t address, char) {
    // Damaged tables may have as many names as there is room for.
    if (++visited > 5000) return false;
    if (visited % 16 != 0) return true;
    const auto found = read->at(address);
    if (found && found->symbol.address > address) __builtin_trap();
    (void)read->all(name);
    return visited < 200;
  });
  (void)read->addresses_of({"_stext", "init_uts_ns", "no such name", "_end"});
  (void)read->at(~uint64_t{0});
  return 0;
}
