// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/entries/grub_bls.h"

#include <algorithm>
#include <cctype>
#include <compare>
#include <filesystem>

#include "loader/entries/boot_entry_file.h"
#include "src/base/file.h"

namespace lifeboat::grub {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxEntries = 500;
constexpr std::string_view kEnding = ".conf";

bool is_digit(char c) {
  return std::isdigit(static_cast<unsigned char>(c)) != 0;
}
bool is_letter(char c) {
  return std::isalpha(static_cast<unsigned char>(c)) != 0;
}

// Takes the characters at the beginning of which `belongs` is true.
template <typename Predicate>
std::string_view take_while(std::string_view& text, Predicate belongs) {
  size_t size = 0;
  while (size < text.size() && belongs(text[size])) ++size;
  const std::string_view taken = text.substr(0, size);
  text.remove_prefix(size);
  return taken;
}

std::strong_ordering compare_numbers(std::string_view a, std::string_view b) {
  const auto is_zero = [](char c) { return c == '0'; };
  take_while(a, is_zero);
  take_while(b, is_zero);
  if (a.size() != b.size()) return a.size() <=> b.size();
  return a <=> b;
}

// By runs of digits and of letters; what separates them does not count. '~' is older than the end, a number
// newer than letters, '+' newer than the end and older than anything else.
std::strong_ordering compare_rpm(std::string_view a, std::string_view b) {
  const auto separates = [](char c) { return !is_digit(c) && !is_letter(c) && c != '~' && c != '+'; };
  for (;;) {
    take_while(a, separates);
    take_while(b, separates);
    for (const char mark : {'~', '+'}) {
      const bool in_a = a.starts_with(mark);
      const bool in_b = b.starts_with(mark);
      if (!in_a && !in_b) continue;
      if (in_a && in_b) break;
      if (mark == '+' && (a.empty() || b.empty())) return b.empty() <=> a.empty();
      return in_b <=> in_a;
    }
    if (a.starts_with('~') || a.starts_with('+')) {
      a.remove_prefix(1);
      b.remove_prefix(1);
      continue;
    }
    if (a.empty() || b.empty()) return b.empty() <=> a.empty();
    const bool numbers = is_digit(a.front());
    const auto belongs = [&](char c) { return numbers ? is_digit(c) : is_letter(c); };
    const std::string_view of_a = take_while(a, belongs);
    const std::string_view of_b = take_while(b, belongs);
    if (of_b.empty()) return numbers ? std::strong_ordering::greater : std::strong_ordering::less;
    const auto order = numbers ? compare_numbers(of_a, of_b) : of_a <=> of_b;
    if (order != 0) return order;
  }
}

// "kernel-6.1-2" is of the name kernel, version 6.1, release 2. With less of them, what there is are the
// first ones.
struct Package {
  std::string_view name, version, release;
};
Package split(std::string_view id) {
  const auto behind_last = [&]() -> std::optional<std::string_view> {
    const size_t dash = id.rfind('-');
    if (dash == id.npos) return std::nullopt;
    const std::string_view part = id.substr(dash + 1);
    id = id.substr(0, dash);
    return part;
  };
  const auto release = behind_last();
  const auto version = behind_last();
  if (!version) return {.name = id, .version = release.value_or(""), .release = {}};
  return {.name = id, .version = *version, .release = *release};
}

std::strong_ordering compare_ids(std::string_view a, std::string_view b) {
  const Package left = split(a);
  const Package right = split(b);
  if (const auto order = compare_rpm(left.name, right.name); order != 0) return order;
  if (const auto order = compare_rpm(left.version, right.version); order != 0) return order;
  return compare_rpm(left.release, right.release);
}

// A variable and the space behind it give way to its value and a space.
std::string with_variables(std::string_view text, const Environment& environment,
                           std::vector<std::string>& unset) {
  std::string expanded;
  while (!text.empty()) {
    const size_t dollar = text.find('$');
    expanded += text.substr(0, dollar);
    if (dollar == text.npos) break;
    text.remove_prefix(dollar + 1);
    const bool escaped = expanded.ends_with('\\');
    const auto belongs = [](char c) { return is_digit(c) || is_letter(c) || c == '_'; };
    const std::string_view name = escaped ? std::string_view() : take_while(text, belongs);
    if (name.empty()) {
      // Read when the script is.
      expanded += '$';
      continue;
    }
    const std::string* value = environment.find(std::string(name));
    if (value == nullptr) unset.emplace_back(name);
    if (value != nullptr) expanded += *value + " ";
    if (text.starts_with(' ')) text.remove_prefix(1);
  }
  return expanded;
}

// The early initramfs images lie beside the first initramfs, or the kernel.
std::vector<std::string> early_images(const std::string& names, const std::string& beside) {
  std::vector<std::string> images;
  std::string_view rest = names;
  while (!rest.empty()) {
    const std::string_view name = rest.substr(0, rest.find(' '));
    rest.remove_prefix(std::min(name.size() + 1, rest.size()));
    if (!name.empty()) images.push_back(beside.substr(0, beside.rfind('/') + 1) + std::string(name));
  }
  return images;
}

std::optional<BlsEntry> read_entry(const std::string& folder, const std::string& name,
                                   const Environment& environment) {
  const std::string path = folder + "/" + name;
  const auto text = read_text(path, kLargestBootEntryFile);
  if (!text) return std::nullopt;
  BlsEntry entry{.id = name.substr(0, name.size() - kEnding.size()),
                 .title = {},
                 .file = path,
                 .script = {},
                 .unset = {}};
  std::string kernel;
  std::optional<std::string> options;
  std::vector<std::string> images;
  for (auto& [key, value] : parse_key_lines(*text)) {
    // Of each but `initrd` the first line counts.
    if (key == "title" && entry.title.empty()) entry.title = value;
    if (key == "linux" && kernel.empty()) kernel = value;
    if (key == "options" && !options) options = value;
    if (key == "initrd") images.push_back(value);
  }
  if (kernel.empty()) return std::nullopt;
  if (entry.title.empty()) entry.title = kernel;
  if (!options) options = environment.get("default_kernelopts");
  const auto early = early_images(environment.get("early_initrd"), images.empty() ? kernel : images.front());
  images.insert(images.begin(), early.begin(), early.end());
  entry.script = "linux ($root)" + kernel + " " + with_variables(*options, environment, entry.unset) + "\n";
  if (!images.empty()) entry.script += "initrd";
  for (const auto& image : images) entry.script += " ($root)" + image;
  entry.script += "\n";
  return entry;
}

}  // namespace

bool is_above(std::string_view a, std::string_view b) {
  return compare_ids(a, b) > 0;
}

std::vector<BlsEntry> read_bls_entries(const std::string& folder, const Environment& environment) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end && names.size() < kMaxEntries;
       it.increment(error)) {
    std::string name = it->path().filename().string();
    std::error_code ignored;
    if (name.starts_with('.') || name.size() <= kEnding.size() || !name.ends_with(kEnding)) continue;
    if (it->is_regular_file(ignored)) names.push_back(std::move(name));
  }
  std::ranges::sort(names);
  std::vector<BlsEntry> entries;
  for (const auto& name : names)
    if (auto entry = read_entry(folder, name, environment)) entries.push_back(*std::move(entry));
  std::ranges::stable_sort(entries,
                           [](const BlsEntry& a, const BlsEntry& b) { return is_above(a.id, b.id); });
  // Of two that compare as equal GRUB shows one.
  const auto same = [](const BlsEntry& a, const BlsEntry& b) { return compare_ids(a.id, b.id) == 0; };
  entries.erase(std::ranges::unique(entries, same).begin(), entries.end());
  return entries;
}

}  // namespace lifeboat::grub
