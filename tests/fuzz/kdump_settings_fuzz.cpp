// SPDX-License-Identifier: GPL-2.0-or-later
// Configurations of other crash dump tools. The first byte selects the kind of file.
#include <vector>

#include "src/migration/import.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace lifeboat::migration;
  if (size == 0) return 0;
  const auto kind = static_cast<SourceKind>(data[0] % 3);
  const std::vector<SourceText> sources = {
      {kind, "/etc/fuzz", std::string(reinterpret_cast<const char*>(data + 1), size - 1)}};
  const auto imported = import_texts(sources, {});
  // Whatever the file has: what was made of it is a configuration that lifeboat reads.
  if (!imported) __builtin_trap();
  // A setting that is missing is reported.
  for (const auto& setting : imported->settings) {
    if (setting.fate == Fate::missing && (setting.reason.empty() || imported->complete())) __builtin_trap();
  }
  return 0;
}
