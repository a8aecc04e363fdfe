// SPDX-License-Identifier: GPL-2.0-or-later
// The list of architectures: a new one is a line here.
#include "src/vmcore/architecture.h"

#include <array>

#include "src/vmcore/x86_64/x86_64_architecture.h"

namespace lifeboat {
namespace {

std::array<const Architecture*, 1> all_architectures() {
  return {&x86_64::architecture()};
}

}  // namespace

const Architecture* find_architecture(std::string_view machine) {
  for (const Architecture* one : all_architectures())
    if (one->facts().machine == machine) return one;
  return nullptr;
}

const Architecture& default_architecture() {
  return *all_architectures().front();
}

std::string page_sizes_text(std::span<const PageSize> sizes) {
  std::string text;
  for (const PageSize size : sizes) text += fmt::format("{}{}", text.empty() ? "" : ", ", size.bytes());
  return text;
}

}  // namespace lifeboat
