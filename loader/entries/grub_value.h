// SPDX-License-Identifier: GPL-2.0-or-later
// Values of GRUB's scripts that cannot be known before the machine restarts (a key that is pressed, what the
// firmware answers): they stay recognisable in every text that they become a part of, so that nothing is
// decided by them unnoticed. And what limits the evaluation of a file that is not trusted.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "src/base/error.h"

namespace lifeboat::grub {

// In front of the names that devices have here alone ("uuid=...", for what `search` finds): GRUB's own name
// of the device is not known, so such a text can be a part of a path, but not be compared.
constexpr char kDeviceMark = '\x03';
bool names_device(std::string_view text);

// A value to be assigned; `what` says in a message what it is.
std::string unknown_value(std::string_view what);
bool is_known(std::string_view text);
// What in it is unknown, for messages: "$x, the output of probe".
std::string unknown_parts(std::string_view text);
// For messages: the text with the unknown parts as "...", and without marks.
std::string shown(std::string_view text);

enum class Truth { no, yes, unknown };
Truth truth_of(bool value);
Truth operator!(Truth value);
Truth both(Truth a, Truth b);
Truth either(Truth a, Truth b);

// As GRUB reads a number: white space, then "0x" and hexadecimal, "0" and octal, or decimal digits.
struct LeadingNumber {
  uint64_t value = 0;
  std::string_view rest;  // behind the digits
  bool overflow = false;
};
// nullopt: it does not begin with a number.
std::optional<LeadingNumber> leading_number(std::string_view text);

// The work that an evaluation may do, in bytes of text that it makes.
class Budget {
 public:
  explicit Budget(uint64_t bytes) : left_(bytes) {}
  Result<> spend(uint64_t bytes);

 private:
  uint64_t left_;
};

}  // namespace lifeboat::grub
