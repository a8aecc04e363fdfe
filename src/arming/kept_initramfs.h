// SPDX-License-Identifier: GPL-2.0-or-later
// The capture initramfs on this machine's disk, and whether it is still what it should be.
#pragma once

#include <string>

#include "src/arming/recipe.h"

namespace lifeboat::arming {

// /var/lib/lifeboat/initramfs-RELEASE.img, and beside it initramfs-RELEASE.recipe: the fingerprint of what it
// was made of.
inline constexpr const char* kInitramfsFolder = "/var/lib/lifeboat";
std::string initramfs_path(const std::string& release, const std::string& folder = kInitramfsFolder);

// Why the file is not what `recipe` makes; empty: it is.
std::string staleness(const Recipe& recipe, const std::string& path);

// Whether a new one would only have less in it: the file is what `recipe` makes, and knows besides configured
// targets whose devices are away now, or watchdogs that run now and then (their daemon starts late in the
// boot), with the modules for them.
bool has_more(const Recipe& recipe, const std::string& path);

// Makes it and writes it, 0600, so that at every instant the old or the new one is there.
// Returns its size.
Result<uint64_t> write_initramfs(const Recipe& recipe, const std::string& path);

// The file, made anew when it is stale. What there is stays, with a note, when
// - it cannot be made (a full disk, no target to be found): an older one captures; none does not;
// - there is more in it than in a new one.
// `notes` gets what was done and why.
Result<> refresh_initramfs(const config::Config& config, const RecipeRequest& request,
                           const std::string& path, std::vector<std::string>& notes);
// The same, changing nothing: what would be in the file then.
Result<std::vector<std::byte>> preview_initramfs(const config::Config& config, const RecipeRequest& request,
                                                 const std::string& path, std::vector<std::string>& notes);

}  // namespace lifeboat::arming
