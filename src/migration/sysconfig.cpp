// SPDX-License-Identifier: GPL-2.0-or-later
// /etc/sysconfig/kdump: of kdump-utils (gen-kdump-sysconfig.sh), and of SUSE's kdump, kdump(5).
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <string>

#include "src/base/size.h"
#include "src/base/text.h"
#include "src/migration/shell_settings.h"
#include "src/migration/translate.h"

namespace lifeboat::migration {
namespace {

std::string value_of(const Variables& variables, std::string_view name, std::string_view fallback) {
  const auto found = variables.find(name);
  return std::string(found == variables.end() || found->second.empty() ? fallback
                                                                       : std::string_view(found->second));
}

// A version, or the path of a kernel.
void translate_version(Draft& draft, const Setting& from, const Variables& variables) {
  std::string path = from.value;
  if (!path.empty() && !path.starts_with('/')) {
    path = fmt::format("{}/{}-{}{}", value_of(variables, "KDUMP_BOOTDIR", "/boot"),
                       value_of(variables, "KDUMP_IMG", "vmlinuz"), from.value,
                       value_of(variables, "KDUMP_IMG_EXT", ""));
  }
  translate_kernel(draft, from, path);
}

void translate_image(Draft& draft, const Setting& from, const Variables& variables) {
  const bool used = !value_of(variables, "KDUMP_KERNELVER", "").empty();
  draft.note(
      from, Fate::same,
      used ? "it is a part of the path in [capture] kernel" : "lifeboat finds the running kernel's file");
}

std::string lower(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(), [](unsigned char c) { return std::tolower(c); });
  return result;
}

void translate_folder(Draft& draft, const Setting& from, const Variables& /*variables*/) {
  constexpr std::string_view kFile = "file://";
  const bool url = lower(from.value).starts_with(kFile);
  const std::string path = url ? from.value.substr(kFile.size()) : from.value;
  if (path.starts_with('/')) {
    draft.add_target(from, {.path = path, .device = {}, .filesystem = {}, .where = {}});
  } else {
    draft.note(from, Fate::missing,
               "targets over a network are not supported yet: without a [target] dumps go to "
               "/var/crash/lifeboat");
  }
}

// How many there are beside the new one; 0: no limit; -1: none.
void translate_old_dumps(Draft& draft, const Setting& from, const Variables& /*variables*/) {
  const auto old = parse_number(from.value);
  if (from.value == "-1") {
    draft.set(from, "retention", "keep", "1");
  } else if (!old || *old >= UINT32_MAX) {
    draft.note(from, Fate::missing, "it is not a number of dumps");
  } else {
    draft.set(from, "retention", "keep", *old == 0 ? "" : fmt::format("{}", *old + 1));
  }
}

void translate_free(Draft& draft, const Setting& from, const Variables& /*variables*/) {
  const auto megabytes = parse_number(from.value);
  if (!megabytes) {
    draft.note(from, Fate::missing, "it is not a size in MiB");
  } else {
    draft.set(from, "retention", "min_free", *megabytes == 0 ? "" : fmt::format("{}M", *megabytes),
              "older crashes make room for it, and the new dump stays");
  }
}

void translate_format(Draft& draft, const Setting& from, const Variables& /*variables*/) {
  struct Format {
    std::string_view name, compression;
  };
  constexpr std::array<Format, 4> kFormats = {
      {{"compressed", "zlib"}, {"lzo", "lzo"}, {"snappy", "snappy"}, {"zstd", "zstd"}}};
  const std::string name = lower(from.value);
  const auto format = std::ranges::find(kFormats, name, &Format::name);
  if (format != kFormats.end()) {
    draft.set(from, "dump", "compression", std::string(format->compression));
  } else if (name == "none") {
    draft.set(from, "dump", "level", "none");
  } else if (name.empty()) {
    draft.note(from, Fate::same, "it is empty");
  } else {
    draft.note(from, Fate::missing, "a capture writes KDUMP files only");
  }
}

void translate_level(Draft& draft, const Setting& from, const Variables& variables) {
  // The format "none" has no dump to filter.
  if (lower(value_of(variables, "KDUMP_DUMPFORMAT", "")) == "none") {
    draft.note(from, Fate::same, "KDUMP_DUMPFORMAT is none");
  } else {
    draft.set(from, "dump", "level", from.value);
  }
}

std::optional<bool> boolean(const Setting& setting) {
  const std::string value = lower(setting.value);
  if (value == "true" || value == "yes" || value == "1") return true;
  if (value == "false" || value == "no" || value == "0") return false;
  return std::nullopt;
}

void translate_reboot(Draft& draft, const Setting& from, const Variables& /*variables*/) {
  const auto reboots = boolean(from);
  if (!reboots) {
    draft.note(from, Fate::missing, "it is neither true nor false");
  } else {
    draft.set(from, "final", "action", *reboots ? "reboot" : "shell");
  }
}

void translate_errors(Draft& draft, const Setting& from, const Variables& /*variables*/) {
  const auto continues = boolean(from);
  if (!continues) {
    draft.note(from, Fate::missing, "it is neither true nor false");
  } else {
    draft.set(from, "failure", "action", *continues ? "reboot" : "shell");
  }
}

void translate_reservation(Draft& draft, const Setting& from, const Variables& /*variables*/) {
  if (from.value.empty() || from.value == "auto") {
    draft.note(from, Fate::by_hand, "run: lifeboat reserve set auto");
    return;
  }
  constexpr std::string_view kName = "crashkernel=";
  std::string sizes;
  for (const auto& word : words_of(from.value)) {
    const bool named = word.starts_with(kName);
    sizes += (sizes.empty() ? "" : " ") + (named ? word.substr(kName.size()) : word);
  }
  draft.note(from, Fate::by_hand, fmt::format("run: lifeboat reserve set {}", shell_word(sizes)));
}

// Of kdump-utils: a message to users after a crash; empty: none.
void translate_notice(Draft& draft, const Setting& from, const Variables& /*variables*/) {
  const auto on = from.value.empty() ? std::optional(false) : boolean(from);
  if (!on) {
    draft.note(from, Fate::missing, "it is neither yes nor no");
  } else {
    draft.set(from, "collect", "notice", *on ? "yes" : "no");
  }
}

void translate_resize(Draft& draft, const Setting& from, const Variables& /*variables*/) {
  const bool on = boolean(from) == true;
  draft.note(from, on ? Fate::by_hand : Fate::same,
             on ? "run after a boot: lifeboat reserve shrink SIZE" : "the reservation keeps its size");
}

void append(Draft& draft, const Setting& from, const Variables& /*variables*/) {
  translate_append(draft, from);
}
void remove(Draft& draft, const Setting& from, const Variables& /*variables*/) {
  translate_remove(draft, from);
}
void kexec_options(Draft& draft, const Setting& from, const Variables& /*variables*/) {
  translate_kexec_options(draft, from);
}
void makedumpfile_options(Draft& draft, const Setting& from, const Variables& /*variables*/) {
  if (words_of(from.value).empty()) draft.note(from, Fate::same, "it is empty");
  // The level and the codec are variables of their own.
  translate_makedumpfile(draft, from, words_of(from.value), Absent::kept);
}
void programs(Draft& draft, const Setting& from, const Variables& /*variables*/) {
  translate_files(draft, from);
}
void before(Draft& draft, const Setting& from, const Variables& /*variables*/) {
  translate_hook(draft, from, "hook_before",
                 "its argument is 'before', and the dump is made whatever it returns");
}
void after(Draft& draft, const Setting& from, const Variables& /*variables*/) {
  translate_hook(draft, from, "hook_after",
                 "its argument is 'after', and the outcome is in LIFEBOAT_OUTCOME");
}

constexpr std::string_view kLine =
    "the capture kernel's command line is made from the running kernel's; see "
    "[capture] append and remove";
constexpr std::string_view kFadump = "memory dumps by the firmware of POWER machines are not supported";
constexpr std::string_view kNetwork = "targets over a network are not supported yet";
constexpr std::string_view kMail = "no mail is sent; a program in [collect] command can do that";
constexpr std::string_view kLog = "messages go to the journal, and to capture.log of the crash";
constexpr ShellRule kRules[] = {
    {"KDUMP_KERNELVER", translate_version, Fate::same, {}, {}},
    {"KDUMP_COMMANDLINE", nullptr, Fate::missing, {}, kLine},
    {"KDUMP_COMMANDLINE_APPEND", append, Fate::same, {}, {}},
    {"KDUMP_COMMANDLINE_REMOVE", remove, Fate::same, {}, {}},
    // kdump-utils
    {"KEXEC_ARGS", kexec_options, Fate::same, {}, {}},
    {"KDUMP_BOOTDIR", translate_image, Fate::same, {}, {}},
    {"KDUMP_IMG", translate_image, Fate::same, {}, {}},
    {"KDUMP_IMG_EXT", translate_image, Fate::same, {}, {}},
    {"FADUMP_COMMANDLINE_APPEND", nullptr, Fate::same, {}, "it is for POWER machines"},
    {"KDUMP_STDLOGLVL", nullptr, Fate::same, {}, kLog},
    {"KDUMP_SYSLOGLVL", nullptr, Fate::same, {}, kLog},
    {"KDUMP_KMSGLOGLVL", nullptr, Fate::same, {}, kLog},
    // Of older releases: whether kexec has -s.
    {"KDUMP_FILE_LOAD", nullptr, Fate::same, {}, "lifeboat uses kexec_file_load(2) where the kernel has it"},
    {"VMCORE_CREATION_NOTIFICATION", translate_notice, Fate::same, {}, {}},
    {"MKDUMPRD_ARGS", nullptr, Fate::missing, {}, "the initramfs is not made by mkdumprd"},
    // SUSE
    {"KDUMP_CRASHKERNEL", translate_reservation, Fate::same, {}, {}},
    {"KDUMP_UPDATE_BOOTLOADER",
     nullptr,
     Fate::same,
     {},
     "only 'lifeboat reserve set' changes the boot loader"},
    {"KDUMP_AUTO_RESIZE", translate_resize, Fate::same, {}, {}},
    {"KDUMP_CPUS", nullptr, Fate::same, {}, "lifeboat chooses the number by the time that a dump takes"},
    {"KDUMP_FADUMP", nullptr, Fate::missing, "false", kFadump},
    {"KDUMP_FADUMP_SHELL", nullptr, Fate::missing, "false", kFadump},
    {"KEXEC_OPTIONS", kexec_options, Fate::same, {}, {}},
    {"MAKEDUMPFILE_OPTIONS", makedumpfile_options, Fate::same, {}, {}},
    {"KDUMP_IMMEDIATE_REBOOT", translate_reboot, Fate::same, {}, {}},
    {"KDUMP_TRANSFER", nullptr, Fate::missing, {}, "no other program than lifeboat-init writes the dump"},
    {"KDUMP_SAVEDIR", translate_folder, Fate::same, {}, {}},
    {"KDUMP_KEEP_OLD_DUMPS", translate_old_dumps, Fate::same, {}, {}},
    {"KDUMP_FREE_DISK_SIZE", translate_free, Fate::same, {}, {}},
    {"KDUMP_VERBOSE", nullptr, Fate::same, {}, kLog},
    {"KDUMP_DUMPLEVEL", translate_level, Fate::same, {}, {}},
    {"KDUMP_DUMPFORMAT", translate_format, Fate::same, {}, {}},
    {"KDUMP_CONTINUE_ON_ERROR", translate_errors, Fate::same, {}, {}},
    {"KDUMP_REQUIRED_PROGRAMS", programs, Fate::same, {}, {}},
    {"KDUMP_PRESCRIPT", before, Fate::same, {}, {}},
    {"KDUMP_POSTSCRIPT", after, Fate::same, {}, {}},
    {"KDUMP_COPY_KERNEL", nullptr, Fate::same, {}, "manifest.json has the kernel's release"},
    {"KDUMPTOOL_FLAGS", nullptr, Fate::same, {}, "it has no meaning in SUSE's kdump either"},
    {"KDUMP_NETCONFIG", nullptr, Fate::missing, "auto", kNetwork},
    {"KDUMP_NET_TIMEOUT", nullptr, Fate::missing, "30", kNetwork},
    {"KDUMP_HOST_KEY", nullptr, Fate::missing, {}, kNetwork},
    {"KDUMP_SSH_IDENTITY", nullptr, Fate::missing, {}, kNetwork},
    {"KDUMP_SMTP_SERVER", nullptr, Fate::missing, {}, kMail},
    {"KDUMP_SMTP_USER", nullptr, Fate::missing, {}, kMail},
    {"KDUMP_SMTP_PASSWORD", nullptr, Fate::missing, {}, kMail},
    {"KDUMP_NOTIFICATION_TO", nullptr, Fate::missing, {}, kMail},
    {"KDUMP_NOTIFICATION_CC", nullptr, Fate::missing, {}, kMail},
};

}  // namespace

std::span<const ShellRule> sysconfig_rules() {
  return kRules;
}

}  // namespace lifeboat::migration
