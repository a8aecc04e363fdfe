// SPDX-License-Identifier: GPL-2.0-or-later
// Boot loaders whose command line is in a file or a few (file_loaders.h).
#include <fmt/core.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <string_view>
#include <utility>

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

size_t lines_in(std::string_view text) {
  size_t lines = 0;
  while (!text.empty()) {
    const auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (!trim(line).empty() && !trim(line).starts_with('#')) ++lines;
  }
  return lines;
}

// A drop-in of lifeboat's own: nothing but the parameter is in it.
void edit_own(FileEdit& file, const std::string& value) {
  std::string line;
  for (const auto& word : parameters_of(value)) line += (line.empty() ? "" : " ") + word;
  file.after = value.empty() ? std::nullopt : std::optional(line + "\n");
}

std::unexpected<Error> no_command_line(const FileEdit& file, const LoaderFile& described) {
  if (described.form == CommandLineForm::shell_variable) {
    return std::unexpected(
        Error(ErrorCode::not_found, fmt::format("{} does not set {}", file.path, described.name))
            .hint(fmt::format("add a line {}=\"...\" with the parameters of your kernel (cat /proc/cmdline), "
                              "then try again",
                              described.name)));
  }
  return std::unexpected(
      Error(ErrorCode::not_found, fmt::format("{} has no command line", file.path))
          .hint("write the kernel's parameters there (cat /proc/cmdline), then try again"));
}

Result<> edit_described(const LoaderFile& described, FileEdit& file, CommandLineEditor& editor,
                        const std::string& value) {
  const bool own = described.may_be_made && fs::path(described.path).filename() == "lifeboat.conf";
  if (own) {
    edit_own(file, value);
    return {};
  }
  if (!file.before && described.may_be_made) {
    if (!value.empty()) edit_own(file, value);
    return {};
  }
  const auto lines = TRY(find_command_lines(described.form, *file.before, described.name, file.path));
  const bool empty =
      described.form == CommandLineForm::whole_file && !described.may_be_made && lines_in(*file.before) == 0;
  // A command line of crashkernel= alone would not find its root file system.
  if (!value.empty() && (lines.empty() || empty)) return no_command_line(file, described);
  if (described.one_line && lines_in(*file.before) > 1) {
    return std::unexpected(
        Error(ErrorCode::corrupt,
              fmt::format("{} has several lines: only the first is used at boot", file.path))
            .hint("write all parameters in one line, then try again"));
  }
  editor.edit_file(file, described.form, lines);
  return {};
}

Result<> edit_files(const LoaderFiles& files, const std::string& root, CommandLineEditor& editor,
                    const std::string& value, RecordedChange& change) {
  for (const auto& described : files.files) {
    FileEdit file{.path = fs::path(root) / described.path};
    file.before = TRY(read_if_there(file.path));
    file.after = file.before;
    if (!file.before && !described.may_be_made) continue;
    TRY_VOID(edit_described(described, file, editor, value));
    change.files.push_back(std::move(file));
  }
  return {};
}

std::unexpected<Error> no_files(BootLoader loader, const std::string& root) {
  if (loader == BootLoader::unified || loader == BootLoader::sdbootutil) {
    return std::unexpected(
        Error(ErrorCode::not_found, fmt::format("there is no /etc/kernel/cmdline below {}", root))
            .hint(
                "write the kernel's command line to it: take that of /proc/cmdline, without BOOT_IMAGE= and "
                "initrd=; then try again"));
  }
  return fail(ErrorCode::not_found, "the files of {} were not found below {}", boot_loader_name(loader),
              root);
}

// proxmox-boot-tool makes entries for systemd-boot from one file, and GRUB's menus from the other: each of
// its partitions has the one or the other.
Result<> add_grub_of_proxmox(const std::string& root, const std::string& value, BootLoaderPlan& plan,
                             RecordedChange& change) {
  std::error_code error;
  if (!fs::exists(fs::path(root) / "etc/default/grub", error)) return {};
  auto grub = TRY(plan_grub(root, value));
  std::ranges::move(grub.edits, std::back_inserter(change.files));
  std::ranges::move(grub.foreign, std::back_inserter(plan.foreign));
  std::ranges::move(grub.notes, std::back_inserter(plan.notes));
  return {};
}

}  // namespace

Result<BootLoaderPlan> plan_files(BootLoader loader, const std::string& root, const std::string& value) {
  LoaderFiles files = loader_files(loader, root);
  if (files.refused && !value.empty()) return std::unexpected(*std::move(files.refused));
  if (value.empty()) std::ranges::move(files.unused, std::back_inserter(files.files));
  BootLoaderPlan plan;
  RecordedChange change = TRY(begin_change(root));
  CommandLineEditor editor(change.after, value, plan.foreign);
  TRY_VOID(edit_files(files, root, editor, value, change));
  if (loader == BootLoader::proxmox) TRY_VOID(add_grub_of_proxmox(root, value, plan, change));
  if (change.files.empty() && !value.empty()) return no_files(loader, root);
  change.agrees = boot_loader_agrees(loader, root, value, plan.foreign);
  if (!files.command.empty()) change.commands.push_back(std::move(files.command));
  if (!files.by_hand.empty()) change.by_hand.push_back(std::move(files.by_hand));
  finish_plan(loader, value, std::move(change), plan);
  return plan;
}

}  // namespace lifeboat::reservation
