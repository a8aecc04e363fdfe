// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/arming/load_choices.h"

#include <algorithm>
#include <iterator>

#include "loader/command_line.h"
#include "loader/entries/entry_search.h"
#include "loader/memory_encryption.h"
#include "src/arming/companion_files.h"
#include "src/arming/needs.h"
#include "src/base/file.h"
#include "src/image/unwrap/unwrap.h"

namespace lifeboat::arming {
namespace {

// The addresses and the check of the digest are for kexec_load alone: asking for them asks for that call.
Result<> choose_call(const LoadOptions& options, const config::Config& config, LoadRequest& request) {
  request.call = options.call.value_or(options.crash ? config.capture.syscall : LoadCall::automatic);
  request.verify = options.verify;
  request.memory_min = options.memory_min.value_or(request.memory_min);
  request.memory_max = options.memory_max.value_or(request.memory_max);
  if (request.memory_min >= request.memory_max)
    return std::unexpected(Error(ErrorCode::usage, "load: --mem-min is not below --mem-max")
                               .hint("give a --mem-max that is larger than --mem-min"));
  const bool placed = options.memory_min || options.memory_max;
  if (!placed && request.verify) return {};
  if (request.call == LoadCall::file) {
    return std::unexpected(
        Error(ErrorCode::usage,
              "load: --mem-min, --mem-max and --no-checks are for kexec_load; with kexec_file_load "
              "they have no effect")
            .hint("give --syscall segments"));
  }
  request.call_is_implied = request.call == LoadCall::automatic;
  request.call = LoadCall::segments;
  return {};
}

struct ChosenKernel {
  std::string path;
  std::optional<BootEntry> entry;  // whose initramfs and command line belong to it
};

bool without_initramfs(const LoadOptions& options) {
  return options.initramfs && options.initramfs->empty();
}

// The image that the user named: what lies beside it belongs to it as when firmware starts it. For another
// kernel there is no entry.
std::optional<BootEntry> entry_of_file(const std::string& path, const BootPaths& paths) {
  const auto kind = boot_file_kind(path);
  if (!kind || *kind != ImageKind::uki) return std::nullopt;
  BootEntry entry{.id = path,
                  .title = path,
                  .kernel = path,
                  .initramfs = {},
                  .command_line = {},
                  .unified = true,
                  .source = path};
  for (const auto& root : distinct_boot_roots(paths))
    if (path.starts_with(root + "/") && root.size() > entry.root.size()) entry.root = root;
  return entry;
}

Result<ChosenKernel> choose_default(const LoadOptions& options, const BootPaths& paths,
                                    std::vector<std::string>& notes) {
  std::vector<std::string> skipped;
  const auto need = without_initramfs(options) ? InitramfsNeed::none : InitramfsNeed::required;
  BootEntry entry = TRY(default_boot_entry(paths, &skipped, need));
  for (const auto& line : skipped) notes.push_back(fmt::format("boot entry skipped: {}", line));
  notes.push_back(fmt::format("{} is '{}' ({})", entry.plain ? "the newest kernel" : "the default boot entry",
                              entry.title, entry.source));
  notes.insert(notes.end(), entry.notes.begin(), entry.notes.end());
  const std::string path = entry.kernel;
  return ChosenKernel{path, std::move(entry)};
}

Result<ChosenKernel> choose_kernel(const LoadOptions& options, const config::Config& config,
                                   const LoadPlaces& places, std::vector<std::string>& notes) {
  if (options.boot_name) {
    if (!options.kernel.empty()) return fail(ErrorCode::usage, "load: give KERNEL or --boot-name, not both");
    BootEntry named = TRY(named_kernel(places.boot, *options.boot_name));
    const std::string path = named.kernel;
    // A capture kernel has an initramfs of its own.
    if (options.crash) return ChosenKernel{path, std::nullopt};
    return ChosenKernel{path, std::move(named)};
  }
  if (!options.kernel.empty()) {
    if (options.crash) return ChosenKernel{options.kernel, std::nullopt};
    return ChosenKernel{options.kernel, entry_of_file(options.kernel, places.boot)};
  }
  if (options.crash) return ChosenKernel{TRY(capture_kernel(config, places.kernels)).path, std::nullopt};
  return choose_default(options, places.boot, notes);
}

// The kernel with what the boot loader would give it.
Result<KernelFile> open_chosen(const ChosenKernel& chosen, const SystemPaths& paths,
                               std::vector<std::string>& notes) {
  if (!chosen.entry) return open_kernel_file(chosen.path);
  const bool secure = read_system_state(paths).secure_boot.value_or(false);
  EntryFiles files =
      TRY(read_entry_files(*chosen.entry, secure ? AddonSignature::needed : AddonSignature::not_needed));
  std::ranges::move(files.notes, std::back_inserter(notes));
  KernelFile kernel = TRY(open_kernel_file(chosen.path, files.uki));
  kernel.entry_archive = std::move(files.archive);
  std::ranges::move(kernel.notes, std::back_inserter(notes));
  return kernel;
}

// The capture initramfs of that kernel, rebuilt when it is stale.
Result<std::string> capture_initramfs(const LoadOptions& options, const KernelFile& kernel,
                                      const config::Config& config, const LoadPlaces& places,
                                      std::vector<std::string>& notes) {
  const std::string release = kernel_file_release(kernel);
  if (release.empty()) {
    return std::unexpected(
        Error(ErrorCode::not_found, fmt::format("cannot find the kernel release in {}", kernel.name))
            .hint("give its capture initramfs with --initrd"));
  }
  std::string path = initramfs_path(release, places.initramfs_folder);
  const RecipeRequest request{
      .release = release, .module_folder = {}, .init = {}, .host = places.host, .running = {}};
  if (options.dry_run) {
    // What would prevent the load, whatever file is there. Not for another machine's files.
    const bool this_machine = places.system.sys == places.host.sys;
    auto recipe = this_machine ? make_recipe(config, request) : Result<Recipe>(Recipe{});
    if (!recipe && recipe.error().code == ErrorCode::unsupported)
      return std::unexpected(std::move(recipe).error());
    return path;
  }
  TRY_VOID(refresh_initramfs(config, request, path, notes));
  return path;
}

Result<std::vector<std::string>> choose_initramfs(const LoadOptions& options, const ChosenKernel& chosen,
                                                  const KernelFile& kernel, const config::Config& config,
                                                  const LoadPlaces& places, std::vector<std::string>& notes) {
  if (options.initramfs) return *options.initramfs;
  // Of a unified kernel image they are in its own already.
  if (chosen.entry && chosen.entry->unified) return std::vector<std::string>{};
  if (chosen.entry) return chosen.entry->initramfs;
  if (!options.crash) return std::vector<std::string>{};
  return std::vector{TRY(capture_initramfs(options, kernel, config, places, notes))};
}

// What systemd-stub starts a unified kernel image with: the options of the entry, or the image's own command
// line, which under Secure Boot always counts; then the parameters of its addons. nullopt: there is neither.
std::optional<std::string> unified_command_line(const BootEntry& entry, const KernelFile& kernel,
                                                const SystemPaths& paths, std::vector<std::string>& notes) {
  std::optional<std::string> line = entry.command_line;
  if (line && kernel.command_line && read_system_state(paths).secure_boot.value_or(false)) {
    notes.push_back(
        fmt::format("{}: its options are ignored as by the boot loader: Secure Boot is on, and "
                    "the image has a command line of its own",
                    entry.source));
    line.reset();
  }
  if (!line) line = kernel.command_line;
  if (kernel.addon_parameters.empty()) return line;
  return line && !line->empty() ? *line + " " + kernel.addon_parameters : kernel.addon_parameters;
}

// Whether a kernel with this command line finds its root file system.
bool names_root(std::string_view command_line) {
  for (const auto& parameter : split_parameters(command_line)) {
    const size_t equals = parameter.find('=');
    const std::string value = equals == std::string::npos ? "" : parameter.substr(equals + 1);
    const std::string name = parameter_name(parameter);
    if (value.empty()) continue;
    // Live systems; ZFS; the initramfs of NixOS, which knows the file systems of the system that init= names;
    // a system that is its initramfs.
    for (const char* known : {"root", "nfsroot", "boot", "zfs", "rdinit", "netroot"})
      if (name == known) return true;
    if (name == "init" && (value.starts_with("/nix/store/") || value.starts_with("/gnu/store/"))) return true;
  }
  return false;
}

// A boot entry whose command line has no root= is not booted as it stands: a variable of the boot loader is
// missing. Where the running system has none either, its initramfs finds the root by itself.
Result<> check_root(const BootEntry& entry, const std::string& command_line, const SystemPaths& paths) {
  if (entry.unified || names_root(command_line)) return {};
  const auto running = read_text(paths.proc + "/cmdline");
  if (running && !names_root(*running)) return {};
  std::string unset;
  for (const auto& name : entry.unset)
    unset += (unset.empty() ? "; these variables are not set: $" : ", $") + name;
  return std::unexpected(
      Error(ErrorCode::corrupt,
            fmt::format("load: the boot entry '{}' ({}) has no root= on its command line{}", entry.title,
                        entry.source, unset))
          .hint(
              "give --reuse-cmdline for the running kernel's command line, or --append root=...; or correct "
              "the entry"));
}

// For the next reboot.
Result<std::string> choose_normal_command_line(const LoadOptions& options, const ChosenKernel& chosen,
                                               const KernelFile& kernel, const SystemPaths& paths,
                                               std::vector<std::string>& notes) {
  const bool reuse = options.reuse_command_line;
  std::optional<std::string> base;
  if (!reuse && chosen.entry) {
    base = chosen.entry->unified ? unified_command_line(*chosen.entry, kernel, paths, notes)
                                 : chosen.entry->command_line;
  }
  // The user named an image, whose file is its entry.
  const bool from_menu = chosen.entry && chosen.entry->source != options.kernel;
  if (!base && (reuse || from_menu)) {
    base = TRY(read_text(paths.proc + "/cmdline"));
    if (!reuse) notes.emplace_back("the boot entry has no command line: using that of the running kernel");
  }
  if (!base && !options.append) {
    return std::unexpected(
        Error(ErrorCode::usage, "load: the new kernel's command line is missing")
            .hint("give --reuse-cmdline for that of the running kernel, or --append or --command-line"));
  }
  const bool of_entry = !reuse && chosen.entry && chosen.entry->command_line;
  std::string line =
      normal_command_line({.reused = base.value_or(""), .append = options.append.value_or("")});
  if (of_entry) TRY_VOID(check_root(*chosen.entry, line, paths));
  return line;
}

Result<std::string> choose_command_line(const LoadOptions& options, const ChosenKernel& chosen,
                                        const KernelFile& kernel, const config::Config& config,
                                        const LoadPlaces& places, std::vector<std::string>& notes) {
  const SystemPaths& paths = places.system;
  if (options.command_line) return *options.command_line;
  if (!options.crash) return choose_normal_command_line(options, chosen, kernel, paths, notes);
  const std::string running = TRY(read_text(paths.proc + "/cmdline"));
  const std::string append = options.append.value_or("");
  const CaptureCpus cpus = cpus_for_load(
      config, {.kernel = chosen.path, .module_folder = {}, .init = {}, .host = places.host}, paths, append);
  if (cpus.count > 1)
    notes.push_back(fmt::format("the capture kernel uses {} CPUs: {}", cpus.count, cpus.reason));
  if (!cpus.problem.empty())
    notes.push_back(fmt::format("CPUs of the capture kernel: {}; {}", cpus.problem, cpus.fix));
  return capture_command_line(config, {.running = running,
                                       .encryption = read_memory_encryption(paths).kind,
                                       .cpus = cpus,
                                       .append = append + " " + boot_parameter(paths)});
}

// A kernel asked for by its name is loaded without an initramfs when there is none beside it, unless it could
// not find its root file system then.
Result<> check_boots_without_initramfs(PreparedLoad& load) {
  if (!load.request.initramfs.empty() || load.kernel.initramfs) return {};
  const std::string root = root_for_initramfs(load.request.command_line.value_or(""));
  if (root.empty()) {
    load.notes.push_back(
        fmt::format("{} has no initramfs in the same folder: loaded without one", load.kernel.name));
    return {};
  }
  return std::unexpected(
      Error(ErrorCode::not_found, fmt::format("{} has no initramfs in the same folder, and {} is found by an "
                                              "initramfs only",
                                              load.kernel.name, root))
          .hint("create it (update-initramfs, mkinitcpio, dracut), or name kernel and initramfs by their "
                "paths; --no-initrd for a kernel that has one built in"));
}

}  // namespace

Result<BootEntry> usable_boot_entry(const BootPaths& boot, const SystemPaths& system) {
  BootEntry entry = TRY(default_boot_entry(boot));
  if (entry.command_line) TRY_VOID(check_root(entry, *entry.command_line, system));
  for (const auto& line : entry.skipped_before)
    entry.notes.push_back(fmt::format("boot entry skipped: {}", line));
  return entry;
}

Result<PreparedLoad> prepare_load(const LoadOptions& options, const config::Config& config,
                                  const LoadPlaces& places) {
  PreparedLoad load;
  load.request.crash = options.crash;
  TRY_VOID(choose_call(options, config, load.request));
  const ChosenKernel chosen = TRY(choose_kernel(options, config, places, load.notes));
  auto kernel = open_chosen(chosen, places.system, load.notes);
  // Nobody gave the name of this file: "name the kernel file" would not help.
  if (!kernel && options.crash && options.kernel.empty() && kernel.error().code == ErrorCode::not_found)
    kernel.error().fix = kCaptureKernelFix;
  load.kernel = TRY(std::move(kernel));
  load.request.initramfs = TRY(choose_initramfs(options, chosen, load.kernel, config, places, load.notes));
  load.request.command_line =
      TRY(choose_command_line(options, chosen, load.kernel, config, places, load.notes));
  // Instead of what the kernel's own file and its entry have.
  if (options.initramfs) load.kernel.entry_archive.reset();
  if (without_initramfs(options)) load.kernel.initramfs.reset();
  if (options.boot_name && !options.crash && !options.initramfs) {
    TRY_VOID(check_boots_without_initramfs(load));
  }
  return load;
}

}  // namespace lifeboat::arming
