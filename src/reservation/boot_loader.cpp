// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/reservation/boot_loader.h"

#include <fmt/core.h>

#include <filesystem>

#include "src/base/file.h"
#include "src/base/machine_names.h"
#include "src/base/size.h"
#include "src/reservation/entry_files.h"

namespace lifeboat::reservation {
namespace {

namespace fs = std::filesystem;

struct Name {
  BootLoader loader;
  std::string_view name;
};
constexpr Name kNames[] = {
    {BootLoader::grub, "grub"}, {BootLoader::bls, "bls"}, {BootLoader::systemd_boot, "systemd-boot"}};

bool is_there(const std::string& root, std::string_view path) {
  std::error_code error;
  return fs::exists(fs::path(root) / path, error);
}

bool has_systemd_boot(const std::string& root) {
  const std::string program = fmt::format("EFI/systemd/systemd-boot{}.efi", machine_names().efi);
  for (const std::string boot : {"efi", "boot", "boot/efi"}) {
    if (is_there(root, boot + "/" + program)) return true;
  }
  return false;
}

// Fedora's GRUB boots by entries (blscfg), and reads /etc/default/grub for new configurations only; Debian's
// ignores entries that another program may have left.
bool grub_reads_entries(const std::string& root) {
  for (const char* config : {"boot/grub2/grub.cfg", "boot/grub/grub.cfg"}) {
    const auto text = read_text(fs::path(root) / config, 4_MiB);
    if (text && text->find("blscfg") != std::string::npos) return true;
  }
  return false;
}

}  // namespace

std::string_view boot_loader_name(BootLoader loader) {
  for (const auto& known : kNames) {
    if (known.loader == loader) return known.name;
  }
  return "unknown";
}

Result<BootLoader> parse_boot_loader(std::string_view name) {
  for (const auto& known : kNames) {
    if (known.name == name) return known.loader;
  }
  return fail(ErrorCode::usage, "'{}' is not a known boot loader (grub, bls, systemd-boot)", name);
}

std::vector<BootLoader> boot_loaders_at(const std::string& root) {
  std::vector<BootLoader> loaders;
  const bool entries = !entry_files(root).empty();
  const bool systemd_boot = has_systemd_boot(root);
  const bool grub =
      is_there(root, "etc/default/grub") && (is_there(root, "boot/grub") || is_there(root, "boot/grub2"));
  if (grub && (systemd_boot || !entries || !grub_reads_entries(root))) loaders.push_back(BootLoader::grub);
  if (systemd_boot) {
    loaders.push_back(BootLoader::systemd_boot);
  } else if (entries && loaders.empty()) {
    loaders.push_back(BootLoader::bls);
  }
  return loaders;
}

Result<BootLoader> find_boot_loader(const std::string& root) {
  const auto loaders = boot_loaders_at(root);
  if (loaders.size() == 1) return loaders.front();
  if (loaders.size() > 1) {
    return std::unexpected(
        Error(ErrorCode::usage, "GRUB and systemd-boot are both installed: cannot decide between them")
            .hint("use --boot-loader grub or --boot-loader systemd-boot"));
  }
  return std::unexpected(
      Error(ErrorCode::not_found, fmt::format("no supported boot loader found below {}", root))
          .hint("add the parameter to the kernel's command line by hand, as your boot loader's manual "
                "describes, or name the boot loader with --boot-loader grub|bls|systemd-boot"));
}

}  // namespace lifeboat::reservation
