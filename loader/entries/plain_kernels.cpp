// SPDX-License-Identifier: GPL-2.0-or-later
// Kernels without a boot entry: vmlinuz-NAME and the like in a boot folder, with the initramfs that the
// distribution puts beside it.
#include <algorithm>
#include <array>

#include "loader/entries/boot_entry_file.h"
#include "loader/entries/entry_search.h"
#include "src/image/native_kernel.h"

namespace lifeboat {
namespace {

namespace fs = std::filesystem;

// Most systems; Gentoo's genkernel and installkernel; builds that are not compressed; kernels that were
// copied from their build folder.
const std::vector<std::string>& prefixes() {
  static const std::vector<std::string> kPrefixes = {"vmlinuz-", "kernel-", "vmlinux-",
                                                     fmt::format("{}-", native_format().name)};
  return kPrefixes;
}
// What stands around the name of an initramfs: Debian; Arch Linux, Fedora, Gentoo; Alpine, older genkernel;
// SUSE; Mageia; Slackware; booster on Arch Linux.
struct Around {
  std::string_view before;
  std::string_view behind;
};
constexpr std::array<Around, 7> kInitramfsNames = {{{.before = "initrd.img-", .behind = ""},
                                                    {.before = "initramfs-", .behind = ".img"},
                                                    {.before = "initramfs-", .behind = ""},
                                                    {.before = "initrd-", .behind = ""},
                                                    {.before = "initrd-", .behind = ".img"},
                                                    {.before = "initrd-", .behind = ".gz"},
                                                    {.before = "booster-", .behind = ".img"}}};
// The kernel before the last installation, and files that only look like kernels.
constexpr std::array<std::string_view, 5> kNotOffered = {".old", ".bak", ".sig", ".hmac", ".prev"};
constexpr std::string_view kPrevious = ".old";
constexpr std::string_view kEfi = ".efi";

bool take_ending(std::string& text, std::string_view ending) {
  if (!text.ends_with(ending)) return false;
  text.resize(text.size() - ending.size());
  return true;
}

// The initramfs of kernel `name` in `root`; empty: there is none.
std::string initramfs_beside(const std::string& root, std::string name) {
  // "vmlinuz-6.12.efi" has "initramfs-6.12.img"; installkernel renames "initramfs-6.12.img" too.
  take_ending(name, kEfi);
  for (const auto& [before, behind] : kInitramfsNames) {
    std::string path = fmt::format("{}/{}{}{}", root, before, name, behind);
    if (is_regular_file(path)) return path;
  }
  std::string newer = name;
  if (!take_ending(newer, kPrevious)) return {};
  for (const auto& [before, behind] : kInitramfsNames) {
    std::string path = fmt::format("{}/{}{}{}{}", root, before, newer, behind, kPrevious);
    if (is_regular_file(path)) return path;
  }
  return {};
}

BootEntry plain_entry(const std::string& root, const std::string& kernel, const std::string& name) {
  BootEntry entry{.id = kernel,
                  .title = "Linux " + name,
                  .kernel = root + "/" + kernel,
                  .initramfs = {},
                  .command_line = {},
                  .unified = false,
                  .source = root,
                  .root = root,
                  .plain = true};
  const auto kind = boot_file_kind(entry.kernel);
  entry.unified = kind && *kind == ImageKind::uki;
  // Such an image has its own.
  if (entry.unified) return entry;
  if (std::string path = initramfs_beside(root, name); !path.empty()) entry.initramfs.push_back(path);
  return entry;
}

// The part of the name of file `kernel` behind its prefix; empty: it has no such prefix.
std::string name_of(const std::string& kernel) {
  for (const auto& prefix : prefixes())
    if (kernel.starts_with(prefix)) return kernel.substr(prefix.size());
  return {};
}

bool is_complete(const BootEntry& entry) {
  return entry.unified || !entry.initramfs.empty();
}

// All files that may be meant with `name`, the likeliest first.
std::vector<BootEntry> named_in(const std::string& root, const std::string& name) {
  std::vector<BootEntry> found;
  const auto add = [&](const std::string& kernel, const std::string& version) {
    if (is_regular_file(root + "/" + kernel)) found.push_back(plain_entry(root, kernel, version));
  };
  for (const auto& prefix : prefixes()) {
    const std::string kernel = prefix + name;
    add(kernel, name);
    add(kernel + std::string(kEfi), name);
  }
  for (const auto& file : files_ending_in(root + "/EFI/Linux", kEfi)) {
    const std::string kernel = file.filename().string();
    if (BootFileName::parse(kernel).id == name + std::string(kEfi)) add("EFI/Linux/" + kernel, name);
  }
  // A whole name of a file.
  if (const std::string version = name_of(name); !version.empty()) add(name, version);
  return found;
}

}  // namespace

void add_plain_kernels(BootSearch& search, const std::string& root) {
  for (const auto& file : files_ending_in(root, "")) {
    const std::string kernel = file.filename().string();
    std::string name = name_of(kernel);
    const bool offered = std::ranges::none_of(kNotOffered, [&](auto end) { return kernel.ends_with(end); });
    if (name.empty() || !offered) continue;
    const auto kind = boot_file_kind(file.string());
    if (!kind) {
      search.skipped_kernels.push_back(fmt::format("{}: {}", file.string(), kind.error().reason()));
      continue;
    }
    BootEntry entry = plain_entry(root, kernel, name);
    if (!is_complete(entry) && search.need == InitramfsNeed::required) {
      search.skipped_kernels.push_back(
          fmt::format("{}: it has no initramfs in the same folder; to load it without one, name it, or give "
                      "--no-initrd",
                      file.string()));
      continue;
    }
    take_ending(name, kEfi);
    search.plain.push_back({.entry = std::move(entry),
                            .sort_key = {},
                            .machine_id = {},
                            .version = {},
                            .tries_left = {},
                            .sort_id = std::move(name)});
  }
}

Result<BootEntry> named_kernel(const BootPaths& paths, const std::string& name) {
  if (name.empty() || name.find('/') != std::string::npos) {
    return std::unexpected(
        Error(ErrorCode::usage, fmt::format("'{}' is not the name of a kernel", name))
            .hint("give what follows 'vmlinuz-' in /boot, or the path of the kernel itself"));
  }
  std::string looked;
  std::optional<BootEntry> without_initramfs;
  for (const auto& root : distinct_boot_roots(paths)) {
    looked += fmt::format("{}{}/{}{}", looked.empty() ? "" : ", ", root, prefixes().front(), name);
    for (auto& entry : named_in(root, name)) {
      if (is_complete(entry)) return std::move(entry);
      if (!without_initramfs) without_initramfs = std::move(entry);
    }
  }
  if (without_initramfs) return *std::move(without_initramfs);
  std::string others;
  for (const auto& prefix : prefixes())
    if (prefix != prefixes().front()) others += fmt::format("{}{}", others.empty() ? "" : ", ", prefix);
  return std::unexpected(
      Error(ErrorCode::not_found,
            fmt::format("there is no kernel of the name {}: looked for {} (and the same with {}), and for "
                        "EFI/Linux/{}.efi",
                        name, looked, others, name))
          .hint("mount /boot if needed; list the names with 'ls /boot /boot/EFI/Linux'"));
}

}  // namespace lifeboat
