// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/image/unwrap/uki_sections.h"

#include <algorithm>

namespace lifeboat {
namespace {

constexpr std::string_view kProfile = ".profile";

bool is_blank(char c) {
  return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f;
}

std::string without_controls(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  std::string line(text);
  std::ranges::replace_if(line, is_blank, ' ');
  return line;
}

}  // namespace

unsigned count_profiles(const std::vector<PeSection>& sections) {
  // The table has at most 65535 sections.
  return static_cast<unsigned>(std::ranges::count(sections, kProfile, &PeSection::name));
}

Result<UkiSections> UkiSections::of_profile(ByteSpan file, const std::vector<PeSection>& all,
                                            unsigned profile) {
  const unsigned count = count_profiles(all);
  if (profile != 0 && profile >= count) {
    return fail(ErrorCode::not_found, "it has no profile {}: {}", profile,
                count == 0 ? std::string("it has no profiles") : fmt::format("they end at {}", count - 1));
  }
  const auto next = [&all](auto from) {
    return std::find_if(from, all.end(), [](const PeSection& section) { return section.name == kProfile; });
  };
  UkiSections sections;
  sections.file_ = file;
  auto first = next(all.begin());
  sections.base_ = {all.begin(), first};
  if (first == all.end()) return sections;
  for (unsigned number = 0; number < profile; ++number) first = next(first + 1);
  sections.profile_ = {first, next(first + 1)};
  return sections;
}

const PeSection* UkiSections::find(std::string_view name) const {
  for (const auto& sections : {profile_, base_}) {
    const auto found = std::ranges::find(sections, name, &PeSection::name);
    if (found != sections.end()) return &*found;
  }
  return nullptr;
}

bool UkiSections::has(std::string_view name) const {
  return find(name) != nullptr;
}

Result<std::optional<ByteSpan>> UkiSections::content(std::string_view name) const {
  const PeSection* section = find(name);
  if (section == nullptr) return std::nullopt;
  const ByteSpan bytes = TRY(section->content(file_));
  return bytes.empty() ? std::nullopt : std::optional(bytes);
}

Result<std::optional<std::string>> UkiSections::text(std::string_view name) const {
  const auto bytes = TRY(content(name));
  return bytes ? std::optional(std::string(text_until_nul(*bytes))) : std::nullopt;
}

Result<std::optional<std::string>> UkiSections::line(std::string_view name) const {
  const auto bytes = TRY(text(name));
  return bytes ? std::optional(without_controls(*bytes)) : std::nullopt;
}

}  // namespace lifeboat
