// SPDX-License-Identifier: GPL-2.0-or-later
// Boot entries: each has its command line itself, so the parameter goes in and out of each. There are no
// lines of our own to tell ours from others'; a record says what was put in, and what it replaced.
#include "reservation/entry_files.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>

#include "base/size.h"
#include "reservation/boot_loader.h"
#include "reservation/words.h"

namespace lifeboat::reservation {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;
using Words = std::vector<std::string>;

constexpr const char* kRecord = "var/lib/lifeboat/reserve.json";
constexpr const char* kKernelCommandLine = "etc/kernel/cmdline";

struct Record {
  std::vector<std::string> values;        // all that were ever set here: new entries are copies of old ones
  std::map<std::string, Words> replaced;  // by file: what a forced setting took away
};

Record parse_record(const std::optional<std::string>& text) {
  Record record;
  if (!text) return record;
  const Json json = Json::parse(*text, nullptr, false);
  // A file of no use is none: what it would have told to be ours is somebody else's then.
  try {
    record.values = json.at("values").get<std::vector<std::string>>();
    for (const auto& [path, words] : json.at("replaced").items()) record.replaced[path] = words.get<Words>();
  } catch (const Json::exception&) {
    return {};
  }
  return record;
}

std::string to_text(const Record& record) {
  return Json{{"values", record.values}, {"replaced", record.replaced}}.dump(2) + "\n";
}

// One command line that stands somewhere in a file.
class Editor {
 public:
  Editor(Record& record, const std::string& value, BootLoaderPlan& plan)
      : record_(record), value_(value), plan_(plan) {}

  // The new text of the command line `text` of `path`.
  std::string edit(const std::string& path, const std::string& where, std::string_view text) {
    const Words now = crashkernel_words(text);
    Words others;
    std::ranges::copy_if(now, std::back_inserter(others),
                         [&](const std::string& word) { return !is_ours(word); });
    if (value_.empty()) {
      // Somebody else's stays, and then there is nothing to bring back.
      const auto replaced = record_.replaced.find(path);
      if (others.empty() && replaced != record_.replaced.end()) others = replaced->second;
      if (others == now) return std::string(text);
      return with_words(without_crashkernel(text), others);
    }
    for (const auto& word : others) plan_.foreign.push_back({where, word});
    if (!others.empty()) record_.replaced[path] = others;
    const Words wanted = {"crashkernel=" + value_};
    return now == wanted ? std::string(text) : with_words(without_crashkernel(text), wanted);
  }

 private:
  [[nodiscard]] bool is_ours(const std::string& word) const {
    return std::ranges::any_of(record_.values,
                               [&](const std::string& value) { return word == "crashkernel=" + value; });
  }
  Record& record_;
  const std::string& value_;
  BootLoaderPlan& plan_;
};

bool has_key(std::string_view line, std::string_view key) {
  return line.starts_with(key) && line.size() > key.size() &&
         (line[key.size()] == ' ' || line[key.size()] == '\t');
}

// Where the value of the last "options" line begins and ends, and its number; the others lose their
// parameter.
struct OptionsLine {
  size_t begin = 0, end = 0, number = 0;
};

std::vector<OptionsLine> options_lines(std::string_view text, bool& linux_entry) {
  std::vector<OptionsLine> lines;
  size_t number = 1;
  for (size_t at = 0; at < text.size(); ++number) {
    const size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = text.substr(at, end - at);
    if (has_key(line, "linux")) linux_entry = true;
    if (has_key(line, "options")) lines.push_back({at + std::string_view("options ").size(), end, number});
    at = end + 1;
  }
  return lines;
}

// Entries as installers write them have one "options" line. Of several, the parameter belongs to the last.
void edit_entry(FileEdit& file, Editor& editor) {
  const std::string text = *file.before;
  bool linux_entry = false;
  const auto lines = options_lines(text, linux_entry);
  if (!linux_entry) return;
  if (lines.empty()) {
    const std::string options = editor.edit(file.path, file.path, "");
    if (options.empty()) return;
    file.after = text + (text.ends_with('\n') ? "" : "\n") + "options " + options + "\n";
    return;
  }
  std::string joined;
  for (const auto& line : lines)
    joined += (joined.empty() ? "" : " ") + text.substr(line.begin, line.end - line.begin);
  const auto last = lines.back();
  const std::string where = fmt::format("{}:{}", file.path, last.number);
  if (lines.size() == 1) {
    file.after = text.substr(0, last.begin) + editor.edit(file.path, where, joined) + text.substr(last.end);
    return;
  }
  const std::string edited = editor.edit(file.path, where, joined);
  if (crashkernel_words(edited) == crashkernel_words(joined)) return;
  std::string after;
  size_t from = 0;
  for (const auto& line : lines) {
    after += text.substr(from, line.begin - from);
    std::string options = without_crashkernel(text.substr(line.begin, line.end - line.begin));
    if (line.number == last.number) options = with_words(options, crashkernel_words(edited));
    after += options;
    from = line.end;
  }
  file.after = after + text.substr(from);
}

}  // namespace

std::vector<std::string> entry_files(const std::string& root) {
  std::vector<std::string> files;
  for (const char* boot : {"efi", "boot", "boot/efi"}) {
    std::error_code error;
    for (const auto& file : fs::directory_iterator(fs::path(root) / boot / "loader/entries", error)) {
      if (file.path().extension() == ".conf") files.push_back(file.path());
    }
  }
  std::ranges::sort(files);
  // /boot and /efi may be one partition, mounted twice or linked.
  std::vector<std::string> distinct;
  for (auto& file : files) {
    const bool known = std::ranges::any_of(distinct, [&](const std::string& other) {
      std::error_code error;
      return fs::equivalent(file, other, error);
    });
    if (!known) distinct.push_back(std::move(file));
  }
  return distinct;
}

Result<BootLoaderPlan> plan_entries(const std::string& root, const std::string& value) {
  BootLoaderPlan plan;
  FileEdit record_file{.path = fs::path(root) / kRecord, .own_record = true};
  record_file.before = TRY(read_if_there(record_file.path));
  Record record = parse_record(record_file.before);
  Editor editor(record, value, plan);
  std::vector<FileEdit> files;
  for (const auto& path : entry_files(root)) {
    FileEdit file{.path = path};
    file.before = TRY(read_if_there(path));
    if (!file.before) continue;
    file.after = file.before;
    edit_entry(file, editor);
    files.push_back(std::move(file));
  }
  FileEdit line{.path = fs::path(root) / kKernelCommandLine};
  line.before = TRY(read_if_there(line.path));
  if (line.before) {
    line.after = editor.edit(line.path, line.path, *line.before);
    files.push_back(std::move(line));
  }
  if (files.empty()) {
    return std::unexpected(
        Error(ErrorCode::not_found, fmt::format("there are no boot entries below {}", root))
            .hint("a unified kernel image has its command line inside: write it to /etc/kernel/cmdline, run "
                  "this "
                  "again, and build the image anew (kernel-install add)"));
  }
  if (value.empty()) {
    record = {};
  } else if (std::ranges::find(record.values, value) == record.values.end()) {
    record.values.push_back(value);
  }
  if (!value.empty()) record_file.after = to_text(record);
  // First of all, and last to go: without it nobody could tell our parameter from somebody else's.
  if (!value.empty() && record_file.changes()) plan.edits.push_back(record_file);
  for (auto& file : files) {
    if (file.changes()) plan.edits.push_back(std::move(file));
  }
  if (value.empty() && record_file.changes()) plan.edits.push_back(record_file);
  return plan;
}

}  // namespace lifeboat::reservation
