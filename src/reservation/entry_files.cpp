// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/reservation/entry_files.h"

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <string_view>

#include "src/base/file.h"
#include "src/base/size.h"
#include "src/reservation/command_line_text.h"

namespace lifeboat::reservation {
namespace {

namespace fs = std::filesystem;

// Files of a folder of each boot partition, sorted; each once: /boot and /efi may be one partition, mounted
// twice or linked.
std::vector<std::string> files_in(const std::string& root, const char* folder, std::string_view extension) {
  std::vector<std::string> files;
  for (const char* boot : kBootFolders) {
    std::error_code error;
    for (const auto& file : fs::directory_iterator(fs::path(root) / boot / folder, error)) {
      if (file.path().extension() == extension) files.push_back(file.path());
    }
  }
  std::ranges::sort(files);
  std::vector<std::string> distinct;
  for (auto& file : files) {
    const bool known = std::ranges::any_of(distinct, [&](const std::string& other) {
      std::error_code error;
      return fs::equivalent(file, other, error);
    });
    if (!known) distinct.push_back(std::move(file));
  }
  return distinct;
}

bool boots_linux(const std::string& path) {
  const auto text = read_text(path, 1_MiB);
  if (!text) return false;
  const auto lines = find_command_lines(CommandLineForm::options_lines, *text, "linux", path);
  return lines && !lines->empty();
}

// The command line is a section of the image, not compressed.
bool has_all(const std::string& image, const std::vector<std::string>& parameters) {
  const auto bytes = read_file(image);
  if (!bytes) return false;
  const std::string_view text(reinterpret_cast<const char*>(bytes->data()), bytes->size());
  return std::ranges::all_of(parameters, [&](const std::string& parameter) {
    for (size_t at = text.find(parameter); at != std::string_view::npos; at = text.find(parameter, at + 1)) {
      const size_t end = at + parameter.size();
      if (end == text.size() || std::string_view(" \t\r\n\0", 5).find(text[end]) != std::string_view::npos)
        return true;
    }
    return false;
  });
}

}  // namespace

std::vector<std::string> entry_files(const std::string& root) {
  return files_in(root, "loader/entries", ".conf");
}

size_t linux_entries(const std::string& root) {
  return static_cast<size_t>(std::ranges::count_if(entry_files(root), boots_linux));
}

std::vector<std::string> unified_images(const std::string& root) {
  return files_in(root, "EFI/Linux", ".efi");
}

std::vector<std::string> images_without(const std::string& root, const std::vector<std::string>& parameters) {
  std::vector<std::string> images = unified_images(root);
  std::erase_if(images, [&](const std::string& image) { return has_all(image, parameters); });
  return images;
}

}  // namespace lifeboat::reservation
