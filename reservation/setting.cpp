// SPDX-License-Identifier: GPL-2.0-or-later
#include "reservation/setting.h"

#include <filesystem>

#include "base/process.h"
#include "reservation/text_diff.h"

namespace lifeboat::reservation {
namespace {

// os-prober may look at every disk.
constexpr std::chrono::minutes kPatience{10};

// What makes grub.cfg anew; empty: nothing that does is here.
std::vector<std::string> grub_command() {
  if (const auto program = find_program("update-grub")) return {*program};
  for (const auto& [name, config] : {std::pair("grub2-mkconfig", "/boot/grub2/grub.cfg"),
                                     std::pair("grub-mkconfig", "/boot/grub/grub.cfg")}) {
    if (const auto program = find_program(name)) return {*program, "-o", config};
  }
  return {};
}

Error foreign_error(const std::vector<ForeignParameter>& foreign) {
  std::string list;
  for (const auto& [where, parameter] : foreign) list += fmt::format("\n  {} has {}", where, parameter);
  return Error(ErrorCode::busy, "crashkernel= is set already, and not by lifeboat:" + list)
      .hint(
          "take it out there (or remove the package that put it in); --force sets lifeboat's all the same, "
          "so "
          "that it is the one that counts");
}

void add_command(Setting& setting, const SettingRequest& request) {
  if (setting.boot_loader != BootLoader::grub) return;
  if (request.root != "/") {
    setting.notes.push_back("grub.cfg was not made anew: run update-grub or grub-mkconfig in that system");
    return;
  }
  setting.command = grub_command();
  if (setting.command.empty()) {
    setting.notes.emplace_back("neither update-grub nor grub-mkconfig is here: make grub.cfg anew yourself");
  }
}

}  // namespace

std::string Setting::diff() const {
  std::string text;
  for (const auto& edit : edits) {
    if (!edit.own_record) text += unified_diff(edit.path, edit.before, edit.after);
  }
  return text;
}

Result<Setting> plan_setting(const SettingRequest& request) {
  Setting setting;
  setting.boot_loader = request.boot_loader ? *request.boot_loader : TRY(find_boot_loader(request.root));
  auto plan = TRY(setting.boot_loader == BootLoader::grub ? plan_grub(request.root, request.value)
                                                          : plan_entries(request.root, request.value));
  if (!request.value.empty() && !plan.foreign.empty() && !request.force)
    return std::unexpected(foreign_error(plan.foreign));
  setting.edits = std::move(plan.edits);
  setting.foreign = std::move(plan.foreign);
  setting.notes = std::move(plan.notes);
  if (!setting.edits.empty()) add_command(setting, request);
  return setting;
}

Result<> carry_out(const Setting& setting) {
  TRY_VOID(make_edits(setting.edits));
  if (setting.command.empty()) return {};
  auto output = run_process(setting.command, kPatience);
  if (output && output->status == 0) return {};
  Error error = output
                    ? Error(ErrorCode::io, fmt::format("{} failed with exit code {}:\n{}",
                                                       setting.command.front(), output->status, output->text))
                    : output.error();
  const auto undone = undo_edits(setting.edits);
  return std::unexpected(std::move(error).hint(
      undone ? "the files are as they were before; mend what it says, and try again"
             : "the files could not be brought back either: " + undone.error().to_string()));
}

}  // namespace lifeboat::reservation
