// SPDX-License-Identifier: GPL-2.0-or-later
// The capture initramfs on this machine's disk, and whether it is up to date.
#pragma once

#include <string>

#include "src/arming/recipe.h"

namespace lifeboat::arming {

// /var/lib/lifeboat/initramfs-RELEASE.img, and beside it initramfs-RELEASE.recipe: the fingerprint of its
// contents.
inline constexpr const char* kInitramfsFolder = "/var/lib/lifeboat";
std::string initramfs_path(const std::string& release, const std::string& folder = kInitramfsFolder);

// Why the file differs from what `recipe` builds; empty: it does not.
std::string staleness(const Recipe& recipe, const std::string& path);

// Whether a new one would only contain less: the file has everything that `recipe` builds, and in addition
// configured targets whose devices are missing now, or watchdogs that are not running now (their daemon may
// start late in the boot), with the modules for them.
bool has_more(const Recipe& recipe, const std::string& path);

// Whether the file need not be rebuilt: it is not stale, or has more.
bool is_fresh(const Recipe& recipe, const std::string& path);

// Builds and writes it, 0600, so that at every instant the old or the new one is there.
// Returns its size.
Result<uint64_t> write_initramfs(const Recipe& recipe, const std::string& path);

// Rebuilds the file when it is stale. The existing file is kept, with a note, when
// - a new one cannot be built (a full disk, no target found): a capture needs an initramfs, even an old one;
// - it contains more than a new one would.
// `notes` gets what was done and why.
Result<> refresh_initramfs(const config::Config& config, const RecipeRequest& request,
                           const std::string& path, std::vector<std::string>& notes);
// The same without changing anything: the contents that the file would have.
Result<std::vector<std::byte>> preview_initramfs(const config::Config& config, const RecipeRequest& request,
                                                 const std::string& path, std::vector<std::string>& notes);

}  // namespace lifeboat::arming
