// SPDX-License-Identifier: GPL-2.0-or-later
// Boot entries: each has its own command line, so the parameter is added and removed in each. A parameter of
// ours cannot be marked there; a record holds what was added, and what it replaced.
#include "src/reservation/entry_files.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>

#include "src/base/size.h"
#include "src/base/text.h"
#include "src/reservation/boot_loader.h"
#include "src/reservation/crashkernel_parameters.h"

namespace lifeboat::reservation {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;
using Words = std::vector<std::string>;

constexpr const char* kRecord = "var/lib/lifeboat/reserve.json";
constexpr const char* kKernelCommandLine = "etc/kernel/cmdline";

struct Record {
  std::vector<std::string> values;        // all that were ever set here: new entries are copies of old ones
  std::map<std::string, Words> replaced;  // by file: what a forced setting replaced
};

Record parse_record(const std::optional<std::string>& text) {
  Record record;
  if (!text) return record;
  const Json json = Json::parse(*text, nullptr, false);
  // An invalid record counts as missing: all parameters are then treated as foreign.
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

// Edits one command line in a file.
class Editor {
 public:
  Editor(Record& record, const std::string& value, BootLoaderPlan& plan)
      : record_(record), value_(value), plan_(plan) {}

  // The new text of the command line `text` of `path`.
  std::string edit(const std::string& path, const std::string& where, std::string_view text) {
    ++command_lines_;
    const Words now = crashkernel_parameters(text);
    Words others;
    std::ranges::copy_if(now, std::back_inserter(others),
                         [&](const std::string& word) { return !is_ours(word); });
    for (const auto& word : others) plan_.foreign.push_back({where, word});
    if (value_.empty()) {
      // A foreign parameter stays, and then there is nothing to restore.
      const auto replaced = record_.replaced.find(path);
      if (others.empty() && replaced != record_.replaced.end()) others = replaced->second;
      if (others == now) return std::string(text);
      return with_parameters(without_crashkernel(text), others);
    }
    if (!others.empty()) record_.replaced[path] = others;
    const Words wanted = parameters_of(value_);
    return now == wanted ? std::string(text) : with_parameters(without_crashkernel(text), wanted);
  }
  // The number of command lines edited.
  [[nodiscard]] size_t command_lines() const { return command_lines_; }

 private:
  [[nodiscard]] bool is_ours(const std::string& word) const {
    return std::ranges::any_of(record_.values, [&](const std::string& value) {
      const auto parameters = parameters_of(value);
      return std::ranges::find(parameters, word) != parameters.end();
    });
  }
  Record& record_;
  const std::string& value_;
  BootLoaderPlan& plan_;
  size_t command_lines_ = 0;
};

// Where the value of a line "KEY VALUE" begins, white space in front or not; npos: it has another key.
size_t value_of_key(std::string_view line, std::string_view key) {
  const size_t begin = std::min(line.find_first_not_of(" \t"), line.size());
  const size_t end = begin + key.size();
  const bool has_key =
      line.substr(begin).starts_with(key) && line.size() > end && (line[end] == ' ' || line[end] == '\t');
  return has_key ? end + 1 : std::string_view::npos;
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
    if (value_of_key(line, "linux") != std::string_view::npos) linux_entry = true;
    if (const size_t value = value_of_key(line, "options"); value != std::string_view::npos)
      lines.push_back({at + value, end, number});
    at = end + 1;
  }
  return lines;
}

// Entries as installers write them have one "options" line. Of several, the last gets the parameter.
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
    const std::string options = editor.edit(file.path, where, joined);
    const bool emptied = trim(options).empty() && !trim(joined).empty();
    // A line that had only our parameter was added by us.
    const size_t begin = emptied ? text.rfind('\n', last.begin) + 1 : last.begin;
    const size_t end = emptied ? std::min(last.end + 1, text.size()) : last.end;
    file.after = text.substr(0, begin) + (emptied ? "" : options) + text.substr(end);
    return;
  }
  const std::string edited = editor.edit(file.path, where, joined);
  if (crashkernel_parameters(edited) == crashkernel_parameters(joined)) return;
  std::string after;
  size_t from = 0;
  for (const auto& line : lines) {
    after += text.substr(from, line.begin - from);
    std::string options = without_crashkernel(text.substr(line.begin, line.end - line.begin));
    if (line.number == last.number) options = with_parameters(options, crashkernel_parameters(edited));
    after += options;
    from = line.end;
  }
  file.after = after + text.substr(from);
}

// /etc/kernel/cmdline. Comments after the last command line stay after it: kernel-install ignores comments,
// and a parameter added to one would be lost.
void edit_command_line_file(FileEdit& file, Editor& editor) {
  const std::string text = *file.before;
  size_t end = 0;
  for (size_t at = 0; at < text.size();) {
    const size_t next = std::min(text.find('\n', at), text.size() - 1) + 1;
    const std::string_view line = trim(std::string_view(text).substr(at, next - at));
    if (!line.empty() && !line.starts_with('#')) end = next;
    at = next;
  }
  const std::string edited = editor.edit(file.path, file.path, text.substr(0, end));
  const bool first_of_all = end == 0 && !edited.empty() && !text.empty();
  file.after = edited + (first_of_all ? "\n" : "") + text.substr(end);
}

// Images and kernels that a change of the entries does not affect.
std::vector<std::string> notes_for(const std::string& root, bool has_command_line_file) {
  std::vector<std::string> notes;
  for (const char* boot : {"efi", "boot", "boot/efi"}) {
    std::error_code error;
    for (const auto& image : fs::directory_iterator(fs::path(root) / boot / "EFI/Linux", error)) {
      if (image.path().extension() != ".efi") continue;
      notes.push_back(fmt::format("{} contains its command line: rebuild it (kernel-install add)",
                                  image.path().string()));
    }
  }
  if (!has_command_line_file)
    notes.emplace_back(
        "there is no /etc/kernel/cmdline: a kernel that is installed before the next boot gets the running "
        "kernel's command line; 'lifeboat reserve set again', which kernel-install's hook runs, corrects "
        "that");
  return notes;
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
  const bool has_command_line_file = line.before.has_value();
  if (line.before) {
    edit_command_line_file(line, editor);
    files.push_back(std::move(line));
  }
  if (!value.empty() && editor.command_lines() == 0) {
    return std::unexpected(
        Error(ErrorCode::not_found, fmt::format("there is no boot entry with a command line below {}", root))
            .hint("a unified kernel image contains its command line: write it to /etc/kernel/cmdline, run "
                  "this again, and rebuild the image (kernel-install add)"));
  }
  if (!value.empty()) plan.notes = notes_for(root, has_command_line_file);
  if (value.empty()) {
    record = {};
  } else {
    // The last one is the current one.
    std::erase(record.values, value);
    record.values.push_back(value);
  }
  if (!value.empty()) record_file.after = to_text(record);
  // Written first and removed last: without it our parameter cannot be distinguished from a foreign one.
  if (!value.empty() && record_file.changes()) plan.edits.push_back(record_file);
  for (auto& file : files) {
    if (file.changes()) plan.edits.push_back(std::move(file));
  }
  if (value.empty() && record_file.changes()) plan.edits.push_back(record_file);
  return plan;
}

std::optional<std::string> remembered_value(const std::string& root) {
  const auto text = read_if_there(fs::path(root) / kRecord);
  const Record record = parse_record(text.value_or(std::nullopt));
  return record.values.empty() ? std::nullopt : std::optional(record.values.back());
}

}  // namespace lifeboat::reservation
