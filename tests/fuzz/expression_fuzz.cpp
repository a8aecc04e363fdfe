// SPDX-License-Identifier: GPL-2.0-or-later
// An expression over a small kernel's memory, which is the expression's own text: pointers in it may lead
// anywhere.
#include "src/inspect/show_value.h"
#include "tests/support/btf_builder.h"
#include "tests/support/fake_kernel.h"
#include "tests/support/usual_page_size.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace lifeboat;
  static test::FakeKernel fake;
  static const uint64_t area = fake.allocate(kPageSize);
  static const KernelMemory memory = fake.open();
  static const KernelTypes types = KernelTypes::from(test::small_kernel_btf().parse());
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  fake.write(area, as_byte_span(text.substr(0, kPageSize)));
  fake.write64(area + 24, area);
  fake.write64(area + 48, area);
  const inspect::ExpressionScope scope{memory, types, [](std::string_view name) -> std::optional<uint64_t> {
                                         if (name == "init_task" || name == "__per_cpu_offset") return area;
                                         if (name == "runqueues" || name == "__per_cpu_start")
                                           return area + 64;
                                         if (name == "__per_cpu_end") return area + 80;
                                         return std::nullopt;
                                       }};
  const auto value = inspect::evaluate(scope, text);
  if (!value) return 0;
  inspect::ShowOptions options;
  options.bytes = 4096;
  (void)inspect::show_value(scope, *value, options);
  return 0;
}
