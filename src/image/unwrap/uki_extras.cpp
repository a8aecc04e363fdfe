// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/image/unwrap/uki_extras.h"

#include <algorithm>
#include <optional>
#include <ranges>
#include <span>

#include "src/image/initramfs_join.h"
#include "src/image/unwrap/linked_file.h"
#include "src/image/unwrap/uki.h"

namespace lifeboat {
namespace {

struct AppliedAddon {
  std::string name;
  UkiAddon parts;
};

std::vector<AppliedAddon> read_addons(const UkiParts& image, const UkiExtras& extras,
                                      std::vector<std::string>& notes) {
  std::vector<AppliedAddon> applied;
  for (const auto& file : extras.addons) {
    auto addon = read_uki_addon(file.bytes, image, extras.signature);
    if (!addon) {
      notes.push_back(fmt::format("the addon {} is not applied: {}", file.name, addon.error().message));
      continue;
    }
    notes.push_back(fmt::format("the addon {} is applied", file.name));
    if (addon->has_device_tree)
      notes.push_back(fmt::format("the device tree in {} is not used: a kexec passes on the running kernel's",
                                  file.name));
    applied.push_back({file.name, *std::move(addon)});
  }
  return applied;
}

// In the order of systemd-stub. The kernel takes the first microcode that it finds, and of files in an
// initramfs the last.
std::vector<InitramfsPart> parts_in_order(const UkiParts& image, std::span<const NamedFile> of_entry,
                                          const std::optional<ByteSpan>& initramfs,
                                          const std::vector<AppliedAddon>& addons) {
  std::vector<InitramfsPart> parts;
  for (const auto& addon : std::views::reverse(addons)) {
    if (addon.parts.microcode) parts.push_back({addon.name, *addon.parts.microcode});
  }
  if (image.microcode) parts.push_back({"section .ucode", *image.microcode});
  for (const auto& file : of_entry) parts.push_back({file.name, file.bytes});
  if (initramfs) parts.push_back({"section .initrd", *initramfs});
  for (const auto& addon : addons) {
    if (addon.parts.initramfs) parts.push_back({addon.name, *addon.parts.initramfs});
  }
  return parts;
}

// The file that the image names, read only when nothing replaces it.
struct LinkedFiles {
  std::vector<std::byte> kernel;
  std::vector<std::byte> initramfs;
};

Result<LinkedFiles> read_linked_files(const KernelFile& file, const UkiParts& parts) {
  LinkedFiles linked;
  if (!parts.kernel_link && !parts.initramfs_link) return linked;
  if (!file.fd.valid())
    return fail(ErrorCode::unsupported,
                "it names other files, and is not a file in their file system itself");
  if (parts.kernel_link) linked.kernel = TRY(read_linked_file(file.name, *parts.kernel_link));
  if (parts.initramfs_link) linked.initramfs = TRY(read_linked_file(file.name, *parts.initramfs_link));
  return linked;
}

}  // namespace

Result<> take_off_uki(KernelFile& file, const UkiExtras& extras) {
  if (std::ranges::find(file.wrappers, ImageKind::uki) != file.wrappers.end())
    return fail(ErrorCode::unsupported, "it is a unified kernel image inside another");
  const UkiParts parts = TRY(read_uki(file.bytes, extras.profile));
  LinkedFiles linked = TRY(read_linked_files(file, parts));
  std::optional<ByteSpan> initramfs = parts.initramfs;
  if (parts.initramfs_link) initramfs = linked.initramfs;

  const auto addons = read_addons(parts, extras, file.notes);
  const auto images = parts_in_order(parts, extras.initramfs, initramfs, addons);
  if (!images.empty()) file.initramfs = TRY(join_initramfs(images));
  for (const auto& addon : addons) {
    const std::string more = addon.parts.command_line.value_or("");
    if (!more.empty()) file.addon_parameters += (file.addon_parameters.empty() ? "" : " ") + more;
  }
  if (parts.has_device_tree)
    file.notes.emplace_back("the image's device tree is not used: a kexec passes on the running kernel's");
  file.command_line = parts.command_line;
  file.os_release = parts.os_release;
  file.release = parts.release;
  if (parts.kernel_link) {
    file.bytes = std::move(linked.kernel);
  } else {
    file.bytes = std::vector<std::byte>(parts.kernel.begin(), parts.kernel.end());
  }
  return {};
}

}  // namespace lifeboat
