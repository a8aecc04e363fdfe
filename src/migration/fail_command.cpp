// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/migration/fail_command.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace lifeboat::migration {
namespace {

constexpr std::string_view kOneOf = "[failure] action is reboot, poweroff, halt or shell";
constexpr std::string_view kShellText = "a program is called for: [failure] action is no shell command";

struct Command {
  std::vector<std::string> words;
  bool writes = false;  // its output goes elsewhere, to a place for messages
};

// Where a message may go without any other effect.
bool is_message_sink(std::string_view path) {
  constexpr std::array<std::string_view, 5> kSinks = {"/dev/null", "/dev/console", "/dev/kmsg", "/dev/stderr",
                                                      "/dev/stdout"};
  return std::ranges::find(kSinks, path) != kSinks.end() || path.starts_with("/dev/tty");
}

// Splits the text as sh(1) does, where it has only words, quotes, ';', '&&' and '>' to a place for messages.
class Splitter {
 public:
  explicit Splitter(std::string_view text) : text_(text) {}

  // nullopt: there is more in it.
  std::optional<std::vector<Command>> split() {
    while (at_ < text_.size()) {
      if (!step()) return std::nullopt;
    }
    if (!end_command()) return std::nullopt;
    return std::move(commands_);
  }

 private:
  bool step() {
    const char c = text_[at_];
    if (c == ' ' || c == '\t') {
      ++at_;
      return end_word();
    }
    if (c == ';' || c == '\n') {
      ++at_;
      return end_command();
    }
    if (c == '&') {
      const bool both = text_.substr(at_).starts_with("&&");
      at_ += 2;
      return both && end_command();
    }
    if (c == '>') return take_redirection();
    if (c == '\'' || c == '"') return take_quoted(c);
    // Pipes, expansions, patterns, groups, comments.
    constexpr std::string_view kNotUnderstood = "|<()$`\\*?[]{}~#!";
    if (kNotUnderstood.find(c) != std::string_view::npos) return false;
    add(text_.substr(at_++, 1));
    return true;
  }
  bool take_quoted(char quote) {
    const size_t end = text_.find(quote, at_ + 1);
    if (end == std::string_view::npos) return false;
    const std::string_view inside = text_.substr(at_ + 1, end - at_ - 1);
    if (quote == '"' && inside.find_first_of("$`\\") != std::string_view::npos) return false;
    add(inside);
    at_ = end + 1;
    return true;
  }
  // ">FILE", ">>FILE", "2>FILE", ">&2".
  bool take_redirection() {
    if (word_ == "1" || word_ == "2") word_.reset();
    if (!end_word()) return false;
    at_ += text_.substr(at_).starts_with(">>") ? 2 : 1;
    command_.writes = true;
    if (text_.substr(at_).starts_with("&1") || text_.substr(at_).starts_with("&2")) {
      at_ += 2;
      return true;
    }
    target_ = true;
    return true;
  }
  void add(std::string_view part) {
    if (!word_) word_.emplace();
    *word_ += part;
  }
  bool end_word() {
    if (!word_) return true;
    const std::string word = *std::exchange(word_, std::nullopt);
    if (std::exchange(target_, false)) return is_message_sink(word);
    command_.words.push_back(word);
    return true;
  }
  bool end_command() {
    if (!end_word() || target_) return false;
    if (!command_.words.empty()) commands_.push_back(std::move(command_));
    command_ = {};
    return true;
  }

  std::string_view text_;
  size_t at_ = 0;
  std::optional<std::string> word_;
  bool target_ = false;  // the next word is the file of a redirection
  Command command_;
  std::vector<Command> commands_;
};

std::string program_of(const Command& command) {
  const std::string& path = command.words.front();
  return path.substr(path.rfind('/') + 1);
}

bool only_writes(const Command& command) {
  constexpr std::array<std::string_view, 7> kMessages = {"echo",  "printf", "logger", "sync",
                                                         "sleep", "true",   ":"};
  return std::ranges::find(kMessages, program_of(command)) != kMessages.end();
}

// reboot(8), poweroff(8) and halt(8), of systemd and of sysvinit. Empty: the options make it something else.
std::string power_action(const Command& command) {
  constexpr std::array<std::string_view, 8> kHow = {"-f", "-ff", "-n",      "-d",
                                                    "-w", "-q",  "--force", "--no-sync"};
  std::string action = program_of(command);
  for (const auto& word : std::span(command.words).subspan(1)) {
    if ((word == "-p" || word == "--poweroff") && action != "reboot") {
      action = "poweroff";
    } else if (std::ranges::find(kHow, word) == kHow.end()) {
      return {};
    }
  }
  // With it nothing but a record is written.
  return std::ranges::find(command.words, "-w") == command.words.end() ? action : std::string();
}

bool is_power(const std::string& program) {
  return program == "reboot" || program == "poweroff" || program == "halt";
}

// A shell for the one at the console: what follows runs when that one leaves it.
FailCommand after_shell(std::span<const Command> rest) {
  for (const auto& command : rest) {
    if (only_writes(command)) continue;
    const std::string program = program_of(command);
    if (program == "exit" || (program == "reboot" && power_action(command) == "reboot")) break;
    return {Fate::changed, "shell", "what follows the shell does not run: the machine reboots"};
  }
  return {Fate::taken, "shell", {}};
}

FailCommand action_of(const Command& command, std::span<const Command> rest) {
  const std::string program = program_of(command);
  if (is_power(program)) {
    std::string action = power_action(command);
    if (action.empty()) return {Fate::missing, {}, std::string(kOneOf)};
    return {Fate::taken, std::move(action), {}};
  }
  constexpr std::array<std::string_view, 5> kShells = {"bash", "sh", "dash", "ash", "sulogin"};
  const bool shell = std::ranges::find(kShells, program) != kShells.end();
  // "sh -c COMMAND" and "sh SCRIPT" are no shell at the console.
  const bool plain = std::ranges::all_of(std::span(command.words).subspan(1), [](const std::string& word) {
    return word == "-i" || word == "-l" || word == "--login";
  });
  if (shell && plain) return after_shell(rest);
  return {Fate::missing, {}, std::string(kOneOf)};
}

}  // namespace

FailCommand read_fail_command(std::string_view text) {
  const auto commands = Splitter(text).split();
  if (!commands) return {Fate::missing, {}, std::string(kShellText)};
  bool elsewhere = false;
  for (size_t index = 0; index < commands->size(); ++index) {
    const Command& command = (*commands)[index];
    elsewhere = elsewhere || command.writes;
    if (only_writes(command)) continue;
    auto result = action_of(command, std::span(*commands).subspan(index + 1));
    if (elsewhere && result.fate == Fate::taken) {
      result.fate = Fate::changed;
      result.reason = "only the last command is taken: nothing is written to those files";
    }
    return result;
  }
  return {Fate::same, {}, "it does nothing: the machine reboots"};
}

}  // namespace lifeboat::migration
