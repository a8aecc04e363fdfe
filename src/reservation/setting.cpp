// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/reservation/setting.h"

#include <algorithm>
#include <filesystem>
#include <iterator>

#include "src/base/process.h"
#include "src/reservation/entry_files.h"
#include "src/reservation/text_diff.h"
#include "src/reservation/xen_boot.h"

namespace lifeboat::reservation {
namespace {

// os-prober may read every disk.
constexpr std::chrono::minutes kCommandTimeout{10};

// The command that rebuilds grub.cfg; empty: none is installed.
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
          "remove it there (or purge the package that added it: removing a package leaves its "
          "configuration), or use --force: lifeboat's value then takes precedence");
}

// The installed ones, and those whose files contain our parameter: --boot-loader may have named another.
Result<std::vector<BootLoader>> boot_loaders_with_ours(const std::string& root) {
  auto loaders = boot_loaders_at(root);
  const auto has = [&loaders](BootLoader loader) {
    return std::ranges::find(loaders, loader) != loaders.end();
  };
  if (!has(BootLoader::grub) && !TRY(plan_grub(root, "")).edits.empty()) loaders.push_back(BootLoader::grub);
  if (!has(BootLoader::bls) && !has(BootLoader::systemd_boot) && remembered_value(root))
    loaders.push_back(BootLoader::bls);
  return loaders;
}

// Which boot loaders' files the request is about.
Result<std::vector<BootLoader>> choose_boot_loaders(const SettingRequest& request) {
  if (request.boot_loader) return std::vector{*request.boot_loader};
  // The user need not remember which of the two it was.
  if (request.value.empty()) return boot_loaders_with_ours(request.root);
  return std::vector{TRY(find_boot_loader(request.root))};
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

// Where Xen starts first, Linux reserves nothing.
Result<> check_xen(const SettingRequest& request, Setting& setting) {
  if (request.value.empty()) return {};
  const XenBoot xen_boot = find_xen_boot(request.root);
  if (xen_boot.xen_file.empty()) return {};
  if (!xen_boot.linux_too && !request.force) return std::unexpected(only_xen_boots(xen_boot));
  setting.notes.push_back(xen_boots_too(xen_boot));
  return {};
}

void add_command(Setting& setting) {
  if (std::ranges::find(setting.boot_loaders, BootLoader::grub) == setting.boot_loaders.end()) return;
  const auto agrees = grub_config_agrees(setting.root, setting.value, setting.foreign);
  // An earlier attempt may have been interrupted between the files and the command.
  if (setting.edits.empty() && agrees.value_or(true)) return;
  if (setting.root != "/") {
    setting.notes.emplace_back("grub.cfg was not rebuilt: run update-grub or grub-mkconfig in that system");
    return;
  }
  setting.command = grub_command();
  if (setting.command.empty()) {
    setting.notes.emplace_back(
        "neither update-grub nor grub-mkconfig is installed: rebuild grub.cfg by hand");
  }
}

Result<> run_command(const Setting& setting) {
  const auto output = TRY(run_process(setting.command, kCommandTimeout));
  if (output.status != 0) {
    return std::unexpected(
        Error(ErrorCode::io, fmt::format("{} failed with exit code {}:\n{}", setting.command.front(),
                                         output.status, output.text))
            .hint("correct the error that it printed, and try again"));
  }
  if (setting.value.empty() ||
      grub_config_agrees(setting.root, setting.value, setting.foreign).value_or(true))
    return {};
  std::string why = "another file overwrites GRUB_CMDLINE_LINUX_DEFAULT; change it to append";
  for (const auto& note : setting.notes) why += "; " + note;
  return std::unexpected(Error(ErrorCode::io, fmt::format("{} made a grub.cfg without crashkernel={}",
                                                          setting.command.front(), setting.value))
                             .hint(why));
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
  setting.boot_loaders = TRY(choose_boot_loaders(request));
  for (const auto loader : setting.boot_loaders) {
    auto plan = TRY(loader == BootLoader::grub ? plan_grub(request.root, request.value)
                                               : plan_entries(request.root, request.value));
    std::ranges::move(plan.edits, std::back_inserter(setting.edits));
    std::ranges::move(plan.foreign, std::back_inserter(setting.foreign));
    std::ranges::move(plan.notes, std::back_inserter(setting.notes));
  }
  if (!request.value.empty() && !setting.foreign.empty() && !request.force)
    return std::unexpected(foreign_error(setting.foreign));
  TRY_VOID(check_within(request.root, setting.edits));
  TRY_VOID(check_xen(request, setting));
  add_command(setting);
  return setting;
}

std::vector<ForeignParameter> foreign_parameters(const std::string& root) {
  // Plans a setting to find what conflicts with it: the value does not matter, nothing is written.
  auto setting = plan_setting({.root = root, .boot_loader = {}, .value = "1M", .force = true});
  return setting ? std::move(setting->foreign) : std::vector<ForeignParameter>();
}

std::optional<std::string> unfinished_value(const std::string& root) {
  if (auto value = grub_value(root); value && !grub_config_agrees(root, *value, {}).value_or(true))
    return value;
  auto value = remembered_value(root);
  if (!value) return std::nullopt;
  const auto plan = plan_entries(root, *value);
  return plan && !plan->edits.empty() ? value : std::nullopt;
}

Result<> carry_out(const Setting& setting) {
  TRY_VOID(make_edits(setting.edits));
  if (setting.command.empty()) return {};
  auto ran = run_command(setting);
  if (ran) return {};
  Error error = std::move(ran).error();
  const auto undone = undo_edits(setting.edits);
  error.message += undone ? "\nThe files were restored."
                          : "\nThe files could not be restored: " + undone.error().to_string();
  return std::unexpected(std::move(error));
}

}  // namespace lifeboat::reservation
