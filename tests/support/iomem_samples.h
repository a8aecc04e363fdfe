// SPDX-License-Identifier: GPL-2.0-or-later
// /proc/iomem as machines of different shapes show it to root.
#pragma once

#include <span>
#include <string_view>

namespace lifeboat::test {

struct IomemSample {
  const char* name;
  std::string_view text;
};

// Each has RAM for a normal kexec and a crash reservation of at least 192 MiB.
std::span<const IomemSample> iomem_samples();
std::string_view iomem_sample(std::string_view name);

}  // namespace lifeboat::test
