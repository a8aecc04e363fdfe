// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/loader_variable.h"

#include <fmt/core.h>

#include <cstddef>

#include "src/base/bytes.h"
#include "src/base/file.h"
#include "src/base/size.h"

namespace lifeboat {
namespace {

constexpr std::string_view kVendor = "4a67b082-0a4c-41cf-b6c7-440b29bb8c4f";
constexpr size_t kAttributes = 4;  // bytes in front of the value (efivarfs)

}  // namespace

std::string loader_variable_file(const std::string& sys, std::string_view name) {
  return fmt::format("{}/firmware/efi/efivars/{}-{}", sys, name, kVendor);
}

std::optional<std::string> read_loader_variable(const std::string& sys, std::string_view name) {
  const auto bytes = read_file(loader_variable_file(sys, name), 4_KiB);
  if (!bytes) return std::nullopt;
  std::string text;
  // UTF-16, with a NUL behind it.
  for (size_t at = kAttributes; at + 1 < bytes->size(); at += 2) {
    const auto low = std::to_integer<unsigned char>((*bytes)[at]);
    const bool wide = (*bytes)[at + 1] != std::byte{0};
    if (low == 0 && !wide) break;
    if (wide || low < 0x20 || low > 0x7e) return std::nullopt;
    text += static_cast<char>(low);
  }
  if (text.empty()) return std::nullopt;
  return text;
}

}  // namespace lifeboat
