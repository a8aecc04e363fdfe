// SPDX-License-Identifier: GPL-2.0-or-later
// The configuration of this machine: /etc/lifeboat.conf and the drop-ins of /etc/lifeboat.conf.d, read and
// never executed. lifeboat.conf(5) tells every key; the table behind it (keys.cpp) is the one place where
// they are listed.
#pragma once

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "capture/plan/capture_plan.h"
#include "capture/plan/retention.h"
#include "src/base/error.h"
#include "src/dump/levels.h"

namespace lifeboat::config {

// One [target]: a folder of a file system that is mounted now (`path` alone), or of one that is not
// (`device`, and `path` from its root on).
struct TargetEntry {
  std::string path = "/var/crash/lifeboat";
  std::string device;  // "/dev/sdb1", "UUID=...", "LABEL=..."; empty: `path` is looked up among the mounts
  std::string filesystem;  // of `device`; empty: its own word is taken
  std::string where;       // "/etc/lifeboat.conf:3"; empty: the default
};

struct CaptureSettings {
  std::string kernel;               // of the capture; empty: the running one's file
  std::string append;               // to its command line
  std::vector<std::string> remove;  // names of parameters that are not taken over to it
  std::chrono::seconds device_deadline{60};
  std::chrono::seconds stall_deadline{120};
  std::chrono::seconds deadline{3600};
  std::vector<std::string> hooks_before;  // programs, before the target is mounted
  std::vector<std::string> hooks_after;   // and after the dump
  std::chrono::seconds hook_deadline{30};
  std::vector<std::string> files;    // also put into the initramfs, with the libraries they need
  std::vector<std::string> modules;  // also put into the initramfs, and loaded
  bool report = true;                // write the report before the dump
  bool watchdog = true;              // feed a hardware watchdog that runs
};

struct CollectSettings {
  bool report = true;   // complete a report that the capture kernel did not write
  bool pstore = true;   // move the records of pstore to the crash
  bool notice = true;   // tell whoever logs in
  std::string command;  // a program, run with the crash's folder as its argument; empty: none
};

struct Config {
  std::vector<TargetEntry> targets = {TargetEntry{}};  // tried in order; never empty
  std::vector<int> levels = {31};
  CompressionChoice compression;
  CaptureSettings capture;
  FinalAction failure_action = FinalAction::reboot;
  FinalAction final_action = FinalAction::reboot;
  Retention retention = {.keep = 5, .min_free = Amount{.percent = 5}};
  CollectSettings collect;

  std::vector<std::string> files;  // that were read, in order
};

struct ConfigPaths {
  std::string file = "/etc/lifeboat.conf";
  std::string drop_ins = "/etc/lifeboat.conf.d";  // *.conf, in the order of their names; later ones win
};

// What is set, over the defaults. A missing file is no error. `corrupt`: a mistake in a file; the message
// begins with "FILE:LINE: ", and names the nearest key when one is unknown. `no_permission` when others than
// root could write to a file: what it says is done as root.
Result<Config> read_config(const ConfigPaths& paths);

// The same of one text, over `config`; mistakes are `usage` errors.
Result<> apply_config(Config& config, std::string_view text, const std::string& name);

// The programs and files that it names, and that are not there or no programs; a line each: "[capture]
// hook_before: /sbin/x: No such file or directory". No mistake: they may come later.
std::vector<std::string> missing_files(const Config& config);

// Everything as it stands, as text that apply_config() reads back.
std::string to_text(const Config& config);

// The documented keys, "section.key", for the manual's test and for completion.
std::vector<std::string> key_names();

}  // namespace lifeboat::config
