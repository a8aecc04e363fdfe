// SPDX-License-Identifier: GPL-2.0-or-later
// lifeboat build [--kernel VERSION] [-o FILE]
#include <filesystem>
#include <nlohmann/json.hpp>

#include "src/arming/capture_kernel.h"
#include "src/arming/kept_initramfs.h"
#include "src/base/folders.h"
#include "src/base/log.h"
#include "src/base/size.h"
#include "src/cli/configuration.h"
#include "src/dump/levels.h"

namespace lifeboat::cli {
namespace {

using Json = nlohmann::ordered_json;

// Options of the command line override the configuration.
Result<config::Config> configured(const CommandLine& line) {
  config::Config config = TRY(read_config(line));
  if (line.has("target")) {
    std::error_code error;
    config.targets = {{.path = std::filesystem::absolute(line.get("target"), error).string()}};
  }
  if (line.has("level")) config.dump.level = TRY(parse_levels(line.get("level")));
  if (line.has("compress")) config.dump.compression = TRY(parse_compression_choice(line.get("compress")));
  if (line.has("final")) config.final.action = TRY(parse_final_action(line.get("final")));
  for (const auto& module : line.list("module")) config.capture.module.push_back(module);
  return config;
}

Json targets_json(const arming::Recipe& recipe) {
  Json targets = Json::array();
  for (const auto& found : recipe.targets) {
    targets.push_back({{"device", found.device},
                       {"uuid", found.target.uuid},
                       {"filesystem", found.target.filesystem},
                       {"path", found.target.path}});
  }
  return targets;
}

std::vector<std::string> warning_texts(const arming::Recipe& recipe) {
  std::vector<std::string> texts;
  for (const auto& warning : recipe.warnings) texts.push_back(warning.error.to_string());
  return texts;
}

void print_text(const arming::Recipe& recipe, const std::string& path, uint64_t bytes, bool fresh) {
  fmt::print("{}: {} ({}), {} modules{}\n", path, format_size(bytes),
             initramfs_compression_name(recipe.compression), recipe.modules.size(),
             fresh ? "; up to date" : "");
  const char* first = "dumps go to";
  for (const auto& found : recipe.targets) {
    fmt::print("  {} {} on {} ({}, {})\n", std::exchange(first, "else to    "), found.target.path,
               found.device, found.target.filesystem, found.target.uuid);
  }
}

}  // namespace

Result<int> run_build(const Arguments& arguments) {
  CommandLine line(
      "build", "[--kernel VERSION] [-o FILE] [options]",
      "Build the initramfs of the capture kernel by lifeboat.conf(5). It holds lifeboat-init, the modules\n"
      "for the targets with their dependencies, and the capture plan. The same inputs give the same file.");
  // clang-format off
  line.options()
    ("kernel", Takes::text, "version of the capture kernel (default: the configured, else the running one)")
    ("modules", Takes::text, "its module tree (default: /lib/modules/VERSION)")
    ("output,o", Takes::text, "the file to write (default: /var/lib/lifeboat/initramfs-VERSION.img)")
    ("if-stale", "build only if the file is missing or stale")
    ("target", Takes::text, "folder for dumps, instead of the configured targets")
    ("level", Takes::text, "dump levels, tried in turn when the target is full")
    ("compress", Takes::text, "none, zlib[:N], lzo, snappy, zstd[:N] or auto")
    ("final", Takes::text, "reboot, poweroff, halt or shell after the dump is saved")
    ("module", Takes::list, "one more module to include; may be repeated")
    ("init", Takes::text, "the program lifeboat-init");
  // clang-format on
  add_config_option(line);
  if (!TRY(line.parse(arguments))) return kDone;
  const config::Config config = TRY(configured(line));
  arming::RecipeRequest request{.module_folder = line.get("modules"), .init = line.get("init")};
  request.release = line.has("kernel") ? line.get("kernel") : TRY(arming::capture_kernel(config)).release;
  const arming::Recipe recipe = TRY(arming::make_recipe(config, request));
  const auto warnings = warning_texts(recipe);
  for (const auto& warning : warnings) log::warning("{}", warning);

  const std::string path = line.get("output", arming::initramfs_path(recipe.release));
  const bool fresh = line.has("if-stale") && arming::is_fresh(recipe, path);
  if (!line.has("output")) TRY_VOID(make_folders(arming::kInitramfsFolder));
  std::error_code ignored;
  const uint64_t bytes =
      fresh ? std::filesystem::file_size(path, ignored) : TRY(arming::write_initramfs(recipe, path));
  if (line.json()) {
    std::vector<std::string> modules;
    for (const auto& module : recipe.modules) modules.push_back(module.name);
    const Json targets = targets_json(recipe);
    print_json({{"initramfs", path},
                {"bytes", bytes},
                {"built", !fresh},
                {"compression", initramfs_compression_name(recipe.compression)},
                {"kernel", recipe.release},
                {"modules", modules},
                {"files", recipe.files},
                {"target", targets.front()},
                {"targets", targets},
                {"warnings", warnings}});
  } else {
    print_text(recipe, path, bytes, fresh);
  }
  return kDone;
}

}  // namespace lifeboat::cli
