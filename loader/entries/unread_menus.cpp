// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/entries/unread_menus.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "loader/entries/entry_search.h"

namespace lifeboat {
namespace {

struct Known {
  const char* file;
  const char* name;
  std::optional<LoaderFamily> family;
};
constexpr auto kKnown = std::to_array<Known>({
    {"extlinux/extlinux.conf", "extlinux", LoaderFamily::syslinux},
    {"extlinux.conf", "extlinux", LoaderFamily::syslinux},
    {"syslinux/extlinux.conf", "extlinux", LoaderFamily::syslinux},
    {"syslinux/syslinux.cfg", "syslinux", LoaderFamily::syslinux},
    {"syslinux.cfg", "syslinux", LoaderFamily::syslinux},
    {"EFI/syslinux/syslinux.cfg", "syslinux", LoaderFamily::syslinux},
    {"EFI/BOOT/syslinux.cfg", "syslinux", LoaderFamily::syslinux},
    {"limine.conf", "limine", LoaderFamily::limine},
    {"limine/limine.conf", "limine", LoaderFamily::limine},
    {"EFI/limine/limine.conf", "limine", LoaderFamily::limine},
    {"EFI/BOOT/limine.conf", "limine", LoaderFamily::limine},
    {"limine.cfg", "limine", LoaderFamily::limine},
    {"EFI/refind/refind.conf", "rEFInd", LoaderFamily::refind},
    {"EFI/BOOT/refind.conf", "rEFInd", LoaderFamily::refind},
    {"refind_linux.conf", "rEFInd", LoaderFamily::refind},
    {"grub/menu.lst", "GRUB Legacy", LoaderFamily::grub},
    {"grub/grub.conf", "GRUB Legacy", LoaderFamily::grub},
    {"boot.scr", "U-Boot", std::nullopt},
    {"uEnv.txt", "U-Boot", std::nullopt},
    {"armbianEnv.txt", "U-Boot", std::nullopt},
    {"config.txt", "the Raspberry Pi's firmware", std::nullopt},
    {"firmware/config.txt", "the Raspberry Pi's firmware", std::nullopt},
});

bool may_have_started(const BootedBy& booted, const std::optional<LoaderFamily>& family) {
  if (booted.family) return family == booted.family;
  // It would have left its name.
  return !(booted.efi && family == LoaderFamily::refind);
}

}  // namespace

std::vector<UnreadMenu> find_unread_menus(const BootPaths& paths, const BootedBy& booted) {
  std::vector<UnreadMenu> found;
  for (const auto& root : distinct_boot_roots(paths)) {
    for (const auto& known : kKnown) {
      const std::string file = root + "/" + known.file;
      if (may_have_started(booted, known.family) && is_regular_file(file))
        found.push_back({.family = known.family, .name = known.name, .file = file});
    }
  }
  return found;
}

std::string describe(const std::vector<UnreadMenu>& menus) {
  std::string text;
  for (const auto& menu : menus)
    text += fmt::format("{}{} of {}", text.empty() ? "" : ", ", menu.file, menu.name);
  return text;
}

}  // namespace lifeboat
