// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/capture_store.h"

#include <filesystem>

#include "arm/recipe.h"
#include "base/log.h"
#include "capture/crash_list.h"
#include "capture/init/save.h"
#include "capture/store.h"
#include "cli/configuration.h"

namespace lifeboat::cli {
namespace {

constexpr const char* kRunFolder = "/run/lifeboat";

// The folders to try: --store FOLDER, else the configured ones.
std::vector<std::string> store_paths(const CommandLine& line, const config::Config& config) {
  if (line.has("store-folder")) return {line.get("store-folder")};
  std::vector<std::string> paths;
  for (const auto& target : config.targets) {
    if (target.device.empty()) paths.push_back(target.path);
  }
  return paths;
}

Result<> save_at(const std::string& path, const std::string& source, const Manifest& manifest,
                 init::Journal& journal) {
  const UniqueFd root = TRY(open_file("/", O_RDONLY | O_DIRECTORY));
  std::error_code error;
  const auto real = std::filesystem::weakly_canonical(std::filesystem::absolute(path, error), error);
  if (error) return std::unexpected(errno_error(error.value(), fmt::format("cannot resolve {}", path)));
  const UniqueFd store = TRY(open_folder_below(root.get(), real));
  init::Heartbeat nobody_listens(-1);
  return init::save_into_store(source, store.get(), real, manifest, journal, nobody_listens);
}

}  // namespace

Result<int> capture_into_store(const CommandLine& line, const std::string& source) {
  const auto config = TRY(read_config(line));
  Manifest manifest = arm::manifest_of(config);
  if (line.has("level")) manifest.levels = TRY(parse_levels(line.get("level")));
  if (line.has("compress")) {
    const auto choice = TRY(parse_compression_choice(line.get("compress")));
    manifest.compression = choice.compression;
    manifest.compression_level = choice.level;
  }
  std::error_code ignored;
  std::filesystem::create_directories(kRunFolder, ignored);
  init::Journal journal(kRunFolder);
  Error last(ErrorCode::not_found, "no configured target is a folder of this system");
  last.hint("set [target] path, or give --store-folder");
  for (const auto& path : store_paths(line, config)) {
    journal.forget();
    const auto saved = save_at(path, source, manifest, journal);
    const auto folder = journal.folder();
    if (const auto closed = init::close_journal(journal, "", ""); !closed)
      log::warning("{}", closed.error().to_string());
    if (saved) {
      if (line.json()) {
        print_json({{"folder", *folder}, {"whole", true}});
      } else {
        fmt::print("{}: the dump is whole\n", *folder);
      }
      journal.forget();
      return kDone;
    }
    log::error("{}: {}", path, saved.error().to_string());
    last = saved.error();
  }
  journal.forget();
  return std::unexpected(std::move(last).context(fmt::format("{} could not be saved whole", source)));
}

}  // namespace lifeboat::cli
