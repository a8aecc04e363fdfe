// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/run/memory_figure.h"

#include <string>

#include "src/base/bytes.h"
#include "src/base/file.h"
#include "src/base/size.h"

namespace lifeboat::capture {

uint64_t memory_figure(std::string_view key, const char* path) {
  const auto text = read_text(path, 64_KiB);
  const size_t at = text ? text->find(key) : std::string::npos;
  if (at == std::string::npos) return 0;
  const size_t first = text->find_first_of("0123456789", at + key.size());
  if (first == std::string::npos) return 0;
  const auto kib = parse_number(std::string_view(*text).substr(first, text->find(' ', first) - first));
  return kib && *kib <= UINT64_MAX / 1_KiB ? *kib * 1_KiB : 0;
}

}  // namespace lifeboat::capture
