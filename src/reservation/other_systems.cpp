// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/reservation/other_systems.h"

#include <fmt/core.h>

#include <array>
#include <filesystem>
#include <initializer_list>

#include "src/base/file.h"
#include "src/base/size.h"
#include "src/reservation/boot_loader.h"
#include "src/reservation/crashkernel_parameters.h"

namespace lifeboat::reservation {
namespace {

namespace fs = std::filesystem;

bool is_there(const std::string& root, const char* path) {
  std::error_code error;
  // A link of NixOS or Guix leads to another place when its root is not /.
  const auto status = fs::symlink_status(fs::path(root) / path, error);
  return !error && fs::exists(status);
}

bool any_there(const std::string& root, std::initializer_list<const char*> paths) {
  for (const char* path : paths) {
    if (is_there(root, path)) return true;
  }
  return false;
}

// Each parameter in double quotes, as list items of another language.
std::string items(std::string_view value) {
  std::string list;
  for (const auto& word : parameters_of(value.empty() ? "SIZE" : value)) list += fmt::format(" \"{}\"", word);
  return list;
}

std::string words(std::string_view value) {
  std::string line;
  for (const auto& word : parameters_of(value.empty() ? "SIZE" : value))
    line += (line.empty() ? "" : " ") + word;
  return line;
}

Error managed(std::string_view system, const std::string& fix) {
  return Error(ErrorCode::unsupported,
               fmt::format("{} writes the boot loader's files from its own configuration: a change of them "
                           "would be lost",
                           system))
      .hint(fix);
}

// Boot loaders that are known, and configured by hand.
struct Known {
  const char* path;
  const char* name;
  const char* place;  // of the command line
};
constexpr auto kKnown = std::to_array<Known>({
    {"boot/grub/menu.lst", "GRUB Legacy", "to each 'kernel' line of /boot/grub/menu.lst"},
    {"boot/grub/grub.conf", "GRUB Legacy", "to each 'kernel' line of /boot/grub/grub.conf"},
    {"etc/lilo.conf", "LILO", "to append= in /etc/lilo.conf, then run lilo"},
    {"etc/elilo.conf", "ELILO", "to append= in /etc/elilo.conf, then run elilo"},
    {"etc/yaboot.conf", "yaboot", "to append= in /etc/yaboot.conf, then run ybin"},
    {"etc/silo.conf", "SILO", "to append= in /etc/silo.conf"},
    {"etc/zfsbootmenu", "ZFSBootMenu",
     "by zfs set org.zfsbootmenu:commandline=\"...\" on the boot environment's dataset"},
    {"boot/efi/EFI/zbm", "ZFSBootMenu",
     "by zfs set org.zfsbootmenu:commandline=\"...\" on the boot environment's dataset"},
    {"boot/efi/EFI/ZBM", "ZFSBootMenu",
     "by zfs set org.zfsbootmenu:commandline=\"...\" on the boot environment's dataset"},
    {"boot/boot.scr", "a script of U-Boot", "to bootargs in the source of /boot/boot.scr, then run mkimage"},
    {"boot/armbianEnv.txt", "Armbian's script of U-Boot", "to extraargs= in /boot/armbianEnv.txt"},
    {"boot/orangepiEnv.txt", "a script of U-Boot", "to extraargs= in /boot/orangepiEnv.txt"},
    {"boot/uEnv.txt", "U-Boot with uEnv.txt", "to the line of /boot/uEnv.txt that has the command line"},
    {"usr/bin/clr-boot-manager", "clr-boot-manager",
     "to a file in /etc/kernel/cmdline.d, then run clr-boot-manager update"},
    {"etc/kboot.conf", "petitboot", "to each line of /etc/kboot.conf"},
});

}  // namespace

std::optional<Error> other_system(const std::string& root, std::string_view value) {
  if (any_there(root, {"etc/NIXOS", "etc/nixos/configuration.nix", "nix/var/nix/profiles/system"})) {
    return managed("NixOS",
                   fmt::format("add to /etc/nixos/configuration.nix: boot.kernelParams = [{} ]; then run "
                               "nixos-rebuild boot, and reboot",
                               items(value)));
  }
  if (any_there(root, {"etc/guix", "var/guix/profiles/system"}) && is_there(root, "gnu/store")) {
    return managed("Guix System",
                   fmt::format("add to the operating-system of /etc/config.scm: (kernel-arguments "
                               "(append (list{}) %default-kernel-arguments)); then run guix system "
                               "reconfigure, and reboot",
                               items(value)));
  }
  if (any_there(root, {"var/lib/snapd/modeenv", "run/mnt/ubuntu-boot"})) {
    return managed("Ubuntu Core",
                   fmt::format("run: snap set system system.kernel.cmdline-append=\"{}\"; then "
                               "reboot",
                               words(value)));
  }
  return std::nullopt;
}

Error no_boot_loader(const std::string& root, const BootedBy& booted, std::string_view value) {
  for (const auto& known : kKnown) {
    if (!is_there(root, known.path)) continue;
    return Error(ErrorCode::not_found,
                 fmt::format("the boot loader is {} (/{}), which 'reserve set' does not configure",
                             known.name, known.path))
        .hint(fmt::format("add {} {}; then reboot", words(value), known.place));
  }
  std::string what = fmt::format("no supported boot loader found below {}", root);
  if (!booted.evidence.empty()) what += fmt::format("; {} shows which one started it", booted.evidence);
  return Error(ErrorCode::not_found, std::move(what))
      .hint(fmt::format("mount the boot partition (/boot, /efi or /boot/efi) if it is not mounted; or add {} "
                        "to the kernel's command line by hand, as your boot loader's manual describes (a "
                        "kernel that the firmware starts itself: efibootmgr --unicode; a network boot: the "
                        "server's configuration); or name the boot loader with --boot-loader: {}",
                        words(value), boot_loader_names()));
}

}  // namespace lifeboat::reservation
