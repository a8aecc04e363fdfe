// SPDX-License-Identifier: GPL-2.0-or-later
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <ranges>

#include "capture/initramfs/module_set.h"
#include "capture/initramfs/mounted_target.h"
#include "loader/entries/version_order.h"
#include "loader/memory_encryption.h"
#include "src/arming/capture_kernel.h"
#include "src/arming/kept_initramfs.h"
#include "src/arming/load_choices.h"
#include "src/arming/watchdog_state.h"
#include "src/base/file.h"
#include "src/base/real_folder.h"
#include "src/base/size.h"
#include "src/base/text.h"
#include "src/check/check_facts.h"
#include "src/collect/next_dump.h"
#include "src/dump/dump.h"
#include "src/image/native_kernel.h"

namespace lifeboat::check {
namespace {

namespace fs = std::filesystem;

std::string kernel_problem(const std::string& path) {
  const auto kernel = NativeKernel::read(path);
  if (!kernel) return kernel.error().to_string();
  return kernel->no_capture ? kernel->no_capture->to_string() : "";
}

std::vector<std::string> installed_kernels(const std::string& root) {
  constexpr std::string_view kPrefix = "vmlinuz-";
  std::vector<std::string> releases;
  std::error_code error;
  for (const auto& file : fs::directory_iterator(root + "/boot", error)) {
    const std::string name = file.path().filename();
    if (name.starts_with(kPrefix)) releases.push_back(name.substr(kPrefix.size()));
  }
  std::ranges::sort(releases, [](const auto& a, const auto& b) { return compare_versions(a, b) > 0; });
  return releases;
}

StoreFacts look_at_store(const std::string& path) {
  StoreFacts store{.path = path};
  auto found = find_real_folder(path);
  if (!found) {
    store.unreadable = true;
    return store;
  }
  store.real = found->path;
  store.obstacle = std::move(found->obstacle);
  store.there = found->missing.empty();
  struct stat status{};
  if (store.there && ::fstat(found->folder.get(), &status) == 0) {
    store.mode = status.st_mode & 07777;
    store.owner = status.st_uid;
  }
  struct statvfs system{};
  if (::fstatvfs(found->folder.get(), &system) == 0) store.read_only = (system.f_flag & ST_RDONLY) != 0;
  if (const auto fd = open_at(found->folder.get(), ".", O_RDONLY | O_DIRECTORY)) {
    if (const auto space = file_system_space(fd->get())) store.space = *space;
    if (store.there) {
      if (auto crashes = list_crashes(fd->get())) store.crashes = *std::move(crashes);
    }
  } else {
    store.unreadable = true;
  }
  return store;
}

std::vector<TargetFacts> look_at_targets(const config::Config& config, const HostPaths& host) {
  std::vector<TargetFacts> targets;
  for (const auto& entry : config.targets) {
    const bool by_path = entry.device.empty();
    const auto folder = mounted_folder(entry.device, entry.path, host);
    targets.push_back({.name = by_path ? entry.path : entry.device + " " + entry.path,
                       .found = by_path
                                    ? find_local_target(entry.path, host)
                                    : find_device_target(entry.device, entry.filesystem, entry.path, host),
                       .store = folder && *folder ? std::optional(look_at_store(**folder)) : std::nullopt});
  }
  return targets;
}

// Only where no dump of this machine shows how large the next one will be.
std::optional<Result<uint64_t>> measure_dump(const Facts& facts, const std::string& proc) {
  const auto has_no_dump = [](const TargetFacts& target) {
    return target.store && std::ranges::none_of(target.store->crashes, [](const auto& crash) {
             return crash.outcome == CrashOutcome::whole;
           });
  };
  if (!facts.config || facts.config->dump.log_only() || std::ranges::none_of(facts.targets, has_no_dump))
    return std::nullopt;
  return collect::measure_next_dump(facts.config->dump, proc);
}

// "MemTotal:   12345 kB"
std::map<std::string, uint64_t> read_meminfo(const std::string& proc) {
  std::map<std::string, uint64_t> figures;
  const auto text = read_text(proc + "/meminfo");
  std::string_view rest = text ? std::string_view(*text) : std::string_view();
  while (!rest.empty()) {
    const auto line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    const auto colon = line.find(':'),
               digits = line.find_first_of("0123456789", std::min(colon, line.size()));
    if (colon == line.npos || digits == line.npos || !line.ends_with(" kB")) continue;
    const auto kib = parse_number(line.substr(digits, line.size() - 3 - digits));
    if (kib && *kib < UINT64_MAX / 1_KiB) figures[std::string(line.substr(0, colon))] = *kib * 1_KiB;
  }
  return figures;
}

std::map<std::string, std::string> read_settings(const std::string& proc) {
  std::map<std::string, std::string> settings;
  for (const char* name : {"panic", "panic_on_oops", "softlockup_panic", "hardlockup_panic",
                           "hung_task_panic", "panic_on_rcu_stall", "unknown_nmi_panic", "panic_on_warn"}) {
    if (auto value = read_line(fmt::format("{}/sys/kernel/{}", proc, name)))
      settings[name] = *std::move(value);
  }
  return settings;
}

// The folders in which systemd and udev search for files ("systemd/system"); the first match is used.
std::vector<fs::path> search_path(const FactsRequest& request, const std::string& kind) {
  return {fs::path(request.root + "/etc") / kind, fs::path(request.paths.run) / kind,
          fs::path(request.root + "/usr/local/lib") / kind, fs::path(request.root + "/usr/lib") / kind,
          fs::path(request.root + "/lib") / kind};
}

// The first match decides: none, an empty file or /dev/null (masked), or a file with contents.
UnitState look_for(const std::vector<fs::path>& folders, const std::string& name) {
  for (const auto& folder : folders) {
    struct stat status{};
    if (::stat((folder / name).c_str(), &status) != 0) continue;
    return status.st_size == 0 ? UnitState::masked : UnitState::disabled;
  }
  return UnitState::missing;
}

// A unit is enabled when another unit wants it: by a link in its .wants or .requires. The link remains when
// the unit is masked, or its package is removed.
bool is_wanted(const std::vector<fs::path>& folders, const std::string& unit) {
  std::error_code error;
  for (const auto& folder : folders) {
    for (const auto& entry : fs::directory_iterator(folder, error)) {
      const auto extension = entry.path().extension();
      if ((extension == ".wants" || extension == ".requires") && fs::is_symlink(entry.path() / unit, error))
        return true;
    }
  }
  return false;
}

void look_at_units(const FactsRequest& request, Facts& facts) {
  const auto folders = search_path(request, "systemd/system");
  std::error_code error;
  facts.systemd = fs::is_directory(request.paths.run + "/systemd/system", error);
  for (const char* unit : {"lifeboat-load.service", "lifeboat-collect.service", "lifeboat-reload.path",
                           "kdump-tools.service", "kdump.service", "kdump-early.service"}) {
    UnitState state = look_for(folders, unit);
    if (state == UnitState::disabled && is_wanted(folders, unit)) state = UnitState::enabled;
    facts.units[unit] = state;
  }
  const UnitState rule = look_for(search_path(request, "udev/rules.d"), "60-lifeboat.rules");
  facts.udev_rule = rule != UnitState::missing && rule != UnitState::masked;
}

// Whether the capture kernel can make a pretimeout harmless, as far as this kernel shows it.
bool can_calm(const fs::path& watchdog, const Result<arming::Recipe>& recipe) {
  const auto governors = read_text(watchdog / "pretimeout_available_governors", 4_KiB);
  // Without governors nothing but a driver of its own kind makes a panic of it.
  if (!governors) return true;
  for (const auto line : std::views::split(*governors, '\n')) {
    if (trim({line.begin(), line.end()}) == "noop") return true;
  }
  return recipe && arming::carries(*recipe, "pretimeout_noop");
}

// A driver with a /dev/watchdog of its own.
Watchdog old_watchdog(const std::string& sys, const Result<arming::Recipe>& recipe) {
  constexpr const char* kKnown = "ipmi_watchdog";
  std::error_code error;
  Watchdog watchdog{.name = "/dev/watchdog", .driver = {}, .runs = true, .old = true};
  if (!fs::exists(fmt::format("{}/module/{}", sys, kKnown), error)) return watchdog;
  watchdog.driver = kKnown;
  watchdog.carried = recipe && arming::carries(*recipe, kKnown);
  return watchdog;
}

std::vector<Watchdog> look_at_watchdogs(const std::string& sys, const Result<arming::Recipe>& recipe) {
  std::vector<Watchdog> watchdogs;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(sys + "/class/watchdog", error)) {
    Watchdog watchdog{.name = entry.path().filename()};
    std::error_code none;
    watchdog.driver = fs::read_symlink(entry.path() / "device/driver/module", none).filename();
    watchdog.runs = watchdog_runs(entry.path());
    watchdog.carried = watchdog.driver.empty() || (recipe && arming::carries(*recipe, watchdog.driver));
    watchdog.pretimeout = parse_number(trim(read_line(entry.path() / "pretimeout").value_or(""))).value_or(0);
    watchdog.can_calm = can_calm(entry.path(), recipe);
    watchdogs.push_back(std::move(watchdog));
  }
  if (watchdogs.empty() && fs::exists(sys + "/class/misc/watchdog", error))
    watchdogs.push_back(old_watchdog(sys, recipe));
  std::ranges::sort(watchdogs, {}, &Watchdog::name);
  return watchdogs;
}

collect::PstoreDriver look_at_pstore(const FactsRequest& request) {
  auto driver = collect::find_pstore_driver({.sys = request.paths.sys, .proc = request.paths.proc});
  if (driver.module.empty() || driver.loaded) return driver;
  const std::string running = read_line(request.paths.proc + "/sys/kernel/osrelease").value_or("");
  const auto files = resolve_modules(request.root + "/lib/modules/" + running, {driver.module});
  if (!files || files->empty()) driver.module.clear();
  return driver;
}

void look_at_drivers(const Result<arming::Recipe>& recipe, TargetFacts& target) {
  if (!recipe || !target.found) return;
  std::vector<std::string> names = target.found->drivers;
  names.push_back(target.found->target.filesystem);
  for (const auto& name : names) target.drivers.push_back({name, arming::carries(*recipe, name)});
}

void look_at_initramfs(const FactsRequest& request, Facts& facts) {
  facts.initramfs = arming::initramfs_path(facts.release, request.root + arming::kInitramfsFolder);
  struct stat status{};
  if (::stat(facts.initramfs.c_str(), &status) == 0)
    facts.initramfs_time = static_cast<uint64_t>(status.st_mtim.tv_sec);
  if (const auto file = arming::digest_file(facts.initramfs)) facts.initramfs_digest = file->digest;
  if (facts.recipe) facts.stale = arming::staleness(*facts.recipe, facts.initramfs);
}

void look_at_kernel(const FactsRequest& request, Facts& facts) {
  facts.kernel = request.kernel;
  facts.release = request.release;
  if (request.kernel) facts.kernel_problem = kernel_problem(*request.kernel);
  const std::string modules = request.root + "/lib/modules/" + request.release;
  facts.modules_there = ::access((modules + "/modules.dep.bin").c_str(), F_OK) == 0;
  facts.installed = installed_kernels(request.root);
}

}  // namespace

namespace {

BootPaths boot_paths(const FactsRequest& request) {
  BootPaths paths{.sys = request.paths.sys,
                  .proc = request.paths.proc,
                  .mountinfo = request.host.mountinfo,
                  .disks = request.host.dev + "/disk"};
  for (auto& root : paths.roots) root.insert(0, request.root);
  return paths;
}

// And how many of the wanted CPUs the reservation has memory for.
void estimate_need(const FactsRequest& request, const std::string& rehearsal, Facts& facts) {
  facts.cpus = request.cpus;
  if (!facts.recipe || !facts.kernel) {
    facts.estimate = std::unexpected(facts.recipe ? facts.kernel.error() : facts.recipe.error());
    return;
  }
  const auto input = arming::needs_input(*facts.config, *facts.recipe, *facts.kernel,
                                         {.paths = request.paths,
                                          .command_line = request.command_line,
                                          .cpus = facts.cpus.count,
                                          .rehearsal_file = rehearsal});
  if (!input) {
    facts.estimate = std::unexpected(input.error());
    return;
  }
  facts.estimate = reservation::estimate_reservation(*input);
  const uint64_t memory = facts.state.crash_size.value_or(0) + facts.reserved.cma_got.value_or(0);
  if (memory != 0) facts.cpus_that_fit = reservation::cpus_that_fit(*input, memory, facts.cpus.count);
}

}  // namespace

FactsRequest request_for(Result<config::Config> config) {
  FactsRequest request;
  request.config = std::move(config);
  const auto kernel = arming::capture_kernel(request.config.value_or(config::Config{}));
  if (kernel) {
    request.kernel = kernel->path;
    request.release = kernel->release;
  } else {
    request.kernel = std::unexpected(kernel.error());
  }
  const auto running = read_text(request.paths.proc + "/cmdline");
  if (request.config && running) {
    request.cpus = arming::cpus_for_load(*request.config, {}, request.paths);
    request.command_line = arming::capture_command_line(
        *request.config, {.running = *running,
                          .encryption = read_memory_encryption(request.paths).kind,
                          .cpus = request.cpus,
                          .append = arming::boot_parameter(request.paths)});
  }
  return request;
}

Facts gather_facts(const FactsRequest& request) {
  Facts facts;
  facts.config = request.config;
  facts.state = read_system_state(request.paths);
  facts.reserved = reservation::read_reserved(request.paths);
  facts.foreign = reservation::foreign_parameters(request.root + "/");
  facts.next_boot =
      reservation::next_boot(request.root + "/", read_text(request.paths.proc + "/cmdline").value_or(""));
  look_at_kernel(request, facts);
  facts.command_line = request.command_line;
  if (facts.config) {
    facts.missing_files = config::missing_files(*facts.config);
    facts.targets = look_at_targets(*facts.config, request.host);
    facts.recipe =
        arming::make_recipe(*facts.config, {.release = request.release,
                                            .module_folder = request.root + "/lib/modules/" + request.release,
                                            .init = request.init,
                                            .host = request.host,
                                            .running = facts.state.release.value_or("")});
  } else {
    facts.recipe = std::unexpected(facts.config.error());
  }
  for (auto& target : facts.targets) look_at_drivers(facts.recipe, target);
  look_at_initramfs(request, facts);
  const std::string rehearsal = request.root + arming::kRehearsalFile;
  facts.rehearsal = arming::read_rehearsal(rehearsal);
  estimate_need(request, rehearsal, facts);
  facts.failed_reservation = reservation::failed_reservation_here(
      facts.reserved, facts.estimate ? std::optional(facts.estimate->total) : std::nullopt, request.kmsg);
  facts.boot_entry = arming::usable_boot_entry(boot_paths(request), request.paths);
  if (facts.state.crash_loaded == true)
    facts.loaded = arming::read_loaded_state(arming::loaded_state_file(request.paths.run));
  if (facts.loaded) facts.changed = arming::changed_files(*facts.loaded).changed;
  facts.meminfo = read_meminfo(request.paths.proc);
  facts.measured_dump = measure_dump(facts, request.paths.proc);
  facts.settings = read_settings(request.paths.proc);
  look_at_units(request, facts);
  facts.watchdogs = look_at_watchdogs(request.paths.sys, facts.recipe);
  if (facts.config && facts.config->collect.pstore) {
    // A source that cannot be read has no records for this check.
    std::vector<std::string> ignored;
    facts.pstore = collect::pstore_records(
        std::vector{request.paths.sys + "/fs/pstore", request.root + "/var/lib/systemd/pstore"}, ignored);
  }
  facts.pstore_driver = look_at_pstore(request);
  return facts;
}

}  // namespace lifeboat::check
