// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/image/unwrap/uki_outline.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "src/base/file.h"
#include "src/base/size.h"

namespace lifeboat {
namespace {

// Room for some 6000 sections; an image with 256 profiles has 1500.
constexpr uint64_t kLargestHead = 256_KiB;
// An os-release has less than 1 KiB.
constexpr uint64_t kLongestText = 64_KiB;
// Of all sections together.
constexpr uint64_t kLargestOutline = 8_MiB;

constexpr std::array<std::string_view, 2> kTexts{".osrel", ".profile"};
// Their beginning shows whether they are paths, digests or printable text; read_uki() wants no more of them.
constexpr std::array<std::string_view, 10> kBegun{".linux",   ".linuxh",  ".kernelp", ".kernelh", ".initrd",
                                                  ".initrdh", ".initrdp", ".ucode",   ".cmdline", ".uname"};

bool is_one_of(const auto& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

Result<PeFile> read_head(int fd, uint64_t file_bytes, const std::string& path) {
  std::vector<std::byte> head(std::min(file_bytes, kLargestHead));
  TRY_VOID(pread_exact(fd, 0, head, path));
  auto pe = read_pe(head);
  if (!pe && pe.error().code == ErrorCode::truncated && head.size() < file_bytes)
    return fail(ErrorCode::unsupported, "its headers do not end in its first {}", format_size(kLargestHead));
  return pe;
}

}  // namespace

Result<UkiOutline> UkiOutline::read(const std::string& path) {
  const auto fd = TRY(open_file(path, O_RDONLY | O_NONBLOCK));
  const uint64_t file_bytes = TRY(file_size(fd.get(), path));
  UkiOutline outline;
  outline.pe_ = TRY(read_head(fd.get(), file_bytes, path));
  for (auto& section : outline.pe_.sections) TRY_VOID(outline.take(fd.get(), file_bytes, section));
  return outline;
}

Result<> UkiOutline::take(int fd, uint64_t file_bytes, PeSection& section) {
  const bool is_text = is_one_of(kTexts, section.name);
  uint64_t wanted = std::min(section.virtual_size, section.raw_size);
  if (!is_text && !is_one_of(kBegun, section.name)) wanted = 0;
  if (wanted != 0 && (section.raw_offset > file_bytes || wanted > file_bytes - section.raw_offset)) {
    return fail(ErrorCode::truncated, "section {}: {} bytes at offset {} do not fit in {} bytes",
                section.name, wanted, section.raw_offset, file_bytes);
  }
  if (is_text && wanted > kLongestText)
    return fail(ErrorCode::unsupported, "its section {} has {}", section.name, format_size(wanted));
  // One byte more than a path: what is longer must not become one.
  if (!is_text) wanted = std::min<uint64_t>(wanted, kLongestUkiPath + 1);
  if (wanted > kLargestOutline - bytes_.size())
    return fail(ErrorCode::unsupported, "its texts have more than {}", format_size(kLargestOutline));

  const size_t begin = bytes_.size();
  bytes_.resize(begin + wanted);
  TRY_VOID(
      pread_exact(fd, section.raw_offset, MutableByteSpan(bytes_).subspan(begin), "section " + section.name));
  section.raw_offset = static_cast<uint32_t>(begin);
  section.virtual_size = section.raw_size = static_cast<uint32_t>(wanted);
  return {};
}

Result<UkiParts> UkiOutline::parts(unsigned profile) const {
  return read_uki_sections(bytes_, pe_, profile);
}

}  // namespace lifeboat
