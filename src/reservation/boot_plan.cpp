// SPDX-License-Identifier: GPL-2.0-or-later
// One plan for each kind of boot loader, and the program that rebuilds grub.cfg.
#include <sys/statvfs.h>

#include <algorithm>
#include <filesystem>
#include <initializer_list>
#include <string_view>
#include <utility>

#include "src/base/process.h"
#include "src/reservation/boot_loader.h"
#include "src/reservation/crashkernel_parameters.h"
#include "src/reservation/entry_files.h"
#include "src/reservation/file_loaders.h"

namespace lifeboat::reservation {
namespace {

namespace fs = std::filesystem;

// In this system by PATH, in another one by its folders.
bool has_program(const std::string& root, const std::string& name) {
  if (root == "/") return find_program(name).has_value();
  return std::ranges::any_of(std::initializer_list<const char*>{"usr/sbin", "usr/bin", "sbin", "bin"},
                             [&](const char* folder) {
                               std::error_code error;
                               return fs::exists(fs::path(root) / folder / name, error);
                             });
}

// A system whose / is a read-only snapshot: grub.cfg is made in the next one. Of another system the mount is
// not known.
bool is_transactional(const std::string& root) {
  if (!has_program(root, "transactional-update")) return false;
  struct statvfs status{};
  return root != "/" || (::statvfs("/usr", &status) == 0 && (status.f_flag & ST_RDONLY) != 0);
}

LoaderCommand grub_command(const std::string& root) {
  if (is_transactional(root)) return {"transactional-update", "grub.cfg"};
  if (has_program(root, "update-grub")) return {"update-grub"};
  for (const auto& [name, config] : {std::pair("grub2-mkconfig", "/boot/grub2/grub.cfg"),
                                     std::pair("grub-mkconfig", "/boot/grub/grub.cfg")}) {
    if (has_program(root, name)) return {name, "-o", config};
  }
  std::error_code error;
  if (fs::exists(fs::path(root) / "boot/grub2", error))
    return {"grub2-mkconfig", "-o", "/boot/grub2/grub.cfg"};
  return {"grub-mkconfig", "-o", "/boot/grub/grub.cfg"};
}

Result<BootLoaderPlan> plan_grub_with_command(const std::string& root, const std::string& value) {
  auto plan = TRY(plan_grub(root, value));
  // An earlier attempt may have been interrupted between the files and the command.
  if (plan.edits.empty() && grub_config_agrees(root, value, plan.foreign).value_or(true)) return plan;
  plan.commands.push_back(grub_command(root));
  return plan;
}

}  // namespace

Result<BootLoaderPlan> plan_boot_loader(BootLoader loader, const std::string& root, const std::string& value,
                                        bool force) {
  switch (loader) {
    case BootLoader::grub:
      return plan_grub_with_command(root, value);
    case BootLoader::bls:
    case BootLoader::systemd_boot:
      return plan_entries(root, value, loader);
    case BootLoader::kernelstub:
    case BootLoader::ostree:
      return plan_tool(loader, root, value, force);
    default:
      return plan_files(loader, root, value);
  }
}

std::optional<bool> boot_loader_agrees(BootLoader loader, const std::string& root, const std::string& value,
                                       const std::vector<ForeignParameter>& foreign) {
  if (loader == BootLoader::grub) {
    // The next snapshot has the new grub.cfg.
    if (is_transactional(root)) return std::nullopt;
    return grub_config_agrees(root, value, foreign);
  }
  if (value.empty()) return std::nullopt;
  if (loader == BootLoader::kernelstub || loader == BootLoader::ostree)
    return tool_agrees(loader, root, value);
  if (loader == BootLoader::unified) return images_without(root, parameters_of(value)).empty();
  if (loader == BootLoader::bls || loader == BootLoader::systemd_boot) {
    if (unified_images(root).empty()) return std::nullopt;
    return images_without(root, parameters_of(value)).empty();
  }
  return made_files_agree(loader_files(loader, root), root, value);
}

}  // namespace lifeboat::reservation
