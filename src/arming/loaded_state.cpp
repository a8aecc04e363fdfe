// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/arming/loaded_state.h"

#include <unistd.h>
#include <xxhash.h>

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "src/base/file.h"
#include "src/base/folders.h"
#include "src/base/size.h"

namespace lifeboat::arming {
namespace {

using Json = nlohmann::ordered_json;

Json to_json(const LoadedFile& file) {
  return {{"path", file.path}, {"bytes", file.bytes}, {"xxh3", file.digest}};
}

// Independent of the working folder. Only the folder is resolved: if the file is a link and its target
// changes, that is a change of the file.
std::string absolute(const std::string& path) {
  std::error_code error;
  const std::filesystem::path given = std::filesystem::absolute(path, error);
  const auto folder = std::filesystem::canonical(given.parent_path(), error);
  return error ? path : (folder / given.filename()).string();
}

LoadedFile file_of(const Json& json) {
  return {json.value("path", ""), json.value("bytes", uint64_t{0}), json.value("xxh3", "")};
}

std::string digest_text(const XXH128_hash_t& digest) {
  return fmt::format("{:016x}{:016x}", digest.high64, digest.low64);
}

}  // namespace

std::string loaded_state_file(const std::string& run) {
  return run + "/lifeboat/loaded.json";
}

LoadedFile digest_bytes(const std::string& path, ByteSpan bytes) {
  return {absolute(path), bytes.size(), digest_text(XXH3_128bits(bytes.data(), bytes.size()))};
}

Result<LoadedFile> digest_file(const std::string& path) {
  const UniqueFd fd = TRY(open_file(path, O_RDONLY));
  const std::unique_ptr<XXH3_state_t, decltype(&XXH3_freeState)> state(XXH3_createState(), XXH3_freeState);
  if (!state) return std::unexpected(errno_error(ENOMEM, path));
  XXH3_128bits_reset(state.get());
  std::vector<std::byte> buffer(1_MiB);
  LoadedFile file{.path = absolute(path)};
  for (;;) {
    const size_t count = TRY(pread_some(fd.get(), file.bytes, buffer, path));
    if (count == 0) break;
    XXH3_128bits_update(state.get(), buffer.data(), count);
    file.bytes += count;
  }
  file.digest = digest_text(XXH3_128bits_digest(state.get()));
  return file;
}

Result<> save_loaded_state(const LoadedState& state, const std::string& path) {
  Json initramfs = Json::array();
  for (const auto& file : state.initramfs) initramfs.push_back(to_json(file));
  const Json json = {
      {"kernel", to_json(state.kernel)},    {"initramfs", initramfs}, {"release", state.release},
      {"command_line", state.command_line}, {"call", state.call},     {"time", state.time},
      {"dump_level", state.dump_level}};
  TRY_VOID(make_folder_of(path));
  const std::string text = json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
  return write_file_atomically(path, as_byte_span(text), 0644);
}

std::optional<LoadedState> read_loaded_state(const std::string& path) {
  const auto text = read_text(path, 1_MiB);
  if (!text) return std::nullopt;
  // value() and get() throw on a field of another type.
  try {
    const Json json = Json::parse(*text);
    LoadedState state;
    state.kernel = file_of(json.at("kernel"));
    for (const auto& file : json.at("initramfs")) state.initramfs.push_back(file_of(file));
    state.release = json.value("release", "");
    state.command_line = json.value("command_line", "");
    state.call = json.value("call", "");
    state.time = json.value("time", uint64_t{0});
    state.dump_level = json.value("dump_level", "");
    return state;
  } catch (const Json::exception&) {
    return std::nullopt;
  }
}

Result<> forget_loaded_state(const std::string& path) {
  return remove_file(path);
}

std::optional<LoadedState> loaded_now(const SystemState& state, const SystemPaths& paths) {
  return state.crash_loaded == true ? read_loaded_state(loaded_state_file(paths.run)) : std::nullopt;
}

FileChanges changed_files(const LoadedState& state) {
  FileChanges changes;
  const auto look = [&changes](const LoadedFile& then) {
    const auto now = digest_file(then.path);
    if (!now && now.error().code == ErrorCode::no_permission) {
      changes.unreadable.push_back(then.path);
    } else if (!now) {
      changes.changed.push_back(now.error().code == ErrorCode::not_found ? then.path + " is gone"
                                                                         : now.error().to_string());
    } else if (now->bytes != then.bytes || now->digest != then.digest) {
      changes.changed.push_back(then.path + " has changed");
    }
  };
  look(state.kernel);
  for (const auto& file : state.initramfs) look(file);
  return changes;
}

}  // namespace lifeboat::arming
