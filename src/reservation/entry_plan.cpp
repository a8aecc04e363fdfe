// SPDX-License-Identifier: GPL-2.0-or-later
// Boot entries: each has its own command line, so the parameter is added and removed in each; or all have
// GRUB's $kernelopts, which is a variable of its environment block.
#include <fmt/core.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <iterator>
#include <utility>

#include "loader/grubenv.h"
#include "src/base/file.h"
#include "src/base/size.h"
#include "src/base/text.h"
#include "src/reservation/boot_loader.h"
#include "src/reservation/command_line_editor.h"
#include "src/reservation/crashkernel_parameters.h"
#include "src/reservation/entry_files.h"
#include "src/reservation/file_loaders.h"
#include "src/reservation/recorded_plan.h"

namespace lifeboat::reservation {
namespace {

namespace fs = std::filesystem;
using Carries = CommandLineEditor::Carries;
using Spans = std::vector<TextSpan>;

constexpr const char* kKernelCommandLine = "etc/kernel/cmdline";
constexpr std::string_view kOptionsVariable = "kernelopts";

struct EntryPlan {
  std::string root;
  CommandLineEditor& editor;
  std::vector<FileEdit> files;
  std::vector<std::string> used_variables;  // that entries expand: "kernelopts"
  bool options_in_block = false;            // an environment block has kernelopts
};

Result<Spans> lines_of(const FileEdit& file, CommandLineForm form, std::string_view name) {
  return find_command_lines(form, *file.before, name, file.path);
}

// "$kernelopts $tuned_params" -> kernelopts, tuned_params
void note_variables(std::string_view text, std::vector<std::string>& names) {
  for (size_t at = text.find('$'); at != std::string_view::npos; at = text.find('$', at + 1)) {
    size_t begin = at + 1;
    if (text.substr(begin).starts_with('{')) ++begin;
    size_t end = begin;
    while (end < text.size() &&
           (std::isalnum(static_cast<unsigned char>(text[end])) != 0 || text[end] == '_'))
      ++end;
    const std::string name(text.substr(begin, end - begin));
    if (!name.empty() && std::ranges::find(names, name) == names.end()) names.push_back(name);
  }
}

bool uses(const std::vector<std::string>& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

// A line that had only our parameter was added by us.
void remove_emptied_line(FileEdit& file, const Spans& lines) {
  const std::string& before = *file.before;
  const TextSpan& line = lines.front();
  if (lines.size() != 1 || trim(before.substr(line.begin, line.end - line.begin)).empty()) return;
  const size_t shrunk = before.size() - file.after->size();
  if (file.after->size() > before.size() || shrunk > line.end - line.begin) return;
  const size_t end = line.end - shrunk;
  if (!trim(file.after->substr(line.begin, end - line.begin)).empty()) return;
  const size_t newline = before.rfind('\n', line.begin);
  const size_t begin = newline == std::string::npos ? 0 : newline + 1;
  file.after = before.substr(0, begin) + before.substr(std::min(line.end + 1, before.size()));
}

Result<> edit_entry(EntryPlan& plan, FileEdit& file) {
  if (TRY(lines_of(file, CommandLineForm::options_lines, "linux")).empty()) return {};
  const Spans lines = TRY(lines_of(file, CommandLineForm::options_lines, "options"));
  if (lines.empty()) {
    const std::string options = plan.editor.edit(file.path, file.path, "");
    if (options.empty()) return {};
    file.after = *file.before + (file.before->ends_with('\n') ? "" : "\n") + "options " + options + "\n";
    return {};
  }
  std::vector<std::string> variables;
  for (const auto& line : lines)
    note_variables(std::string_view(*file.before).substr(line.begin, line.end - line.begin), variables);
  std::ranges::copy(variables, std::back_inserter(plan.used_variables));
  if (plan.options_in_block && uses(variables, kOptionsVariable)) {
    // The variable gets it, and an entry that has one besides would contradict.
    std::string after = *file.before;
    for (size_t at = lines.size(); at-- > 0;) {
      const auto& line = lines[at];
      const std::string where = fmt::format("{}:{}", file.path, line.line);
      const std::string options = after.substr(line.begin, line.end - line.begin);
      after.replace(
          line.begin, options.size(),
          plan.editor.edit(fmt::format("{}#{}", file.path, at + 1), where, options, Carries::elsewhere));
    }
    file.after = std::move(after);
    return {};
  }
  plan.editor.edit_file(file, CommandLineForm::options_lines, lines);
  remove_emptied_line(file, lines);
  return {};
}

Result<> edit_entries(EntryPlan& plan) {
  for (const auto& path : entry_files(plan.root)) {
    FileEdit file{.path = path};
    file.before = TRY(read_if_there(path));
    if (!file.before) continue;
    file.after = file.before;
    TRY_VOID(edit_entry(plan, file));
    plan.files.push_back(std::move(file));
  }
  return {};
}

// Returns whether the file exists.
Result<bool> edit_kernel_command_line(EntryPlan& plan) {
  FileEdit file{.path = fs::path(plan.root) / kKernelCommandLine};
  file.before = TRY(read_if_there(file.path));
  if (!file.before) return false;
  file.after = file.before;
  plan.editor.edit_file(file, CommandLineForm::whole_file,
                        TRY(lines_of(file, CommandLineForm::whole_file, "")));
  plan.files.push_back(std::move(file));
  return true;
}

// The variables that entries expand. Of them kernelopts gets our parameter; another one only loses that of
// others.
Result<> edit_environment(EntryPlan& plan, std::vector<std::string>& notes) {
  for (const auto& path : grub_environment_files(plan.root)) {
    FileEdit file{.path = path};
    file.before = TRY(read_if_there(path));
    if (!file.before) continue;
    file.after = file.before;
    for (const auto& [name, value] : grub_variables(*file.before)) {
      const std::string where = fmt::format("{}: {}", path, name);
      if (!uses(plan.used_variables, name)) {
        for (const auto& word : crashkernel_parameters(value))
          notes.push_back(fmt::format("{} has {}, but no boot entry uses that variable", where, word));
        continue;
      }
      const std::string edited = plan.editor.edit(
          where, where, value, name == kOptionsVariable ? Carries::here : Carries::elsewhere);
      if (edited != value) file.after = TRY(with_grub_variable(path, *file.after, name, edited));
    }
    plan.files.push_back(std::move(file));
  }
  return {};
}

// From which grub2-mkconfig makes kernelopts, and kernel packages new entries: a setting of another size
// there would come back.
Result<> edit_grub_defaults(EntryPlan& plan) {
  if (!grub_reads_entries(plan.root)) return {};
  FileEdit file{.path = fs::path(plan.root) / "etc/default/grub"};
  file.before = TRY(read_if_there(file.path));
  if (!file.before) return {};
  file.after = file.before;
  for (const char* variable : {"GRUB_CMDLINE_LINUX", "GRUB_CMDLINE_LINUX_DEFAULT"}) {
    const Spans lines = TRY(lines_of(file, CommandLineForm::shell_variable, variable));
    const bool has_any = std::ranges::any_of(lines, [&](const TextSpan& line) {
      return !crashkernel_parameters(std::string_view(*file.before).substr(line.begin, line.end - line.begin))
                  .empty();
    });
    // It is added to one of them, and only where kernelopts are made from it.
    const bool adds = variable == std::string_view("GRUB_CMDLINE_LINUX") && plan.options_in_block;
    if (lines.empty() || (!has_any && !adds)) continue;
    FileEdit part = file;
    part.before = file.after;
    plan.editor.edit_file(part, CommandLineForm::shell_variable,
                          TRY(lines_of(part, CommandLineForm::shell_variable, variable)));
    file.after = part.after;
  }
  plan.files.push_back(std::move(file));
  return {};
}

// What grub.cfg itself sets ("set default_kernelopts=...") is used where the environment block has nothing.
void find_in_grub_config(const std::string& root, std::vector<std::string>& notes) {
  for (const char* config : {"boot/grub2/grub.cfg", "boot/grub/grub.cfg"}) {
    const auto text = read_text(fs::path(root) / config, 4_MiB);
    if (!text) continue;
    for (const auto& line :
         find_command_lines(CommandLineForm::options_lines, *text, "set", config).value_or(Spans())) {
      for (const auto& word :
           crashkernel_parameters(std::string_view(*text).substr(line.begin, line.end - line.begin)))
        notes.push_back(fmt::format("/{}:{} sets a variable with {}: entries that expand it get that too",
                                    config, line.line, word));
    }
  }
}

bool options_in_block(const std::string& root) {
  return std::ranges::any_of(grub_environment_files(root), [](const std::string& path) {
    const auto text = read_if_there(path);
    const auto variables = grub_variables(text.value_or(std::nullopt).value_or(""));
    return std::ranges::find(variables, kOptionsVariable, &GrubVariable::name) != variables.end();
  });
}

// zipl copies the kernels and command lines of the entries into its boot record.
bool has_zipl(const std::string& root) {
  std::error_code error;
  return fs::exists(fs::path(root) / "etc/zipl.conf", error) &&
         (fs::exists(fs::path(root) / "usr/sbin/zipl", error) ||
          fs::exists(fs::path(root) / "sbin/zipl", error));
}

void add_images(const std::string& root, const std::string& value, RecordedChange& change) {
  const auto images = images_without(root, parameters_of(value));
  if (value.empty() || images.empty()) return;
  change.agrees = false;
  LoaderFiles unified = loader_files(BootLoader::unified, root);
  if (!unified.command.empty()) {
    change.commands.push_back(std::move(unified.command));
    return;
  }
  for (const auto& image : images)
    change.by_hand.push_back(
        fmt::format("{} contains its command line: rebuild it (kernel-install add)", image));
}

constexpr const char* kNoCommandLineFile =
    "there is no /etc/kernel/cmdline: a kernel that is installed before the next boot gets the running "
    "kernel's "
    "command line; 'lifeboat reserve set again', which kernel-install's hook runs, corrects that";

std::unexpected<Error> no_command_line(const std::string& root) {
  return std::unexpected(
      Error(ErrorCode::not_found, fmt::format("there is no boot entry with a command line below {}", root))
          .hint("a unified kernel image contains its command line: write it to /etc/kernel/cmdline, run "
                "this again, and rebuild the image (kernel-install add)"));
}

}  // namespace

Result<BootLoaderPlan> plan_entries(const std::string& root, const std::string& value, BootLoader loader) {
  BootLoaderPlan plan;
  RecordedChange change = TRY(begin_change(root));
  CommandLineEditor editor(change.after, value, plan.foreign);
  EntryPlan entries{.root = root,
                    .editor = editor,
                    .files = {},
                    .used_variables = {},
                    .options_in_block = options_in_block(root)};
  TRY_VOID(edit_entries(entries));
  const bool has_file = TRY(edit_kernel_command_line(entries));
  TRY_VOID(edit_environment(entries, plan.notes));
  if (!value.empty() && editor.command_lines() == 0) return no_command_line(root);
  TRY_VOID(edit_grub_defaults(entries));
  find_in_grub_config(root, plan.notes);
  if (!value.empty() && !has_file && !entries.options_in_block) plan.notes.emplace_back(kNoCommandLineFile);
  change.files = std::move(entries.files);
  if (has_zipl(root)) change.commands.push_back({"zipl"});
  add_images(root, value, change);
  finish_plan(loader, value, std::move(change), plan);
  return plan;
}

}  // namespace lifeboat::reservation
