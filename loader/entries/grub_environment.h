// SPDX-License-Identifier: GPL-2.0-or-later
// GRUB's variables, and the words of a command in which they are replaced by their values.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "loader/entries/grub_script.h"
#include "loader/entries/grub_value.h"

namespace lifeboat::grub {

class Environment {
 public:
  // nullptr: not set.
  [[nodiscard]] const std::string* find(const std::string& name) const;
  // Empty for a name that is not set.
  [[nodiscard]] std::string get(const std::string& name) const;
  // Too long values, and too many of them, are refused.
  Result<> set(const std::string& name, std::string value);
  void unset(const std::string& name) { variables_.erase(name); }
  // A name that is not set yet is set to nothing.
  void export_name(const std::string& name) { variables_[name].exported = true; }
  // Bytes of all names and values: what a new context costs.
  [[nodiscard]] uint64_t size() const;

  // Only exported variables are seen in a submenu and in a `configfile`; what is set there is gone
  // afterwards.
  void open_context();
  void close_context();

  // $1, $2 and so on: the arguments of a function or of a menu entry.
  std::vector<std::string> parameters;

 private:
  struct Variable {
    std::string value;
    bool exported = false;
  };
  using Variables = std::map<std::string, Variable>;
  Variables variables_;
  std::vector<Variables> outer_;
};

struct Expanded {
  std::vector<std::string> words;
  std::vector<std::string> unset;  // variables in it that are not set: nothing stands in their place
};
Result<Expanded> expand(const std::vector<Word>& words, const Environment& environment, Budget& budget);

}  // namespace lifeboat::grub
