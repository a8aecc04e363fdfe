// SPDX-License-Identifier: GPL-2.0-or-later
// The commands of a grub.cfg that decide what is booted, but for those that find and load files
// (grub_load_commands.cpp). All others are listed: those without any effect on it, and those that are
// refused.
#include <algorithm>
#include <filesystem>

#include "loader/entries/grub_evaluator.h"
#include "loader/grubenv.h"
#include "src/base/file.h"

namespace lifeboat::grub {
namespace {

constexpr uint64_t kLargestEnvironmentBlock = uint64_t{64} << 10;

// They prepare the screen, the keyboard, the drivers or memory. Whether they succeed is not known.
constexpr const char* kWithoutEffect[] = {"acpi",
                                          "all_functional_test",
                                          "authenticate",
                                          "background_color",
                                          "background_image",
                                          "badram",
                                          "blocklist",
                                          "cat",
                                          "clear",
                                          "cmosclean",
                                          "cmosset",
                                          "cmostest",
                                          "cmosdump",
                                          "cmp",
                                          "cpuid",
                                          "crc",
                                          "cryptomount",
                                          "cutmem",
                                          "date",
                                          "distrust",
                                          "drivemap",
                                          "dump",
                                          "efitextmode",
                                          "file",
                                          "gdbstub",
                                          "gettext",
                                          "gptsync",
                                          "hashsum",
                                          "hdparm",
                                          "hello",
                                          "help",
                                          "hexdump",
                                          "inb",
                                          "inl",
                                          "insmod",
                                          "inw",
                                          "keymap",
                                          "keystatus",
                                          "list_env",
                                          "list_trusted",
                                          "loadfont",
                                          "loopback",
                                          "ls",
                                          "lsacpi",
                                          "lscoreboot",
                                          "lsefi",
                                          "lsefimmap",
                                          "lsefisystab",
                                          "lsfonts",
                                          "lsmmap",
                                          "lsmod",
                                          "lspci",
                                          "lssal",
                                          "macppcbless",
                                          "mactelbless",
                                          "md5sum",
                                          "memrw",
                                          "modinfo",
                                          "msdospart",
                                          "nativedisk",
                                          "net_add_addr",
                                          "net_add_dns",
                                          "net_add_route",
                                          "net_bootp",
                                          "net_bootp6",
                                          "net_del_addr",
                                          "net_del_dns",
                                          "net_del_route",
                                          "net_dhcp",
                                          "net_get_dhcp_option",
                                          "net_ipv6_autoconf",
                                          "net_ls_addr",
                                          "net_ls_cards",
                                          "net_ls_dns",
                                          "net_ls_routes",
                                          "net_nslookup",
                                          "outb",
                                          "outl",
                                          "outw",
                                          "parttool",
                                          "password",
                                          "password_pbkdf2",
                                          "pcidump",
                                          "play",
                                          "procaddr",
                                          "rdmsr",
                                          "reset",
                                          "rmmod",
                                          "save_env",
                                          "sendkey",
                                          "serial",
                                          "setpci",
                                          "sha1sum",
                                          "sha256sum",
                                          "sha512sum",
                                          "sleep",
                                          "terminal_input",
                                          "terminal_output",
                                          "terminal",
                                          "terminfo",
                                          "testload",
                                          "time",
                                          "tpm",
                                          "trust",
                                          "usb",
                                          "verify_detached",
                                          "videoinfo",
                                          "videotest",
                                          "vbeinfo",
                                          "vbetest",
                                          "vt",
                                          "write_byte",
                                          "write_dword",
                                          "write_word",
                                          "wrmsr",
                                          "xnu_splash",
                                          "zfs-bootfs",
                                          "zfsinfo",
                                          "zfskey"};
// These set a variable to something that is not known here.
constexpr const char* kSetUnknown[] = {"getenv",    "probe",  "read",   "read_byte", "read_dword",
                                       "read_word", "regexp", "smbios", "hwmatch"};
// What they do to the menu is not known here.
constexpr const char* kUnsupported[] = {"extract_entries_configfile",
                                        "extract_entries_source",
                                        "extract_legacy_entries_configfile",
                                        "extract_legacy_entries_source",
                                        "extract_syslinux_entries_configfile",
                                        "extract_syslinux_entries_source",
                                        "legacy_configfile",
                                        "legacy_kernel",
                                        "legacy_source",
                                        "syslinux_configfile",
                                        "syslinux_source",
                                        "uki"};
// They end GRUB, or start something that is no Linux kernel by GRUB's loader.
constexpr const char* kForeign[] = {
    "exit",        "halt",           "reboot",         "normal_exit", "multiboot",    "multiboot2",
    "module",      "module2",        "ntldr",          "freedos",     "kfreebsd",     "knetbsd",
    "kopenbsd",    "plan9",          "truecrypt",      "xnu_kernel",  "xnu_kernel64", "xnu_resume",
    "appleloader", "pxechainloader", "xen_hypervisor", "xen_linux",   "xen_initrd",   "xen_module"};

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : " ") + shown(word);
  return text;
}

// "--set NAME", "--set=NAME" and "-s NAME": what probe, regexp and others assign. regexp's has a number in
// front: "--set 1:NAME".
std::vector<std::string> assigned_names(const std::vector<std::string>& words) {
  std::vector<std::string> names;
  for (size_t i = 1; i < words.size(); ++i) {
    std::string name;
    if (words[i] == "--set" || words[i] == "-s") {
      if (i + 1 < words.size()) name = words[i + 1];
    } else if (words[i].starts_with("--set=")) {
      name = words[i].substr(6);
    }
    if (const size_t colon = name.find(':'); colon != std::string::npos) name.erase(0, colon + 1);
    if (!name.empty()) names.push_back(std::move(name));
  }
  return names;
}

}  // namespace

const std::map<std::string, Evaluator::Handler, std::less<>>& Evaluator::commands() {
  static const auto table = [] {
    std::map<std::string, Handler, std::less<>> all = {{"[", &Evaluator::do_test},
                                                       {"test", &Evaluator::do_test},
                                                       {"true", &Evaluator::do_true},
                                                       {"false", &Evaluator::do_false},
                                                       {"echo", &Evaluator::do_true},
                                                       {"set", &Evaluator::do_set},
                                                       {"unset", &Evaluator::do_unset},
                                                       {"export", &Evaluator::do_export},
                                                       {"increment", &Evaluator::do_count},
                                                       {"decrement", &Evaluator::do_count},
                                                       {"load_env", &Evaluator::do_load_env},
                                                       {"eval", &Evaluator::do_eval},
                                                       {"source", &Evaluator::do_source},
                                                       {".", &Evaluator::do_source},
                                                       {"configfile", &Evaluator::do_configfile},
                                                       {"normal", &Evaluator::do_configfile},
                                                       {"shift", &Evaluator::do_shift},
                                                       {"setparams", &Evaluator::do_setparams},
                                                       {"return", &Evaluator::do_return},
                                                       {"break", &Evaluator::do_break},
                                                       {"continue", &Evaluator::do_break},
                                                       {"search", &Evaluator::do_search},
                                                       {"search.file", &Evaluator::do_search},
                                                       {"search.fs_label", &Evaluator::do_search},
                                                       {"search.fs_uuid", &Evaluator::do_search},
                                                       {"linux", &Evaluator::do_linux},
                                                       {"linuxefi", &Evaluator::do_linux},
                                                       {"linux16", &Evaluator::do_linux},
                                                       {"initrd", &Evaluator::do_initrd},
                                                       {"initrdefi", &Evaluator::do_initrd},
                                                       {"initrd16", &Evaluator::do_initrd},
                                                       {"chainloader", &Evaluator::do_chainloader},
                                                       {"devicetree", &Evaluator::do_devicetree},
                                                       {"fdt", &Evaluator::do_devicetree},
                                                       {"fwsetup", &Evaluator::do_fwsetup},
                                                       {"boot", &Evaluator::do_boot},
                                                       {"blscfg", &Evaluator::do_blscfg},
                                                       {"bls_import", &Evaluator::do_blscfg}};
    for (const char* name : kWithoutEffect) all.emplace(name, &Evaluator::do_nothing);
    for (const char* name : kSetUnknown) all.emplace(name, &Evaluator::do_set_unknown);
    for (const char* name : kUnsupported) all.emplace(name, &Evaluator::do_unsupported);
    for (const char* name : kForeign) all.emplace(name, &Evaluator::do_foreign);
    return all;
  }();
  return table;
}

Result<Evaluator::Status> Evaluator::do_test(const Arguments& words) {
  const Truth truth =
      evaluate_test({words.begin() + 1, words.end()},
                    [this](char test, const std::string& path) { return test_file(test, path); });
  if (truth == Truth::unknown) return Status::unknown;
  return truth == Truth::yes ? Status::success : Status::failure;
}

Result<Evaluator::Status> Evaluator::do_true(const Arguments&) {
  return Status::success;
}

Result<Evaluator::Status> Evaluator::do_false(const Arguments&) {
  return Status::failure;
}

Result<Evaluator::Status> Evaluator::do_nothing(const Arguments&) {
  return Status::unknown;
}

Result<Evaluator::Status> Evaluator::do_set(const Arguments& words) {
  if (words.size() < 2) return Status::success;
  const size_t equals = words[1].find('=');
  if (equals == std::string::npos || equals == 0) return Status::failure;
  const std::string name = words[1].substr(0, equals);
  if (!is_known(name)) return do_unsupported(words);
  TRY_VOID(environment_.set(name, words[1].substr(equals + 1)));
  return Status::success;
}

Result<Evaluator::Status> Evaluator::do_unset(const Arguments& words) {
  if (words.size() < 2) return Status::failure;
  environment_.unset(words[1]);
  return Status::success;
}

Result<Evaluator::Status> Evaluator::do_export(const Arguments& words) {
  for (size_t i = 1; i < words.size(); ++i) environment_.export_name(words[i]);
  return words.size() > 1 ? Status::success : Status::failure;
}

// increment and decrement, of Fedora's GRUB: the number of boots that are left.
Result<Evaluator::Status> Evaluator::do_count(const Arguments& words) {
  const std::string* value = words.size() == 2 ? environment_.find(words[1]) : nullptr;
  if (value == nullptr) return Status::failure;
  if (!is_known(*value)) return Status::unknown;
  const bool negative = value->starts_with('-');
  const auto number = leading_number(std::string_view(*value).substr(negative ? 1 : 0));
  if (!number || number->value >= uint64_t{1} << 62) return Status::failure;
  const auto count = static_cast<int64_t>(number->value);
  const int64_t next = (negative ? -count : count) + (words[0] == "increment" ? 1 : -1);
  TRY_VOID(environment_.set(words[1], std::to_string(next)));
  return Status::success;
}

Result<Evaluator::Status> Evaluator::do_load_env(const Arguments& words) {
  std::string file = environment_.get("prefix") + "/grubenv";
  Arguments only;  // names to be set; empty: all
  for (size_t i = 1; i < words.size(); ++i) {
    if (words[i] == "--skip-sig" || words[i] == "-s") continue;
    if (words[i].starts_with("--file=")) {
      file = words[i].substr(7);
    } else if (words[i] == "--file" || words[i] == "-f") {
      if (++i >= words.size()) return Status::failure;
      file = words[i];
    } else {
      only.push_back(words[i]);
    }
  }
  if (!is_known(file)) {
    return fail(ErrorCode::unsupported,
                "{}: which environment block is read depends on {}, which is not known here", here(),
                unknown_parts(file));
  }
  const auto path = find(file);
  // As GRUB: an error on its screen, and the script goes on.
  if (!path) return Status::failure;
  const auto text = read_text(*path, kLargestEnvironmentBlock);
  if (!text) return std::unexpected(Error(text.error()).context(here()));
  TRY_VOID(budget_.spend(text->size()));
  if (!is_environment_block(*text)) {
    note(fmt::format("{} is no environment block of GRUB, which ignores it: create it anew with grub-editenv",
                     *path));
    return Status::failure;
  }
  for (auto& [name, value] : grub_variables(*text)) {
    if (!only.empty() && std::ranges::find(only, name) == only.end()) continue;
    TRY_VOID(environment_.set(name, std::move(value)));
  }
  return Status::success;
}

Result<Evaluator::Status> Evaluator::do_set_unknown(const Arguments& words) {
  auto names = assigned_names(words);
  if (words[0] == "hwmatch") names.emplace_back("match");
  if (names.empty() && (words[0] == "read" || words[0] == "getenv") && words.size() > 1)
    names.push_back(words.back());
  for (const auto& name : names)
    TRY_VOID(
        environment_.set(name, unknown_value(fmt::format("${} of '{}' ({})", name, joined(words), here()))));
  return Status::unknown;
}

Result<Evaluator::Status> Evaluator::do_eval(const Arguments& words) {
  std::string text;
  for (size_t i = 1; i < words.size(); ++i) text += (i > 1 ? " " : "") + words[i];
  if (!is_known(text)) return do_unsupported(words);
  return run_text(text, file_);
}

Result<Evaluator::Status> Evaluator::do_source(const Arguments& words) {
  if (words.size() < 2) return Status::failure;
  if (!is_known(words[1])) return do_unsupported(words);
  const auto path = find(words[1]);
  return path ? run_file(*path) : Status::failure;
}

// The menu of another file, from which GRUB does not come back unless a key is pressed.
Result<Evaluator::Status> Evaluator::do_configfile(const Arguments& words) {
  if (words.size() < 2 || !is_known(words[1])) return do_unsupported(words);
  const auto path = find(words[1]);
  if (!path) return problem(path.error().message);
  TRY_VOID(budget_.spend(environment_.size()));
  environment_.open_context();
  const std::string folder = folder_device(std::filesystem::path(*path).parent_path().string());
  TRY_VOID(environment_.set("config_directory", folder));
  TRY_VOID(environment_.set("config_file", *path));
  const auto menu = std::exchange(menu_, {});
  TRY_VOID(run_file(*path));
  if (!booted_ && flow_ == Flow::ended) {
    const MenuEntry none{
        .name = {}, .file = file_, .line = line_, .parameters = {}, .body = {}, .broken = {}, .unset = {}};
    booted_ = TRY(booted(none, ""));
  } else if (!booted_ && !menu_.empty()) {
    booted_ = TRY(run_menu(""));
  }
  menu_ = menu;
  environment_.close_context();
  if (booted_) {
    flow_ = Flow::ended;
    return Status::success;
  }
  return problem(fmt::format("{} boots nothing", *path));
}

Result<Evaluator::Status> Evaluator::do_shift(const Arguments& words) {
  const auto count = words.size() > 1 ? leading_number(words[1]) : LeadingNumber{.value = 1, .rest = {}};
  auto& parameters = environment_.parameters;
  if (!count || count->value > parameters.size()) return Status::failure;
  parameters.erase(parameters.begin(), parameters.begin() + static_cast<ptrdiff_t>(count->value));
  return Status::success;
}

Result<Evaluator::Status> Evaluator::do_setparams(const Arguments& words) {
  environment_.parameters.assign(words.begin() + 1, words.end());
  return Status::success;
}

Result<Evaluator::Status> Evaluator::do_return(const Arguments& words) {
  // GRUB prints an error outside of a function.
  if (calls_ == 0) return Status::failure;
  const std::string value = words.size() > 1 ? words[1] : environment_.get("?");
  flow_ = Flow::returned;
  if (!is_known(value)) return Status::unknown;
  const auto number = leading_number(value);
  return !number || number->value == 0 ? Status::success : Status::failure;
}

// break and continue.
Result<Evaluator::Status> Evaluator::do_break(const Arguments& words) {
  const auto count = words.size() > 1 ? leading_number(words[1]) : LeadingNumber{.value = 1, .rest = {}};
  if (!count || count->value == 0) return Status::failure;
  continues_ = words[0] == "continue";
  breaks_ = static_cast<unsigned>(std::min<uint64_t>(count->value, loops_));
  return Status::success;
}

Result<Evaluator::Status> Evaluator::do_unsupported(const Arguments& words) {
  std::string text =
      fmt::format("{}: '{}' is not supported: GRUB's menu cannot be known", here(), joined(words));
  for (const auto& word : words)
    if (!is_known(word)) text += fmt::format(" (it depends on {})", unknown_parts(word));
  return fail(ErrorCode::unsupported, "{}", text);
}

}  // namespace lifeboat::grub
