// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/reservation/boot_loader.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "src/base/file.h"
#include "src/base/machine_names.h"
#include "src/base/size.h"
#include "src/base/text.h"
#include "src/reservation/entry_files.h"
#include "src/reservation/file_loaders.h"
#include "src/reservation/other_systems.h"

namespace lifeboat::reservation {
namespace {

namespace fs = std::filesystem;
using Loaders = std::vector<BootLoader>;

struct Name {
  BootLoader loader;
  std::string_view name;
};
constexpr auto kNames = std::to_array<Name>({{BootLoader::grub, "grub"},
                                             {BootLoader::bls, "bls"},
                                             {BootLoader::systemd_boot, "systemd-boot"},
                                             {BootLoader::proxmox, "proxmox-boot-tool"},
                                             {BootLoader::kernelstub, "kernelstub"},
                                             {BootLoader::ostree, "rpm-ostree"},
                                             {BootLoader::sdbootutil, "sdbootutil"},
                                             {BootLoader::unified, "uki"},
                                             {BootLoader::extlinux, "extlinux"},
                                             {BootLoader::raspberry_pi, "raspberry-pi"},
                                             {BootLoader::flash_kernel, "flash-kernel"},
                                             {BootLoader::zipl, "zipl"},
                                             {BootLoader::refind, "refind"},
                                             {BootLoader::limine, "limine"}});

bool is_there(const std::string& root, std::string_view path) {
  std::error_code error;
  return fs::exists(fs::path(root) / path, error);
}

bool has_program(const std::string& root, std::string_view name) {
  return std::ranges::any_of(
      std::initializer_list<const char*>{"usr/bin", "usr/sbin", "sbin", "bin", "usr/local/bin"},
      [&](const char* folder) { return is_there(root, fmt::format("{}/{}", folder, name)); });
}

bool has_systemd_boot(const std::string& root) {
  const std::string program = fmt::format("EFI/systemd/systemd-boot{}.efi", machine_names().efi);
  for (const char* boot : {"efi", "boot", "boot/efi"}) {
    if (is_there(root, fmt::format("{}/{}", boot, program))) return true;
  }
  return false;
}

bool has_proxmox_partitions(const std::string& root) {
  const auto uuids = read_text(fs::path(root) / "etc/kernel/proxmox-boot-uuids", 64_KiB);
  return uuids && !trim(*uuids).empty();
}

// Deployments of ostree: their entries are written by it alone.
bool is_ostree(const std::string& root) {
  if (is_there(root, "run/ostree-booted")) return true;
  if (!is_there(root, "ostree") || !is_there(root, "sysroot")) return false;
  const auto entries = entry_files(root);
  return is_there(root, "boot/ostree") || std::ranges::any_of(entries, [](const std::string& entry) {
           return fs::path(entry).filename().string().starts_with("ostree-");
         });
}

bool is_pop_os(const std::string& root) {
  return has_program(root, "kernelstub") && is_there(root, "etc/kernelstub/configuration");
}

// The programs that keep the configuration of the boot loader: what they write is not changed behind their
// back.
std::optional<BootLoader> manager_at(const std::string& root) {
  if (is_ostree(root)) return BootLoader::ostree;
  if (has_proxmox_partitions(root)) return BootLoader::proxmox;
  if (is_pop_os(root)) return BootLoader::kernelstub;
  if (has_program(root, "sdbootutil") && !entry_files(root).empty()) return BootLoader::sdbootutil;
  return std::nullopt;
}

void add_entry_loaders(const std::string& root, Loaders& loaders) {
  const bool entries = !entry_files(root).empty();
  const bool systemd_boot = has_systemd_boot(root);
  const bool grub =
      is_there(root, "etc/default/grub") && (is_there(root, "boot/grub") || is_there(root, "boot/grub2"));
  const bool images_alone = !unified_images(root).empty() && linux_entries(root) == 0;
  if (grub && (systemd_boot || !entries || !grub_reads_entries(root))) loaders.push_back(BootLoader::grub);
  if (images_alone) {
    loaders.push_back(BootLoader::unified);
  } else if (systemd_boot) {
    loaders.push_back(BootLoader::systemd_boot);
  } else if (entries && loaders.empty()) {
    loaders.push_back(BootLoader::bls);
  }
}

bool could_be(LoaderFamily family, BootLoader loader) {
  switch (loader) {
    case BootLoader::grub:
    case BootLoader::bls:
      return family == LoaderFamily::grub;
    case BootLoader::proxmox:
    case BootLoader::ostree:
    case BootLoader::sdbootutil:
      return family == LoaderFamily::grub || family == LoaderFamily::systemd_boot;
    case BootLoader::systemd_boot:
    case BootLoader::kernelstub:
      return family == LoaderFamily::systemd_boot;
    case BootLoader::unified:
      return family == LoaderFamily::systemd_boot || family == LoaderFamily::firmware;
    case BootLoader::extlinux:
      return family == LoaderFamily::syslinux;
    case BootLoader::refind:
      return family == LoaderFamily::refind;
    case BootLoader::limine:
      return family == LoaderFamily::limine;
    case BootLoader::raspberry_pi:
    case BootLoader::flash_kernel:
    case BootLoader::zipl:
      return false;
  }
  return false;
}

// Those that leave their name in an EFI variable did not start a machine that has such variables without it.
bool ruled_out(const BootedBy& booted, BootLoader loader) {
  if (booted.family) return !could_be(*booted.family, loader);
  return booted.efi && (loader == BootLoader::systemd_boot || loader == BootLoader::kernelstub ||
                        loader == BootLoader::refind);
}

// Whether its configuration has a kernel to boot: a package or an installer leaves files without one.
bool boots_something(const std::string& root, BootLoader loader, const std::string& release) {
  if (loader == BootLoader::grub) return grub_boots(root, release);
  if (loader == BootLoader::systemd_boot) return linux_entries(root) != 0 || !unified_images(root).empty();
  return true;
}

Error cannot_decide(const Loaders& loaders) {
  std::string names;
  for (const auto loader : loaders)
    names += fmt::format("{}{}", names.empty() ? "" : ", ", boot_loader_name(loader));
  return Error(ErrorCode::usage,
               fmt::format("several boot loaders are installed ({}), and nothing shows which of them starts "
                           "this system",
                           names))
      .hint(fmt::format("choose one with --boot-loader NAME: {}", names));
}

Error started_by_another(const BootedBy& booted, const std::string& root) {
  return Error(ErrorCode::not_found,
               fmt::format("{} shows which boot loader started this machine, and its configuration was not "
                           "found below {}",
                           booted.evidence, root))
      .hint(
          "mount its partition (/efi, /boot or /boot/efi), or add the parameter to the kernel's command line "
          "by hand; --boot-loader NAME changes another one's configuration");
}

}  // namespace

std::string_view boot_loader_name(BootLoader loader) {
  const auto* known = std::ranges::find(kNames, loader, &Name::loader);
  return known == kNames.end() ? "unknown" : known->name;
}

std::string boot_loader_names() {
  std::string names;
  for (const auto& known : kNames) names += fmt::format("{}{}", names.empty() ? "" : ", ", known.name);
  return names;
}

Result<BootLoader> parse_boot_loader(std::string_view name) {
  const auto* known = std::ranges::find(kNames, name, &Name::name);
  if (known != kNames.end()) return known->loader;
  return fail(ErrorCode::usage, "'{}' is not a known boot loader ({})", name, boot_loader_names());
}

bool grub_reads_entries(const std::string& root) {
  return std::ranges::any_of(std::initializer_list<const char*>{"boot/grub2/grub.cfg", "boot/grub/grub.cfg"},
                             [&](const char* config) {
                               const auto text = read_text(fs::path(root) / config, 4_MiB);
                               return text && text->find("blscfg") != std::string::npos;
                             });
}

std::vector<BootLoader> boot_loaders_at(const std::string& root) {
  if (const auto manager = manager_at(root)) return {*manager};
  Loaders loaders;
  add_entry_loaders(root, loaders);
  // zipl writes a boot record that lists entries' kernels, so entries alone are not its configuration.
  for (const auto loader : {BootLoader::extlinux, BootLoader::raspberry_pi, BootLoader::flash_kernel,
                            BootLoader::zipl, BootLoader::refind, BootLoader::limine}) {
    if (has_files_of(loader, root)) loaders.push_back(loader);
  }
  // Boards: the firmware reads its own file, whatever else is installed to write one.
  const auto has = [&](BootLoader loader) { return std::ranges::find(loaders, loader) != loaders.end(); };
  if (has(BootLoader::raspberry_pi) || has(BootLoader::extlinux))
    std::erase(loaders, BootLoader::flash_kernel);
  if (has(BootLoader::bls)) std::erase(loaders, BootLoader::zipl);
  return loaders;
}

Result<BootLoader> find_boot_loader(const std::string& root, const BootedBy& booted, std::string_view value) {
  if (auto other = other_system(root, value)) return std::unexpected(*std::move(other));
  const Loaders installed = boot_loaders_at(root);
  if (installed.empty()) return std::unexpected(no_boot_loader(root, booted, value));
  Loaders possible = installed;
  std::erase_if(possible, [&](BootLoader loader) { return ruled_out(booted, loader); });
  if (possible.empty()) {
    // A number in the kernel's header may be that of the boot loader before a move to another one; a name
    // in an EFI variable shows that its partition is missing here.
    const bool named = is_named(booted) || !booted.family;
    if (named && (booted.family || installed.size() > 1))
      return std::unexpected(started_by_another(booted, root));
    possible = installed;
  }
  if (possible.size() > 1) {
    Loaders booting = possible;
    std::erase_if(booting, [&](BootLoader loader) { return !boots_something(root, loader, booted.release); });
    if (!booting.empty()) possible = std::move(booting);
  }
  if (possible.size() == 1) return possible.front();
  return std::unexpected(cannot_decide(possible));
}

std::optional<std::string> doubt_about(BootLoader loader, const std::string& root, const BootedBy& booted) {
  if (booted.family && !could_be(*booted.family, loader)) {
    return fmt::format(
        "{} shows that another boot loader than {} started this machine: it must start from {} "
        "next time",
        booted.evidence, boot_loader_name(loader), boot_loader_name(loader));
  }
  if (ruled_out(booted, loader)) {
    return fmt::format("{} did not start this machine: there is no EFI variable LoaderInfo",
                       boot_loader_name(loader));
  }
  if (loader == BootLoader::grub && !booted.release.empty() && grub_boots(root) &&
      !grub_boots(root, booted.release)) {
    return fmt::format(
        "grub.cfg does not boot the running kernel ({}): another boot loader may have started "
        "this machine",
        booted.release);
  }
  return std::nullopt;
}

Result<BootLoader> find_boot_loader(const std::string& root, std::string_view value) {
  return find_boot_loader(root, booted_by_of(root), value);
}

}  // namespace lifeboat::reservation
