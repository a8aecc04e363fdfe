// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/image/unwrap/uki.h"

#include <algorithm>
#include <span>

#include "src/image/unwrap/pe.h"

namespace lifeboat {
namespace {

constexpr std::string_view kProfile = ".profile";

class Sections {
 public:
  Sections(ByteSpan file, const std::vector<PeSection>& all) : file_(file) {
    const auto first = std::ranges::find(all, kProfile, &PeSection::name);
    base_ = {all.begin(), first};
    if (first == all.end()) return;
    profile_ = {first, std::find_if(first + 1, all.end(),
                                    [](const PeSection& section) { return section.name == kProfile; })};
  }

  [[nodiscard]] Result<std::optional<ByteSpan>> content(std::string_view name) const {
    for (const auto& sections : {profile_, base_}) {
      const auto found = std::ranges::find(sections, name, &PeSection::name);
      if (found == sections.end()) continue;
      const ByteSpan bytes = TRY(found->content(file_));
      return bytes.empty() ? std::nullopt : std::optional(bytes);
    }
    return std::nullopt;
  }

  [[nodiscard]] Result<std::optional<std::string>> text(std::string_view name) const {
    const auto bytes = TRY(content(name));
    return bytes ? std::optional(std::string(text_until_nul(*bytes))) : std::nullopt;
  }

 private:
  ByteSpan file_;
  std::span<const PeSection> base_;
  std::span<const PeSection> profile_;
};

bool is_blank(char c) {
  return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f;
}

std::string one_line(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  std::string line(text);
  std::ranges::replace_if(line, is_blank, ' ');
  return line;
}

}  // namespace

Result<UkiParts> read_uki(ByteSpan file) {
  const auto table = TRY(read_pe_sections(file));
  const Sections sections(file, table);
  UkiParts parts;
  const auto kernel = TRY(sections.content(".linux"));
  if (!kernel) return fail(ErrorCode::corrupt, "its section .linux is empty or missing");
  parts.kernel = *kernel;
  parts.initramfs = TRY(sections.content(".initrd"));
  parts.microcode = TRY(sections.content(".ucode"));
  parts.os_release = TRY(sections.text(".osrel"));
  if (const auto text = TRY(sections.text(".cmdline"))) parts.command_line = one_line(*text);
  if (const auto text = TRY(sections.text(".uname"))) {
    parts.release = one_line(*text);
    // It will be shown, and become part of file names.
    if (std::ranges::any_of(*parts.release, [](char c) { return c <= 0x20 || c > 0x7e || c == '/'; }))
      return fail(ErrorCode::corrupt, "its section .uname is not a kernel release");
  }
  return parts;
}

}  // namespace lifeboat
