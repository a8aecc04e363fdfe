// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/dump/dump.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>

#include "src/dump/elf_core.h"
#include "src/dump/kcore.h"
#include "src/dump/kdump_reader.h"

namespace lifeboat {
namespace {

struct KnownMagic {
  std::string_view magic;
  const char* what;
  const char* fix;
};

// Files that are passed to a dump reader by mistake.
constexpr KnownMagic kKnownMagics[] = {
    {"\x1f\x8b", "compressed with gzip", "decompress it first (gzip -d)"},
    {"\x28\xb5\x2f\xfd", "compressed with zstd", "decompress it first (zstd -d)"},
    {"\xfd"
     "7zXZ",
     "compressed with xz", "decompress it first (xz -d)"},
    {"QFI\xfb", "a QEMU disk image", "give the dump file that is stored on that disk"},
    {"DISKDUMP", "an old diskdump file", "convert it to KDUMP or ELF"},
    {"MDMP", "a Windows minidump", ""},
    {"PAGEDU64", "a Windows memory dump", ""},
    {"LiME", "a LiME memory image", ""},
};

// `error`, which came from opening `path`; with a hint where there is one.
Error explain_open_failure(Error error, const std::string& path) {
  if (path == "/proc/vmcore" && error.code == ErrorCode::not_found)
    return std::move(error).hint("give a dump file: /proc/vmcore exists only in a capture kernel");
  return explain_kcore_refusal(std::move(error), path);
}

Result<std::unique_ptr<Dump>> open_by_magic(std::unique_ptr<ByteSource> file) {
  const std::string name = file->name();
  if (file->size() == 0) {
    return std::unexpected(Error(ErrorCode::truncated, fmt::format("{} is empty", name))
                               .hint("read the log of the capture: it wrote nothing"));
  }
  std::array<std::byte, 16> magic{};
  const size_t length = std::min<uint64_t>(magic.size(), file->size());
  TRY_VOID(file->read(0, MutableByteSpan(magic).first(length)));
  const std::string_view begin = as_text(magic);
  if (begin.starts_with("\x7f"
                        "ELF"))
    return TRY(ElfCore::open(std::move(file)));
  if (begin.starts_with({kdump::kSignature.data(), kdump::kSignature.size()}))
    return TRY(KdumpReader::open(std::move(file)));
  for (const auto& known : kKnownMagics) {
    if (begin.starts_with(known.magic)) {
      return std::unexpected(
          Error(ErrorCode::unsupported, fmt::format("{} is not a dump: it is {}", name, known.what))
              .hint(known.fix));
    }
  }
  return std::unexpected(
      Error(ErrorCode::unsupported, fmt::format("{} is not a dump in a supported format", name))
          .hint("give an ELF vmcore or a KDUMP file, flattened or not"));
}

}  // namespace

Result<std::unique_ptr<Dump>> Dump::open(const std::string& path) {
  // O_NONBLOCK: a FIFO must not make this wait for a writer.
  auto opened = open_file(path, O_RDONLY | O_NONBLOCK);
  if (!opened) return std::unexpected(explain_open_failure(std::move(opened).error(), path));
  UniqueFd fd = *std::move(opened);
  struct stat status{};
  if (::fstat(fd.get(), &status) != 0) return fail_errno("cannot examine {}", path);
  if (!S_ISREG(status.st_mode) && !S_ISBLK(status.st_mode)) {
    return std::unexpected(explain_kcore_refusal(
        Error(ErrorCode::unsupported, fmt::format("{} is neither a file nor a block device", path)), path));
  }
  if (is_kcore(fd.get())) return TRY(Kcore::open(open_kcore_source(std::move(fd), path)));
  return open(TRY(open_byte_source(std::move(fd), path)));
}

Result<std::unique_ptr<Dump>> Dump::open(std::unique_ptr<ByteSource> file) {
  if (!TRY(is_flattened(*file))) return open_by_magic(std::move(file));
  return open_by_magic(TRY(open_flattened(std::move(file))));
}

Result<std::optional<PfnRange>> Dump::next_stored(uint64_t pfn, uint64_t end) const {
  const PageSize page = page_size();
  const auto range = std::ranges::upper_bound(
      ram(), pfn, {}, [page](const PhysicalRange& each) { return page.frame(each.end); });
  if (pfn >= end || range == ram().end() || page.frame(range->start) >= end) return std::nullopt;
  return PfnRange{std::max(pfn, page.frame(range->start)), std::min(page.frame(range->end), end)};
}

std::string_view compression_name(Compression compression) {
  switch (compression) {
    case Compression::none:
      return "none";
    case Compression::zlib:
      return "zlib";
    case Compression::lzo:
      return "lzo";
    case Compression::snappy:
      return "snappy";
    case Compression::zstd:
      return "zstd";
  }
  return "none";
}

std::optional<Compression> parse_compression(std::string_view name) {
  for (const auto compression :
       {Compression::none, Compression::zlib, Compression::lzo, Compression::snappy, Compression::zstd}) {
    if (name == compression_name(compression)) return compression;
  }
  return std::nullopt;
}

std::string_view format_name(DumpFormat format) {
  switch (format) {
    case DumpFormat::elf:
      return "ELF";
    case DumpFormat::kdump:
      return "KDUMP";
    case DumpFormat::live:
      return "live";
  }
  return "?";
}

}  // namespace lifeboat
