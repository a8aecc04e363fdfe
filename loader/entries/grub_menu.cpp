// SPDX-License-Identifier: GPL-2.0-or-later
// The menu of a grub.cfg: its entries, the default, and what happens when that cannot be booted.
#include <algorithm>

#include "loader/entries/grub_evaluator.h"

namespace lifeboat::grub {
namespace {

constexpr size_t kMaxEntries = 1000;
constexpr size_t kMaxFallbacks = 100;

std::vector<EntryName> names_of(const auto& menu) {
  std::vector<EntryName> names;
  for (const auto& entry : menu) names.push_back(entry.name);
  return names;
}

// Words of white space.
std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> words;
  while (!text.empty()) {
    text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
    const std::string_view word = text.substr(0, text.find_first_of(" \t"));
    if (!word.empty()) words.emplace_back(word);
    text.remove_prefix(word.size());
  }
  return words;
}

struct EntryOptions {
  std::vector<std::string> arguments;
  std::optional<std::string> id;
  std::optional<std::string> source;
};

// Options may stand anywhere among the arguments; "--id=x" and "--id x" are the same. An option that GRUB
// does not know is an argument.
EntryOptions parse_options(const std::vector<std::string>& words) {
  EntryOptions options;
  for (size_t i = 1; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (word == "--") {
      options.arguments.insert(options.arguments.end(), words.begin() + static_cast<ptrdiff_t>(i) + 1,
                               words.end());
      break;
    }
    const size_t equals = word.starts_with("--") ? word.find('=') : std::string::npos;
    const std::string name = word.substr(0, equals);
    if (name == "--unrestricted") continue;
    if (name != "--class" && name != "--users" && name != "--hotkey" && name != "--source" &&
        name != "--id") {
      options.arguments.push_back(word);
      continue;
    }
    std::string value;
    if (equals != std::string::npos) {
      value = word.substr(equals + 1);
    } else if (i + 1 < words.size() && !words[i + 1].starts_with('-')) {
      value = words[++i];
    }
    if (name == "--id") options.id = value;
    if (name == "--source") options.source = value;
  }
  return options;
}

}  // namespace

Result<Evaluator::Status> Evaluator::add_entry(const Arguments& words, const BlockPointer& block) {
  EntryOptions options = parse_options(words);
  // GRUB prints an error, and the menu goes on without this entry.
  if (options.arguments.empty() || (block == nullptr) == !options.source) return Status::failure;
  if (menu_.size() >= kMaxEntries)
    return fail(ErrorCode::unsupported, "{}: a menu with more than {} entries", here(), kMaxEntries);
  MenuEntry entry{
      .name = {.title = options.arguments.front(), .id = options.id.value_or(options.arguments.front())},
      .file = file_,
      .line = line_,
      .submenu = words.front() == "submenu",
      .parameters = std::move(options.arguments),
      .body = block,
      .broken = {},
      .unset = {}};
  if (!entry.body) {
    auto body = parse_script(*options.source, here());
    if (body) entry.body = *std::move(body);
    if (!entry.body) entry.broken = "its --source cannot be read";
  }
  menu_.push_back(std::move(entry));
  return Status::success;
}

Result<size_t> Evaluator::default_index(const std::vector<MenuEntry>& menu) {
  const std::string value = environment_.get("default");
  if (!is_known(value))
    return fail(ErrorCode::unsupported, "{}: the default entry depends on {}, which is not known here",
                config_, unknown_parts(value));
  const auto names = names_of(menu);
  const DefaultEntry found = find_default(names, value, rule());
  if (found.ambiguous)
    return fail(ErrorCode::unsupported,
                "{}: the default '{}' is a name for some versions of GRUB and a number for others", config_,
                value);
  if (found.index) return *found.index;
  const bool unclear = std::ranges::any_of(
      names, [](const EntryName& name) { return !is_known(name.title) || !is_known(name.id); });
  if (unclear && !value.empty())
    return fail(ErrorCode::unsupported, "{}: cannot find the default '{}' among entries of unknown names",
                config_, value);
  if (!value.empty())
    note(fmt::format(
        "the default '{}' is not in GRUB's menu ({}): the first entry, '{}', is taken as GRUB does", value,
        config_, shown(menu.front().name.title)));
  return 0;
}

Result<std::optional<Booted>> Evaluator::run_menu(const std::string& above) {
  const std::vector<MenuEntry> menu = std::exchange(menu_, {});
  const size_t index = TRY(default_index(menu));
  // A submenu may be made by a function that makes a submenu, and so on.
  TRY_VOID(enter());
  auto chosen = TRY(run_entry(menu[index], above));
  if (!chosen) chosen = TRY(run_fallback(menu, index, above));
  --depth_;
  return chosen;
}

Result<std::optional<Booted>> Evaluator::run_fallback(const std::vector<MenuEntry>& menu, size_t failed,
                                                      const std::string& above) {
  const std::string value = environment_.get("fallback");
  if (!is_known(value))
    return fail(ErrorCode::unsupported, "{}: the fallback entry depends on {}, which is not known here",
                config_, unknown_parts(value));
  auto words = split(value);
  words.resize(std::min(words.size(), kMaxFallbacks));
  const auto names = names_of(menu);
  for (const auto& word : words) {
    const auto found = find_default(names, word, rule()).index;
    if (!found) break;
    const MenuEntry& entry = menu[*found];
    auto chosen = TRY(run_entry(entry, above));
    if (!chosen) continue;
    note(fmt::format("the default boot entry '{}' cannot be booted ({}): GRUB falls back to '{}'",
                     shown(menu[failed].name.title), problems_.empty() ? "" : problems_.front(),
                     shown(entry.name.title)));
    return chosen;
  }
  return std::nullopt;
}

Result<std::optional<Booted>> Evaluator::run_entry(const MenuEntry& entry, const std::string& above) {
  const std::string title = above.empty() ? entry.name.title : above + ">" + entry.name.title;
  TRY_VOID(budget_.spend(title.size()));
  file_ = entry.file;
  line_ = entry.line;
  if (!entry.body) {
    TRY_VOID(problem(entry.broken));
    return std::nullopt;
  }
  loaded_.reset();
  foreign_.clear();
  TRY_VOID(environment_.set("chosen", title));
  environment_.export_name("chosen");
  if (entry.submenu) return run_submenu(entry, title);
  const std::string outer_default = environment_.get("default");
  if (const auto rest = rest_of_default(outer_default)) TRY_VOID(environment_.set("default", *rest));
  const size_t problems = problems_.size();
  const Status status = TRY(call({.file = entry.file, .body = entry.body}, entry.parameters));
  TRY_VOID(environment_.set("default", outer_default));
  if (booted_) return std::exchange(booted_, std::nullopt);
  if (problems_.size() > problems) return std::nullopt;
  if (status == Status::failure && flow_ != Flow::ended) {
    TRY_VOID(problem(fmt::format("the last command of '{}' fails", shown(title))));
    return std::nullopt;
  }
  flow_ = Flow::normal;
  return booted(entry, title);
}

Result<std::optional<Booted>> Evaluator::run_submenu(const MenuEntry& entry, const std::string& title) {
  const auto rest = rest_of_default(environment_.get("default"));
  TRY_VOID(budget_.spend(environment_.size()));
  environment_.open_context();
  if (rest) TRY_VOID(environment_.set("default", *rest));
  TRY_VOID(call({.file = entry.file, .body = entry.body}, entry.parameters));
  std::optional<Booted> chosen;
  if (booted_) {
    chosen = std::exchange(booted_, std::nullopt);
  } else if (flow_ == Flow::ended) {
    chosen = TRY(booted(entry, title));
  } else if (!menu_.empty()) {
    chosen = TRY(run_menu(title));
  } else {
    TRY_VOID(problem(fmt::format("the submenu '{}' has no entries", shown(title))));
  }
  flow_ = Flow::normal;
  environment_.close_context();
  return chosen;
}

// What is loaded now is what GRUB would boot.
Result<std::optional<Booted>> Evaluator::booted(const MenuEntry& entry, const std::string& title) {
  if (!foreign_.empty())
    return std::unexpected(
        Error(ErrorCode::unsupported,
              fmt::format("the default boot entry '{}' ({}:{}) starts no Linux kernel but "
                          "another program: {}",
                          shown(title), entry.file, entry.line, shown(foreign_)))
            .hint("name the kernel: lifeboat load --boot-name NAME, or lifeboat load KERNEL --initrd FILE "
                  "--reuse-cmdline"));
  if (!loaded_) {
    TRY_VOID(problem(fmt::format("'{}' loads no kernel", shown(title))));
    return std::nullopt;
  }
  Booted result{.title = shown(title),
                .id = shown(entry.name.id),
                .where = entry.line == 0 ? entry.file : fmt::format("{}:{}", entry.file, entry.line),
                .loaded = *std::move(loaded_)};
  result.loaded.unset.insert(result.loaded.unset.end(), entry.unset.begin(), entry.unset.end());
  return result;
}

}  // namespace lifeboat::grub
