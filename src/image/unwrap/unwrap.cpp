// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/image/unwrap/unwrap.h"

#include <algorithm>

#include "src/image/unpacked_size.h"
#include "src/image/unwrap/decompress.h"
#include "src/image/unwrap/uki_extras.h"
#include "src/image/unwrap/zboot.h"

namespace lifeboat {
namespace {

ImageKind identify_whole(ByteSpan bytes) {
  return identify_image(bytes.first(std::min(bytes.size(), kIdentifyBytes)));
}

// `left`: how many bytes the compressed layers may still become.
Result<> unpack(KernelFile& file, ImageKind kind, ByteSpan packed, uint64_t& left) {
  file.bytes = TRY(decompress(kind, packed, left));
  left -= file.bytes.size();
  file.wrappers.push_back(kind);
  return {};
}

Result<> take_off_zboot(KernelFile& file, uint64_t& left) {
  const ZbootPayload payload = TRY(read_zboot(file.bytes));
  return unpack(file, payload.compression, payload.bytes, left);
}

// How many bytes the compressed layers of a file of this size may become.
uint64_t unpacked_limit(uint64_t file_size, const UnwrapLimits& limits) {
  return std::min(limits.unpacked, largest_expansion(file_size));
}

Result<> take_off(KernelFile& file, uint64_t& left, const UnwrapLimits& limits, const UkiExtras& extras) {
  const ImageKind kind = file.kind;
  if (kind == ImageKind::uki) {
    const uint64_t size = file.bytes.size();
    TRY_VOID(take_off_uki(file, extras));
    file.wrappers.push_back(kind);
    // The kernel is a file of its own: the size of the image says nothing about it.
    if (file.bytes.size() > size) left = std::max(left, unpacked_limit(file.bytes.size(), limits));
  } else if (kind == ImageKind::efi_zboot) {
    file.wrappers.push_back(kind);
    TRY_VOID(take_off_zboot(file, left));
  } else {
    TRY_VOID(unpack(file, kind, file.bytes, left));
  }
  file.kind = identify_whole(file.bytes);
  return {};
}

// The current format of `file.bytes`, for messages.
std::string name_of_content(const KernelFile& file) {
  if (file.wrappers.empty()) return file.name;
  std::string list;
  for (const auto wrapper : file.wrappers)
    list += fmt::format("{}{}", list.empty() ? "" : ", in it ", image_kind_name(wrapper));
  return fmt::format("the contents of {} ({})", file.name, list);
}

std::string_view fix_of(ErrorCode code) {
  if (code == ErrorCode::unsupported)
    return "extract the kernel by hand and load it, or name another kernel: /boot/vmlinuz-RELEASE";
  if (code == ErrorCode::not_found) return "correct 'profile' in the boot entry, or choose another entry";
  return "install that kernel's package again: the file is damaged or truncated";
}

}  // namespace

Result<KernelFile> unwrap_kernel(KernelFile file, const UnwrapLimits& limits, const UkiExtras& extras) {
  file.kind = identify_whole(file.bytes);
  // By the size of the file itself, not of each layer: else the ratios of nested layers would multiply.
  uint64_t left = unpacked_limit(file.bytes.size(), limits);
  for (size_t depth = 0; !is_kernel(file.kind); ++depth) {
    const std::string name = name_of_content(file);
    if (!is_kernel_wrapper(file.kind)) return std::unexpected(not_a_loadable_kernel(name, file.kind));
    if (depth == limits.depth) {
      return std::unexpected(
          Error(ErrorCode::unsupported,
                fmt::format("{}: more than {} wrappers around one kernel", file.name, depth))
              .hint(fix_of(ErrorCode::unsupported)));
    }
    const std::string_view wrapper = image_kind_name(file.kind);
    auto taken = take_off(file, left, limits, extras);
    if (!taken) {
      const ErrorCode code = taken.error().code;
      return std::unexpected(
          std::move(taken).error().context(fmt::format("{}, {}", name, wrapper)).hint(fix_of(code)));
    }
  }
  if (!file.wrappers.empty()) file.fd = TRY(sealed_memory_file(file.name, file.bytes));
  return file;
}

Result<KernelFile> open_kernel_file(const std::string& path, const UkiExtras& extras) {
  return unwrap_kernel(TRY(read_kernel_file(path)), {}, extras);
}

}  // namespace lifeboat
