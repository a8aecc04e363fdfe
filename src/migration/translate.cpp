// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/migration/translate.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <span>

#include "loader/command_line.h"

namespace lifeboat::migration {
namespace {

Setting part_of(const Setting& from, std::string_view part) {
  return {from.file, from.line, from.name, std::string(part)};
}

// --- makedumpfile(8)

enum class Takes { nothing, value };
struct MakedumpfileOption {
  std::string_view name;  // "-d", "--split"
  Takes takes;
  Fate fate;
  std::string_view key;     // the value of [dump] compression; or what the option is
  std::string_view reason;  // of a fate other than taken
};

constexpr std::string_view kMessages = "messages are for the journal of the capture";
constexpr std::string_view kSpeed = "lifeboat-init chooses it by the memory that it finds";
constexpr std::string_view kFindsTypes = "types are read from the crashed kernel";
constexpr MakedumpfileOption kOptions[] = {
    {"-c", Takes::nothing, Fate::taken, "zlib", {}},
    {"-l", Takes::nothing, Fate::taken, "lzo", {}},
    {"-p", Takes::nothing, Fate::taken, "snappy", {}},
    {"-z", Takes::nothing, Fate::taken, "zstd", {}},
    {"-d", Takes::value, Fate::taken, "level", {}},
    {"--dump-dmesg", Takes::nothing, Fate::taken, "none", {}},
    {"-F", Takes::nothing, Fate::same, {}, "it is for pipes; lifeboat writes the file itself"},
    {"-f", Takes::nothing, Fate::same, {}, "each crash has a new folder"},
    {"-D", Takes::nothing, Fate::same, {}, kMessages},
    {"-v", Takes::nothing, Fate::same, {}, kMessages},
    {"--message-level", Takes::value, Fate::same, {}, kMessages},
    {"--show-stats", Takes::nothing, Fate::same, {}, "the counts of pages are in manifest.json"},
    {"-i", Takes::value, Fate::same, {}, kFindsTypes},
    {"-x", Takes::value, Fate::same, {}, kFindsTypes},
    {"-b", Takes::value, Fate::same, {}, kSpeed},
    {"--cyclic-buffer", Takes::value, Fate::same, {}, kSpeed},
    {"--non-cyclic", Takes::nothing, Fate::same, {}, kSpeed},
    {"--non-mmap", Takes::nothing, Fate::same, {}, kSpeed},
    {"--num-threads", Takes::value, Fate::same, {}, "there is one for each CPU: [capture] cpus"},
    {"--work-dir", Takes::value, Fate::same, {}, "lifeboat-init keeps its bitmaps in memory"},
    {"--check-params", Takes::nothing, Fate::same, {}, "'lifeboat check' and 'lifeboat rehearse' do that"},
    {"-E", Takes::nothing, Fate::missing, {}, "a capture writes KDUMP files, not ELF files"},
    {"-L", Takes::value, Fate::missing, {}, "the size of a dump has no limit; [retention] limits them all"},
    {"-X", Takes::nothing, Fate::missing, {}, "dumps of Xen are not supported"},
    {"-e", Takes::nothing, Fate::missing, {}, "pages of an unused vmemmap are kept"},
    {"-R", Takes::nothing, Fate::missing, {}, "it is not an option of a capture"},
    {"-g", Takes::value, Fate::missing, {}, "it is not an option of a capture"},
    {"-M", Takes::nothing, Fate::missing, {}, "it is not an option of a capture"},
    {"--split", Takes::nothing, Fate::missing, {}, "the dump is one file"},
    {"--splitblock-size", Takes::value, Fate::missing, {}, "the dump is one file"},
    {"--reassemble", Takes::nothing, Fate::missing, {}, "it is not an option of a capture"},
    {"--config", Takes::value, Fate::missing, {}, "nothing is erased from the dump: secrets stay in it"},
    {"--eppic", Takes::value, Fate::missing, {}, "nothing is erased from the dump: secrets stay in it"},
    {"--exclude-unused-vm", Takes::nothing, Fate::missing, {}, "pages of an unused vmemmap are kept"},
};
// Codecs that one file can have; the last one counts for makedumpfile too.
bool is_compression(const MakedumpfileOption& option) {
  return option.fate == Fate::taken && option.takes == Takes::nothing && !option.name.starts_with("--");
}

const MakedumpfileOption* find_option(std::string_view name) {
  const auto* const found = std::ranges::find(kOptions, name, &MakedumpfileOption::name);
  return found == std::ranges::end(kOptions) ? nullptr : found;
}

// One option with its value, out of getopt_long(3)'s forms: -d 31, -d31, -lF, --name 7, --name=7.
struct OptionUse {
  std::string text;  // as it was written
  const MakedumpfileOption* option = nullptr;
  std::optional<std::string> value;
};

class OptionSplitter {
 public:
  explicit OptionSplitter(std::span<const std::string> words) : words_(words) {}

  std::vector<OptionUse> split() {
    while (at_ < words_.size()) {
      const std::string& word = words_[at_++];
      if (word.starts_with("--") && word.size() > 2) {
        take_long(word);
      } else if (word.starts_with('-') && word.size() > 1) {
        take_short(word);
      } else {
        uses_.push_back({word, nullptr, {}});
      }
    }
    return std::move(uses_);
  }

 private:
  void take_value(OptionUse& use) {
    if (use.option == nullptr || use.option->takes != Takes::value || use.value || at_ >= words_.size())
      return;
    use.value = words_[at_++];
    use.text += " " + *use.value;
  }
  void take_long(const std::string& word) {
    const size_t equals = word.find('=');
    OptionUse use{word, find_option(word.substr(0, equals)), {}};
    if (equals != std::string::npos) use.value = word.substr(equals + 1);
    take_value(use);
    uses_.push_back(std::move(use));
  }
  void take_short(const std::string& word) {
    for (size_t index = 1; index < word.size(); ++index) {
      const std::string name = {'-', word[index]};
      OptionUse use{name, find_option(name), {}};
      // An unknown letter may take a value: the rest of the word could be it.
      const bool rest_is_value = use.option == nullptr || use.option->takes == Takes::value;
      if (rest_is_value && index + 1 < word.size()) {
        use.value = word.substr(index + 1);
        use.text += *use.value;
      }
      take_value(use);
      uses_.push_back(std::move(use));
      if (rest_is_value) return;
    }
  }

  std::span<const std::string> words_;
  size_t at_ = 0;
  std::vector<OptionUse> uses_;
};

void translate_option(Draft& draft, const Setting& from, const OptionUse& use) {
  const Setting part = part_of(from, use.text);
  const auto* const option = use.option;
  if (option == nullptr) {
    draft.note(part, Fate::missing, "it is not an option of makedumpfile that lifeboat knows");
  } else if (option->takes == Takes::value && !use.value) {
    draft.note(part, Fate::missing, "its value is missing");
  } else if (option->fate != Fate::taken) {
    draft.note(part, option->fate, option->reason);
  } else if (is_compression(*option)) {
    draft.set(part, "dump", "compression", std::string(option->key));
  } else {
    draft.set(part, "dump", "level", use.value.value_or(std::string(option->key)));
  }
}

// --- the command line of the capture kernel

// For programs that are not in lifeboat's initramfs.
constexpr std::array<std::string_view, 6> kOfOtherInitramfs = {
    "rd.", "systemd.", "udev.", "rootflags=nofail", "initramfs_options=", "net_delay="};

bool is_rule(std::span<const ParameterRule> rules, std::string_view parameter) {
  return std::ranges::any_of(rules, [&](const ParameterRule& rule) { return rule.name == parameter; });
}
bool names_rule(std::span<const ParameterRule> rules, std::string_view name) {
  return std::ranges::any_of(rules, [&](const ParameterRule& rule) {
    if (rule.name.ends_with('*')) return name.starts_with(rule.name.substr(0, rule.name.size() - 1));
    return parameter_name(rule.name) == name;
  });
}

}  // namespace

std::vector<std::string> words_of(std::string_view value) {
  constexpr std::string_view kSpace = " \t\r\n";
  std::vector<std::string> words;
  for (size_t at = value.find_first_not_of(kSpace); at != std::string_view::npos;) {
    const size_t end = std::min(value.find_first_of(kSpace, at), value.size());
    words.emplace_back(value.substr(at, end - at));
    at = value.find_first_not_of(kSpace, end);
  }
  return words;
}

void translate_makedumpfile(Draft& draft, const Setting& from, const std::vector<std::string>& options,
                            Absent absent) {
  bool compresses = false, has_level = false;
  const auto uses = OptionSplitter(options).split();
  const auto is = [](std::string_view name) {
    return [=](const OptionUse& use) { return use.option != nullptr && use.option->name == name; };
  };
  const bool log_only = std::ranges::any_of(uses, is("--dump-dmesg"));
  for (const auto& use : uses) {
    if (log_only && is("-d")(use)) {
      draft.note(part_of(from, use.text), Fate::same, "--dump-dmesg writes no dump");
      continue;
    }
    translate_option(draft, from, use);
    if (use.option == nullptr || use.option->fate != Fate::taken) continue;
    (is_compression(*use.option) ? compresses : has_level) = true;
  }
  if (absent == Absent::kept) return;
  if (!compresses) draft.set(part_of(from, "(without -c, -l, -p, -z)"), "dump", "compression", "none");
  if (!has_level) draft.set(part_of(from, "(without -d)"), "dump", "level", "0");
}

void translate_append(Draft& draft, const Setting& from) {
  std::string rest;
  for (const auto& parameter : split_parameters(from.value)) {
    const auto is_other = [&](std::string_view prefix) { return parameter.starts_with(prefix); };
    if (is_rule(parameters_for_capture(), parameter)) {
      draft.note(part_of(from, parameter), Fate::same, "lifeboat adds it by itself");
    } else if (parameter == "maxcpus=1") {
      draft.note(part_of(from, parameter), Fate::same,
                 "lifeboat adds nr_cpus=, one CPU unless [capture] cpus says more");
    } else if (const auto cpus = cpu_limit(parameter)) {
      draft.set(part_of(from, parameter), "capture", "cpus", fmt::format("{}", *cpus));
    } else if (std::ranges::any_of(kOfOtherInitramfs, is_other)) {
      draft.note(part_of(from, parameter), Fate::same, "it is for dracut, udev or systemd, which do not run");
    } else {
      rest += (rest.empty() ? "" : " ") + parameter;
    }
  }
  if (!rest.empty()) draft.set(part_of(from, rest), "capture", "append", rest);
  if (rest.empty() && split_parameters(from.value).empty()) draft.note(from, Fate::same, "it is empty");
}

void translate_remove(Draft& draft, const Setting& from) {
  const auto words = words_of(from.value);
  if (words.empty()) draft.note(from, Fate::same, "it is empty");
  for (const auto& word : words) {
    const std::string name = parameter_name(word);
    if (names_rule(parameters_not_reused(), name) || names_rule(parameters_not_for_capture(), name)) {
      draft.note(part_of(from, word), Fate::same, "lifeboat removes it by itself");
    } else if (names_rule(parameters_for_capture(), name)) {
      // [capture] remove would remove lifeboat's value too.
      draft.note(part_of(from, word), Fate::same, "lifeboat replaces it by its own value");
    } else {
      draft.set(part_of(from, word), "capture", "remove", word);
    }
  }
}

void translate_kexec_options(Draft& draft, const Setting& from) {
  const auto words = words_of(from.value);
  if (words.empty()) draft.note(from, Fate::same, "it is empty");
  for (const auto& word : words) {
    const Setting part = part_of(from, word);
    if (word == "-s" || word == "--kexec-file-syscall" || word == "-a" || word == "--kexec-syscall-auto") {
      draft.note(part, Fate::same, "lifeboat uses kexec_file_load(2) where the kernel has it");
    } else if (word == "-c" || word == "--kexec-syscall") {
      draft.set(part, "capture", "syscall", "segments");
    } else if (word == "-d" || word == "--debug") {
      draft.note(part, Fate::same, "'lifeboat load --crash --dry-run' shows the plan");
    } else if (word == "--elf64-core-headers") {
      draft.note(part, Fate::same, "lifeboat writes 64-bit headers");
    } else {
      draft.note(part, Fate::missing, "lifeboat.conf has no options of kexec");
    }
  }
}

void translate_kernel(Draft& draft, const Setting& from, const std::string& path) {
  if (path.empty()) {
    draft.note(from, Fate::same, "lifeboat takes the running kernel's file too");
  } else {
    draft.set(from, "capture", "kernel", path);
  }
}

void translate_modules(Draft& draft, const Setting& from) {
  for (const auto& word : words_of(from.value)) draft.set(part_of(from, word), "capture", "module", word);
  if (words_of(from.value).empty()) draft.note(from, Fate::same, "it is empty");
}

void translate_files(Draft& draft, const Setting& from) {
  for (const auto& word : words_of(from.value)) draft.set(part_of(from, word), "capture", "file", word);
  if (words_of(from.value).empty()) draft.note(from, Fate::same, "it is empty");
}

void translate_hook(Draft& draft, const Setting& from, std::string_view key, std::string_view reason) {
  const auto words = words_of(from.value);
  if (words.empty()) {
    draft.note(from, Fate::same, "it is empty");
  } else if (words.size() > 1) {
    draft.note(from, Fate::missing, "a hook has no arguments: write a script that calls it with them");
  } else {
    draft.set(from, "capture", key, words.front(), reason);
  }
}

}  // namespace lifeboat::migration
