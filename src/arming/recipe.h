// SPDX-License-Identifier: GPL-2.0-or-later
// The contents of the capture initramfs of a kernel, by the configuration and this machine. make_recipe()
// reads only indexes and /sys; carry_out() reads the files themselves.
#pragma once

#include <string>
#include <vector>

#include "capture/initramfs/compress.h"
#include "capture/initramfs/initramfs.h"
#include "capture/initramfs/local_target.h"
#include "capture/initramfs/module_set.h"
#include "src/base/error.h"
#include "src/config/config.h"

namespace lifeboat::arming {

struct RecipeRequest {
  std::string release;        // of the capture kernel
  std::string module_folder;  // empty: /lib/modules/RELEASE
  std::string init;           // lifeboat-init; empty: this installation's
  HostPaths host;
  std::string running;  // the running kernel's release; empty: uname(2)'s
};

// Configured items that a recipe leaves out.
enum class RecipeWarningKind {
  target,  // it cannot be used
  driver,  // none is known for a target's device (`subject`), which is used all the same
  module,  // it is left out, as are the two below
  file,
  hook,
  shell,        // there is none that can be included
  compression,  // the kernel's supported formats are not known: none is used
};
struct RecipeWarning {
  RecipeWarningKind kind;
  // As configured: the target's device or else its path, a module's name, a path. Of `driver`:
  // LocalTarget::device.
  std::string subject;
  Error error;  // the whole message, with its hint
};

struct Recipe {
  std::string release, module_folder;
  std::string init;
  std::vector<std::string> asked;    // the configured targets, a line each, also missing ones
  std::vector<LocalTarget> targets;  // those that were found
  CapturePlan plan;                  // without its list of modules
  std::vector<ModulePath> modules;
  std::vector<std::string> files;  // extra ones, paths on this machine and in the archive
  InitramfsCompression compression = InitramfsCompression::none;
  std::vector<RecipeWarning> warnings;
};

// The capture settings of the configuration, without targets and modules.
CapturePlan plan_of(const config::Config& config);

// A target that cannot be used is left out with a warning, as are additional hooks, files and modules. Fails
// when no target is left (`unsupported`: a capture kernel can reach none of them), or their drivers are
// missing.
Result<Recipe> make_recipe(const config::Config& config, const RecipeRequest& request);

// Describes the recipe in a few lines of text: two recipes with the same fingerprint build the same archive,
// unless a file was changed and its time reset. Lists every file with its size and modification time.
std::string fingerprint(const Recipe& recipe);

// "/path size time" of a file as it is now, the time to the nanosecond; "/path missing".
std::string file_stamp(const std::string& path);

// Reads the contents of the archive.
Result<InitramfsContents> gather(const Recipe& recipe);

// Builds the archive.
Result<std::vector<std::byte>> carry_out(const Recipe& recipe);

// Whether the archive has all modules that `name` (of a module, or an alias) refers to; a built-in
// module need not be in it.
bool carries(const Recipe& recipe, const std::string& name);

}  // namespace lifeboat::arming
