// SPDX-License-Identifier: GPL-2.0-or-later
// The capture initramfs: a newc cpio archive with lifeboat-init, the modules of the target and the plan.
// Reproducible: the same inputs give the same bytes, on any machine and at any time.
#pragma once

#include <string>
#include <vector>

#include "capture/initramfs/module_set.h"
#include "capture/plan/capture_plan.h"
#include "src/base/bytes.h"
#include "src/base/error.h"

namespace lifeboat {

enum class InitramfsCompression { none, gzip, xz, zstd };
std::string_view initramfs_compression_name(InitramfsCompression compression);

// One more file, at the path that it has here.
struct ExtraFile {
  std::string path;  // absolute
  mode_t mode = 0755;
  std::vector<std::byte> bytes;
};

struct InitramfsContents {
  std::vector<std::byte> init;      // lifeboat-init, as a rule
  CapturePlan plan;                 // its list of modules is filled in from `modules`
  std::vector<ModuleFile> modules;  // in loading order
  std::vector<ExtraFile> files;     // hooks, a shell, what the configuration asks for
};

Result<std::vector<std::byte>> build_initramfs(const InitramfsContents& contents,
                                               InitramfsCompression compression);

// A static program of this installation, for an initramfs: `path` if it is not empty, else beside the running
// program, else where the package installs it.
inline constexpr const char* kInitProgram = "lifeboat-init";
Result<std::vector<std::byte>> read_static_program(const std::string& name, const std::string& path = {});
// Where lifeboat-init is.
std::string init_program_path(const std::string& path_or_empty);

}  // namespace lifeboat
