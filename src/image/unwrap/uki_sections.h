// SPDX-License-Identifier: GPL-2.0-or-later
// The sections of a unified kernel image, or of an addon, by their names.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/bytes.h"
#include "src/base/error.h"
#include "src/image/unwrap/pe.h"

namespace lifeboat {

class UkiSections {
 public:
  // Those of profile number `profile`, and behind them those of the base, which are before the first
  // .profile. `not_found`: there is no such profile; profile 0 needs none. `file` and `all` must outlive it.
  static Result<UkiSections> of_profile(ByteSpan file, const std::vector<PeSection>& all, unsigned profile);

  [[nodiscard]] bool has(std::string_view name) const;
  // A section that is empty counts as not there.
  [[nodiscard]] Result<std::optional<ByteSpan>> content(std::string_view name) const;
  // Up to the first NUL.
  [[nodiscard]] Result<std::optional<std::string>> text(std::string_view name) const;
  // The same as systemd-stub passes a command line on: control characters made spaces, none at its ends.
  [[nodiscard]] Result<std::optional<std::string>> line(std::string_view name) const;

 private:
  [[nodiscard]] const PeSection* find(std::string_view name) const;

  ByteSpan file_;
  std::span<const PeSection> base_;
  std::span<const PeSection> profile_;
};

// How many profiles there are; 0: the image has only its base.
unsigned count_profiles(const std::vector<PeSection>& sections);

}  // namespace lifeboat
