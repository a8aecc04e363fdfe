// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/image/banner.h"

#include <algorithm>

namespace lifeboat {
namespace {

constexpr std::string_view kBanner = "Linux version ";
constexpr size_t kLongestRelease = 64;  // __NEW_UTS_LEN

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool belongs_to_release(char c) {
  return is_digit(c) || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '.' || c == '_' ||
         c == '+' || c == '~' || c == '-';
}

}  // namespace

std::string banner_release(ByteSpan kernel) {
  const std::string_view text = as_text(kernel);
  // A format string or message may contain the same text without a number behind it: continue the search.
  for (size_t at = text.find(kBanner); at != text.npos; at = text.find(kBanner, at + 1)) {
    const std::string_view rest = text.substr(at + kBanner.size(), kLongestRelease + 1);
    const size_t length =
        static_cast<size_t>(std::ranges::find_if_not(rest, belongs_to_release) - rest.begin());
    if (length == rest.size() || rest[length] != ' ' || !is_digit(rest[0])) continue;
    return std::string(rest.substr(0, length));
  }
  return {};
}

}  // namespace lifeboat
