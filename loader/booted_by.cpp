// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/booted_by.h"

#include <array>
#include <cstdint>
#include <filesystem>
#include <string_view>
#include <utility>

#include "loader/command_line.h"
#include "loader/loader_variable.h"
#include "src/base/file.h"
#include "src/base/size.h"
#include "src/base/text.h"

namespace lifeboat {
namespace {

namespace fs = std::filesystem;

LoaderFamily family_of(std::string_view info) {
  constexpr auto kNames =
      std::to_array<std::pair<std::string_view, LoaderFamily>>({{"systemd-boot", LoaderFamily::systemd_boot},
                                                                {"gummiboot", LoaderFamily::systemd_boot},
                                                                {"GRUB", LoaderFamily::grub},
                                                                {"rEFInd", LoaderFamily::refind},
                                                                {"Limine", LoaderFamily::limine},
                                                                {"limine", LoaderFamily::limine}});
  for (const auto& [name, family] : kNames) {
    if (info.starts_with(name)) return family;
  }
  return LoaderFamily::other;
}

// The upper bits are the loader's number, the lowest four its version (the kernel's boot protocol:
// type_of_loader). A kernel that was started by kexec, or has no such header, has another number.
std::optional<LoaderFamily> family_of_type(unsigned type) {
  switch (type >> 4) {
    case 3:
      return LoaderFamily::syslinux;
    case 7:
      return LoaderFamily::grub;
    default:
      return std::nullopt;
  }
}

// With a LoaderInfo that cannot be understood it is not known who has left it.
bool has_variables(const std::string& sys) {
  std::error_code error;
  if (fs::exists(loader_variable_file(sys, "LoaderInfo"), error)) return false;
  const fs::directory_iterator files(sys + "/firmware/efi/efivars", error);
  return !error && files != fs::directory_iterator();
}

void look_at_header(const std::string& proc, BootedBy& booted) {
  const auto type = read_line(proc + "/sys/kernel/bootloader_type");
  const auto number = type ? parse_number(*type) : std::nullopt;
  if (number && *number <= UINT16_MAX) booted.family = family_of_type(static_cast<unsigned>(*number));
  if (booted.family) booted.evidence = "kernel.bootloader_type: " + *type;
}

void look_at_command_line(const std::string& proc, BootedBy& booted) {
  const auto line = read_text(proc + "/cmdline");
  if (!line) return;
  for (const auto& word : split_parameters(*line)) {
    // GRUB writes the kernel's path, newer ones with its device: "(hd0,gpt2)/vmlinuz". So does syslinux,
    // which has its number in the header.
    if (!word.starts_with("BOOT_IMAGE=")) continue;
    booted.family = LoaderFamily::grub;
    booted.evidence = word;
  }
}

}  // namespace

bool is_named(const BootedBy& booted) {
  return booted.evidence.starts_with("LoaderInfo") || booted.evidence.starts_with("StubInfo");
}

BootedBy read_booted_by(const std::string& sys, const std::string& proc) {
  BootedBy booted{.efi = has_variables(sys)};
  booted.release = read_line(proc + "/sys/kernel/osrelease").value_or("");
  look_at_header(proc, booted);
  const bool grub = booted.family == LoaderFamily::grub;
  if (const auto info = read_loader_variable(sys, "LoaderInfo")) {
    const auto family = family_of(*info);
    // A boot manager may have started GRUB, which started the kernel, and an older GRUB leaves no name.
    if (grub && (family == LoaderFamily::refind || family == LoaderFamily::other)) return booted;
    booted.family = family;
    booted.evidence = "LoaderInfo: " + *info;
    return booted;
  }
  if (const auto stub = read_loader_variable(sys, "StubInfo")) {
    booted.family = LoaderFamily::firmware;
    booted.evidence = "StubInfo: " + *stub;
    return booted;
  }
  if (!booted.family) look_at_command_line(proc, booted);
  return booted;
}

BootedBy booted_by_of(const std::string& root) {
  std::error_code error;
  const fs::path sys = fs::path(root) / "sys", proc = fs::path(root) / "proc";
  if (!fs::equivalent(root, "/", error) &&
      (fs::equivalent(sys, "/sys", error) || fs::equivalent(proc, "/proc", error)))
    return {};
  return read_booted_by(sys, proc);
}

}  // namespace lifeboat
