// SPDX-License-Identifier: GPL-2.0-or-later
// lifeboat load [KERNEL] [--crash], lifeboat unload [--crash]
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "loader/command_line.h"
#include "loader/entries/boot_entry.h"
#include "loader/load.h"
#include "loader/load_checks.h"
#include "src/arming/absent_devices.h"
#include "src/arming/capture_kernel.h"
#include "src/arming/kept_initramfs.h"
#include "src/arming/noted_load.h"
#include "src/base/file.h"
#include "src/base/log.h"
#include "src/base/service_notify.h"
#include "src/base/size.h"
#include "src/base/text.h"
#include "src/cli/command.h"
#include "src/cli/configuration.h"
#include "src/cli/load_plan.h"
#include "src/image/unwrap/unwrap.h"

namespace lifeboat::cli {
namespace {

constexpr const char* kLoadDescription =
    "Load KERNEL for the next panic (--crash), or for the next 'lifeboat reboot' or 'systemctl kexec'. The\n"
    "machine enters it without firmware. A unified kernel image may be given.\n"
    "\n"
    "Without KERNEL: with --crash, /boot/vmlinuz-RELEASE of the running kernel; else the default boot\n"
    "entry, with its initramfs and command line.\n"
    "\n"
    "Command line with --crash: the running kernel's, without parameters that a capture kernel must not\n"
    "have, with those that it needs, then --append. Without --crash: that of the boot entry or of the\n"
    "unified image, or with --reuse-cmdline that of the running kernel, then --append. With --command-line:\n"
    "exactly that one. docs/loading.md lists the parameters with the reasons.";

// A load whose options and kernel file have been checked.
struct PreparedLoad {
  KernelFile kernel;
  LoadRequest request;
  std::vector<std::string> notes;  // choices made for the user
};

// The capture initramfs of that kernel, rebuilt when it is stale.
Result<std::string> capture_initramfs(const CommandLine& line, const KernelFile& kernel,
                                      const config::Config& config, std::vector<std::string>& notes) {
  const std::string release = kernel_file_release(kernel);
  if (release.empty()) {
    return std::unexpected(
        Error(ErrorCode::not_found, fmt::format("cannot find the kernel release in {}", kernel.name))
            .hint("give its capture initramfs with --initrd"));
  }
  // A dry run changes nothing.
  std::string path = arming::initramfs_path(release);
  if (line.has("dry-run")) return path;
  TRY_VOID(arming::refresh_initramfs(config, {.release = release}, path, notes));
  return path;
}

Result<std::vector<std::string>> choose_initramfs(const CommandLine& line, const KernelFile& kernel,
                                                  const std::optional<BootEntry>& entry,
                                                  const config::Config& config,
                                                  std::vector<std::string>& notes) {
  if (line.has("initrd")) {
    auto given = line.list("initrd");
    for (const auto& name : given)
      if (name.empty()) return fail(ErrorCode::usage, "load: --initrd needs the name of a file");
    return given;
  }
  if (entry) return entry->initramfs;
  if (!line.has("crash")) return std::vector<std::string>{};
  return std::vector{TRY(capture_initramfs(line, kernel, config, notes))};
}

// nullopt: a unified kernel image's own.
Result<std::optional<std::string>> choose_command_line(const CommandLine& line, const SystemPaths& paths,
                                                       const KernelFile& kernel,
                                                       const std::optional<BootEntry>& entry,
                                                       const config::Config& config,
                                                       std::vector<std::string>& notes) {
  const bool reuse = line.has("reuse-cmdline");
  if (line.has("command-line")) {
    if (line.has("append") || reuse) {
      return fail(ErrorCode::usage, "load: --command-line cannot be used with --append or --reuse-cmdline");
    }
    return line.get("command-line");
  }
  const std::string append = line.get("append");
  if (line.has("crash")) {
    return arming::capture_command_line(config, TRY(read_text(paths.proc + "/cmdline")),
                                        append + " " + arming::boot_parameter(paths));
  }
  std::optional<std::string> base;
  if (!reuse && entry && entry->command_line) base = entry->command_line;
  if (!reuse && !base) base = kernel.command_line;
  if (!base && (reuse || entry)) {
    base = TRY(read_text(paths.proc + "/cmdline"));
    if (!reuse) notes.emplace_back("the boot entry has no command line: using that of the running kernel");
  }
  if (!base && !line.has("append")) {
    return std::unexpected(
        Error(ErrorCode::usage, "load: the new kernel's command line is missing")
            .hint("give --reuse-cmdline for that of the running kernel, or --append or --command-line"));
  }
  return normal_command_line({.reused = base.value_or(""), .append = append});
}

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

Result<> choose_call(const CommandLine& line, LoadRequest& request) {
  request.call = TRY(parse_load_call(line.get("syscall", "auto")));
  request.verify = !line.has("no-checks");
  if (line.has("mem-min")) request.memory_min = TRY_CONTEXT(parse_address(line.get("mem-min")), "--mem-min");
  if (line.has("mem-max")) request.memory_max = TRY_CONTEXT(parse_address(line.get("mem-max")), "--mem-max");
  if (request.memory_min >= request.memory_max)
    return fail(ErrorCode::usage, "load: there is no memory between --mem-min and --mem-max");
  const bool placed = line.has("mem-min") || line.has("mem-max");
  if (!placed && request.verify) return {};
  if (request.call == LoadCall::file) {
    return std::unexpected(
        Error(ErrorCode::usage,
              "load: --mem-min, --mem-max and --no-checks are for kexec_load; with kexec_file_load "
              "they have no effect")
            .hint("leave out --syscall, or give --syscall segments"));
  }
  request.call = LoadCall::segments;
  return {};
}

Result<PreparedLoad> prepare(const CommandLine& line, const SystemPaths& paths) {
  PreparedLoad load;
  load.request.crash = line.has("crash");
  TRY_VOID(choose_call(line, load.request));
  // The configuration applies to capture kernels only.
  const config::Config config = load.request.crash ? TRY(read_config(line)) : config::Config{};
  std::optional<BootEntry> entry;
  std::string path = line.get("KERNEL");
  if (line.has("boot-name")) {
    if (!path.empty()) return fail(ErrorCode::usage, "load: give KERNEL or --boot-name, not both");
    BootEntry named = TRY(named_kernel(BootPaths{}, unescape_instance(line.get("boot-name"))));
    path = named.kernel;
    // A capture kernel has an initramfs of its own.
    if (!load.request.crash) entry = std::move(named);
  }
  if (path.empty() && load.request.crash) path = TRY(arming::capture_kernel(config)).path;
  if (path.empty()) {
    entry = TRY(default_boot_entry(BootPaths{}));
    path = entry->kernel;
    load.notes.push_back(fmt::format("the default boot entry is '{}' ({})", entry->title, entry->source));
  }
  load.kernel = TRY(open_kernel_file(path));
  load.request.initramfs = TRY(choose_initramfs(line, load.kernel, entry, config, load.notes));
  load.request.command_line = TRY(choose_command_line(line, paths, load.kernel, entry, config, load.notes));
  return load;
}

void print_loaded(const CommandLine& line, const PreparedLoad& load, const LoadReport& report) {
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

Result<int> show_plan(const CommandLine& line, const PreparedLoad& load, const SystemPaths& paths) {
  if (load.request.call == LoadCall::file) {
    return std::unexpected(
        Error(ErrorCode::usage,
              "load: --dry-run cannot show a load with --syscall file: the running kernel chooses the "
              "addresses")
            .hint("leave out --syscall"));
  }
  const LoadPlan plan = TRY(dry_run(load.request, load.kernel, paths));
  if (line.json()) {
    print_plan_json(plan);
  } else {
    for (const auto& note : load.notes) log::info("{}", note);
    for (const auto& warning : plan.warnings) log::warning("{}", warning);
    print_plan_text(plan);
  }
  return kDone;
}

struct Loaded {
  PreparedLoad load;
  LoadReport report;
  std::string initramfs;  // the stamps of its files at the load
};

std::string stamps(const PreparedLoad& load) {
  std::string text;
  for (const auto& path : load.request.initramfs) text += arming::file_stamp(path) + "\n";
  return text;
}

Result<Loaded> load_prepared(PreparedLoad load, const SystemPaths& paths) {
  std::string initramfs = stamps(load);
  LoadReport report = TRY(arming::load_and_note(load.request, load.kernel, paths));
  return Loaded{std::move(load), std::move(report), std::move(initramfs)};
}

Result<Loaded> load_once(const CommandLine& line, const SystemPaths& paths) {
  return load_prepared(TRY(prepare(line, paths)), paths);
}

// With the notes of the load, such as an initramfs that could not be rebuilt.
std::string status_of(const Loaded& done) {
  std::string status = "armed with " + done.report.release;
  for (const auto& note : done.load.notes) status += "; " + note;
  return status;
}

void report_to_service_manager(bool armed, std::string status) {
  std::ranges::replace(status, '\n', ' ');
  notify_service_manager((armed ? "READY=1\nSTATUS=" : "STATUS=") + status);
}

// Loads again only if the initramfs has changed.
Result<Loaded> load_again(const CommandLine& line, const SystemPaths& paths, Result<Loaded> done) {
  if (!done) return load_once(line, paths);
  PreparedLoad load = TRY(prepare(line, paths));
  if (stamps(load) == done->initramfs) {
    done->load = std::move(load);
    return done;
  }
  // An operator has unloaded the capture kernel meanwhile: it stays unloaded.
  if (read_system_state(paths).crash_loaded == false) return done;
  return load_prepared(std::move(load), paths);
}

// Loads at once with the devices that are present, so that the machine is armed while it waits, and again
// each time when the device of a target has appeared.
Result<Loaded> load_now_and_later(const CommandLine& line, const SystemPaths& paths,
                                  std::chrono::seconds patience) {
  const auto end = std::chrono::steady_clock::now() + patience;
  const config::Config config = TRY(read_config(line));
  // Read before the load: a device that appears during the load must be noticed.
  auto absent = arming::absent_devices(config.targets);
  auto done = load_once(line, paths);
  while (!absent.empty() && patience.count() > 0) {
    const std::string status = fmt::format("{}; waiting for {}, {} s at most",
                                           done ? status_of(*done) : "not armed: " + done.error().to_string(),
                                           fmt::join(absent, ", "), patience.count());
    log::info("{}", status);
    report_to_service_manager(done.has_value(), status);
    if (!arming::wait_for_one(absent, end)) break;
    absent = arming::absent_devices(config.targets);
    done = load_again(line, paths, std::move(done));
  }
  return done;
}

}  // namespace

Result<int> run_load(const Arguments& arguments) {
  CommandLine line("load", "[KERNEL] [--crash] [options]", kLoadDescription);
  // clang-format off
  line.options()
    ("crash", "load for the next panic, into the memory that crashkernel= reserved")
    ("boot-name", Takes::text,
     "instead of KERNEL: load /boot/vmlinuz-NAME with the initramfs of that name (for units: \\xNN is unescaped)")
    ("initrd", Takes::list,
     "an initramfs; several are concatenated (default with --crash: /var/lib/lifeboat/initramfs-RELEASE.img)")
    ("append", Takes::text, "parameters to append to the command line")
    ("command-line", Takes::text, "the whole command line")
    ("reuse-cmdline", "start with the running kernel's command line (the default with --crash)")
    ("syscall", Takes::text,
     "file: kexec_file_load; segments: kexec_load; auto (default): file, or segments where file is not possible")
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

  const SystemPaths paths = TRY(choose_paths(line));
  const auto patience = TRY(read_wait(line));
  const bool waits = line.has("crash") && !line.has("initrd");
  if (line.has("wait") && !waits) {
    return std::unexpected(
        Error(ErrorCode::usage, "load: --wait has no effect here")
            .hint("use it with --crash and without --initrd: it is for the targets of lifeboat's initramfs"));
  }
  if (line.has("dry-run")) return show_plan(line, TRY(prepare(line, paths)), paths);
  const Loaded done = TRY(waits ? load_now_and_later(line, paths, patience) : load_once(line, paths));
  const auto& [load, report, initramfs] = done;
  if (!line.json())
    for (const auto& note : load.notes) log::info("{}", note);
  for (const auto& warning : report.warnings) log::warning("{}", warning);
  print_loaded(line, load, report);
  if (load.request.crash) report_to_service_manager(true, status_of(done));
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
