// SPDX-License-Identifier: GPL-2.0-or-later
// What is loaded for the next crash, recorded in /run/lifeboat/loaded.json: the running kernel only reports
// that something is. Lost at a reboot, as the loaded kernel is. Written by src/arming/noted_load.h alone.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "loader/system_state.h"
#include "src/base/bytes.h"
#include "src/base/error.h"

namespace lifeboat::arming {

// `run`: SystemPaths::run.
std::string loaded_state_file(const std::string& run = "/run");

// A file as it was when it was loaded.
struct LoadedFile {
  std::string path;  // absolute
  uint64_t bytes = 0;
  std::string digest;  // XXH3-128, hexadecimal
  bool operator==(const LoadedFile&) const = default;
};
// `path` may be relative.
Result<LoadedFile> digest_file(const std::string& path);
// The same of a file that has been read.
LoadedFile digest_bytes(const std::string& path, ByteSpan bytes);

struct LoadedState {
  LoadedFile kernel;
  std::vector<LoadedFile> initramfs;
  std::string release;  // of the kernel
  std::string command_line;
  std::string call;   // "file", "segments"
  uint64_t time = 0;  // seconds since the epoch
  std::string
      dump_level;  // of its plan, as it is written: "31", "31,none"; empty: it has no plan of lifeboat
};

Result<> save_loaded_state(const LoadedState& state, const std::string& path);
// nullopt: nothing was loaded by lifeboat in this boot, or the file is invalid.
std::optional<LoadedState> read_loaded_state(const std::string& path);
Result<> forget_loaded_state(const std::string& path);
// The record, if a capture kernel is loaded (`state`): else it is of one that is not loaded any more.
std::optional<LoadedState> loaded_now(const SystemState& state, const SystemPaths& paths);

// Changes of the files since they were loaded.
struct FileChanges {
  std::vector<std::string> changed;     // "PATH has changed", "PATH is gone"
  std::vector<std::string> unreadable;  // paths that this caller may not read: not checked
};
FileChanges changed_files(const LoadedState& state);

}  // namespace lifeboat::arming
