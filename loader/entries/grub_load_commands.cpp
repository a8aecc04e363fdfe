// SPDX-License-Identifier: GPL-2.0-or-later
// The commands of a grub.cfg that find a file system, and that load files from it.
#include <algorithm>
#include <filesystem>

#include "loader/entries/boot_entry_file.h"
#include "loader/entries/grub_bls.h"
#include "loader/entries/grub_evaluator.h"

namespace lifeboat::grub {
namespace {

namespace fs = std::filesystem;
using What = BootFiles::What;

// Devices that a script can name and that are found here: what `search` sets its variable to, and the folders
// of the configuration. No device of GRUB has such a name.
constexpr std::string_view kConfiguration = "\003configuration";
constexpr std::string_view kUuid = "\x03uuid=";
constexpr std::string_view kLabel = "\x03label=";
constexpr std::string_view kFolder = "\003folder";
static_assert(kUuid.front() == kDeviceMark && kFolder.front() == kDeviceMark);

bool is_hex(char c) {
  return std::isxdigit(static_cast<unsigned char>(c)) != 0;
}

// One parameter as GRUB writes it on the command line: quoted as a whole when it has a space; quotes and
// backslashes are escaped, but for "\xNN".
std::string as_parameter(std::string_view word) {
  std::string text;
  for (size_t i = 0; i < word.size(); ++i) {
    const bool code = word[i] == '\\' && i + 3 < word.size() && word[i + 1] == 'x' && is_hex(word[i + 2]) &&
                      is_hex(word[i + 3]);
    if (!code && std::string_view("\\'\"").contains(word[i])) text += '\\';
    text += word[i];
  }
  return word.contains(' ') ? "\"" + text + "\"" : text;
}

struct SearchRequest {
  std::string by;        // "uuid", "label", "file"
  std::string name;      // what is searched for
  std::string variable;  // to be set; empty: none
};

// "search --fs-uuid --set=root NAME", in any order, and "search.fs_uuid NAME root HINT...".
SearchRequest parse_search(const std::vector<std::string>& words) {
  SearchRequest request{.by = "file", .name = {}, .variable = {}};
  if (words[0] != "search") {
    if (words[0] == "search.fs_uuid") request.by = "uuid";
    if (words[0] == "search.fs_label") request.by = "label";
    if (words.size() > 1) request.name = words[1];
    if (words.size() > 2) request.variable = words[2];
    return request;
  }
  std::vector<std::string> names;
  for (size_t i = 1; i < words.size(); ++i) {
    const std::string& word = words[i];
    const bool value_follows = i + 1 < words.size() && !words[i + 1].starts_with('-');
    if (word == "--fs-uuid" || word == "-u") {
      request.by = "uuid";
    } else if (word == "--label" || word == "-l") {
      request.by = "label";
    } else if (word == "--file" || word == "-f") {
      request.by = "file";
    } else if (word.starts_with("--set=")) {
      request.variable = word.substr(6);
    } else if (word == "--set" || word == "-s") {
      request.variable = value_follows ? words[++i] : "root";
    } else if (word.starts_with("--hint") || word == "-h") {
      if (!word.contains('=') && value_follows) ++i;
    } else if (!word.starts_with('-')) {
      names.push_back(word);
    }
  }
  if (!names.empty()) request.name = names[0];
  if (names.size() > 1 && request.variable.empty()) request.variable = names[1];
  return request;
}

// A file of the configuration's folder; ".." leads as far as the folder above it.
std::string in_folder(const std::string& folder, const std::string& path) {
  const fs::path whole(folder);
  return path_below(whole.parent_path().string(), "/" + whole.filename().string() + "/" + path);
}

}  // namespace

std::string Evaluator::root_device() {
  return std::string(kConfiguration);
}

std::string Evaluator::folder_device(const std::string& folder) {
  folders_.push_back(folder);
  return fmt::format("({}{})", kFolder, folders_.size() - 1);
}

BootDevice Evaluator::device_of(std::string_view name) const {
  if (name == kConfiguration) return {};
  if (name.starts_with(kUuid))
    return {.kind = BootDevice::Kind::uuid, .name = std::string(name.substr(kUuid.size()))};
  if (name.starts_with(kLabel))
    return {.kind = BootDevice::Kind::label, .name = std::string(name.substr(kLabel.size()))};
  return {.kind = BootDevice::Kind::unknown, .name = std::string(name)};
}

// "(DEVICE)/path", or "/path" on the device of $root.
Evaluator::Place Evaluator::place_of(std::string_view path) const {
  std::string device = environment_.get("root");
  if (path.starts_with('(')) {
    const size_t end = std::min(path.find(')'), path.size());
    device = path.substr(1, end - 1);
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  Place place{.device = device_of(device), .folder = {}, .path = std::string(path)};
  if (!device.starts_with(kFolder)) return place;
  const auto number = leading_number(std::string_view(device).substr(kFolder.size()));
  if (number && number->rest.empty() && number->value < folders_.size())
    place.folder = folders_[number->value];
  return place;
}

Result<std::string> Evaluator::find(const std::string& path, What what) {
  const Place place = place_of(path);
  if (place.folder) {
    std::string found = in_folder(*place.folder, place.path);
    std::error_code ignored;
    const bool there =
        what == What::file ? fs::is_regular_file(found, ignored) : fs::is_directory(found, ignored);
    if (!there) return fail(ErrorCode::not_found, "there is no {}", found);
    return found;
  }
  const auto found = TRY(files_.find(place.device, place.path, what));
  if (!found.certain)
    note(fmt::format("{}: {} is used for {}: this system does not know {}", here(), found.path, place.path,
                     place.device.name.empty() ? "that path" : "the device " + shown(place.device.name)));
  return found.path;
}

Truth Evaluator::test_file(char test, const std::string& path) {
  const Place place = place_of(path);
  const bool decidable = place.folder || files_.is_there(place.device) == true;
  if (!decidable) return Truth::unknown;
  std::error_code ignored;
  std::string found;
  for (const What what : {What::file, What::folder}) {
    if (place.folder) {
      found = in_folder(*place.folder, place.path);
      break;
    }
    if (const auto file = files_.find(place.device, place.path, what)) found = file->path;
    if (!found.empty()) break;
  }
  if (found.empty()) return Truth::no;
  if (test == 'd') return truth_of(fs::is_directory(found, ignored));
  if (test == 'e') return truth_of(fs::exists(found, ignored));
  if (test == 'f') return truth_of(fs::is_regular_file(found, ignored));
  const auto size = fs::file_size(found, ignored);
  return truth_of(!ignored && size > 0);
}

Result<Evaluator::Status> Evaluator::do_search(const Arguments& words) {
  const SearchRequest request = parse_search(words);
  if (request.name.empty()) return Status::failure;
  std::string device;
  std::optional<bool> there;
  if (!is_known(request.name)) {
    device = unknown_value("the device of " + shown(request.name));
  } else if (request.by == "file") {
    there = files_.find({}, request.name).has_value();
    device = *there ? std::string(kConfiguration) : "the first device that has " + request.name;
    // Another disk may have it, and may come first: then the paths on it do not exist here either.
    if (!*there) there.reset();
  } else {
    device = std::string(request.by == "uuid" ? kUuid : kLabel) + request.name;
    there = files_.is_there(device_of(device));
  }
  if (there == false) return Status::failure;
  if (!request.variable.empty()) TRY_VOID(environment_.set(request.variable, device));
  return there ? Status::success : Status::unknown;
}

Result<Evaluator::Status> Evaluator::do_linux(const Arguments& words) {
  for (const auto& word : words) {
    if (!is_known(word))
      return fail(ErrorCode::unsupported,
                  "{}: the kernel or its command line depends on {}, which is not known here", here(),
                  unknown_parts(word));
  }
  if (words.size() < 2) return problem("linux without a file");
  loaded_.reset();
  foreign_.clear();
  auto kernel = find(words[1]);
  if (!kernel) return problem(kernel.error().message);
  Loaded loaded{.kernel = *std::move(kernel), .initramfs = {}, .command_line = {}, .unset = last_unset_};
  for (size_t i = 2; i < words.size(); ++i)
    loaded.command_line += (i > 2 ? " " : "") + as_parameter(words[i]);
  loaded_ = std::move(loaded);
  return Status::success;
}

Result<Evaluator::Status> Evaluator::do_initrd(const Arguments& words) {
  // Behind a kernel that could not be loaded, which is the reason and has been named.
  if (!loaded_ && !problems_.empty()) return Status::failure;
  if (words.size() < 2 || !loaded_) return problem("initrd without a file, or before linux");
  loaded_->initramfs.clear();
  for (size_t i = 1; i < words.size(); ++i) {
    if (!is_known(words[i]))
      return fail(ErrorCode::unsupported, "{}: the initramfs depends on {}, which is not known here", here(),
                  unknown_parts(words[i]));
    if (words[i].starts_with("--")) continue;
    if (words[i].starts_with("newc:"))
      return fail(ErrorCode::unsupported, "{}: GRUB packs '{}' into an archive, which is not supported",
                  here(), words[i]);
    auto path = find(words[i]);
    if (!path) return problem(path.error().message);
    loaded_->initramfs.push_back(*std::move(path));
  }
  return Status::success;
}

// A unified kernel image is loaded so, and every other program of the firmware.
Result<Evaluator::Status> Evaluator::do_chainloader(const Arguments& words) {
  std::string file;
  for (size_t i = 1; i < words.size(); ++i)
    if (!words[i].starts_with("--") && file.empty()) file = words[i];
  if (!is_known(file))
    return fail(ErrorCode::unsupported, "{}: what is started depends on {}, which is not known here", here(),
                unknown_parts(file));
  loaded_.reset();
  foreign_.clear();
  auto path = find(file);
  if (!path) {
    // A boot sector ("+1"), or another system's disk.
    foreign_ = "chainloader " + file;
    return Status::success;
  }
  loaded_ = Loaded{
      .kernel = *std::move(path), .initramfs = {}, .command_line = {}, .chainloaded = true, .unset = {}};
  for (size_t i = 1; i < words.size(); ++i) {
    if (words[i].starts_with("--") || words[i] == file) continue;
    loaded_->command_line += (loaded_->command_line.empty() ? "" : " ") + as_parameter(words[i]);
  }
  return Status::success;
}

Result<Evaluator::Status> Evaluator::do_devicetree(const Arguments&) {
  note(fmt::format("{}: GRUB passes a device tree, which a load does not", here()));
  return Status::success;
}

Result<Evaluator::Status> Evaluator::do_foreign(const Arguments& words) {
  loaded_.reset();
  if (foreign_.empty()) {
    for (const auto& word : words) foreign_ += (foreign_.empty() ? "" : " ") + shown(word);
  }
  if (words[0] == "exit" || words[0] == "halt" || words[0] == "reboot" || words[0] == "normal_exit")
    flow_ = Flow::ended;
  return Status::success;
}

Result<Evaluator::Status> Evaluator::do_fwsetup(const Arguments& words) {
  if (words.size() > 1 && words[1] == "--is-supported") return Status::unknown;
  flow_ = Flow::ended;
  return do_foreign(words);
}

Result<Evaluator::Status> Evaluator::do_boot(const Arguments&) {
  if (!loaded_ && foreign_.empty()) return Status::failure;
  flow_ = Flow::ended;
  return Status::success;
}

Result<Evaluator::Status> Evaluator::do_blscfg(const Arguments& words) {
  uses_blscfg_ = true;
  std::optional<std::string> folder;
  const std::string argument = words.size() > 1 ? words[1] : "";
  if (!is_known(argument)) return do_unsupported(words);
  std::vector<std::string> places = {"/loader/entries", "/boot/loader/entries"};
  if (const std::string given = environment_.get("blsdir"); !given.empty()) places.front() = given;
  if (argument.starts_with('(')) places = {argument};
  for (const auto& place : places) {
    if (!is_known(place)) return do_unsupported(words);
    if (auto found = find(place, What::folder)) folder = *std::move(found);
    if (folder) break;
  }
  if (!folder) return Status::failure;
  const std::string chosen = environment_.get("default");
  size_t index = 0;
  for (auto& bls : read_bls_entries(*folder, environment_)) {
    TRY_VOID(budget_.spend(bls.script.size()));
    const auto number = leading_number(chosen);
    const bool is_default =
        chosen == bls.id || chosen == bls.title || (number && number->rest.empty() && number->value == index);
    ++index;
    const bool wanted = argument.empty() || argument.starts_with('(') ||
                        (argument == "default" && is_default) || (argument == "non-default" && !is_default) ||
                        argument == bls.id;
    const bool shown_before =
        std::ranges::any_of(menu_, [&](const MenuEntry& entry) { return entry.file == bls.file; });
    if (!wanted || shown_before) continue;
    MenuEntry entry{.name = {.title = bls.title, .id = bls.id},
                    .file = bls.file,
                    .parameters = {bls.title},
                    .body = {},
                    .broken = {},
                    .unset = std::move(bls.unset)};
    auto body = parse_script(bls.script, bls.file);
    if (body) entry.body = *std::move(body);
    if (!entry.body) entry.broken = "its options are no text of GRUB's language";
    menu_.push_back(std::move(entry));
  }
  return Status::success;
}

}  // namespace lifeboat::grub
