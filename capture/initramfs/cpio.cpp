// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/initramfs/cpio.h"

#include <sys/stat.h>

#include <climits>
#include <cstdint>
#include <limits>

#include "src/base/size.h"

namespace lifeboat {
namespace {

constexpr std::string_view kMagic = "070701";
constexpr std::string_view kMagicWithChecksums = "070702";
constexpr std::string_view kTrailer = "TRAILER!!!";
// The magic, then 13 numbers of 8 hexadecimal digits.
constexpr size_t kDigits = 8;
constexpr size_t kHeader = 6 + 13 * kDigits;
enum Field { kMode = 1, kSize = 6, kNameSize = 11 };
// Header with name, and contents, each end at a multiple of it.
constexpr uint64_t kAlignment = 4;

Result<uint32_t> read_field(std::string_view header, Field field) {
  const auto digits = header.substr(kMagic.size() + field * kDigits, kDigits);
  const auto value = parse_number(digits, 16);
  if (!value) return fail(ErrorCode::corrupt, "cpio archive: a header has no number where one must be");
  return static_cast<uint32_t>(*value);  // 8 digits fit
}

}  // namespace

Result<> CpioWriter::folder(const std::string& path) {
  return add(path, {.mode = S_IFDIR | 0755, .links = 2, .contents = {}});
}

Result<> CpioWriter::file(const std::string& path, mode_t mode, ByteSpan contents) {
  return add(path, {.mode = S_IFREG | mode, .contents = contents});
}

Result<> CpioWriter::character_device(const std::string& path, unsigned major, unsigned minor) {
  return add(path, {.mode = S_IFCHR | 0600, .major = major, .minor = minor, .contents = {}});
}

std::vector<std::byte> CpioWriter::finish() {
  append(0, kTrailer, {.contents = {}});
  return std::move(bytes_);
}

Result<> CpioWriter::add(const std::string& path, const Entry& entry) {
  // init/initramfs.c: it skips names that are longer, with their NUL, and ends at the trailer's.
  if (path.empty() || path.size() >= PATH_MAX || path == kTrailer || path.find('\0') != std::string::npos)
    return fail(ErrorCode::usage, "initramfs: '{}' cannot be a file's name in it", path);
  if (entry.contents.size() > std::numeric_limits<uint32_t>::max()) {
    return fail(ErrorCode::unsupported, "initramfs: cannot add {}: its {} are more than a cpio archive takes",
                path, format_size(entry.contents.size()));
  }
  append(++inode_, path, entry);
  return {};
}

void CpioWriter::append(uint32_t inode, std::string_view name, const Entry& entry) {
  const auto put = [this](ByteSpan bytes) {
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    bytes_.resize(align_up(bytes_.size(), kAlignment));
  };
  std::string header(kMagic);
  // Inode, mode, owner, group, links, time, size, device, device of the node, size of the name, checksum.
  for (const size_t field : {size_t{inode}, size_t{entry.mode}, size_t{0}, size_t{0}, size_t{entry.links},
                             size_t{0}, entry.contents.size(), size_t{0}, size_t{0}, size_t{entry.major},
                             size_t{entry.minor}, name.size() + 1, size_t{0}})
    header += fmt::format("{:08x}", field);
  header += name;
  header += '\0';
  put(as_byte_span(header));
  put(entry.contents);
}

Result<std::optional<CpioEntry>> CpioReader::next() {
  const auto header = as_text(TRY(slice(archive_, at_, kHeader, "cpio header")));
  if (!header.starts_with(kMagic) && !header.starts_with(kMagicWithChecksums))
    return fail(ErrorCode::corrupt, "cpio archive: there is no header at byte {}", at_);
  const uint32_t name_size = TRY(read_field(header, kNameSize));
  const uint32_t size = TRY(read_field(header, kSize));
  const mode_t mode = TRY(read_field(header, kMode));
  const auto name = text_until_nul(TRY(slice(archive_, at_ + kHeader, name_size, "name in a cpio archive")));
  if (name == kTrailer) return std::nullopt;
  const uint64_t begin = align_up(at_ + kHeader + name_size, kAlignment);
  const ByteSpan contents = TRY(slice(archive_, begin, size, "file in a cpio archive"));
  at_ = align_up(begin + size, kAlignment);
  return CpioEntry{name, mode, contents};
}

}  // namespace lifeboat
