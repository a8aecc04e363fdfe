// SPDX-License-Identifier: GPL-2.0-or-later
// The boot loaders that `reserve set` can configure, and which of them starts the system below a root.
// Nothing is written here. docs/reserve.md has a table of them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "loader/booted_by.h"
#include "src/base/error.h"
#include "src/reservation/file_edit.h"

namespace lifeboat::reservation {

enum class BootLoader {
  grub,          // /etc/default/grub.d and grub-mkconfig
  bls,           // GRUB, zipl or another that boots by loader/entries/*.conf
  systemd_boot,  // the same files, written by kernel-install
  proxmox,       // boot partitions that proxmox-boot-tool writes
  kernelstub,    // Pop!_OS: entries that kernelstub writes
  ostree,        // deployments: rpm-ostree has the command line
  sdbootutil,    // openSUSE: entries that sdbootutil writes from /etc/kernel/cmdline
  unified,       // unified kernel images, made from /etc/kernel/cmdline or cmdline.d, and no boot entries
  extlinux,      // extlinux.conf or syslinux.cfg; also U-Boot's menu
  raspberry_pi,  // the firmware's cmdline.txt
  flash_kernel,  // Debian and Ubuntu on boards
  zipl,          // zipl.conf
  refind,        // refind_linux.conf
  limine,        // limine.conf
};
std::string_view boot_loader_name(BootLoader loader);
Result<BootLoader> parse_boot_loader(std::string_view name);
// "grub, bls, ..." for messages.
std::string boot_loader_names();

// All whose files exist below `root`.
std::vector<BootLoader> boot_loaders_at(const std::string& root);
// The one that starts this system: of several, the one that started it last, or the only one that has a
// kernel to boot. `usage` when that does not decide, `not_found` when there is none or another one started
// it, `unsupported` when the command line belongs to the system's own configuration (NixOS, Guix, ...): the
// fix has the line to add for `value`.
Result<BootLoader> find_boot_loader(const std::string& root, const BootedBy& booted, std::string_view value);
// The same by booted_by_of(root).
Result<BootLoader> find_boot_loader(const std::string& root, std::string_view value = {});

// Why it may not be the one that starts this system, although it was chosen: for a warning.
std::optional<std::string> doubt_about(BootLoader loader, const std::string& root, const BootedBy& booted);

// Whether a grub.cfg below `root` boots a kernel: by lines of its own, or by boot entries. With a `release`,
// a kernel of that name, if it names kernels at all.
bool grub_boots(const std::string& root, std::string_view release = {});
// Whether its grub.cfg boots by loader/entries (blscfg).
bool grub_reads_entries(const std::string& root);

// A crashkernel= that lifeboat did not write.
struct ForeignParameter {
  std::string where;      // "/etc/default/grub:9"
  std::string parameter;  // "crashkernel=192M"
};

// A program and its arguments, that must run before the boot loader uses a changed file.
using LoaderCommand = std::vector<std::string>;

struct BootLoaderPlan {
  std::vector<FileEdit> edits;
  std::vector<ForeignParameter> foreign;
  std::vector<std::string> notes;
  // In their order; none when nothing changes and an earlier setting is complete.
  std::vector<LoaderCommand> commands;
  // What must be done by hand besides, one sentence or command each.
  std::vector<std::string> by_hand;
  // Of reserve.json once the commands have run; nullopt: it needs no second write.
  std::optional<FileEdit> record_done;
};

// `value` is what follows "crashkernel=", several parameters separated by blanks; empty: it is removed, and
// what a forced setting replaced is restored. `force` only matters to tools that change parameters one by
// one.
Result<BootLoaderPlan> plan_boot_loader(BootLoader loader, const std::string& root, const std::string& value,
                                        bool force = false);

// --- the single boot loaders, for plan_boot_loader() and tests
Result<BootLoaderPlan> plan_grub(const std::string& root, const std::string& value);
// For bls and systemd_boot: every entry that boots Linux, and /etc/kernel/cmdline, which kernel-install uses
// for new ones; for GRUB also its environment block and /etc/default/grub.
Result<BootLoaderPlan> plan_entries(const std::string& root, const std::string& value,
                                    BootLoader loader = BootLoader::bls);
// Files with a command line, and a program that takes them over.
Result<BootLoaderPlan> plan_files(BootLoader loader, const std::string& root, const std::string& value);
// A tool that keeps the command line itself: kernelstub, rpm-ostree.
Result<BootLoaderPlan> plan_tool(BootLoader loader, const std::string& root, const std::string& value,
                                 bool force);

// Whether the boot loader uses the value, as far as its files show; nullopt: they do not show it.
std::optional<bool> boot_loader_agrees(BootLoader loader, const std::string& root, const std::string& value,
                                       const std::vector<ForeignParameter>& foreign);

// The same for the tools of plan_tool().
std::optional<bool> tool_agrees(BootLoader loader, const std::string& root, const std::string& value);

// The value that plan_grub() planned last, if it has not been removed.
std::optional<std::string> grub_value(const std::string& root);
// Whether grub.cfg, as grub-mkconfig wrote it last, has the value. nullopt: grub.cfg is missing, or boots no
// kernel itself. With an empty value: whether it has only `foreign` parameters.
std::optional<bool> grub_config_agrees(const std::string& root, const std::string& value,
                                       const std::vector<ForeignParameter>& foreign);

}  // namespace lifeboat::reservation
