// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/grubenv.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "src/base/size.h"

namespace lifeboat {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSignature = "# GRUB Environment Block\n";
constexpr size_t kBlockSize = 1_KiB;

// A line with the backslashes of its newlines; without the newline that ends it.
struct BlockLine {
  size_t begin = 0, end = 0;
};

std::vector<BlockLine> lines_of(std::string_view text) {
  std::vector<BlockLine> lines;
  size_t begin = 0;
  for (size_t at = 0; at < text.size(); ++at) {
    // GRUB knows no backslash in a comment.
    if (text[at] == '\\' && text[begin] != '#') {
      ++at;
    } else if (text[at] == '\n') {
      lines.push_back({begin, at});
      begin = at + 1;
    }
  }
  return lines;
}

std::string unescaped(std::string_view text) {
  std::string plain;
  for (size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '\\' && at + 1 < text.size()) ++at;
    plain += text[at];
  }
  return plain;
}

std::string escaped(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '\\' || c == '\n') escaped += '\\';
    escaped += c;
  }
  return escaped;
}

// The line of a variable; nullopt: a comment, or anything else.
std::optional<std::string_view> name_in(std::string_view line) {
  const size_t equals = line.find('=');
  if (line.starts_with('#') || equals == std::string_view::npos || equals == 0) return std::nullopt;
  return line.substr(0, equals);
}

bool has_control_character(std::string_view text) {
  return std::ranges::any_of(text, [](unsigned char byte) { return byte < 0x20 || byte == 0x7f; });
}

std::string_view text_of(std::string_view block, const BlockLine& line) {
  return block.substr(line.begin, line.end - line.begin);
}

}  // namespace

std::vector<std::string> grub_environment_files(const std::string& root) {
  std::vector<std::string> files;
  for (const char* name : {"boot/grub2/grubenv", "boot/grub/grubenv"}) {
    const fs::path path = fs::path(root) / name;
    std::error_code error;
    if (!fs::is_regular_file(path, error)) continue;
    const bool known = std::ranges::any_of(
        files, [&](const std::string& other) { return fs::equivalent(path, other, error); });
    if (!known) files.push_back(path);
  }
  return files;
}

bool is_environment_block(std::string_view text) {
  return text.starts_with(kSignature);
}

std::vector<GrubVariable> grub_variables(std::string_view text) {
  std::vector<GrubVariable> variables;
  if (!is_environment_block(text)) return variables;
  for (const auto& line : lines_of(text)) {
    const std::string_view whole = text_of(text, line);
    const auto name = name_in(whole);
    if (!name) continue;
    std::string value = unescaped(whole.substr(name->size() + 1));
    if (has_control_character(*name) || has_control_character(value)) continue;
    variables.push_back({.name = std::string(*name), .value = std::move(value)});
  }
  return variables;
}

Result<std::string> with_grub_variable(const std::string& path, std::string_view text, std::string_view name,
                                       std::string_view value) {
  const auto lines = lines_of(text);
  const size_t content = lines.empty() ? 0 : lines.back().end + 1;
  if (!is_environment_block(text) || text.find_first_not_of('#', content) != std::string_view::npos) {
    return std::unexpected(
        Error(ErrorCode::corrupt, fmt::format("{} is not an environment block of GRUB", path))
            .hint("grub2-editenv - list (or grub-editenv) shows what GRUB reads from it"));
  }
  const auto found = std::ranges::find_if(
      lines, [&](const BlockLine& line) { return name_in(text_of(text, line)) == name; });
  if (found == lines.end()) return fail(ErrorCode::not_found, "{} has no variable {}", path, name);
  std::string block(text.substr(0, found->begin + name.size() + 1));
  block += escaped(value);
  block += text.substr(found->end, content - found->end);
  const size_t size = std::max(text.size(), kBlockSize);
  if (block.size() > size) {
    return std::unexpected(
        Error(ErrorCode::no_space, fmt::format("{}: {} does not fit into its {} bytes", path, name, size))
            .hint("remove a variable that is not needed (grub2-editenv - unset NAME), or shorten it"));
  }
  block.append(size - block.size(), '#');
  return block;
}

}  // namespace lifeboat
