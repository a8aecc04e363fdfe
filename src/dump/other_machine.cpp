// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/dump/other_machine.h"

#include <algorithm>
#include <vector>

#include "src/base/size.h"
#include "src/dump/byte_source.h"

namespace lifeboat {

Error other_machine(const std::string& dump, std::string_view architecture, std::string_view release,
                    std::string_view crash_time) {
  std::string message =
      fmt::format("{} is of another architecture ({}); only x86-64 dumps are supported", dump, architecture);
  if (!release.empty()) message += fmt::format(". It is of the kernel {}", release);
  if (!release.empty() && !crash_time.empty())
    message += fmt::format(", which crashed {} s after 1970 began (date -d @{})", crash_time, crash_time);
  return Error(ErrorCode::unsupported, std::move(message))
      .hint("crash and drgn read dumps of other architectures");
}

std::string vmcoreinfo_near_start(const ByteSource& file, std::string_view key) {
  std::vector<std::byte> bytes(std::min<uint64_t>(file.size(), 256_KiB));
  if (!file.read(0, bytes)) return {};
  const std::string_view text = as_text(bytes);
  const auto at = text.find(key);
  if (at == std::string_view::npos) return {};
  const std::string_view rest = text.substr(at + key.size());
  // What follows is printed: nothing but plain characters.
  const auto plain = std::ranges::find_if(rest.substr(0, 64), [](char c) { return c <= ' ' || c > '~'; });
  return std::string(rest.substr(0, static_cast<size_t>(plain - rest.begin())));
}

}  // namespace lifeboat
