// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/reservation/raspberry_pi_config.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <string_view>
#include <utility>

#include "src/base/file.h"
#include "src/base/size.h"
#include "src/base/text.h"

namespace lifeboat::reservation {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kDefault = "cmdline.txt";
constexpr size_t kMaxFiles = 32;  // of `include`, which could go round in circles
constexpr size_t kMaxLine = 98;   // the firmware does not read what is behind it

bool is_file(const fs::path& path) {
  std::error_code error;
  return fs::is_regular_file(path, error);
}

// Of the partition: no other folder of this system is written to.
bool stays_inside(std::string_view path) {
  if (path.empty() || path.starts_with('/')) return false;
  return std::ranges::none_of(fs::path(path), [](const fs::path& part) { return part == ".."; });
}

class ConfigReader {
 public:
  explicit ConfigReader(std::string folder) : folder_(std::move(folder)) {}

  RaspberryPiCommandLine read() {
    read_file("config.txt");
    std::vector<std::string> candidates = {std::string(kDefault)};
    for (const auto& name : names_) {
      for (const auto& prefix : prefixes_) {
        const std::string path = prefix + name;
        if (stays_inside(path) && std::ranges::find(candidates, path) == candidates.end())
          candidates.push_back(path);
      }
    }
    return {.file = decide(), .candidates = std::move(candidates)};
  }

 private:
  enum class Section { all, some, none, tryboot };

  Result<std::string> decide() const {
    if (problem_) return std::unexpected(*problem_);
    for (const auto& doubt : {name_doubt_, prefix_doubt_}) {
      if (!doubt.empty()) return std::unexpected(refused(doubt));
    }
    std::string path = prefix_ + name_;
    if (!stays_inside(path))
      return std::unexpected(refused(fmt::format("the command line is in '{}'", path)));
    if (!prefix_.empty() && !prefix_counts()) {
      return std::unexpected(refused(fmt::format(
          "os_prefix={} has no kernel with a device tree: the firmware ignores it there", prefix_)));
    }
    if (path != kDefault && !is_file(fs::path(folder_) / path))
      return std::unexpected(refused(fmt::format("it names '{}', which is not there", path)));
    return path;
  }

  // The firmware ignores a prefix where the kernel and the device tree that it expects are not found. Which
  // ones these are depends on the board, so all of its names count.
  [[nodiscard]] bool prefix_counts() const {
    const fs::path start = fs::path(folder_) / prefix_;
    const fs::path parent = start.parent_path();
    const std::string begin = start.filename();  // empty: the prefix is a folder
    constexpr std::array<std::string_view, 5> kKernels = {"kernel.img", "kernel7.img", "kernel7l.img",
                                                          "kernel8.img", "kernel_2712.img"};
    const auto there = [&](std::string_view name) { return is_file(parent / (begin + std::string(name))); };
    const bool kernel =
        std::ranges::any_of(kernels_, there) || (default_kernel_ && std::ranges::any_of(kKernels, there));
    std::error_code error;
    const bool tree = std::ranges::any_of(fs::directory_iterator(parent, error), [&](const auto& file) {
      return file.path().extension() == ".dtb" && file.path().filename().string().starts_with(begin);
    });
    return kernel && tree;
  }

  [[nodiscard]] Error refused(std::string_view why) const {
    return Error(ErrorCode::unsupported, fmt::format("{}/config.txt: {}", folder_, one_line(why)))
        .hint(
            "add the parameter to the command line that your board uses by hand (cat /proc/cmdline shows "
            "it), "
            "or let one [all] section of config.txt name its file");
  }
  void refuse(std::string_view place, std::string_view why) {
    if (!problem_) problem_ = refused(fmt::format("{}: {}", place, why));
  }

  void read_file(const std::string& name) {
    const fs::path path = fs::path(folder_) / name;
    if (!is_file(path)) return;  // the firmware goes on
    if (++files_ > kMaxFiles) return refuse(name, "too many files are included");
    const auto text = read_text(path, 1_MiB);
    if (!text) return refuse(name, text.error().reason());
    size_t number = 0;
    for (std::string_view rest = *text; !rest.empty();) {
      const size_t end = std::min(rest.find('\n'), rest.size());
      std::string_view line = rest.substr(0, end);
      rest.remove_prefix(std::min(end + 1, rest.size()));
      if (line.ends_with('\r')) line.remove_suffix(1);
      read_line(fmt::format("{}:{}", name, ++number), line);
    }
  }

  void read_line(const std::string& place, std::string_view line) {
    const std::string_view text = trim(line);
    if (text.empty() || text.starts_with('#')) return;
    if (text.starts_with('[')) return enter(text);
    constexpr std::string_view kInclude = "include";
    const size_t end = std::min(text.find_first_of("= \t"), text.size());
    const std::string_view name = text.substr(0, end);
    const bool include = name == kInclude && end < text.size() && text[end] != '=';
    if (name != "cmdline" && name != "os_prefix" && name != "kernel" && !include) return;
    if (section_ == Section::none || section_ == Section::tryboot) {
      // Its file may have been changed by an earlier setting.
      if (!include) keep_name(name, text.substr(std::min(end + 1, text.size())));
      return;
    }
    const bool plain =
        line.starts_with(name) && line.substr(end).starts_with('=') && line.size() == text.size();
    // Which kernel it is matters for a prefix only, and a wrong name is not found there.
    if (name == "kernel" && (!plain || line.size() > kMaxLine)) return;
    if (line.size() > kMaxLine) return refuse(place, fmt::format("the line of '{}' is too long", name));
    if (include) return include_file(place, trim(text.substr(end)));
    if (!plain) return refuse(place, fmt::format("'{}' is not written as NAME=VALUE, without blanks", name));
    set(place, name, text.substr(end + 1));
  }

  // [all] ends all filters. A filter of the same kind takes the place of the last one, and one of another
  // kind is added to it.
  void enter(std::string_view line) {
    if (line == "[all]") {
      section_ = for_some_ ? Section::some : Section::all;
    } else if (line == "[tryboot]") {
      section_ = Section::tryboot;
    } else if (section_ != Section::tryboot) {
      section_ = line == "[none]" ? Section::none : Section::some;
    }
  }

  void include_file(const std::string& place, std::string_view name) {
    if (!stays_inside(name)) return refuse(place, fmt::format("it includes '{}'", name));
    if (section_ != Section::some) return read_file(std::string(name));
    const bool before = std::exchange(for_some_, true);
    read_file(std::string(name));
    for_some_ = before;
    section_ = Section::some;
  }

  void keep_name(std::string_view name, std::string_view value) {
    std::vector<std::string>* const kept = name == "cmdline"     ? &names_
                                           : name == "os_prefix" ? &prefixes_
                                                                 : nullptr;
    if (kept != nullptr && std::ranges::find(*kept, value) == kept->end() && kept->size() < kMaxFiles)
      kept->emplace_back(value);
  }

  // Names are case sensitive, and the last setting of a name counts.
  void set(const std::string& place, std::string_view name, std::string_view value) {
    keep_name(name, value);
    if (name == "kernel") {
      if (kernels_.size() < kMaxFiles && stays_inside(value)) kernels_.emplace_back(value);
      if (section_ == Section::all) default_kernel_ = false;
      return;
    }
    std::string& kept = name == "cmdline" ? name_ : prefix_;
    std::string& doubt = name == "cmdline" ? name_doubt_ : prefix_doubt_;
    if (section_ == Section::some) {
      // The same for every board.
      if (doubt.empty() && value == kept) return;
      doubt = fmt::format("{}: {}={} is for some boards only", place, name, value);
      return;
    }
    if (value.find_first_of(" \t#\"'\\") != std::string_view::npos || (name == "cmdline" && value.empty()))
      return refuse(place, fmt::format("{}={} is not the name of a file", name, value));
    kept = value;
    doubt.clear();
  }

  std::string folder_;
  Section section_ = Section::all;
  std::string name_ = std::string(kDefault), prefix_;
  std::string name_doubt_, prefix_doubt_;  // set for some boards only, and for all of them not after that
  std::vector<std::string> kernels_;
  bool default_kernel_ = true;
  bool for_some_ = false;  // this file is included for some boards only
  std::vector<std::string> names_ = {std::string(kDefault)}, prefixes_ = {""};
  std::optional<Error> problem_;
  size_t files_ = 0;
};

}  // namespace

RaspberryPiCommandLine raspberry_pi_command_line(const std::string& folder) {
  return ConfigReader(folder).read();
}

}  // namespace lifeboat::reservation
