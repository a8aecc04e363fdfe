// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/reservation/file_loaders.h"

#include <fmt/core.h>

#include <algorithm>
#include <filesystem>
#include <initializer_list>
#include <optional>
#include <utility>

#include "src/base/file.h"
#include "src/base/size.h"
#include "src/base/text.h"
#include "src/reservation/crashkernel_parameters.h"
#include "src/reservation/entry_files.h"
#include "src/reservation/raspberry_pi_config.h"

namespace lifeboat::reservation {
namespace {

namespace fs = std::filesystem;
using Form = CommandLineForm;

std::string text_of(const std::string& root, const std::string& path) {
  return read_text(fs::path(root) / path, 1_MiB).value_or("");
}

bool is_there(const std::string& root, const std::string& path) {
  std::error_code error;
  return fs::exists(fs::path(root) / path, error);
}

bool has_program(const std::string& root, const std::string& name) {
  return std::ranges::any_of(std::initializer_list<const char*>{"usr/bin/", "usr/sbin/", "sbin/", "bin/"},
                             [&](const char* folder) { return is_there(root, folder + name); });
}

// Whether the file has a command line of that form.
bool has_line(const std::string& root, const LoaderFile& file) {
  const auto lines = find_command_lines(file.form, text_of(root, file.path), file.name, file.path);
  return !lines || !lines->empty();
}

void keep_existing(const std::string& root, std::vector<LoaderFile>& files) {
  std::erase_if(files, [&](const LoaderFile& file) {
    return !file.may_be_made && (!is_there(root, file.path) || !has_line(root, file));
  });
}

LoaderFiles extlinux_files(const std::string& root) {
  const std::vector<LoaderFile> menus = {{"boot/extlinux/extlinux.conf", Form::extlinux},
                                         {"boot/extlinux.conf", Form::extlinux},
                                         {"boot/syslinux/syslinux.cfg", Form::extlinux},
                                         {"boot/syslinux/extlinux.conf", Form::extlinux},
                                         {"extlinux/extlinux.conf", Form::extlinux}};
  // The menu is made from a setting, by a program that runs again with each kernel package.
  struct Maker {
    const char* settings;
    const char* variable;
    const char* program;
  };
  for (const auto& [settings, variable, program] :
       {Maker{"etc/update-extlinux.conf", "default_kernel_opts", "update-extlinux"},
        Maker{"etc/default/u-boot", "U_BOOT_PARAMETERS", "u-boot-update"},
        Maker{"etc/default/extlinux", "EXTLINUX_PARAMETERS", "extlinux-update"}}) {
    if (!is_there(root, settings) ||
        (!has_program(root, program) && !is_there(root, menus[0].path) && !is_there(root, menus[1].path)))
      continue;
    if (program != std::string_view("update-extlinux") && !has_program(root, program)) continue;
    LoaderFiles files{.files = {{settings, Form::shell_variable, variable}}, .command = {program}};
    files.made = menus;
    return files;
  }
  LoaderFiles files{.files = menus};
  keep_existing(root, files.files);
  return files;
}

// An older file at another place has a text that says so, and no root=.
bool has_moved(const std::string& root, const std::string& path) {
  return text_of(root, path).find("DO NOT EDIT") != std::string::npos;
}

// The firmware's files.
LoaderFiles raspberry_pi_files(const std::string& root) {
  LoaderFiles files;
  for (const std::string folder : {"boot/firmware", "boot"}) {
    if (!is_there(root, folder + "/config.txt") || has_moved(root, folder + "/config.txt") ||
        has_moved(root, folder + "/cmdline.txt"))
      continue;
    auto line = raspberry_pi_command_line(fs::path(root) / folder);
    const std::string used = line.file ? fmt::format("{}/{}", folder, *line.file) : std::string();
    // A file of this name may be anything.
    if (line.file && !is_there(root, used)) continue;
    if (line.file) {
      files.files.push_back({.path = used, .one_line = true});
    } else {
      files.refused = std::move(line.file).error();
    }
    for (const auto& candidate : line.candidates) {
      const std::string path = fmt::format("{}/{}", folder, candidate);
      if (path != used && is_there(root, path)) files.unused.push_back({.path = path, .one_line = true});
    }
    break;
  }
  // Debian's raspi-firmware writes cmdline.txt for each kernel, with these parameters.
  if (!files.files.empty() && is_there(root, "etc/default/raspi-firmware"))
    files.files.push_back({.path = "etc/default/raspi-extra-cmdline", .one_line = true, .may_be_made = true});
  return files;
}

LoaderFiles limine_files(const std::string& root) {
  const std::vector<LoaderFile> menus = {{"boot/limine.conf", Form::limine},
                                         {"boot/limine/limine.conf", Form::limine},
                                         {"boot/EFI/limine/limine.conf", Form::limine},
                                         {"efi/limine.conf", Form::limine},
                                         {"efi/EFI/limine/limine.conf", Form::limine},
                                         {"boot/efi/limine.conf", Form::limine},
                                         {"boot/efi/EFI/limine/limine.conf", Form::limine},
                                         {"boot/limine.cfg", Form::limine}};
  for (const char* program : {"limine-update", "limine-mkinitcpio", "limine-entry-tool"}) {
    if (!has_program(root, program) || !is_there(root, "etc/default/limine")) continue;
    LoaderFiles files{.files = {{"etc/default/limine", Form::shell_variable, "KERNEL_CMDLINE[default]"}},
                      .command = {program}};
    files.made = menus;
    return files;
  }
  LoaderFiles files{.files = menus};
  keep_existing(root, files.files);
  return files;
}

bool has_text(const std::string& root, const char* folder, std::string_view extension,
              std::string_view word) {
  std::error_code error;
  return std::ranges::any_of(fs::directory_iterator(fs::path(root) / folder, error), [&](const auto& file) {
    if (file.path().extension() != extension) return false;
    const auto text = read_text(file.path(), 1_MiB);
    if (!text) return false;
    for (size_t at = text->find(word); at != std::string::npos; at = text->find(word, at + 1)) {
      const size_t line = text->rfind('\n', at);
      const size_t begin = line == std::string::npos ? 0 : line + 1;
      if (!trim(std::string_view(*text).substr(begin)).starts_with('#')) return true;
    }
    return false;
  });
}

bool has_drop_ins(const std::string& root, const char* folder) {
  std::error_code error;
  return std::ranges::any_of(fs::directory_iterator(fs::path(root) / folder, error), [](const auto& file) {
    return file.path().extension() == ".conf" && file.path().filename() != "lifeboat.conf";
  });
}

LoaderFiles unified_files(const std::string& root) {
  LoaderFiles files;
  if (is_there(root, "etc/kernel/cmdline")) files.files.push_back({.path = "etc/kernel/cmdline"});
  for (const char* folder : {"etc/cmdline.d", "etc/kernel/cmdline.d"}) {
    if (has_drop_ins(root, folder))
      files.files.push_back({.path = std::string(folder) + "/lifeboat.conf", .may_be_made = true});
  }
  if (has_text(root, "etc/mkinitcpio.d", ".preset", "_uki=")) {
    files.command = {"mkinitcpio", "-P"};
  } else {
    files.by_hand =
        "the unified kernel images have their command line inside: rebuild them with the tool that makes "
        "them "
        "(kernel-install add-all; dracut --force --regenerate-all), and sign them again where Secure Boot "
        "needs it";
  }
  return files;
}

LoaderFiles chosen_files(BootLoader loader, const std::string& root) {
  switch (loader) {
    case BootLoader::extlinux:
      return extlinux_files(root);
    case BootLoader::raspberry_pi:
      return raspberry_pi_files(root);
    case BootLoader::limine:
      return limine_files(root);
    case BootLoader::unified:
      return unified_files(root);
    case BootLoader::flash_kernel:
      if (!has_program(root, "flash-kernel")) return {};
      return {.files = {{"etc/default/flash-kernel", Form::shell_variable, "LINUX_KERNEL_CMDLINE"}},
              .command = {"flash-kernel"}};
    case BootLoader::zipl:
      return {.files = {{"etc/zipl.conf", Form::zipl}}, .command = {"zipl"}};
    case BootLoader::refind:
      return {.files = {{"boot/refind_linux.conf", Form::refind}}};
    case BootLoader::proxmox:
      return {.files = {{.path = "etc/kernel/cmdline", .one_line = true}},
              .command = {"proxmox-boot-tool", "refresh"}};
    case BootLoader::sdbootutil:
      return {.files = {{.path = "etc/kernel/cmdline"}}, .command = {"sdbootutil", "update-all-entries"}};
    case BootLoader::grub:
    case BootLoader::bls:
    case BootLoader::systemd_boot:
    case BootLoader::kernelstub:
    case BootLoader::ostree:
      return {};
  }
  return {};
}

}  // namespace

LoaderFiles loader_files(BootLoader loader, const std::string& root) {
  LoaderFiles files = chosen_files(loader, root);
  std::erase_if(files.files,
                [&](const LoaderFile& file) { return !file.may_be_made && !is_there(root, file.path); });
  if (loader == BootLoader::sdbootutil) {
    for (const auto& entry : entry_files(root))
      files.made.push_back(
          {fs::path(entry).lexically_relative(root).string(), Form::options_lines, "options"});
  }
  std::erase_if(files.made, [&](const LoaderFile& file) { return !is_there(root, file.path); });
  return files;
}

bool has_files_of(BootLoader loader, const std::string& root) {
  const auto files = loader_files(loader, root);
  return !files.files.empty() || files.refused;
}

std::optional<bool> made_files_agree(const LoaderFiles& files, const std::string& root,
                                     const std::string& value) {
  std::optional<bool> agree;
  const auto wanted = parameters_of(value);
  for (const auto& file : files.made) {
    const std::string text = text_of(root, file.path);
    const auto lines = find_command_lines(file.form, text, file.name, file.path);
    if (!lines || lines->empty()) continue;
    agree = agree.value_or(false) || std::ranges::any_of(*lines, [&](const TextSpan& line) {
              const auto words =
                  crashkernel_parameters(std::string_view(text).substr(line.begin, line.end - line.begin));
              return std::ranges::all_of(wanted, [&](const std::string& word) {
                return std::ranges::find(words, word) != words.end();
              });
            });
  }
  return agree;
}

}  // namespace lifeboat::reservation
