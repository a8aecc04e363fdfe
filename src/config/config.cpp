// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/config/config.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "capture/plan/keys.h"
#include "src/base/file.h"
#include "src/base/size.h"
#include "src/base/spelling.h"
#include "src/config/ini.h"
#include "src/config/target_keys.h"

namespace lifeboat::config {
namespace {

constexpr uint64_t kMaxBytes = 1_MiB;

// The keys of a section such as "dump"; empty: there is no such section.
std::vector<std::string_view> keys_of(std::string_view section) {
  std::vector<std::string_view> names;
  if (section == "target") {
    for (const auto& key : target_keys()) names.push_back(key.name);
  }
  for (const auto& key : keys()) {
    if (key.section == section) names.push_back(key.name);
  }
  return names;
}

std::vector<std::string_view> section_names() {
  std::vector<std::string_view> names = {"target"};
  for (const auto& key : keys()) {
    if (names.back() != key.section) names.push_back(key.section);
  }
  return names;
}

Error unknown_key(const IniSection& section, const IniEntry& entry, const std::string& where) {
  const auto known = keys_of(section.name);
  Error error(ErrorCode::usage, fmt::format("{}: [{}] has no key '{}'", where, section.name, entry.key));
  // The key may be in the wrong section.
  for (const auto& key : keys()) {
    if (key.name == entry.key && key.section != section.name)
      return std::move(error).hint(fmt::format("move it to [{}]", key.section));
  }
  return std::move(error).hint(suggest_name(entry.key, known));
}

// One section, key by key; `seen_` finds keys that a file sets twice.
class Applier {
 public:
  Applier(Config& config, const std::string& name) : config_(config), name_(name) {}

  Result<> apply(const IniSection& section) {
    if (keys_of(section.name).empty()) {
      return std::unexpected(Error(ErrorCode::usage, fmt::format("{}: there is no section [{}]",
                                                                 where(section.line), section.name))
                                 .hint(suggest_name(section.name, section_names())));
    }
    return section.name == "target" ? add_target(section) : set_keys(section);
  }

 private:
  [[nodiscard]] std::string where(unsigned line) const { return fmt::format("{}:{}", name_, line); }

  Result<> set_keys(const IniSection& section) {
    for (const auto& entry : section.entries) {
      const Key* const key = find_key(section.name, entry.key);
      if (key == nullptr) return std::unexpected(unknown_key(section, entry, where(entry.line)));
      if (key->kind != KeyKind::list && !seen_.emplace(section.name + '.' + entry.key).second)
        return twice(entry);
      TRY_VOID(with_place(key->set(config_, entry.value), entry));
    }
    return {};
  }

  // The targets of one file replace those of the files before it: a file that sets targets sets all of them.
  Result<> add_target(const IniSection& section) {
    if (!std::exchange(has_targets_, true)) config_.targets.clear();
    TargetEntry target;
    target.where = where(section.line);
    std::set<std::string> seen;
    for (const auto& entry : section.entries) {
      const auto key = std::ranges::find(target_keys(), entry.key, &TargetKey::name);
      if (key == target_keys().end()) return std::unexpected(unknown_key(section, entry, where(entry.line)));
      if (!seen.insert(entry.key).second) return twice(entry);
      TRY_VOID(with_place(key->set(target, entry.value), entry));
    }
    if (!target.filesystem.empty() && target.device.empty()) {
      return std::unexpected(
          Error(ErrorCode::usage, fmt::format("{}: 'filesystem' is set without 'device'", target.where))
              .hint("remove 'filesystem' (of a mounted folder it is detected), or set 'device'"));
    }
    config_.targets.push_back(std::move(target));
    return {};
  }

  [[nodiscard]] std::unexpected<Error> twice(const IniEntry& entry) const {
    return fail(ErrorCode::usage, "{}: '{}' is set twice in this file", where(entry.line), entry.key);
  }

  Result<> with_place(Result<> result, const IniEntry& entry) const {
    if (result) return result;
    return std::unexpected(
        std::move(result).error().context(fmt::format("{}: {}", where(entry.line), entry.key)));
  }

  Config& config_;
  const std::string& name_;
  bool has_targets_ = false;
  std::set<std::string> seen_;
};

// Its settings are applied as root: no other user may be able to write to it.
Result<> check_owner(int fd, const std::string& path) {
  struct stat status{};
  if (::fstat(fd, &status) != 0) return fail_errno("cannot examine {}", path);
  if (!S_ISREG(status.st_mode)) return fail(ErrorCode::corrupt, "{} is not a file", path);
  if ((status.st_uid != 0 && status.st_uid != ::geteuid()) || (status.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    return std::unexpected(
        Error(ErrorCode::no_permission, fmt::format("{} is writable for users other than root", path))
            .hint(fmt::format("check its contents, then: chown root:root {0}; chmod 644 {0}", path)));
  }
  return {};
}

// A drop-in that is a link to /dev/null: this disables one that a package installed.
bool is_masked(const std::string& path) {
  struct stat status{}, null_device{};
  return ::stat(path.c_str(), &status) == 0 && S_ISCHR(status.st_mode) &&
         ::stat("/dev/null", &null_device) == 0 && status.st_rdev == null_device.st_rdev;
}

Result<> apply_file(Config& config, const std::string& path) {
  if (is_masked(path)) return {};
  // Opening a FIFO would block.
  const UniqueFd fd = TRY(open_file(path, O_RDONLY | O_NONBLOCK));
  TRY_VOID(check_owner(fd.get(), path));
  const uint64_t size = TRY(file_size(fd.get(), path));
  if (size > kMaxBytes) return fail(ErrorCode::corrupt, "{} is too large for a configuration", path);
  std::string text(size, '\0');
  TRY_VOID(pread_exact(fd.get(), 0, std::as_writable_bytes(std::span(text)), path));
  auto applied = apply_config(config, text, path);
  // The mistake is in the file, not in the command line.
  if (!applied && applied.error().code == ErrorCode::usage) applied.error().code = ErrorCode::corrupt;
  TRY_VOID(applied);
  config.files.push_back(path);
  return {};
}

Result<std::vector<std::string>> drop_ins(const std::string& folder) {
  std::vector<std::string> paths;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    const auto name = entry.path().filename().string();
    if (name.ends_with(".conf") && !name.starts_with('.')) paths.push_back(entry.path());
  }
  if (error && error.value() != ENOENT)
    return std::unexpected(errno_error(error.value(), fmt::format("cannot read {}", folder)));
  std::ranges::sort(paths);
  return paths;
}

}  // namespace

Result<> apply_config(Config& config, std::string_view text, const std::string& name) {
  Applier applier(config, name);
  for (const auto& section : TRY(parse_ini(text, name))) TRY_VOID(applier.apply(section));
  return {};
}

Result<Config> read_config(const ConfigPaths& paths) {
  Config config;
  if (auto applied = apply_file(config, paths.file); !applied && applied.error().code != ErrorCode::not_found)
    return std::unexpected(std::move(applied).error());
  for (const auto& path : TRY(drop_ins(paths.drop_ins))) TRY_VOID(apply_file(config, path));
  return config;
}

std::vector<std::string> missing_files(const Config& config) {
  std::vector<std::string> missing;
  const auto look = [&](std::string_view key, const std::string& path, int access) {
    if (::access(path.c_str(), access) == 0) return;
    missing.push_back(errno_error(errno, fmt::format("{}: {}", key, path)).reason());
  };
  for (const auto& hook : config.capture.hook_before) look("[capture] hook_before", hook, X_OK);
  for (const auto& hook : config.capture.hook_after) look("[capture] hook_after", hook, X_OK);
  for (const auto& file : config.capture.file) look("[capture] file", file, R_OK);
  if (!config.collect.command.empty()) look("[collect] command", config.collect.command, X_OK);
  return missing;
}

std::string to_text(const Config& config) {
  std::string text;
  for (const auto& target : config.targets) {
    text += "[target]\n";
    for (const auto& key : target_keys()) {
      if (const auto value = key.get(target); !value.empty())
        text += fmt::format("# {}\n{} = {}\n", key.help, key.name, value);
    }
    text += '\n';
  }
  std::string_view section;
  for (const auto& key : keys()) {
    if (key.section != section) {
      text += fmt::format("{}[{}]\n", section.empty() ? "" : "\n", key.section);
      section = key.section;
    }
    text += fmt::format("# {}\n", key.help);
    if (key.get(config).empty()) text += fmt::format("#{} =\n", key.name);
    for (const auto& value : key.get(config))
      text += fmt::format("{} ={}{}\n", key.name, value.empty() ? "" : " ", value);
  }
  return text;
}

std::vector<std::string> key_names() {
  std::vector<std::string> names;
  for (const auto& key : target_keys()) names.push_back(fmt::format("target.{}", key.name));
  for (const auto& key : keys()) names.push_back(fmt::format("{}.{}", key.section, key.name));
  return names;
}

}  // namespace lifeboat::config
