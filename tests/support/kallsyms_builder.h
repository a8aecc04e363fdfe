// SPDX-License-Identifier: GPL-2.0-or-later
// Puts kallsyms tables into a fake kernel, as scripts/kallsyms.c has laid them out over the years.
#pragma once

#include <string>
#include <vector>

#include "src/vmcore/kallsyms_addresses.h"
#include "src/vmcore/kallsyms_names.h"
#include "src/vmcore/symbols.h"
#include "tests/support/fake_kernel.h"

namespace lifeboat::test {

enum class KallsymsOrder {
  addresses_first,  // addresses, base, number, names, markers, tokens: until 6.3
  addresses_last,   // number, names, markers, tokens, addresses, base
};

struct KallsymsOptions {
  AddressForm form = AddressForm::absolute_percpu;
  NameLength lengths = NameLength::uleb128;
  KallsymsOrder order = KallsymsOrder::addresses_last;
  uint64_t alignment = 8;  // of labels; 4 in 7.x
  bool keys = true;        // VMCOREINFO names the tables: 6.0 and later
};

// Where the tables are: virtual addresses, for damage.
struct KallsymsLayout {
  uint64_t count = 0, names = 0, markers = 0, token_table = 0, token_index = 0, addresses = 0, base = 0;
};

// `symbols` in the order of the table: of addresses. SYMBOL(_stext) and others of the fake kernel are not
// added.
KallsymsLayout put_kallsyms(FakeImage& kernel, const std::vector<Symbol>& symbols,
                            const KallsymsOptions& options = {});

// The symbols in the fake kernel's VMCOREINFO, per-CPU ones at 0 if asked for, and functions and data
// around them, so many in all that the names take several groups.
enum class PerCpuSymbols { none, at_zero };
std::vector<Symbol> sample_symbols(const FakeKernel& kernel, PerCpuSymbols per_cpu = PerCpuSymbols::at_zero,
                                   size_t count = 1000);

}  // namespace lifeboat::test
