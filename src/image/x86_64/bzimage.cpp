// SPDX-License-Identifier: GPL-2.0-or-later
#include "image/x86_64/bzimage.h"

#include "base/file.h"
#include "base/size.h"
#include "image/image.h"

namespace lifeboat {
namespace {

constexpr uint64_t kSector = 512;
constexpr uint64_t kMostImageBytes = 1_GiB;

// Offsets in the file.
enum Field : uint64_t {
  kSetupSectors = 0x1f1,
  kSystemSize = 0x1f4,  // of the protected-mode kernel, in 16-byte units
  kBootFlag = 0x1fe,
  kProtocol = 0x206,
  kVersionPointer = 0x20e,  // from 0x200
  kLoadFlags = 0x211,
  kAlignment = 0x230,
  kRelocatable = 0x234,
  kXLoadFlags = 0x236,
  kCommandLineSize = 0x238,
  kPreferredAddress = 0x258,
  kInitSize = 0x260,
};
constexpr uint16_t kBootMagic = 0xaa55;
constexpr uint8_t kLoadedHigh = 0x01;
constexpr uint16_t kXlfKernel64 = 1 << 0, kXlfAbove4G = 1 << 1, kXlf5Level = 1 << 5;

// The protocol that brought xloadflags; every kernel since 3.8 has it.
constexpr uint16_t kProtocolXLoadFlags = 0x020c;

template <typename T>
Result<T> field(ByteSpan bytes, Field offset) {
  return load<T>(bytes, offset, "the setup header");
}

std::string version_string(ByteSpan setup, uint16_t pointer) {
  // "(unsigned) offset from 0x200"; 0: there is none. It ends in NUL, and lies within the setup.
  constexpr uint64_t kBase = 0x200, kLongest = 512;
  if (pointer == 0 || kBase + pointer >= setup.size()) return {};
  const ByteSpan rest = setup.subspan(kBase + pointer);
  std::string text(text_until_nul(rest.first(std::min<size_t>(rest.size(), kLongest))));
  for (char& c : text) {
    if (c < 0x20 || c > 0x7e) c = '?';
  }
  return text;
}

std::unexpected<Error> not_a_bzimage(ByteSpan bytes) {
  const ImageKind kind = identify_image(bytes);
  Error error(ErrorCode::unsupported, fmt::format("not a kernel that can be loaded: it is {}", image_kind_name(kind)));
  if (kind == ImageKind::elf) error.hint("give the bzImage (vmlinuz) of the same kernel");
  if (kind == ImageKind::uki) error.hint("take the .linux section out of it (objcopy -O binary --only-section=.linux)");
  return std::unexpected(std::move(error).hint("give a kernel image as distributions install it: /boot/vmlinuz-VERSION"));
}

}  // namespace

Result<BzImage> BzImage::parse(ByteSpan bytes) {
  if (identify_image(bytes) != ImageKind::bzimage) return not_a_bzimage(bytes);
  if (TRY(field<uint16_t>(bytes, kBootFlag)) != kBootMagic)
    return fail(ErrorCode::corrupt, "bzImage: the boot sector has no signature");
  BzImage image;
  image.protocol = TRY(field<uint16_t>(bytes, kProtocol));
  if (image.protocol < kProtocolXLoadFlags) {
    return fail(ErrorCode::unsupported, "bzImage: boot protocol {}.{:02}; at least 2.12 is needed", image.protocol >> 8,
                image.protocol & 0xff);
  }
  if ((TRY(field<uint8_t>(bytes, kLoadFlags)) & kLoadedHigh) == 0)
    return fail(ErrorCode::unsupported, "a zImage (loaded low); only a bzImage can be loaded");

  const auto sectors = TRY(field<uint8_t>(bytes, kSetupSectors));
  image.setup_bytes = static_cast<uint32_t>((1 + (sectors == 0 ? 4u : sectors)) * kSector);
  image.kernel_bytes = uint64_t{TRY(field<uint32_t>(bytes, kSystemSize))} * 16;
  if (image.kernel_bytes == 0) return fail(ErrorCode::corrupt, "bzImage: a kernel of 0 bytes");
  // The size counts 16-byte units, so the file may end up to 15 bytes before it.
  const ByteSpan setup = TRY(slice(bytes, 0, image.setup_bytes, "bzImage: setup"));
  TRY_VOID(slice(bytes, image.setup_bytes, image.kernel_bytes - 15, "bzImage: kernel"));

  image.version = version_string(setup, TRY(field<uint16_t>(bytes, kVersionPointer)));
  image.relocatable = TRY(field<uint8_t>(bytes, kRelocatable)) != 0;
  const auto flags = TRY(field<uint16_t>(bytes, kXLoadFlags));
  image.entry_64 = (flags & kXlfKernel64) != 0;
  image.above_4g = (flags & kXlfAbove4G) != 0;
  image.five_level_aware = (flags & kXlf5Level) != 0;
  image.alignment = TRY(field<uint32_t>(bytes, kAlignment));
  image.command_line_size = TRY(field<uint32_t>(bytes, kCommandLineSize));
  image.preferred_address = TRY(field<uint64_t>(bytes, kPreferredAddress));
  image.init_size = TRY(field<uint32_t>(bytes, kInitSize));
  if (image.relocatable && !std::has_single_bit(image.alignment))
    return fail(ErrorCode::corrupt, "bzImage: kernel_alignment {:#x} is no power of two", image.alignment);
  if (image.command_line_size == 0) return fail(ErrorCode::corrupt, "bzImage: no room for a command line");
  return image;
}

std::string BzImage::release() const { return version.substr(0, version.find(' ')); }

Result<> BzImage::check_crash_capable() const {
  const auto refuse = [](const char* why) {
    return std::unexpected(Error(ErrorCode::unsupported, why)
                               .hint("a capture kernel must run wherever its memory was reserved; distribution kernels can"));
  };
  if (!relocatable) return refuse("this kernel runs at one address only (CONFIG_RELOCATABLE is off)");
  if (!entry_64) return refuse("this kernel has no 64-bit entry point (a 32-bit kernel?)");
  if (!above_4g) return refuse("this kernel cannot be loaded above 4 GiB");
  return {};
}

Result<BzImage> read_bzimage(const std::string& path) {
  const auto bytes = TRY(read_file(path, kMostImageBytes));
  return TRY_CONTEXT(BzImage::parse(bytes), "{}", path);
}

}  // namespace lifeboat
