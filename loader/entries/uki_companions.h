// SPDX-License-Identifier: GPL-2.0-or-later
// The files beside a unified kernel image that systemd-stub gives to its kernel, and those that the `extra`
// lines of a boot entry name (systemd-stub(7), "Companion Files"; Boot Loader Specification).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lifeboat {

enum class CompanionKind {
  addon,       // *.addon.efi: parameters, an initramfs
  credential,  // *.cred
  sysext,      // *.raw: a system extension
  confext,     // *.confext.raw: a configuration extension
};

struct UkiCompanion {
  CompanionKind kind = CompanionKind::addon;
  bool global = false;  // for all images of the partition; else for this one
  std::string path;
};

// By the ending of its name, in any case; nullopt: it is none of them.
std::optional<CompanionKind> companion_kind(std::string_view name);

// In the order in which systemd-stub applies them, first those of all images: ROOT/loader/addons,
// ROOT/loader/credentials, ROOT/loader/extensions; then those of the folder IMAGE.extra.d, where the name may
// be with or without boot counters. An empty `root`: not known, so only the latter.
std::vector<UkiCompanion> find_uki_companions(const std::string& image, const std::string& root);

}  // namespace lifeboat
