// SPDX-License-Identifier: GPL-2.0-or-later
// The parameter crashkernel= within a command line in somebody's file: everything else stays as it is
// written.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace lifeboat::reservation {

// A setting as parameters: "1G,high 128M,low" becomes "crashkernel=1G,high", "crashkernel=128M,low".
std::vector<std::string> parameters_of(std::string_view value);
// Every "crashkernel=..." of the text, as written.
std::vector<std::string> crashkernel_words(std::string_view text);
// The text without them and the white space in front of them.
std::string without_crashkernel(std::string_view text);
// With these put behind it. White space at its end, a newline, stays at the end.
std::string with_words(std::string_view text, const std::vector<std::string>& words);

}  // namespace lifeboat::reservation
