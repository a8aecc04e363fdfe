// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/migration/kdump_utils.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <optional>
#include <utility>

#include "src/base/text.h"
#include "src/migration/kdump_conf.h"
#include "src/migration/translate.h"

namespace lifeboat::migration {
namespace {

constexpr std::string_view kDefaultPath = "/var/crash";
constexpr std::string_view kBeforeHook =
    "the dump is made whatever it returns; its argument is 'before' (lifeboat.conf(5), hook_before)";
constexpr std::string_view kAfterHook =
    "its argument is 'after', the outcome is in LIFEBOAT_OUTCOME, and its exit code changes nothing "
    "(lifeboat.conf(5), hook_after)";

// kdumpctl looks for the last line of a name, but refuses a file that has two of most.
constexpr std::array<std::string_view, 6> kFileSystems = {"ext2", "ext3", "ext4", "xfs", "btrfs", "minix"};
constexpr std::array<std::string_view, 4> kOtherTargets = {"raw", "nfs", "ssh", "virtiofs"};

bool is_one_of(const auto& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

// What the lines about the target say together.
struct TargetLines {
  std::optional<Setting> path, device, other, dump_to_root;
};

class KdumpConfTranslator {
 public:
  KdumpConfTranslator(Draft& draft, const HookFolders& hooks) : draft_(draft), hooks_(hooks) {}

  void translate(const std::vector<Setting>& settings) {
    for (const auto& setting : settings) sort(setting);
    translate_targets();
    add_folder(hooks_.pre, "pre.d", "hook_before", kBeforeHook);
    // Those of the folder run before kdump_post.
    add_folder(hooks_.post, "post.d", "hook_after", kAfterHook);
    if (post_) translate_hook(draft_, *post_, "hook_after", kAfterHook);
    for (const auto& path : hooks_.emergency)
      draft_.note({"/etc/kdump/emergency.d", 0, path, ""}, Fate::missing, kNoEmergency);
  }

 private:
  static constexpr std::string_view kNoEmergency = "no program runs when lifeboat-init itself fails";

  void sort(const Setting& setting) {
    const auto& name = setting.name;
    if (name == "path") {
      replace(target_.path, setting);
    } else if (is_one_of(kFileSystems, name)) {
      replace(target_.device, setting);
    } else if (is_one_of(kOtherTargets, name)) {
      replace(target_.other, setting);
    } else if (name == "failure_action" || name == "default") {
      translate_failure(setting);
    } else if (name == "kdump_post") {
      replace(post_, setting);
    } else if (name == "kdump_pre") {
      translate_hook(draft_, setting, "hook_before", kBeforeHook);
    } else if (name == "core_collector") {
      translate_collector(setting);
    } else {
      translate_other(setting);
    }
  }
  // A later line overrides an earlier one.
  void replace(std::optional<Setting>& kept, const Setting& setting) {
    if (kept) {
      draft_.note(*kept, Fate::missing,
                  fmt::format("line {} sets it again, and is the one that was taken", setting.line));
    }
    kept = setting;
  }

  void translate_failure(const Setting& setting) {
    if (setting.value == "dump_to_rootfs") {
      replace(target_.dump_to_root, setting);
    } else {
      draft_.set(setting, "failure", "action", setting.value);
    }
  }

  void translate_collector(const Setting& setting) {
    auto words = words_of(setting.value);
    const std::string program =
        words.empty() ? std::string() : std::filesystem::path(words.front()).filename().string();
    if (program == "makedumpfile") {
      words.erase(words.begin());
      translate_makedumpfile(draft_, setting, words, Absent::default_of_makedumpfile);
    } else if (program == "cp" || program == "cat" || program == "dd") {
      draft_.set(setting, "dump", "level", "0", "all pages are kept, in a KDUMP file instead of a copy");
      draft_.set_also(setting, "dump", "compression", "none");
    } else {
      draft_.note(setting, Fate::missing, "no other program than lifeboat-init writes the dump");
    }
  }

  void translate_other(const Setting& setting) {
    const auto& [file, line, name, value] = setting;
    if (name == "final_action") {
      draft_.set(setting, "final", "action", value);
    } else if (name == "extra_modules") {
      translate_modules(draft_, setting);
    } else if (name == "extra_bins") {
      translate_files(draft_, setting);
    } else if (name == "disk_timeout") {
      draft_.set(setting, "capture", "device_deadline", value + "s");
    } else if (name == "kdump_emergency") {
      draft_.note(setting, Fate::missing, kNoEmergency);
    } else if (const auto note = notes().find(name); note != notes().end()) {
      draft_.note(setting, note->second.first, note->second.second);
    } else {
      draft_.note(setting, Fate::missing, "it is not a setting of kdump.conf that lifeboat knows");
    }
  }
  using Note = std::pair<Fate, std::string_view>;
  static const std::map<std::string_view, Note>& notes() {
    static const std::map<std::string_view, Note> all = {
        {"force_rebuild", {Fate::same, "the initramfs is rebuilt when something in it has changed"}},
        {"force_no_rebuild", {Fate::same, "the initramfs is rebuilt only when something in it has changed"}},
        {"auto_reset_crashkernel",
         {Fate::by_hand, "run: lifeboat reserve set auto; it is never changed by itself"}},
        {"sshkey",
         {Fate::missing, "it belongs to a target reached by ssh, which lifeboat does not have yet"}},
        {"fence_kdump_args", {Fate::missing, "no notification is sent to a cluster"}},
        {"fence_kdump_nodes", {Fate::missing, "no notification is sent to a cluster"}},
        {"dracut_args",
         {Fate::missing,
          "the initramfs is not made by dracut; a target of --mount is a [target] with "
          "device, filesystem and path"}},
        {"net", {Fate::missing, "targets over a network are not supported yet"}},
        {"link_delay", {Fate::missing, "targets over a network are not supported yet"}},
        {"options", {Fate::missing, "options of modules are not set by lifeboat.conf"}},
        {"blacklist", {Fate::same, "only the modules on the way to a target are loaded"}},
        {"debug_mem_level", {Fate::same, "the lowest free memory is in manifest.json"}},
    };
    return all;
  }

  // --- targets

  [[nodiscard]] std::string path() const {
    if (!target_.path || target_.path->value.empty()) return std::string(kDefaultPath);
    const std::string& value = target_.path->value;
    // kdump-utils puts it behind the mount point.
    return value.starts_with('/') ? value : "/" + value;
  }

  void translate_targets() {
    if (target_.other) {
      draft_.note(*target_.other, Fate::missing,
                  fmt::format("lifeboat cannot save dumps to '{}' yet: without a [target] it uses "
                              "/var/crash/lifeboat on this machine",
                              target_.other->name));
      if (target_.path) draft_.note(*target_.path, Fate::missing, "it belongs to that target");
    } else if (target_.device) {
      add_device();
    } else if (target_.path) {
      draft_.add_target(*target_.path, {.path = path(), .device = {}, .filesystem = {}, .where = {}});
    }
    if (target_.other && target_.device)
      draft_.note(*target_.device, Fate::missing, "a second target: kdumpctl refuses such a file");
    if (!target_.dump_to_root) return;
    // The file system of / is mounted where the initramfs is built. It is tried after the first.
    if (!target_.other && !target_.device) {
      draft_.note(*target_.dump_to_root, Fate::same, "the target is the root file system already");
    } else {
      draft_.add_target(*target_.dump_to_root, {.path = path(), .device = {}, .filesystem = {}, .where = {}});
    }
  }

  void add_device() {
    const Setting& from = *target_.device;
    if (from.name == "minix") {
      draft_.note(from, Fate::missing, "lifeboat finds file systems by their UUID, and minix has none");
      if (target_.path) draft_.note(*target_.path, Fate::missing, "it belongs to that target");
      return;
    }
    const std::string_view difference =
        from.name == "btrfs" ? "the path begins at the top-level subvolume, not at the default one"
                             : std::string_view();
    std::string device = from.value;
    // LABEL="..." is allowed there.
    std::erase(device, '"');
    draft_.add_target(from, {.path = path(), .device = device, .filesystem = from.name, .where = {}},
                      difference);
    if (target_.path) draft_.note(*target_.path, Fate::taken, "it is the path of that [target]");
  }

  void add_folder(const std::vector<std::string>& programs, std::string_view folder, std::string_view key,
                  std::string_view reason) {
    for (const auto& program : programs)
      draft_.set({fmt::format("/etc/kdump/{}", folder), 0, program, {}}, "capture", key, program, reason);
  }

  Draft& draft_;
  const HookFolders& hooks_;
  TargetLines target_;
  std::optional<Setting> post_;
};

}  // namespace

void translate_kdump_conf(Draft& draft, const std::string& file, std::string_view text,
                          const HookFolders& hooks) {
  std::vector<Setting> settings;
  for (auto& line : parse_kdump_conf(text))
    settings.push_back({file, line.line, std::move(line.name), std::move(line.value)});
  KdumpConfTranslator(draft, hooks).translate(settings);
}

}  // namespace lifeboat::migration
