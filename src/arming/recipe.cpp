// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/arming/recipe.h"

#include <sys/stat.h>
#include <sys/utsname.h>

#include <algorithm>
#include <filesystem>
#include <span>

#include "capture/initramfs/program_files.h"
#include "src/arming/watchdog_state.h"
#include "src/base/file.h"
#include "src/base/process.h"
#include "src/base/size.h"
#include "src/base/text.h"
#include "src/image/kernel_config.h"

namespace lifeboat::arming {
namespace {

constexpr uint64_t kMaxFileBytes = 256_MiB;

Result<LocalTarget> find_target(const config::TargetEntry& entry, const HostPaths& host) {
  auto target = entry.device.empty() ? find_local_target(entry.path, host)
                                     : find_device_target(entry.device, entry.filesystem, entry.path, host);
  if (target) return target;
  const std::string where = entry.where.empty() ? "" : fmt::format(" ({})", entry.where);
  return std::unexpected(std::move(target).error().context(
      fmt::format("the target {}{}{}", entry.device.empty() ? "" : entry.device + " ", entry.path, where)));
}

void add_once(std::vector<std::string>& list, const std::string& item) {
  if (std::ranges::find(list, item) == list.end()) list.push_back(item);
}

// Governors of watchdogs' pretimeouts, as modules (drivers/watchdog/Kconfig).
constexpr std::string_view kPanicGovernor = "pretimeout_panic", kHarmlessGovernor = "pretimeout_noop";

// The watchdogs of this machine: one that runs when the machine crashes would end the capture.
struct HostWatchdogs {
  // Of all of them: a daemon may start one after the initramfs is built. Loading a driver already helps: it
  // stops the hardware (iTCO_wdt, i6300esb), or detects that it runs (hpwdt, wdat_wdt; then the kernel feeds
  // it until a program opens it). No driver is known that starts a stopped watchdog.
  std::vector<std::string> drivers;
  // Names of the running ones, as in /sys; empty for a kernel without these names.
  std::vector<std::string> running;
};

HostWatchdogs host_watchdogs(const std::string& sys) {
  HostWatchdogs watchdogs;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(sys + "/class/watchdog", error)) {
    // The bus between may have a driver that makes the device appear (i2c_i801 for iTCO_wdt).
    for (const auto& driver : drivers_on_the_way(sys, entry.path() / "device"))
      add_once(watchdogs.drivers, driver);
    if (!watchdog_runs(entry.path())) continue;
    if (const auto identity = read_line(entry.path() / "identity")) {
      const std::string_view name = trim(*identity);
      if (!name.empty()) add_once(watchdogs.running, std::string(name));
    }
  }
  // Some do not link to their device (i6300esb). Every watchdog driver uses the kernel's watchdog core.
  std::vector<std::string> users;
  for (const auto& entry : std::filesystem::directory_iterator(sys + "/module/watchdog/holders", error)) {
    // A governor, not a driver: in the capture kernel it would make a panic of every pretimeout.
    if (entry.path().filename() != kPanicGovernor) users.push_back(entry.path().filename());
  }
  // The order of a folder is arbitrary: sorted, the same machine has the same recipe.
  std::ranges::sort(users);
  for (const auto& user : users) add_once(watchdogs.drivers, user);
  std::ranges::sort(watchdogs.running);
  return watchdogs;
}

// The drivers of the targets are required. Other configured modules are left out with a warning when they are
// missing: they must not prevent a capture.
Result<std::vector<ModulePath>> modules_of(const config::Config& config, Recipe& recipe,
                                           const HostPaths& host) {
  std::vector<std::string> names, wanted;
  for (const auto& target : recipe.targets) {
    for (const auto& driver : target.drivers) add_once(names, driver);
    add_once(names, target.target.filesystem);
  }
  auto modules = TRY(resolve_modules(recipe.module_folder, names));
  if (config.capture.watchdog) {
    auto watchdogs = host_watchdogs(host.sys);
    wanted = std::move(watchdogs.drivers);
    recipe.plan.watchdogs = std::move(watchdogs.running);
    // Before the drivers, which would take the kernel's own governor. Not every kernel has it.
    const std::string governor(kHarmlessGovernor);
    if (!wanted.empty() && resolve_modules(recipe.module_folder, {governor}))
      wanted.insert(wanted.begin(), governor);
  }
  for (const auto& module : config.capture.module) add_once(wanted, module);
  for (const auto& name : wanted) {
    names.push_back(name);
    if (auto more = resolve_modules(recipe.module_folder, names)) {
      modules = *std::move(more);
    } else {
      recipe.warnings.push_back(
          {RecipeWarningKind::module, name, std::move(more).error().context("left out")});
      names.pop_back();
    }
  }
  return modules;
}

// Of all targets, when none can be used: only warnings of them are there. `unsupported` if it is for all of
// them: a target that is missing may come back.
Error why_no_target(const Recipe& recipe) {
  if (recipe.warnings.empty()) return Error(ErrorCode::not_found, "no target");
  Error error = recipe.warnings.front().error;
  for (const auto& [kind, subject, other] : std::span(recipe.warnings).subspan(1)) {
    if (other.code != ErrorCode::unsupported) error.code = other.code;
    error.message = fmt::format("{}; {}", error.reason(), other.reason());
    error.sys_errno = 0;
  }
  return error;
}

std::string running_release(const RecipeRequest& request) {
  utsname names{};
  if (!request.running.empty() || ::uname(&names) != 0) return request.running;
  return names.release;
}

// Whether something shows that the capture kernel has a driver of an adapter on this way.
bool has_driver(const DriverWay& way, const Recipe& recipe, const std::string& running) {
  return std::ranges::any_of(way.signs, [&](const DriverSign& sign) {
    switch (sign.kind) {
      case SignKind::module:
        return true;  // resolve_modules() has found it, or failed
      case SignKind::built_in:
        return recipe.release == running || has_module(recipe.module_folder, sign.name);
      case SignKind::alias:
        return has_module(recipe.module_folder, sign.name);
    }
    return false;
  });
}

// A disk may have been found by a driver that /sys does not show; but a capture must not depend on that.
void warn_of_missing_drivers(const std::string& running, Recipe& recipe) {
  for (const auto& target : recipe.targets) {
    if (std::ranges::any_of(target.ways, [&](const auto& way) { return has_driver(way, recipe, running); }))
      continue;
    recipe.warnings.push_back(
        {RecipeWarningKind::driver, target.device,
         Error(ErrorCode::not_found,
               fmt::format("/sys shows no driver on the way to {}, and nothing shows that {} "
                           "has one built in",
                           target.device, recipe.release))
             .hint("name its driver as [capture] module, then test it: lifeboat rehearse --real")});
  }
}

// A shell, preferably one that is useful without other programs; empty: there is none.
std::string find_shell() {
  for (const char* name : {"busybox", "sh"}) {
    if (auto path = find_program(name)) return *std::move(path);
  }
  return {};
}

// Finds files that would make the build of the archive fail or block.
Result<> check_file(const std::string& path, bool to_be_run) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) return fail_errno("cannot examine it");
  if (!S_ISREG(status.st_mode)) return fail(ErrorCode::usage, "it is not a regular file");
  if (static_cast<uint64_t>(status.st_size) > kMaxFileBytes)
    return fail(ErrorCode::usage, "it is larger than {}", format_size(kMaxFileBytes));
  if (::access(path.c_str(), R_OK) != 0) return fail_errno("cannot read it");
  if (to_be_run && (status.st_mode & S_IXUSR) == 0)
    return std::unexpected(Error(ErrorCode::usage, "it is not executable").hint("chmod +x " + path));
  return {};
}

// Adds a file and, for a program, the files that it needs; false, and a warning of `kind`, when one of them
// is missing or cannot be included.
bool add_program(Recipe& recipe, const std::string& path, RecipeWarningKind kind) {
  const auto good = check_file(path, kind != RecipeWarningKind::file);
  auto files = good ? program_files(path) : std::unexpected(good.error());
  if (!files) {
    recipe.warnings.push_back(
        {kind, path, std::move(files).error().context(fmt::format("left out: {}", path))});
    return false;
  }
  for (const auto& file : *files) add_once(recipe.files, file);
  return true;
}

void add_files(const config::Config& config, Recipe& recipe) {
  for (const auto& path : config.capture.file) add_program(recipe, path, RecipeWarningKind::file);
  for (auto* hooks : {&recipe.plan.capture.hook_before, &recipe.plan.capture.hook_after})
    std::erase_if(
        *hooks, [&](const std::string& hook) { return !add_program(recipe, hook, RecipeWarningKind::hook); });
  if (config.final.action != FinalAction::shell && config.failure.action != FinalAction::shell) return;
  const std::string shell = find_shell();
  if (!shell.empty() && add_program(recipe, shell, RecipeWarningKind::shell)) {
    recipe.plan.shell = shell;
  } else if (shell.empty()) {
    recipe.warnings.push_back({RecipeWarningKind::shell, "",
                               Error(ErrorCode::not_found,
                                     "no shell for action = shell: neither busybox nor sh is installed; the "
                                     "machine will restart instead")});
  }
}

InitramfsCompression choose_compression(Recipe& recipe) {
  const std::string kernel = "/boot/vmlinuz-" + recipe.release;
  auto config = find_kernel_config(kernel, recipe.release, recipe.module_folder);
  if (config) return choose_initramfs_compression(*config);
  recipe.warnings.push_back(
      {RecipeWarningKind::compression, kernel,
       std::move(config).error().context("the initramfs is left uncompressed, which every kernel can read")});
  return InitramfsCompression::none;
}

Result<ExtraFile> read_extra(const std::string& path) {
  ExtraFile file{.path = path, .bytes = TRY(read_file(path, kMaxFileBytes))};
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) return fail_errno("cannot examine {}", path);
  file.mode = status.st_mode & 0755;
  return file;
}

}  // namespace

CapturePlan plan_of(const config::Config& config) {
  CapturePlan plan;
  static_cast<Settings&>(plan) = config;
  return plan;
}

Result<Recipe> make_recipe(const config::Config& config, const RecipeRequest& request) {
  Recipe recipe;
  recipe.release = request.release;
  recipe.module_folder =
      request.module_folder.empty() ? "/lib/modules/" + request.release : request.module_folder;
  recipe.init = init_program_path(request.init);
  recipe.plan = plan_of(config);
  // A target that cannot be used must not prevent the others; the list of warnings names it.
  for (const auto& entry : config.targets) {
    recipe.asked.push_back(fmt::format("{} {} {}", entry.device, entry.filesystem, entry.path));
    auto target = find_target(entry, request.host);
    if (target) {
      recipe.plan.targets.push_back(target->target);
      recipe.targets.push_back(*std::move(target));
    } else {
      recipe.warnings.push_back({RecipeWarningKind::target, entry.device.empty() ? entry.path : entry.device,
                                 std::move(target).error()});
    }
  }
  if (recipe.targets.empty()) return std::unexpected(why_no_target(recipe));
  recipe.modules = TRY(modules_of(config, recipe, request.host));
  warn_of_missing_drivers(running_release(request), recipe);
  add_files(config, recipe);
  recipe.compression = choose_compression(recipe);
  return recipe;
}

std::string file_stamp(const std::string& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) return path + " missing";
  return fmt::format("{} {} {}.{:09}", path, status.st_size, status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
}

std::string fingerprint(const Recipe& recipe) {
  std::string text = fmt::format("lifeboat {}\nkernel {}\ncompression {}\n", LIFEBOAT_VERSION, recipe.release,
                                 initramfs_compression_name(recipe.compression));
  text += recipe.plan.to_text();
  text += fmt::format("init {}\n", file_stamp(recipe.init));
  for (const auto& asked : recipe.asked) text += fmt::format("asked {}\n", asked);
  for (const auto& module : recipe.modules) text += fmt::format("module {}\n", file_stamp(module.path));
  for (const auto& file : recipe.files) text += fmt::format("file {}\n", file_stamp(file));
  return text;
}

Result<InitramfsContents> gather(const Recipe& recipe) {
  InitramfsContents contents;
  contents.plan = recipe.plan;
  contents.init = TRY(read_static_program(kInitProgram, recipe.init));
  for (const auto& module : recipe.modules) contents.modules.push_back(TRY(read_module(module)));
  TRY_VOID(check_modules_fit(contents.modules, recipe.release));
  for (const auto& file : recipe.files) contents.files.push_back(TRY(read_extra(file)));
  return contents;
}

Result<std::vector<std::byte>> carry_out(const Recipe& recipe) {
  return build_initramfs(TRY(gather(recipe)), recipe.compression);
}

bool carries(const Recipe& recipe, const std::string& name) {
  const auto needed = resolve_modules(recipe.module_folder, {name});
  return needed && std::ranges::all_of(*needed, [&](const ModulePath& module) {
           return std::ranges::find(recipe.modules, module.path, &ModulePath::path) != recipe.modules.end();
         });
}

}  // namespace lifeboat::arming
