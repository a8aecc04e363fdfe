// SPDX-License-Identifier: GPL-2.0-or-later
// /etc/default/kdump-tools: kdump-tools.conf(5), and the comments of the file itself.
#include <fmt/core.h>

#include <algorithm>
#include <ranges>
#include <string>
#include <vector>

#include "src/base/text.h"
#include "src/migration/fail_command.h"
#include "src/migration/shell_settings.h"
#include "src/migration/translate.h"

namespace lifeboat::migration {
namespace {

void translate_use(Draft& draft, const Setting& from, const Variables& /*variables*/) {
  if (from.value == "1") {
    draft.note(from, Fate::same, "lifeboat-load.service loads the capture kernel");
  } else {
    draft.note(from, Fate::by_hand,
               "kdump-tools is off; to keep lifeboat off too: systemctl disable lifeboat-load.service");
  }
}

// kdump-tools keeps links to the running kernel's files there.
constexpr std::string_view kOwnFolder = "/var/lib/kdump/";

void translate_debian_kernel(Draft& draft, const Setting& from, const Variables& /*variables*/) {
  translate_kernel(draft, from, from.value.starts_with(kOwnFolder) ? "" : from.value);
}

void translate_initrd(Draft& draft, const Setting& from, const Variables& /*variables*/) {
  const bool own = from.value.empty() || from.value.starts_with(kOwnFolder);
  draft.note(from, own ? Fate::same : Fate::missing, "lifeboat builds its own initramfs");
}

void translate_folder(Draft& draft, const Setting& from, const Variables& variables) {
  // A dump over the network wins over the folder, which then holds what is local.
  for (const char* remote : {"NFS", "SSH", "FTP"}) {
    const auto found = variables.find(remote);
    if (found == variables.end() || found->second.empty()) continue;
    draft.note(from, Fate::missing, fmt::format("{} is set, and takes the dumps instead", remote));
    return;
  }
  if (from.value.empty()) {
    draft.note(from, Fate::same, "it is empty");
  } else {
    draft.add_target(from, {.path = from.value, .device = {}, .filesystem = {}, .where = {}});
  }
}

void translate_failure(Draft& draft, const Setting& from, const Variables& /*variables*/) {
  const auto command = read_fail_command(from.value);
  if (command.action.empty()) {
    draft.note(from, command.fate, command.reason);
  } else {
    draft.set(from, "failure", "action", command.action, command.reason);
  }
}

void translate_count(Draft& draft, const Setting& from, const Variables& /*variables*/) {
  draft.set(from, "retention", "keep", from.value == "0" ? "" : from.value);
}

void translate_file_compression(Draft& draft, const Setting& from, const Variables& /*variables*/) {
  if (from.value.empty()) {
    draft.note(from, Fate::same, "it is empty");
  } else {
    draft.set(from, "dump", "compression", "zstd",
              "the pages of the dump are compressed, not the file: dump readers need not unpack it");
  }
}

void translate_arguments(Draft& draft, const Setting& from, const Variables& /*variables*/) {
  // Empty: kdump-tools then uses -c -d 31.
  const auto words = words_of(from.value.empty() ? "-c -d 31" : from.value);
  translate_makedumpfile(draft, from, words, Absent::default_of_makedumpfile);
}

void append(Draft& draft, const Setting& from, const Variables& /*variables*/) {
  translate_append(draft, from);
}
void kexec_options(Draft& draft, const Setting& from, const Variables& /*variables*/) {
  translate_kexec_options(draft, from);
}

constexpr std::string_view kNetwork =
    "targets over a network are not supported yet: without a [target] dumps go to /var/crash/lifeboat";
constexpr std::string_view kLine =
    "the capture kernel's command line is made from the running kernel's; see "
    "[capture] append and remove";
constexpr ShellRule kRules[] = {
    {"USE_KDUMP", translate_use, Fate::same, {}, {}},
    {"KDUMP_KERNEL", translate_debian_kernel, Fate::same, {}, {}},
    {"KDUMP_INITRD", translate_initrd, Fate::same, {}, {}},
    {"KDUMP_COREDIR", translate_folder, Fate::same, {}, {}},
    {"KDUMP_FAIL_CMD", translate_failure, Fate::same, {}, {}},
    {"KDUMP_DUMP_DMESG", nullptr, Fate::same, {}, "the log is always saved, before the dump"},
    {"KDUMP_NUM_DUMPS", translate_count, Fate::same, {}, {}},
    // Before the next: where both compress, makedumpfile's is the one inside.
    {"KDUMP_COMPRESSION", translate_file_compression, Fate::same, {}, {}},
    {"MAKEDUMP_ARGS", translate_arguments, Fate::same, {}, {}},
    {"KDUMP_KEXEC_ARGS", kexec_options, Fate::same, {}, {}},
    {"KDUMP_CMDLINE", nullptr, Fate::missing, {}, kLine},
    {"KDUMP_CMDLINE_APPEND", append, Fate::same, {}, {}},
    {"KDUMP_SYSCTL", nullptr, Fate::by_hand, {}, "put it into a file in /etc/sysctl.d"},
    {"DEBUG_KERNEL", nullptr, Fate::same, {}, "debug symbols are found when a dump is read"},
    {"HOSTTAG", nullptr, Fate::same, {}, "manifest.json has the machine's name"},
    {"NFS", nullptr, Fate::missing, {}, kNetwork},
    {"NFS_TIMEO", nullptr, Fate::missing, {}, kNetwork},
    {"NFS_RETRANS", nullptr, Fate::missing, {}, kNetwork},
    {"NFS_MOUNT_RETRY", nullptr, Fate::missing, {}, kNetwork},
    {"FTP", nullptr, Fate::missing, {}, kNetwork},
    {"FTP_USER", nullptr, Fate::missing, {}, kNetwork},
    {"FTP_PASSWORD", nullptr, Fate::missing, {}, kNetwork},
    {"FTP_PORT", nullptr, Fate::missing, "21", kNetwork},
    {"FTP_TIMEOUT", nullptr, Fate::missing, {}, kNetwork},
    {"SSH", nullptr, Fate::missing, {}, kNetwork},
    {"SSH_KEY", nullptr, Fate::missing, {}, kNetwork},
    {"SSH_KDUMP_RETRY", nullptr, Fate::missing, {}, kNetwork},
    {"SSH_KDUMP_INTERVAL", nullptr, Fate::missing, {}, kNetwork},
};

}  // namespace

std::span<const ShellRule> kdump_tools_rules() {
  return kRules;
}

}  // namespace lifeboat::migration
