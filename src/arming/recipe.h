// SPDX-License-Identifier: GPL-2.0-or-later
// What the capture initramfs of a kernel is to be made of, by the configuration and this machine. Making a
// recipe reads indexes and /sys only; the files themselves are read when it is carried out.
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
};

// What of the configuration a recipe does without.
enum class RecipeWarningKind {
  target,  // it cannot be used
  module,  // it is left out, as are the two below
  file,
  hook,
  shell,        // there is none that can be taken along
  compression,  // which one the kernel can unpack is not known: none is used
};
struct RecipeWarning {
  RecipeWarningKind kind;
  std::string subject;  // as configured: the target's device or else its path, a module's name, a path
  Error error;          // the whole sentence, what to do included
};

struct Recipe {
  std::string release, module_folder;
  std::string init;
  std::vector<std::string> asked;    // the configured targets, a line each, whether they are there now or not
  std::vector<LocalTarget> targets;  // those that are
  CapturePlan plan;                  // without its list of modules
  std::vector<ModulePath> modules;
  std::vector<std::string> files;  // extra ones, paths on this machine and in the archive
  InitramfsCompression compression = InitramfsCompression::none;
  std::vector<RecipeWarning> warnings;
};

// What the configuration says of a capture, without targets and modules.
CapturePlan plan_of(const config::Config& config);

// A target that cannot be used is left out with a warning, as are hooks, files and modules that are wanted
// besides. Fails when no target is left, or their drivers are not to be had.
Result<Recipe> make_recipe(const config::Config& config, const RecipeRequest& request);

// What the recipe would make, in a few lines of text: two with the same print make the same archive, as long
// as nobody writes a file and sets its time back. Names every file with its size and time of change.
std::string fingerprint(const Recipe& recipe);

// "/path size time" of a file as it is now, the time to the nanosecond; "/path missing".
std::string file_stamp(const std::string& path);

// What goes into the archive, read.
Result<InitramfsContents> gather(const Recipe& recipe);

// The archive.
Result<std::vector<std::byte>> carry_out(const Recipe& recipe);

// Whether the archive has all modules that `name` (of a module, or an alias) stands for; what is built into
// the kernel need not be in it.
bool carries(const Recipe& recipe, const std::string& name);

}  // namespace lifeboat::arming
