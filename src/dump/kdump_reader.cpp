// SPDX-License-Identifier: GPL-2.0-or-later
#include "dump/kdump_reader.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <list>
#include <unordered_map>

#include "base/size.h"
#include "dump/block_cache.h"
#include "dump/elf_core.h"
#include "dump/other_machine.h"

namespace lifeboat {
namespace {

constexpr uint64_t kMostNotes = 256_MiB;
// The rank directory holds the number of stored pages before each such block of the second bitmap.
constexpr uint64_t kRankBytes = 4096;
// No machine's memory lies in so many pieces; a hostile bitmap may claim it.
constexpr size_t kMostRanges = size_t{1} << 20;
constexpr size_t kCachedPages = 512;
// Both bitmaps of a machine of 16 TiB are 512 MiB each; so they are read in blocks, and the last few kept.
constexpr size_t kBitmapBlocks = 64;
// Neighbours in memory are neighbours in the file: with one page come those that will be asked for next.
constexpr uint64_t kDescriptorBlock = 4_KiB, kDataBlock = 32_KiB;
constexpr size_t kDescriptorBlocks = 16, kDataBlocks = 32;

// Of a bitmap that cannot be read no bit is set.
bool test(BlockCache& bitmap, uint64_t bit) {
  std::byte byte{};
  const auto found = bitmap.bytes(bit / 8, std::span(&byte, 1));
  return found && (static_cast<unsigned>(found->front()) >> (bit % 8) & 1u) != 0;
}

uint64_t count_bits(ByteSpan bytes) {
  uint64_t count = 0;
  while (bytes.size() >= sizeof(uint64_t)) {
    uint64_t word;
    std::memcpy(&word, bytes.data(), sizeof word);
    count += static_cast<uint64_t>(std::popcount(word));
    bytes = bytes.subspan(sizeof word);
  }
  for (const std::byte byte : bytes)
    count += static_cast<uint64_t>(std::popcount(static_cast<uint8_t>(byte)));
  return count;
}

// Clears the bits from `end` on in a chunk that begins at bit `first`: what lies beyond max_mapnr does not
// count.
void clip_bits(MutableByteSpan chunk, uint64_t first, uint64_t end) {
  if (end >= first + chunk.size() * 8) return;
  const uint64_t keep = end > first ? end - first : 0;
  std::ranges::fill(chunk.subspan(divide_up(keep, 8)), std::byte{0});
  if (keep % 8 != 0) chunk[keep / 8] &= static_cast<std::byte>((1u << keep % 8) - 1);
}

Result<Compression> codec_of(uint32_t flags) {
  switch (flags) {
    case 0:
      return Compression::none;
    case kdump::kStatusZlib:
      return Compression::zlib;
    case kdump::kStatusLzo:
      return Compression::lzo;
    case kdump::kStatusSnappy:
      return Compression::snappy;
    case kdump::kStatusZstd:
      return Compression::zstd;
    default:
      return fail(ErrorCode::corrupt, "unknown compression flags {:#x}", flags);
  }
}

Compression default_codec(uint32_t status) {
  for (const uint32_t bit :
       {kdump::kStatusZlib, kdump::kStatusLzo, kdump::kStatusSnappy, kdump::kStatusZstd}) {
    if ((status & bit) != 0) return *codec_of(bit);
  }
  return Compression::none;
}

}  // namespace

struct KdumpReader::State {
  std::unique_ptr<ByteSource> file;
  DumpInfo info;
  kdump::Header header{};
  kdump::SubHeader sub{};
  uint64_t bitmap_offset = 0, bitmap_bytes = 0;  // of each bitmap, as used: divide_up(max_pfn, 8)
  uint64_t second_bitmap_offset = 0;
  uint64_t descriptors_offset = 0;
  uint64_t stored_in_file = 0;  // descriptors in this file
  uint64_t first_rank = 0;      // split: stored pages before start_pfn have no descriptor here
  std::vector<uint64_t> ranks;
  std::vector<PhysicalRange> ram;
  std::optional<BlockCache> ram_bits, stored_bits, descriptors, data;
  // The stored pages before a byte of the second bitmap: neighbours are counted on from there.
  struct {
    uint64_t byte = 0, count = 0;
  } counted;
  PageDecompressor decompressor;
  std::vector<std::byte> packed = std::vector<std::byte>(kPageSize);

  // Decompressed pages, the most recently used first.
  using CacheList = std::list<std::pair<uint64_t, std::array<std::byte, kPageSize>>>;
  CacheList cache;
  std::unordered_map<uint64_t, CacheList::iterator> cached;

  Result<> read_headers();
  Result<> read_notes();
  Result<> place_bitmaps();
  Result<> scan_ram();
  Result<> scan_stored();
  Result<uint64_t> rank(uint64_t pfn);
  Result<kdump::PageDescriptor> descriptor(uint64_t pfn);
  Result<> expand(const kdump::PageDescriptor& descriptor, MutableByteSpan page);
  std::optional<ByteSpan> cached_page(uint64_t pfn);
  Result<ByteSpan> page(uint64_t pfn);
  Result<> whole_page(uint64_t pfn, MutableByteSpan out);
};

Result<> KdumpReader::State::read_headers() {
  const std::string& name = file->name();
  TRY_VOID(file->read(0, std::as_writable_bytes(std::span(&header, 1))));
  if (header.signature != kdump::kSignature) return fail(ErrorCode::unsupported, "{} is no KDUMP file", name);
  if (header.version < 1 || header.version > kdump::kVersion)
    return fail(ErrorCode::unsupported, "{}: KDUMP version {}; 1 to {} are known", name, header.version,
                kdump::kVersion);
  const auto text = [this](size_t index) {
    return std::string(text_until_nul(std::as_bytes(std::span(header.uts[index]))));
  };
  info.uts = {text(0), text(1), text(2), text(3), text(4), text(5)};
  if (!info.uts.machine.empty() && info.uts.machine != "x86_64") {
    return std::unexpected(
        other_machine(name, info.uts.machine, info.uts.release,
                      header.timestamp_seconds != 0 ? fmt::format("{}", header.timestamp_seconds) : ""));
  }
  if (header.block_size != static_cast<int32_t>(kPageSize))
    return fail(ErrorCode::unsupported, "{}: pages of {} bytes; only {} are supported", name,
                header.block_size, kPageSize);
  if (header.sub_header_blocks < 1 || header.sub_header_blocks > static_cast<int32_t>(kMostNotes / kPageSize))
    return fail(ErrorCode::corrupt, "{}: a sub header of {} blocks", name, header.sub_header_blocks);
  TRY_VOID(file->read(kPageSize, std::as_writable_bytes(std::span(&sub, 1))));

  info.format = DumpFormat::kdump;
  info.flattened = file->flattened();
  info.incomplete = (header.status & kdump::kStatusIncomplete) != 0 || !file->complete();
  info.dump_level = sub.dump_level;
  info.compression = default_codec(header.status);
  // QEMU writes 0 when it does not know.
  if (header.timestamp_seconds != 0) info.timestamp = header.timestamp_seconds;
  info.max_pfn = header.version >= 6 ? sub.max_mapnr_64 : header.max_mapnr;
  info.split = header.version >= 2 && sub.split != 0;
  info.start_pfn = header.version >= 6 ? sub.start_pfn_64 : sub.start_pfn;
  info.end_pfn = header.version >= 6 ? sub.end_pfn_64 : sub.end_pfn;
  info.cpus = std::max(header.cpus, 0);
  return {};
}

Result<> KdumpReader::State::read_notes() {
  const std::string& name = file->name();
  const auto read = [&](uint64_t offset, uint64_t size, const char* what) -> Result<std::vector<std::byte>> {
    if (size > kMostNotes) return fail(ErrorCode::corrupt, "{}: {} of {} bytes", name, what, size);
    return read_bytes(*file, offset, size, what);
  };
  if (header.version >= 4 && sub.size_note > 0) {
    info.notes = TRY(read(sub.offset_note, sub.size_note, "notes"));
    int statuses = 0;
    for (const auto& note : parse_notes(info.notes).notes) {
      if (note.name == "VMCOREINFO") info.vmcoreinfo = text_until_nul(note.description);
      if (note.name == "CORE" && note.type == 1) ++statuses;
    }
    if (statuses > 0) info.cpus = statuses;
  }
  if (header.version >= 3 && sub.size_vmcoreinfo > 0) {
    const auto text = TRY(read(sub.offset_vmcoreinfo, sub.size_vmcoreinfo, "VMCOREINFO"));
    info.vmcoreinfo = text_until_nul(text);
  }
  return {};
}

Result<> KdumpReader::State::place_bitmaps() {
  const std::string& name = file->name();
  bitmap_offset = (1 + static_cast<uint64_t>(header.sub_header_blocks)) * kPageSize;
  bitmap_bytes = divide_up(info.max_pfn, 8);
  const uint64_t all_bytes = static_cast<uint64_t>(header.bitmap_blocks) * kPageSize;
  if (info.max_pfn == 0) return fail(ErrorCode::corrupt, "{} describes no memory", name);
  if (bitmap_bytes > all_bytes / 2) {
    return fail(ErrorCode::corrupt, "{}: {} page frames do not fit into bitmaps of {} blocks", name,
                info.max_pfn, header.bitmap_blocks);
  }
  descriptors_offset = bitmap_offset + all_bytes;
  // The bitmaps are walked over: those in the hole of a flattened file may be of any size.
  if (descriptors_offset > file->size() || all_bytes > file->stored_size()) {
    return fail(ErrorCode::truncated, "{} ends at {}, before its page descriptors at {}", name, file->size(),
                descriptors_offset);
  }
  second_bitmap_offset = bitmap_offset + all_bytes / 2;
  ram_bits.emplace(*file, bitmap_offset, bitmap_bytes, kRankBytes, kBitmapBlocks);
  stored_bits.emplace(*file, second_bitmap_offset, bitmap_bytes, kRankBytes, kBitmapBlocks);
  const uint64_t rest = file->size() - descriptors_offset;
  descriptors.emplace(*file, descriptors_offset, rest, kDescriptorBlock, kDescriptorBlocks);
  data.emplace(*file, 0, file->size(), kDataBlock, kDataBlocks);
  if (info.split && (info.start_pfn > info.end_pfn || info.start_pfn >= info.max_pfn))
    return fail(ErrorCode::corrupt, "{}: a split file of pages {} to {}", name, info.start_pfn, info.end_pfn);
  return {};
}

// The RAM ranges, from the first bitmap.
Result<> KdumpReader::State::scan_ram() {
  std::vector<std::byte> chunk;
  uint64_t run_start = 0;
  bool in_run = false;
  for (uint64_t at = 0; at < bitmap_bytes; at += 64_KiB) {
    if (ram.size() > kMostRanges)
      return fail(ErrorCode::corrupt, "{}: memory in more than {} pieces", file->name(), kMostRanges);
    chunk.resize(std::min(64_KiB, bitmap_bytes - at));
    TRY_VOID(file->read(bitmap_offset + at, chunk));
    clip_bits(chunk, at * 8, info.max_pfn);
    info.ram_pages += count_bits(chunk);
    for (size_t byte = 0; byte < chunk.size(); ++byte) {
      // Most bytes are all ones or all zeros, and go on as the one before.
      if (chunk[byte] == (in_run ? std::byte{0xff} : std::byte{0})) continue;
      for (unsigned bit = 0; bit < 8; ++bit) {
        const bool set = (static_cast<unsigned>(chunk[byte]) >> bit & 1u) != 0;
        if (set == in_run) continue;
        const uint64_t pfn = (at + byte) * 8 + bit;
        if (set) {
          run_start = pfn;
        } else {
          ram.push_back({run_start * kPageSize, pfn * kPageSize});
        }
        in_run = set;
      }
    }
  }
  if (in_run) ram.push_back({run_start * kPageSize, info.max_pfn * kPageSize});
  return {};
}

// Counts the stored pages block by block, so that a page's descriptor can be found.
Result<> KdumpReader::State::scan_stored() {
  ranks.reserve(divide_up(bitmap_bytes, kRankBytes));
  std::vector<std::byte> chunk;
  for (uint64_t at = 0; at < bitmap_bytes; at += kRankBytes) {
    chunk.resize(std::min(kRankBytes, bitmap_bytes - at));
    TRY_VOID(file->read(second_bitmap_offset + at, chunk));
    clip_bits(chunk, at * 8, info.max_pfn);
    ranks.push_back(info.stored_pages);
    info.stored_pages += count_bits(chunk);
  }
  stored_in_file = info.stored_pages;
  if (info.split) {
    first_rank = TRY(rank(info.start_pfn));
    const uint64_t end = info.end_pfn < info.max_pfn ? TRY(rank(info.end_pfn)) : info.stored_pages;
    stored_in_file = end - first_rank;
  }
  const uint64_t room = (file->size() - descriptors_offset) / sizeof(kdump::PageDescriptor);
  // Cut off within the descriptors: the pages before the cut can still be read.
  if (stored_in_file > room) info.incomplete = true;
  return {};
}

// Stored pages before `pfn`, which is below max_pfn.
Result<uint64_t> KdumpReader::State::rank(uint64_t pfn) {
  const uint64_t byte = pfn / 8;
  const auto block = stored_bits->block(byte);
  if (!block) return fail(ErrorCode::truncated, "{}: the bitmap cannot be read", file->name());
  const uint64_t start = align_down(byte, kRankBytes);
  if (counted.byte < start || counted.byte > byte) counted = {start, ranks[byte / kRankBytes]};
  counted.count += count_bits(block->subspan(counted.byte - start, byte - counted.byte));
  counted.byte = byte;
  const auto partial =
      static_cast<uint8_t>(static_cast<unsigned>((*block)[byte - start]) & ((1u << pfn % 8) - 1));
  return counted.count + static_cast<uint64_t>(std::popcount(partial));
}

Result<kdump::PageDescriptor> KdumpReader::State::descriptor(uint64_t pfn) {
  if (pfn >= info.max_pfn || !test(*stored_bits, pfn)) {
    if (pfn < info.max_pfn && test(*ram_bits, pfn))
      return fail(ErrorCode::excluded, "page {:#x} was left out when the dump was made", pfn);
    return fail(ErrorCode::not_present, "there is no page {:#x}", pfn);
  }
  if (info.split && (pfn < info.start_pfn || pfn >= info.end_pfn))
    return fail(ErrorCode::lost, "page {:#x} is in another part of the split dump", pfn);
  const uint64_t index = TRY(rank(pfn)) - first_rank;
  kdump::PageDescriptor found;
  std::array<std::byte, sizeof found> scratch;
  const auto bytes = descriptors->bytes(index * sizeof found, scratch);
  if (!bytes) {
    if (bytes.error().code == ErrorCode::truncated)
      return fail(ErrorCode::lost, "the file ends before the descriptor of page {:#x}", pfn);
    return std::unexpected(bytes.error());
  }
  std::memcpy(&found, bytes->data(), sizeof found);
  if (found.offset == 0) return fail(ErrorCode::lost, "page {:#x} was never written", pfn);
  if (!codec_of(found.flags))
    return fail(ErrorCode::corrupt, "page {:#x}: unknown compression flags {:#x}", pfn, found.flags);
  if (found.size == 0 || found.size > kPageSize || (found.flags == 0 && found.size != kPageSize))
    return fail(ErrorCode::corrupt, "page {:#x}: {} bytes with flags {:#x}", pfn, found.size, found.flags);
  if (found.offset < descriptors_offset)
    return fail(ErrorCode::corrupt, "page {:#x}: its data would lie in the header at {:#x}", pfn,
                found.offset);
  if (found.offset > file->size() || found.size > file->size() - found.offset)
    return fail(ErrorCode::lost, "the file ends before the data of page {:#x}", pfn);
  return found;
}

Result<> KdumpReader::State::expand(const kdump::PageDescriptor& descriptor, MutableByteSpan page) {
  const ByteSpan bytes = TRY(data->bytes(descriptor.offset, MutableByteSpan(packed).first(descriptor.size)));
  return decompressor.decompress(TRY(codec_of(descriptor.flags)), bytes, page);
}

std::optional<ByteSpan> KdumpReader::State::cached_page(uint64_t pfn) {
  const auto found = cached.find(pfn);
  if (found == cached.end()) return std::nullopt;
  cache.splice(cache.begin(), cache, found->second);
  return ByteSpan(cache.front().second);
}

Result<ByteSpan> KdumpReader::State::page(uint64_t pfn) {
  if (const auto known = cached_page(pfn)) return *known;
  const auto place = TRY(descriptor(pfn));
  if (cache.size() >= kCachedPages) {
    cached.erase(cache.back().first);
    cache.splice(cache.begin(), cache, std::prev(cache.end()));
  } else {
    cache.emplace_front();
  }
  cache.front().first = pfn;
  if (auto expanded = expand(place, cache.front().second); !expanded) {
    cache.pop_front();
    return std::unexpected(std::move(expanded).error().context(fmt::format("page {:#x}", pfn)));
  }
  cached[pfn] = cache.begin();
  return ByteSpan(cache.front().second);
}

// Straight to where it is wanted: who reads whole pages reads many, once.
Result<> KdumpReader::State::whole_page(uint64_t pfn, MutableByteSpan out) {
  if (const auto known = cached_page(pfn)) {
    std::memcpy(out.data(), known->data(), out.size());
    return {};
  }
  const auto place = TRY(descriptor(pfn));
  if (auto expanded = expand(place, out); !expanded)
    return std::unexpected(std::move(expanded).error().context(fmt::format("page {:#x}", pfn)));
  return {};
}

KdumpReader::KdumpReader(std::unique_ptr<State> state) : state_(std::move(state)) {}
KdumpReader::~KdumpReader() = default;

Result<std::unique_ptr<KdumpReader>> KdumpReader::open(std::unique_ptr<ByteSource> file) {
  auto state = std::make_unique<State>();
  state->file = std::move(file);
  TRY_VOID(state->read_headers());
  TRY_VOID(state->read_notes());
  TRY_VOID(state->place_bitmaps());
  TRY_VOID(state->scan_ram());
  TRY_VOID(state->scan_stored());
  return std::unique_ptr<KdumpReader>(new KdumpReader(std::move(state)));
}

const DumpInfo& KdumpReader::info() const {
  return state_->info;
}
const std::vector<PhysicalRange>& KdumpReader::ram() const {
  return state_->ram;
}
uint64_t KdumpReader::data_offset() const {
  return state_->descriptors_offset + state_->stored_in_file * sizeof(kdump::PageDescriptor);
}
const ByteSource& KdumpReader::file() const {
  return *state_->file;
}

PageState KdumpReader::page_state(uint64_t pfn) const {
  if (pfn >= state_->info.max_pfn) return PageState::absent;
  if (test(*state_->stored_bits, pfn)) return PageState::stored;
  return test(*state_->ram_bits, pfn) ? PageState::excluded : PageState::absent;
}

Result<kdump::PageDescriptor> KdumpReader::descriptor(uint64_t pfn) const {
  return state_->descriptor(pfn);
}

Result<> KdumpReader::expand(const kdump::PageDescriptor& descriptor, MutableByteSpan page) {
  if (descriptor.size > kPageSize) return fail(ErrorCode::corrupt, "a page of {} bytes", descriptor.size);
  return state_->expand(descriptor, page);
}

Result<> KdumpReader::read(uint64_t physical_address, MutableByteSpan out) {
  while (!out.empty()) {
    const uint64_t within = physical_address % kPageSize;
    const size_t count = std::min<uint64_t>(out.size(), kPageSize - within);
    const uint64_t pfn = physical_address >> kPageShift;
    if (count == kPageSize) {
      TRY_VOID(state_->whole_page(pfn, out.first(count)));
    } else {
      const ByteSpan page = TRY(state_->page(pfn));
      std::memcpy(out.data(), page.data() + within, count);
    }
    physical_address += count;
    out = out.subspan(count);
  }
  return {};
}

}  // namespace lifeboat
