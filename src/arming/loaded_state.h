// SPDX-License-Identifier: GPL-2.0-or-later
// What is loaded for the next crash, recorded in /run/lifeboat/loaded.json: the running kernel only reports
// that something is. Lost at a reboot, as the loaded kernel is.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "src/base/bytes.h"
#include "src/base/error.h"

namespace lifeboat::arming {

inline constexpr const char* kLoadedStateFile = "/run/lifeboat/loaded.json";

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
};

Result<> save_loaded_state(const LoadedState& state, const std::string& path = kLoadedStateFile);
// nullopt: nothing was loaded by lifeboat in this boot, or the file is invalid.
std::optional<LoadedState> read_loaded_state(const std::string& path = kLoadedStateFile);
Result<> forget_loaded_state(const std::string& path = kLoadedStateFile);

// Changes of the files since they were loaded.
struct FileChanges {
  std::vector<std::string> changed;     // "PATH has changed", "PATH is gone"
  std::vector<std::string> unreadable;  // paths that this caller may not read: not checked
};
FileChanges changed_files(const LoadedState& state);

}  // namespace lifeboat::arming
