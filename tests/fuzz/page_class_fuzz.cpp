// SPDX-License-Identifier: GPL-2.0-or-later
// Lines "KEY=VALUE" replace keys of a good VMCOREINFO; what follows an empty line is the struct pages.
#include "src/vmcore/page_class.h"
#include "src/vmcore/page_scan.h"
#include "tests/support/fake_kernel.h"

namespace {

void scan(lifeboat::test::FakeKernel& fake, uint64_t pages) {
  using namespace lifeboat;
  const auto memory = KernelMemory::create(fake.memory(), x86_64::architecture(), fake.vmcoreinfo());
  if (!memory) return;
  const auto map = MemMap::create(*memory);
  const auto classifier = PageClassifier::create(memory->vmcoreinfo());
  if (!map || !classifier) return;
  uint64_t next = 0;
  scan_page_classes(*memory, *map, *classifier, 0, pages, [&next](uint64_t pfn, uint64_t count, PageClass) {
    if (pfn != next || count == 0) __builtin_trap();
    next = pfn + count;
  });
  if (next != pages) __builtin_trap();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace lifeboat;
  // Built once: each input works on a copy.
  static const test::FakeKernel kTemplate({.ram_bytes = uint64_t{24} << 20});
  test::FakeKernel fake = kTemplate;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (line.empty()) break;
    if (const auto equals = line.find('='); equals != std::string_view::npos)
      fake.set_key(std::string(line.substr(0, equals)), std::string(line.substr(equals + 1)));
  }
  const auto physical = kTemplate.mem_map_physical();
  fake.memory().write(physical, as_byte_span(text.substr(0, 4096)));
  scan(fake, 256);

  const auto info = Vmcoreinfo::parse(fake.vmcoreinfo());
  if (!info) return 0;
  const auto classifier = PageClassifier::create(*info);
  if (!classifier) return 0;
  const uint64_t page = info->size("page").value();
  for (ByteSpan rest = as_byte_span(text); rest.size() >= page; rest = rest.subspan(page)) {
    if (classifier->classify(rest.size(), rest).pages == 0) __builtin_trap();
  }
  return 0;
}
