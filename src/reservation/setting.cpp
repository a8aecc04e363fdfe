// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/reservation/setting.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <iterator>
#include <string_view>
#include <utility>

#include "src/base/process.h"
#include "src/reservation/crashkernel_parameters.h"
#include "src/reservation/entry_files.h"
#include "src/reservation/recorded_plan.h"
#include "src/reservation/text_diff.h"
#include "src/reservation/xen_boot.h"

namespace lifeboat::reservation {
namespace {

// os-prober may read every disk; an ostree deployment, a new snapshot or several initramfs may be made.
constexpr std::chrono::minutes kCommandTimeout{30};

using Loaders = std::vector<BootLoader>;

bool has(const Loaders& loaders, BootLoader loader) {
  return std::ranges::find(loaders, loader) != loaders.end();
}

Error foreign_error(const std::vector<ForeignParameter>& foreign) {
  std::string list;
  for (const auto& [where, parameter] : foreign) list += fmt::format("\n  {} has {}", where, parameter);
  return Error(ErrorCode::busy, "crashkernel= is set already, and not by lifeboat:" + list)
      .hint(
          "remove it there (or purge the package that added it: removing a package leaves its "
          "configuration), or use --force: lifeboat's value then takes precedence");
}

// Those whose files may contain our parameter: the installed ones that have no record, the recorded one, and
// those that --boot-loader has named.
Result<Loaders> boot_loaders_with_ours(const std::string& root) {
  Loaders loaders = boot_loaders_at(root);
  std::erase_if(loaders, [](BootLoader loader) {
    return loader != BootLoader::grub && loader != BootLoader::bls && loader != BootLoader::systemd_boot;
  });
  const ReserveRecord record = read_record(root);
  const auto recorded = parse_boot_loader(record.boot_loader);
  if (recorded && !has(loaders, *recorded)) loaders.push_back(*recorded);
  // Its plan changes GRUB's files too.
  if (!has(loaders, BootLoader::grub) && !has(loaders, BootLoader::proxmox) &&
      !TRY(plan_grub(root, "")).edits.empty())
    loaders.push_back(BootLoader::grub);
  const bool entries = has(loaders, BootLoader::bls) || has(loaders, BootLoader::systemd_boot);
  if (!entries && remembered_value(root) && !recorded) loaders.push_back(BootLoader::bls);
  return loaders;
}

// Which boot loaders' files the request is about.
Result<Loaders> choose_boot_loaders(const SettingRequest& request, const BootedBy& booted) {
  if (request.boot_loader) return Loaders{*request.boot_loader};
  // The user need not remember which of the two it was.
  if (request.value.empty()) return boot_loaders_with_ours(request.root);
  return Loaders{TRY(find_boot_loader(request.root, booted, request.value))};
}

// A link below another system's root may point to a file of this system.
Result<> check_within(const std::string& root, const std::vector<FileEdit>& edits) {
  std::error_code error;
  const auto top = std::filesystem::canonical(root, error);
  if (error) return std::unexpected(errno_error(error.value(), root));
  for (const auto& edit : edits) {
    const auto real = std::filesystem::weakly_canonical(edit.path, error);
    if (error) return std::unexpected(errno_error(error.value(), edit.path));
    if (std::ranges::mismatch(top, real).in1 == top.end()) continue;
    return std::unexpected(
        Error(ErrorCode::usage, fmt::format("{} points outside {}, to {}", edit.path, root, real.string()))
            .hint("make that link relative, or run this in a chroot"));
  }
  return {};
}

// One record, whatever boot loaders were changed: the one that remembers something.
void add_edits(std::vector<FileEdit> edits, Setting& setting) {
  for (auto& edit : edits) {
    const auto same = std::ranges::find(setting.edits, edit.path, &FileEdit::path);
    if (same == setting.edits.end()) {
      setting.edits.push_back(std::move(edit));
    } else if (edit.own_record && edit.after) {
      *same = std::move(edit);
    }
  }
}

// Where Xen starts first, Linux reserves nothing.
Result<> check_xen(const SettingRequest& request, Setting& setting) {
  if (request.value.empty()) return {};
  const XenBoot xen_boot = find_xen_boot(request.root);
  if (xen_boot.xen_file.empty()) return {};
  if (!xen_boot.linux_too && !request.force) return std::unexpected(only_xen_boots(xen_boot));
  setting.notes.push_back(xen_boots_too(xen_boot));
  return {};
}

// In this system commands run; in another one, or without the program, somebody has to run them.
void add_commands(BootLoaderPlan& plan, Setting& setting) {
  bool all_run = true;
  for (auto& command : plan.commands) {
    const auto program = setting.root == "/" ? find_program(command.front()) : std::nullopt;
    if (program && all_run) {
      command.front() = *program;
      setting.commands.push_back(std::move(command));
    } else {
      all_run = false;
      setting.remains.push_back(shell_text(command));
      if (setting.root == "/") setting.notes.push_back(fmt::format("{} is not installed", command.front()));
    }
  }
  if (all_run && plan.record_done) setting.afterwards.push_back(*std::move(plan.record_done));
  std::ranges::move(plan.by_hand, std::back_inserter(setting.remains));
}

Result<> add_plan(BootLoader loader, const SettingRequest& request, const BootedBy& booted,
                  Setting& setting) {
  auto plan = TRY(plan_boot_loader(loader, request.root, request.value, request.force));
  std::ranges::move(plan.foreign, std::back_inserter(setting.foreign));
  std::ranges::move(plan.notes, std::back_inserter(setting.notes));
  add_edits(std::move(plan.edits), setting);
  add_commands(plan, setting);
  if (request.value.empty()) return {};
  if (auto doubt = doubt_about(loader, request.root, booted)) setting.notes.push_back(*std::move(doubt));
  return {};
}

Error command_error(const LoaderCommand& command, const ProcessOutput& output) {
  return Error(ErrorCode::io,
               fmt::format("{} failed with exit code {}:\n{}", command.front(), output.status, output.text))
      .hint("correct the error that it printed, and try again");
}

Error not_taken_over(BootLoader loader, const Setting& setting) {
  const std::string command =
      setting.commands.empty() ? std::string(boot_loader_name(loader)) : setting.commands.back().front();
  if (loader != BootLoader::grub) {
    return Error(ErrorCode::io, fmt::format("{} ran, but the boot loader's configuration does not have "
                                            "crashkernel={}",
                                            command, setting.value))
        .hint(fmt::format("look at what it prints: {}", shell_text(setting.commands.back())));
  }
  std::string why = "another file overwrites GRUB_CMDLINE_LINUX_DEFAULT; change it to append";
  for (const auto& note : setting.notes) why += "; " + note;
  return Error(ErrorCode::io,
               fmt::format("{} made a grub.cfg without crashkernel={}", command, setting.value))
      .hint(why);
}

Result<> run_commands(const Setting& setting) {
  for (const auto& command : setting.commands) {
    const auto output = TRY(run_process(command, kCommandTimeout));
    if (output.status != 0) return std::unexpected(command_error(command, output));
  }
  if (setting.value.empty() || !setting.remains.empty()) return {};
  for (const auto loader : setting.boot_loaders) {
    if (!boot_loader_agrees(loader, setting.root, setting.value, setting.foreign).value_or(true))
      return std::unexpected(not_taken_over(loader, setting));
  }
  return {};
}

// By the record: the loader that has the value, if its plan would still change or run something.
std::optional<NextBoot> recorded_next_boot(const std::string& root) {
  auto value = remembered_value(root);
  if (!value) return std::nullopt;
  const ReserveRecord record = read_record(root);
  const auto loader = parse_boot_loader(record.boot_loader).value_or(BootLoader::bls);
  const auto plan = plan_boot_loader(loader, root, *value, true);
  NextBoot next{.value = *std::move(value)};
  if (!plan) return next;
  const bool changes =
      std::ranges::any_of(plan->edits, [](const FileEdit& edit) { return !edit.own_record; });
  next.complete = !changes && plan->commands.empty() && plan->by_hand.empty();
  next.by_record = !changes && plan->by_hand.empty() && !boot_loader_agrees(loader, root, next.value, {});
  for (const auto& command : plan->commands) next.remains.push_back(shell_text(command));
  std::ranges::copy(plan->by_hand, std::back_inserter(next.remains));
  return next;
}

std::optional<NextBoot> grub_next_boot(const std::string& root) {
  auto value = grub_value(root);
  // Of proxmox-boot-tool, whose record says more.
  if (!value || read_record(root).boot_loader == boot_loader_name(BootLoader::proxmox)) return std::nullopt;
  const bool complete = boot_loader_agrees(BootLoader::grub, root, *value, {}).value_or(true);
  NextBoot next{.value = *std::move(value), .complete = complete};
  if (complete) return next;
  if (const auto plan = plan_boot_loader(BootLoader::grub, root, next.value)) {
    for (const auto& command : plan->commands) next.remains.push_back(shell_text(command));
  }
  return next;
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
  Setting setting{.root = request.root, .value = request.value};
  const BootedBy booted = booted_by_of(request.root);
  setting.boot_loaders = TRY(choose_boot_loaders(request, booted));
  for (const auto loader : setting.boot_loaders) TRY_VOID(add_plan(loader, request, booted, setting));
  if (!request.value.empty() && !setting.foreign.empty() && !request.force)
    return std::unexpected(foreign_error(setting.foreign));
  TRY_VOID(check_within(request.root, setting.edits));
  TRY_VOID(check_xen(request, setting));
  return setting;
}

std::vector<ForeignParameter> foreign_parameters(const std::string& root) {
  // Plans a setting to find what conflicts with it: the value does not matter, nothing is written.
  auto setting = plan_setting({.root = root, .boot_loader = {}, .value = "1M", .force = true});
  return setting ? std::move(setting->foreign) : std::vector<ForeignParameter>();
}

std::optional<NextBoot> next_boot(const std::string& root, std::string_view running_command_line) {
  auto next = grub_next_boot(root);
  if (!next || next->complete) {
    auto recorded = recorded_next_boot(root);
    if (!next || (recorded && !recorded->complete)) next = std::move(recorded);
  }
  if (!next) return std::nullopt;
  const auto running = crashkernel_parameters(running_command_line);
  const bool runs = std::ranges::all_of(parameters_of(next->value), [&](const std::string& word) {
    return std::ranges::find(running, word) != running.end();
  });
  // What runs was taken over by the boot loader, whatever the record says; files that contradict it would end
  // that.
  if (runs && (next->complete || next->by_record)) return std::nullopt;
  return next;
}

std::optional<std::string> unfinished_value(const std::string& root) {
  auto next = next_boot(root, "");
  return next && !next->complete ? std::optional(std::move(next->value)) : std::nullopt;
}

Result<> carry_out(const Setting& setting) {
  TRY_VOID(make_edits(setting.edits));
  if (setting.commands.empty()) return {};
  auto ran = run_commands(setting);
  if (ran) return make_edits(setting.afterwards);
  Error error = std::move(ran).error();
  const auto undone = undo_edits(setting.edits);
  error.message += undone ? "\nThe files were restored."
                          : "\nThe files could not be restored: " + undone.error().to_string();
  return std::unexpected(std::move(error));
}

}  // namespace lifeboat::reservation
