// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/collect/pstore_driver.h"

#include <linux/magic.h>
#include <sys/vfs.h>

#include <algorithm>
#include <filesystem>
#include <ranges>

#include "src/base/file.h"
#include "src/base/log.h"
#include "src/base/process.h"
#include "src/base/text.h"

namespace lifeboat::collect {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds kDeadline{30};
// Drivers that may be modules, and have parameters: in the kernel they have a folder in /sys/module. (erst is
// always built in.)
constexpr std::string_view kModules[] = {"efi_pstore", "ramoops", "pstore_blk"};

bool exists(const std::string& path) {
  std::error_code error;
  return fs::exists(path, error);
}

// A module's name: it becomes an argument of modprobe(8) and a part of a path.
bool is_module_name(std::string_view name) {
  const auto plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; };
  return !name.empty() && name.front() != '_' && std::ranges::all_of(name, plain);
}

std::string trimmed_line(const std::string& path) {
  return std::string(trim(read_line(path).value_or("")));
}

// Whether a driver with this name is in the kernel, as a module or built in with parameters.
bool is_loaded(const PstoreHost& host, const std::string& module) {
  return exists(fmt::format("{}/module/{}", host.sys, module));
}

struct CommandLineWishes {
  std::string backend;  // pstore.backend=
  bool ramoops = false, pstore_blk = false;
};

// modprobe(8) passes parameters of the kernel's command line on to a module.
CommandLineWishes wishes_of(const PstoreHost& host) {
  CommandLineWishes wishes;
  const std::string line = read_text(host.proc + "/cmdline").value_or("");
  for (const auto part : std::views::split(line, ' ')) {
    const std::string_view word = trim({part.begin(), part.end()});
    constexpr std::string_view kBackend = "pstore.backend=";
    if (word.starts_with(kBackend)) wishes.backend = word.substr(kBackend.size());
    wishes.ramoops = wishes.ramoops || word.starts_with("ramoops.");
    wishes.pstore_blk = wishes.pstore_blk || word.starts_with("pstore_blk.");
  }
  if (!is_module_name(wishes.backend)) wishes.backend.clear();
  return wishes;
}

// Reserved by the device tree or by the firmware (chromeos_pstore).
bool has_ramoops_device(const PstoreHost& host) {
  std::error_code error;
  const auto devices = fs::directory_iterator(host.sys + "/bus/platform/devices", error);
  return std::ranges::any_of(devices, [](const fs::directory_entry& device) {
    return device.path().filename().string().find("ramoops") != std::string::npos;
  });
}

std::string module_for(const PstoreHost& host, const CommandLineWishes& wishes) {
  if (!wishes.backend.empty()) return wishes.backend;
  if (wishes.ramoops || has_ramoops_device(host)) return "ramoops";
  if (wishes.pstore_blk) return "pstore_blk";
  // Not with "efi=noruntime".
  return exists(host.sys + "/firmware/efi/efivars") ? "efi_pstore" : "";
}

}  // namespace

PstoreDriver find_pstore_driver(const PstoreHost& host) {
  PstoreDriver driver;
  const std::string folder = host.sys + "/fs/pstore";
  driver.there = exists(folder);
  if (!driver.there) return driver;
  struct statfs status{};
  driver.mounted = ::statfs(folder.c_str(), &status) == 0 && status.f_type == PSTOREFS_MAGIC;
  const CommandLineWishes wishes = wishes_of(host);
  const std::string backend = trimmed_line(host.sys + "/module/pstore/parameters/backend");
  // Until a driver has registered, the parameter shows what the command line asks for.
  const bool may_be_module = std::ranges::find(kModules, backend) != std::end(kModules);
  const bool asked_for = backend == wishes.backend && may_be_module && !is_loaded(host, backend);
  if (!backend.empty() && backend != "(null)" && !asked_for) {
    driver.active = backend;
    return driver;
  }
  driver.module = module_for(host, wishes);
  driver.loaded = !driver.module.empty() && is_loaded(host, driver.module);
  return driver;
}

bool load_pstore_driver(const PstoreHost& host) {
  const PstoreDriver driver = find_pstore_driver(host);
  if (driver.module.empty() || driver.loaded) return false;
  // -b: what is blacklisted is not loaded.
  const auto loaded = run_process({host.modprobe, "-b", "-q", driver.module}, kDeadline);
  if (!loaded || loaded->status != 0) return false;
  log::info("{} was loaded, to read what the last crash left in pstore", driver.module);
  return true;
}

}  // namespace lifeboat::collect
