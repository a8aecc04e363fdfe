// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/image/x86_64/bzimage.h"

#include <algorithm>

namespace lifeboat {
namespace {

// struct setup_header, offsets in the file (arch/x86/include/uapi/asm/bootparam.h).
enum Offset : uint64_t {
  kSetupSects = 0x1f1,
  kSyssize = 0x1f4,
  kJumpLength = 0x201,
  kHeaderMagic = 0x202,
  kProtocol = 0x206,
  kKernelVersion = 0x20e,
  kLoadFlags = 0x211,
  kInitrdAddrMax = 0x22c,
  kKernelAlignment = 0x230,
  kRelocatable = 0x234,
  kXloadFlags = 0x236,
  kCmdlineSize = 0x238,
  kPayloadOffset = 0x248,
  kPayloadLength = 0x24c,
  kPrefAddress = 0x258,
  kInitSize = 0x260,
  kHandoverOffset = 0x264,
};

enum LoadFlag : uint8_t { kLoadedHigh = 1 << 0 };
enum XloadFlag : uint16_t {
  kKernel64 = 1 << 0,
  kCanBeLoadedAbove4G = 1 << 1,
  kEfiHandover32 = 1 << 2,
  kEfiHandover64 = 1 << 3,
  kEfiKexec = 1 << 4,
  kFiveLevel = 1 << 5,
};

constexpr uint64_t kSector = 512;
// The kernel's own is below 200 characters: its release, builder and date (arch/x86/boot/version.c).
constexpr size_t kLongestVersion = 512;

std::string protocol_name(uint16_t protocol) {
  return fmt::format("{}.{:02}", protocol >> 8, protocol & 0xff);
}

Result<> corrupt(std::string_view what) {
  return fail(ErrorCode::corrupt, "setup header: {}", what);
}

// The fields of the setup header, each of which came with some version of the protocol. A header ends where
// its first instruction jumps to; a field behind that end does not exist, whatever the version.
class SetupHeader {
 public:
  static Result<SetupHeader> open(ByteSpan file) {
    const auto length = TRY(load<uint8_t>(file, kJumpLength, "setup header"));
    const auto header = TRY(slice(file, 0, kHeaderMagic + length, "setup header"));
    const auto protocol = TRY(load<uint16_t>(header, kProtocol, "boot protocol version"));
    return SetupHeader(header, protocol);
  }
  [[nodiscard]] uint16_t protocol() const { return protocol_; }

  template <typename T>
  [[nodiscard]] Result<T> field(Offset offset, std::string_view name) const {
    return load<T>(bytes_, offset, name);
  }
  template <typename T>
  [[nodiscard]] Result<T> field_since(uint16_t protocol, Offset offset, std::string_view name,
                                      T older) const {
    if (protocol_ < protocol) return older;
    return load<T>(bytes_, offset, name);
  }

 private:
  SetupHeader(ByteSpan bytes, uint16_t protocol) : bytes_(bytes), protocol_(protocol) {}
  ByteSpan bytes_;
  uint16_t protocol_;
};

Result<> read_parts(BzImage& image, const SetupHeader& header, ByteSpan file) {
  image.setup_sects = TRY(header.field<uint8_t>(kSetupSects, "setup_sects"));
  if (image.setup_sects == 0) image.setup_sects = 4;  // boot.rst: 0 means 4
  image.setup = {0, (image.setup_sects + 1) * kSector};
  TRY_VOID(slice(file, 0, image.setup.size, "real-mode code"));

  // Before 2.04 only the lower half of the field was defined.
  const auto paragraphs = TRY(header.field<uint32_t>(kSyssize, "syssize"));
  const uint64_t size = uint64_t{header.protocol() < 0x0204 ? paragraphs & 0xffff : paragraphs} * 16;
  if (size == 0) return corrupt("syssize is 0");
  // A file may be longer (signatures are appended), but never shorter: that is a copy that was cut off.
  TRY_VOID(slice(file, image.setup.size, size, "protected-mode code"));
  image.kernel = {image.setup.size, size};
  return {};
}

Result<> read_payload(BzImage& image, const SetupHeader& header, ByteSpan file) {
  const auto offset = TRY(header.field_since<uint32_t>(0x0208, kPayloadOffset, "payload_offset", 0));
  const auto length = TRY(header.field_since<uint32_t>(0x0208, kPayloadLength, "payload_length", 0));
  if (length == 0) return {};
  const ByteSpan kernel = file.subspan(image.kernel.offset, image.kernel.size);
  const ByteSpan payload = TRY(slice(kernel, offset, length, "payload"));
  image.payload = BzImage::Part{image.kernel.offset + offset, length};
  image.payload_kind = identify_image(payload.first(std::min(payload.size(), kIdentifyBytes)));
  return {};
}

Result<> read_version(BzImage& image, const SetupHeader& header, ByteSpan file) {
  const auto pointer = TRY(header.field<uint16_t>(kKernelVersion, "kernel_version"));
  if (pointer == 0) return {};
  const uint64_t offset = pointer + kSector;
  if (offset >= image.setup.size) return corrupt("kernel_version points outside the real-mode code");
  const uint64_t length = std::min<uint64_t>(image.setup.size - offset, kLongestVersion);
  const std::string_view text = text_until_nul(file.subspan(offset, length));
  if (text.size() == length) return corrupt("the version string is not terminated");
  // It is printed and becomes part of file names.
  if (std::ranges::any_of(text, [](char c) { return c < 0x20 || c > 0x7e; }))
    return corrupt("the version string holds unprintable characters");
  image.version = text;
  return {};
}

Result<> read_placement(BzImage& image, const SetupHeader& header) {
  const auto load_flags = TRY(header.field<uint8_t>(kLoadFlags, "loadflags"));
  image.loaded_high = (load_flags & kLoadedHigh) != 0;
  image.relocatable = TRY(header.field_since<uint8_t>(0x0205, kRelocatable, "relocatable_kernel", 0)) != 0;
  image.kernel_alignment = TRY(header.field_since<uint32_t>(0x0205, kKernelAlignment, "kernel_alignment", 0));
  image.pref_address = TRY(header.field_since<uint64_t>(0x020a, kPrefAddress, "pref_address", 0x100000));
  image.init_size = TRY(header.field_since<uint32_t>(0x020a, kInitSize, "init_size", 0));
  image.initrd_addr_max =
      TRY(header.field_since<uint32_t>(0x0203, kInitrdAddrMax, "initrd_addr_max", image.initrd_addr_max));
  if (image.relocatable && !std::has_single_bit(image.kernel_alignment))
    return corrupt("kernel_alignment is not a power of two");
  if (header.protocol() < 0x020a) return {};
  // init_size includes the code and the memory to decompress it to (arch/x86/boot/header.S, ZO_INIT_SIZE).
  if (image.init_size < image.kernel.size)
    return corrupt("init_size is smaller than the protected-mode code");
  if (image.pref_address > UINT64_MAX - image.init_size)
    return corrupt("pref_address + init_size exceeds the address space");
  return {};
}

Result<> read_entries(BzImage& image, const SetupHeader& header) {
  image.cmdline_size = TRY(header.field_since<uint32_t>(0x0206, kCmdlineSize, "cmdline_size", 255));
  if (image.cmdline_size == 0) return corrupt("cmdline_size is 0");
  image.handover_offset = TRY(header.field_since<uint32_t>(0x020b, kHandoverOffset, "handover_offset", 0));
  const auto flags = TRY(header.field_since<uint16_t>(0x020c, kXloadFlags, "xloadflags", 0));
  image.entry_64 = (flags & kKernel64) != 0;
  image.above_4g = (flags & kCanBeLoadedAbove4G) != 0;
  image.efi_handover_32 = (flags & kEfiHandover32) != 0;
  image.efi_handover_64 = (flags & kEfiHandover64) != 0;
  image.efi_kexec = (flags & kEfiKexec) != 0;
  image.five_level = (flags & kFiveLevel) != 0;
  return {};
}

Result<BzImage> parse_fields(ByteSpan file) {
  const SetupHeader header = TRY(SetupHeader::open(file));
  BzImage image;
  image.protocol = header.protocol();
  TRY_VOID(read_parts(image, header, file));
  TRY_VOID(read_payload(image, header, file));
  TRY_VOID(read_version(image, header, file));
  TRY_VOID(read_placement(image, header));
  TRY_VOID(read_entries(image, header));
  return image;
}

}  // namespace

Result<BzImage> BzImage::parse(ByteSpan file, std::string_view name) {
  const ImageKind kind = identify_image(file.first(std::min(file.size(), kIdentifyBytes)));
  if (kind != ImageKind::bzimage) return std::unexpected(not_a_loadable_kernel(name, kind));
  auto image = parse_fields(file);
  if (!image) {
    return std::unexpected(std::move(image).error().context(name).hint(
        "install that kernel's package again: the file is damaged or truncated"));
  }
  return image;
}

std::string BzImage::release() const {
  return version.substr(0, version.find(' '));
}

// The checks of bzImage64_probe(), arch/x86/kernel/kexec-bzimage64.c, which returns only ENOEXEC.
Result<> BzImage::kexec_capable() const {
  if (protocol < 0x020c) {
    return fail(ErrorCode::unsupported,
                "its boot protocol {} is older than 2.12 and has no 64-bit entry point",
                protocol_name(protocol));
  }
  if (!loaded_high) return fail(ErrorCode::unsupported, "it is a zImage, which runs only below 1 MiB");
  if (!entry_64) return fail(ErrorCode::unsupported, "it has no 64-bit entry point (a 32-bit kernel)");
  if (!above_4g) {
    return fail(ErrorCode::unsupported, "it cannot be loaded above 4 GiB{}",
                relocatable ? "" : ": it was built without CONFIG_RELOCATABLE");
  }
  return {};
}

Result<> BzImage::crash_capable() const {
  TRY_VOID(kexec_capable());
  if (!relocatable) {
    return fail(ErrorCode::unsupported,
                "it was built without CONFIG_RELOCATABLE and runs only at the crashed kernel's address");
  }
  return {};
}

}  // namespace lifeboat
