// SPDX-License-Identifier: GPL-2.0-or-later
// The language of grub.cfg (GNU GRUB manual, "Writing your own configuration files"), parsed and not yet
// evaluated. The text is not trusted: its size and the depth of its blocks are limited.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/error.h"

namespace lifeboat::grub {

// Larger files are not read: the menus of machines with a hundred kernels have some 200 KiB.
constexpr size_t kLargestScript = size_t{2} << 20;

// A word consists of parts that stand without a space beside each other: a"b c"${d}.
struct WordPart {
  enum class Kind { text, variable };
  Kind kind = Kind::text;
  // A quoted variable stays one word, whatever it holds; quoted text has no wildcards.
  bool quoted = false;
  std::string text;  // or the name of the variable
};
using Word = std::vector<WordPart>;

struct Command;
using Block = std::vector<Command>;

// `condition` is nullptr for `else`.
struct Branch {
  std::shared_ptr<const Block> condition;
  std::shared_ptr<const Block> body;
};

struct Command {
  enum class Kind {
    simple,    // words, and for menuentry and submenu a block
    branches,  // if, elif, else
    for_each,  // for `name` in words; do the block
    loop,      // while or until: branches has one
    function,  // defines `name`
  };
  Kind kind = Kind::simple;
  unsigned line = 0;  // from 1
  std::vector<Word> words = {};
  std::string name = {};
  std::vector<Branch> branches = {};
  std::shared_ptr<const Block> block = {};
  bool until = false;  // of a loop: until its condition is true
};

// `corrupt` with the line, `name` in front of it, for what GRUB does not accept either.
Result<std::shared_ptr<const Block>> parse_script(std::string_view text, const std::string& name);

}  // namespace lifeboat::grub
