// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/entries/grub_test.h"

#include <algorithm>
#include <optional>

namespace lifeboat::grub {
namespace {

// GRUB's own limit.
constexpr unsigned kMaxDepth = 100;

// A number with a sign; text that is none counts as 0.
int64_t number_of(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  const auto number = leading_number(text);
  const auto value = static_cast<int64_t>(number ? number->value : 0);
  return negative ? -value : value;
}

// -pgt and -plt compare what follows the common beginning, as numbers: "vmlinuz-2" and "vmlinuz-11".
std::strong_ordering compare_behind_prefix(const std::string& a, const std::string& b) {
  const size_t shorter = std::min(a.size(), b.size());
  size_t at = 0;
  while (at < shorter && a[at] == b[at]) ++at;
  while (at > 0 && a[at - 1] >= '0' && a[at - 1] <= '9') --at;
  const auto number = [&](const std::string& text) {
    const auto found = leading_number(std::string_view(text).substr(at));
    return found ? found->value : 0;
  };
  return number(a) <=> number(b);
}

// nullopt: `operation` is none that takes a text on both sides.
std::optional<Truth> compare(const std::string& a, const std::string& operation, const std::string& b) {
  const bool devices = (names_device(a) && !b.empty()) || (names_device(b) && !a.empty());
  const bool known = is_known(a) && is_known(b) && !devices;
  const auto answer = [&](bool value) { return known ? truth_of(value) : Truth::unknown; };
  if (operation == "=" || operation == "==" || operation == "!=") {
    // The same unknown value is equal to itself.
    const bool same = a == b;
    if (!known && !same) return Truth::unknown;
    return truth_of(same == (operation != "!="));
  }
  if (operation == "<") return answer(a < b);
  if (operation == "<=") return answer(a <= b);
  if (operation == ">") return answer(a > b);
  if (operation == ">=") return answer(a >= b);
  if (operation == "-eq") return answer(number_of(a) == number_of(b));
  if (operation == "-ne") return answer(number_of(a) != number_of(b));
  if (operation == "-lt") return answer(number_of(a) < number_of(b));
  if (operation == "-le") return answer(number_of(a) <= number_of(b));
  if (operation == "-gt") return answer(number_of(a) > number_of(b));
  if (operation == "-ge") return answer(number_of(a) >= number_of(b));
  if (operation == "-pgt") return answer(compare_behind_prefix(a, b) > 0);
  if (operation == "-plt") return answer(compare_behind_prefix(a, b) < 0);
  // By the times of two files, with a number of seconds behind it.
  if (operation.starts_with("-nt") || operation.starts_with("-ot")) return Truth::unknown;
  return std::nullopt;
}

class Test {
 public:
  Test(std::vector<std::string> arguments, const FileTest& file_test)
      : arguments_(std::move(arguments)), file_test_(file_test) {}

  Truth run() {
    if (++depth_ > kMaxDepth) return Truth::unknown;
    Expression expression;
    while (at_ < arguments_.size()) {
      const std::string& word = arguments_[at_];
      if (const auto value = binary_or_unary()) {
        expression.take(*value);
      } else if (word == ")") {
        ++at_;
        break;
      } else if (word == "(") {
        ++at_;
        expression.take(run());
      } else if (word == "!") {
        expression.invert = !expression.invert;
        ++at_;
      } else if (word == "-a") {
        ++at_;
      } else if (word == "-o") {
        expression.any = either(expression.any, expression.all);
        expression.all = Truth::yes;
        ++at_;
      } else {
        expression.take(is_known(word) ? truth_of(!word.empty()) : Truth::unknown);
        ++at_;
      }
    }
    --depth_;
    return either(expression.any, expression.all);
  }

 private:
  struct Expression {
    Truth any = Truth::no;   // what stands before an -o
    Truth all = Truth::yes;  // behind the last one
    bool invert = false;
    void take(Truth value) {
      all = both(all, invert ? !value : value);
      invert = false;
    }
  };
  // A test of two words and an operation, else of one; moves behind it. nullopt: neither.
  std::optional<Truth> binary_or_unary() {
    if (at_ + 2 < arguments_.size()) {
      if (const auto value = compare(arguments_[at_], arguments_[at_ + 1], arguments_[at_ + 2])) {
        at_ += 3;
        return value;
      }
    }
    if (at_ + 1 >= arguments_.size()) return std::nullopt;
    const std::string& operation = arguments_[at_];
    const std::string& operand = arguments_[at_ + 1];
    if (operation.size() != 2 || operation[0] != '-' || !std::string_view("defsnz").contains(operation[1]))
      return std::nullopt;
    at_ += 2;
    if (operation == "-n" || operation == "-z") {
      if (!is_known(operand)) return Truth::unknown;
      return truth_of(operand.empty() == (operation == "-z"));
    }
    return is_known(operand) ? file_test_(operation[1], operand) : Truth::unknown;
  }

  std::vector<std::string> arguments_;
  const FileTest& file_test_;
  size_t at_ = 0;
  unsigned depth_ = 0;
};

}  // namespace

Truth evaluate_test(std::vector<std::string> arguments, const FileTest& file_test) {
  if (!arguments.empty() && arguments.back() == "]") arguments.pop_back();
  return Test(std::move(arguments), file_test).run();
}

}  // namespace lifeboat::grub
