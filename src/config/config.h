// SPDX-License-Identifier: GPL-2.0-or-later
// The configuration of this machine: /etc/lifeboat.conf and the drop-ins of /etc/lifeboat.conf.d, read and
// never executed. lifeboat.conf(5) describes every key; the table behind it is capture/plan/keys.cpp.
#pragma once

#include <string>
#include <vector>

#include "capture/plan/settings.h"
#include "src/base/error.h"

namespace lifeboat::config {

// One [target]: a folder on a mounted file system (`path` alone), or on one that need not be mounted
// (`device`, and `path` from its root on).
struct TargetEntry {
  std::string path = "/var/crash/lifeboat";
  std::string device;  // "/dev/sdb1", "UUID=...", "LABEL=..."; empty: `path` is looked up among the mounts
  std::string filesystem;  // of `device`; empty: detected on the device
  std::string where;       // "/etc/lifeboat.conf:3"; empty: the default
};

struct Config : Settings {
  std::vector<TargetEntry> targets = {TargetEntry{}};  // tried in order; never empty
  std::vector<std::string> files;                      // that were read, in order
};

struct ConfigPaths {
  std::string file = "/etc/lifeboat.conf";
  std::string drop_ins = "/etc/lifeboat.conf.d";  // *.conf, in the order of their names; later ones win
};

// The defaults, changed by the files. A missing file is not an error. `corrupt`: a mistake in a file; the
// message begins with "FILE:LINE: ", and names the nearest key when one is unknown. `no_permission` when
// users other than root could write to a file: its settings are applied as root.
Result<Config> read_config(const ConfigPaths& paths);

// Applies one text to `config`; mistakes are `usage` errors.
Result<> apply_config(Config& config, std::string_view text, const std::string& name);

// The configured programs and files that are missing or not executable; a line each: "[capture]
// hook_before: /sbin/x: No such file or directory". Not an error: they may be installed later.
std::vector<std::string> missing_files(const Config& config);

// All current settings, as text that apply_config() reads back.
std::string to_text(const Config& config);

// The documented keys, "section.key", for the manual's test and for completion.
std::vector<std::string> key_names();

}  // namespace lifeboat::config
