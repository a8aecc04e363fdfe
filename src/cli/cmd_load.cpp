// SPDX-License-Identifier: GPL-2.0-or-later
// lifeboat load [KERNEL] [--crash], lifeboat unload [--crash]
#include <nlohmann/json.hpp>

#include "loader/load_checks.h"
#include "src/arming/noted_load.h"
#include "src/arming/waiting_load.h"
#include "src/base/log.h"
#include "src/base/size.h"
#include "src/base/text.h"
#include "src/cli/configuration.h"
#include "src/cli/load_plan.h"

namespace lifeboat::cli {
namespace {

constexpr const char* kLoadDescription =
    "Load KERNEL for the next panic (--crash), or for the next 'lifeboat reboot' or 'systemctl kexec'. The\n"
    "machine enters it without firmware. A unified kernel image may be given.\n"
    "\n"
    "Without KERNEL: with --crash, /boot/vmlinuz-RELEASE of the running kernel; else the default boot\n"
    "entry, with its initramfs and command line. Boot entries that cannot be loaded are skipped, with a\n"
    "message for each.\n"
    "\n"
    "Command line with --crash: the running kernel's, without parameters that a capture kernel must not\n"
    "have, with those that it needs, then --append. Without --crash: that of the boot entry or of the\n"
    "unified image, or with --reuse-cmdline that of the running kernel, then --append; a parameter that\n"
    "--append repeats is not repeated. With --command-line: exactly that one. docs/loading.md lists the "
    "parameters with the reasons.";

// "0x1000000", or a size: "16M".
Result<uint64_t> parse_address(const std::string& text) {
  if (!text.starts_with("0x")) return parse_size(text);
  if (const auto number = parse_number(text, 16)) return *number;
  return fail(ErrorCode::usage, "'{}' is not an address", text);
}

// systemd escapes characters that a unit name cannot have as \xNN, and passes them escaped in %i.
std::string unescape_instance(std::string_view text) {
  std::string name;
  for (size_t at = 0; at < text.size(); ++at) {
    const auto code = text.substr(at, 2) == "\\x" ? parse_number(text.substr(at + 2, 2), 16) : std::nullopt;
    name += code ? static_cast<char>(*code) : text[at];
    if (code) at += 3;
  }
  return name;
}

// What contradicts itself is found here, by the names of the options.
Result<arming::LoadOptions> load_options(const CommandLine& line) {
  arming::LoadOptions options{.crash = line.has("crash"),
                              .kernel = line.get("KERNEL"),
                              .reuse_command_line = line.has("reuse-cmdline"),
                              .verify = !line.has("no-checks"),
                              .dry_run = line.has("dry-run")};
  if (line.has("boot-name")) options.boot_name = unescape_instance(line.get("boot-name"));
  if (line.has("initrd")) options.initramfs = line.list("initrd");
  for (const auto& name : options.initramfs.value_or(std::vector<std::string>{}))
    if (name.empty()) return fail(ErrorCode::usage, "load: --initrd needs the name of a file");
  if (line.has("no-initrd")) {
    if (options.initramfs) return fail(ErrorCode::usage, "load: give --initrd or --no-initrd, not both");
    options.initramfs.emplace();
  }
  if (line.has("command-line")) options.command_line = line.get("command-line");
  if (line.has("append")) options.append = line.get("append");
  if (options.command_line && (options.append || options.reuse_command_line))
    return fail(ErrorCode::usage, "load: --command-line cannot be used with --append or --reuse-cmdline");
  if (line.has("syscall")) options.call = TRY(parse_load_call(line.get("syscall")));
  if (line.has("mem-min")) options.memory_min = TRY_CONTEXT(parse_address(line.get("mem-min")), "--mem-min");
  if (line.has("mem-max")) options.memory_max = TRY_CONTEXT(parse_address(line.get("mem-max")), "--mem-max");
  return options;
}

// The configuration applies to capture kernels only.
Result<config::Config> config_for(const CommandLine& line) {
  if (line.has("crash")) return read_config(line);
  return config::Config{};
}

void print_loaded(const CommandLine& line, const arming::PreparedLoad& load, const LoadReport& report) {
  const LoadRequest& request = load.request;
  const bool own_initramfs = request.initramfs.empty() && load.kernel.initramfs;
  if (line.json()) {
    std::vector<std::string> warnings = load.notes;
    warnings.insert(warnings.end(), report.warnings.begin(), report.warnings.end());
    print_json({{"loaded", true},
                {"crash", request.crash},
                {"kernel", load.kernel.name},
                {"release", report.release},
                {"initrd", request.initramfs},
                {"initrd_in_kernel_image", own_initramfs},
                {"command_line", report.command_line},
                {"syscall", load_call_name(report.call)},
                {"warnings", warnings}});
    return;
  }
  fmt::print("{} is loaded for the next {}\n", load.kernel.name, request.crash ? "crash" : "kexec");
  if (request.initramfs.empty()) fmt::print("  initramfs     {}\n", own_initramfs ? "its own" : "none");
  for (const auto& name : request.initramfs) fmt::print("  initramfs     {}\n", name);
  fmt::print("  command line  {}\n", one_line(report.command_line));
  fmt::print("  loaded by     {}\n", report.call == LoadCall::file ? "kexec_file_load" : "kexec_load");
}

// Files of another machine are accepted for a dry run only.
Result<SystemPaths> choose_paths(const CommandLine& line) {
  SystemPaths paths;
  for (const auto& [name, path] :
       {std::pair("iomem", &paths.iomem), {"sysfs", &paths.sys}, {"procfs", &paths.proc}}) {
    if (!line.has(name)) continue;
    if (!line.has("dry-run")) return fail(ErrorCode::usage, "load: --{} needs --dry-run", name);
    *path = line.get(name);
  }
  return paths;
}

Result<int> show_plan(const CommandLine& line, const arming::PreparedLoad& load, const SystemPaths& paths) {
  if (line.get("syscall", "auto") == load_call_name(LoadCall::file)) {
    return std::unexpected(
        Error(ErrorCode::usage,
              "load: --dry-run cannot show a load with --syscall file: the running kernel chooses the "
              "addresses")
            .hint("load without --dry-run; to see the segments of kexec_load(2): --dry-run --syscall "
                  "segments"));
  }
  const LoadPlan plan = TRY(dry_run(load.request, load.kernel, paths));
  if (line.json()) {
    print_plan_json(plan, load);
  } else {
    for (const auto& note : load.notes) log::info("{}", note);
    for (const auto& warning : plan.warnings) log::warning("{}", warning);
    print_plan_text(plan);
  }
  return kDone;
}

}  // namespace

Result<int> run_load(const Arguments& arguments) {
  CommandLine line("load", "[KERNEL] [--crash] [options]", kLoadDescription);
  // clang-format off
  line.options()
    ("crash", "load for the next panic, into the memory that crashkernel= reserved")
    ("boot-name", Takes::text,
     "instead of KERNEL: load /boot/vmlinuz-NAME or kernel-NAME, with the initramfs of that name if there is one "
     "(for units: \\xNN is unescaped)")
    ("initrd", Takes::list,
     "an initramfs; several are concatenated (default with --crash: /var/lib/lifeboat/initramfs-RELEASE.img)")
    ("no-initrd", "load the kernel without an initramfs: one that needs none, or has one built in")
    ("append", Takes::text, "parameters to append to the command line")
    ("command-line", Takes::text, "the whole command line")
    ("reuse-cmdline", "start with the running kernel's command line (the default with --crash)")
    ("syscall", Takes::text,
     "file: kexec_file_load; segments: kexec_load; auto (default): file, or segments where file is not possible (with --crash the default is [capture] syscall)")
    ("no-checks", "kexec_load: do not verify the checksum of the loaded kernel before it starts")
    ("mem-min", Takes::text, "kexec_load: load at this address or above (0x..., or 16M)")
    ("mem-max", Takes::text, "kexec_load: load below this address")
    ("dry-run", "show the arguments of kexec_load, and change nothing; needs no privilege for files that can be read")
    ("iomem", Takes::text, "with --dry-run: a copy of /proc/iomem")
    ("sysfs", Takes::text, "with --dry-run: a copy of /sys")
    ("procfs", Takes::text, "with --dry-run: a copy of /proc");
  // clang-format on
  line.positional("KERNEL");
  add_wait_option(
      line,
      "with --crash: load at once, wait at most so many seconds for missing devices of targets, and load "
      "again when one appears");
  add_config_option(line);
  if (!TRY(line.parse(arguments))) return kDone;

  const arming::LoadOptions options = TRY(load_options(line));
  const arming::LoadPlaces places{.system = TRY(choose_paths(line))};
  const auto prepare = [&]() -> Result<arming::PreparedLoad> {
    return arming::prepare_load(options, TRY(config_for(line)), places);
  };
  arming::WaitingLoad wanted{.prepare = prepare, .max_wait = TRY(read_wait(line)), .paths = places.system};
  // The targets are those of lifeboat's initramfs.
  const bool waits = options.crash && !options.initramfs;
  if (line.has("wait") && !waits) {
    return std::unexpected(
        Error(ErrorCode::usage, "load: --wait has no effect here")
            .hint("use it with --crash and without --initrd: it is for the targets of lifeboat's initramfs"));
  }
  if (line.has("dry-run")) return show_plan(line, TRY(prepare()), places.system);
  if (waits) wanted.targets = TRY(config_for(line)).targets;
  const arming::Loaded done = TRY(arming::load_and_wait_for_devices(wanted));
  if (!line.json())
    for (const auto& note : done.load.notes) log::info("{}", note);
  for (const auto& warning : done.report.warnings) log::warning("{}", warning);
  print_loaded(line, done.load, done.report);
  return kDone;
}

Result<int> run_unload(const Arguments& arguments) {
  CommandLine line(
      "unload", "[--crash]",
      "Unload the kernel for the next kexec, or with --crash the capture kernel: a crash is not captured\n"
      "then. Succeeds when none is loaded.");
  line.options()("crash", "the capture kernel");
  if (!TRY(line.parse(arguments))) return kDone;
  const bool crash = line.has("crash");
  TRY_VOID(arming::unload_and_forget(crash, SystemPaths{}));
  if (line.json()) {
    print_json({{"loaded", false}, {"crash", crash}});
  } else {
    fmt::print("{}\n",
               crash ? "no capture kernel is loaded: this machine is not armed" : "no kernel is loaded");
  }
  return kDone;
}

}  // namespace lifeboat::cli
