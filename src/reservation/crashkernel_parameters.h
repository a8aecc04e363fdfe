// SPDX-License-Identifier: GPL-2.0-or-later
// The parameter crashkernel= within a command line in a file: everything else is left unchanged.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace lifeboat::reservation {

// A setting as parameters: "1G,high 128M,low" becomes "crashkernel=1G,high", "crashkernel=128M,low".
std::vector<std::string> parameters_of(std::string_view value);
// Every "crashkernel=..." of the text, as written.
std::vector<std::string> crashkernel_parameters(std::string_view text);
// The text without them and the white space in front of them.
std::string without_crashkernel(std::string_view text);
// The text with these appended. White space at its end, such as a newline, stays at the end.
std::string with_parameters(std::string_view text, const std::vector<std::string>& words);

}  // namespace lifeboat::reservation
