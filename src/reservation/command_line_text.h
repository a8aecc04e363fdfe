// SPDX-License-Identifier: GPL-2.0-or-later
// Where the kernel's command line is in the text files of boot loaders. Nothing is changed here, and nothing
// in these files is trusted: what has no command line in the expected form gives none.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "src/base/error.h"

namespace lifeboat::reservation {

struct TextSpan {
  size_t begin = 0, end = 0;  // of the command line in the text, without quotes
  size_t line = 0;            // its number, from 1
  bool bare = false;          // a word of a shell file without quotes
  bool operator==(const TextSpan&) const = default;
};

enum class CommandLineForm {
  whole_file,      // /etc/kernel/cmdline, cmdline.txt: all of it, but comments
  options_lines,   // "options ..." of a boot entry: one command line in several pieces
  shell_variable,  // NAME="..." of a file that a shell reads: the last one counts, or they are joined
  zipl,            // parameters="..." in each section of zipl.conf
  extlinux,        // "append ..." of each label that boots Linux
  refind,          // "TITLE" "..." in each line of refind_linux.conf
  limine,          // "cmdline: ..." of each entry
};

// Where a value of a line "KEY VALUE" begins, white space in front or not; npos: it has another key.
// The case of the key does not count.
size_t value_of_key(std::string_view line, std::string_view key);

// The command lines of `text`, in their order. `name` is the variable or key (shell_variable, options_lines).
// `corrupt` names `path` and the line: a quoted text does not end in its line.
Result<std::vector<TextSpan>> find_command_lines(CommandLineForm form, std::string_view text,
                                                 std::string_view name, const std::string& path);

// Whether each of them is a command line of its own; else they are pieces of one.
bool are_separate(CommandLineForm form);

}  // namespace lifeboat::reservation
