// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/image/unwrap/uki.h"

#include <algorithm>
#include <cstring>
#include <string_view>
#include <utility>

#include "src/image/unwrap/uki_sections.h"

namespace lifeboat {
namespace {

bool looks_like_path(ByteSpan bytes) {
  const std::string_view text = as_text(bytes);
  return text.size() <= kLongestUkiPath && (text.starts_with('\\') || text.starts_with('/'));
}

Result<std::string> path_of(ByteSpan bytes, std::string_view name) {
  std::string path(text_until_nul(bytes));
  const bool printable =
      std::ranges::none_of(path, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
  if (path.empty() || path.size() > kLongestUkiPath || !printable)
    return fail(ErrorCode::corrupt, "its section {} is not the path of a file", name);
  std::ranges::replace(path, '\\', '/');
  return path;
}

Result<UkiLink> read_link(const UkiSections& sections, std::string_view path_name,
                          std::string_view digest_name) {
  const auto path = TRY(sections.content(path_name));
  const auto digest = TRY(sections.content(digest_name));
  if (!path || !digest) {
    return fail(ErrorCode::corrupt, "its section {} is empty or missing", path ? digest_name : path_name);
  }
  UkiLink link{.path = TRY(path_of(*path, path_name))};
  if (digest->size() != link.sha256.size())
    return fail(ErrorCode::corrupt, "its section {} is not a SHA-256 digest", digest_name);
  std::memcpy(link.sha256.data(), digest->data(), digest->size());
  return link;
}

// What the image holds itself. Without a digest a path is refused: any file could stand there.
Result<std::optional<ByteSpan>> read_held(const UkiSections& sections, std::string_view name) {
  const auto bytes = TRY(sections.content(name));
  if (bytes && looks_like_path(*bytes))
    return fail(ErrorCode::unsupported, "its section {} is a path, and there is no digest to check that file",
                name);
  return bytes;
}

Result<> read_kernel(const UkiSections& sections, UkiParts& parts) {
  if (sections.has(".kernelp")) {
    parts.kernel_link = TRY(read_link(sections, ".kernelp", ".kernelh"));
  } else if (sections.has(".linuxh")) {
    parts.kernel_link = TRY(read_link(sections, ".linux", ".linuxh"));
  } else {
    const auto kernel = TRY(read_held(sections, ".linux"));
    if (!kernel) return fail(ErrorCode::corrupt, "its section .linux is empty or missing");
    parts.kernel = *kernel;
  }
  return {};
}

Result<> read_initramfs(const UkiSections& sections, UkiParts& parts) {
  if (sections.has(".initrdp")) {
    parts.initramfs_link = TRY(read_link(sections, ".initrdp", ".initrdh"));
  } else if (sections.has(".initrdh")) {
    parts.initramfs_link = TRY(read_link(sections, ".initrd", ".initrdh"));
  } else {
    parts.initramfs = TRY(read_held(sections, ".initrd"));
  }
  return {};
}

}  // namespace

Result<UkiParts> read_uki(ByteSpan file, unsigned profile) {
  return read_uki_sections(file, TRY(read_pe(file)), profile);
}

Result<UkiParts> read_uki_sections(ByteSpan file, const PeFile& pe, unsigned profile) {
  const UkiSections sections = TRY(UkiSections::of_profile(file, pe.sections, profile));
  UkiParts parts;
  TRY_VOID(read_kernel(sections, parts));
  TRY_VOID(read_initramfs(sections, parts));
  parts.microcode = TRY(sections.content(".ucode"));
  parts.os_release = TRY(sections.text(".osrel"));
  parts.profile = TRY(sections.text(".profile"));
  parts.command_line = TRY(sections.line(".cmdline"));
  parts.release = TRY(sections.line(".uname"));
  // It will be shown, and become part of file names.
  if (parts.release &&
      std::ranges::any_of(*parts.release, [](char c) { return c <= 0x20 || c > 0x7e || c == '/'; }))
    return fail(ErrorCode::corrupt, "its section .uname is not a kernel release");
  parts.profile_count = count_profiles(pe.sections);
  parts.machine = pe.machine;
  parts.has_device_tree = sections.has(".dtb") || sections.has(".dtbauto");
  return parts;
}

}  // namespace lifeboat
