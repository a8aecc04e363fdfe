// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/dump/kdump_reader.h"

#include <algorithm>
#include <cstring>
#include <list>
#include <unordered_map>

#include "src/base/size.h"
#include "src/dump/block_cache.h"
#include "src/dump/dump_machine.h"
#include "src/dump/elf_notes.h"
#include "src/dump/kdump_bitmaps.h"
#include "src/dump/limits.h"
#include "src/dump/verify.h"

namespace lifeboat {
namespace {

// The sub header, the notes, and more than enough for what else makedumpfile puts there.
constexpr uint64_t kMaxSubHeaderBytes = kMaxNoteBytes + 1_MiB;
// Decompressed pages that are kept: so many, but no more than the memory allows.
constexpr size_t kMaxCachedPages = 512;
constexpr uint64_t kMaxCachedBytes = 8_MiB;
// Neighbours in memory are neighbours in the file: with one page come those that will be asked for next.
constexpr uint64_t kDescriptorBlock = 4_KiB, kDataBlock = 32_KiB;
constexpr size_t kDescriptorBlocks = 16, kDataBlocks = 32;

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

// Which page data could be decompressed, so that data which many descriptors share is decompressed twice, not
// for each of them. Writers store pages in the order of their frames: only data in front of what was seen
// before can be shared, and only of those a note is taken.
class CheckedPages {
 public:
  [[nodiscard]] bool contains(const kdump::PageDescriptor& page) const {
    const auto found = seen_again_.find(page.offset);
    return found != seen_again_.end() && found->second.first == page.size &&
           found->second.second == page.flags;
  }
  void add(const kdump::PageDescriptor& page) {
    constexpr size_t kMax = size_t{1} << 18;
    if (page.offset > last_) {
      last_ = page.offset;
    } else if (seen_again_.size() < kMax) {
      seen_again_.try_emplace(page.offset, page.size, page.flags);
    }
  }

 private:
  uint64_t last_ = 0;
  std::unordered_map<uint64_t, std::pair<uint32_t, uint32_t>> seen_again_;  // size, flags
};

// What a walk over all pages carries along.
struct PageCheck {
  VerifyReport& report;
  std::vector<std::byte> page;
  CheckedPages good;
  // The result of next_data(asked) for the descriptors: a hole from `asked` on, then data.
  uint64_t asked = 1;
  ByteExtent data = {};
};

}  // namespace

struct KdumpReader::State {
  std::unique_ptr<ByteSource> file;
  DumpInfo info;
  kdump::Header header{};
  kdump::SubHeader sub{};
  uint64_t descriptors_offset = 0;
  uint64_t stored_in_file = 0;  // descriptors in this file
  uint64_t first_rank = 0;      // split: stored pages before start_pfn have no descriptor here
  std::optional<KdumpBitmaps> bitmaps;
  std::optional<BlockCache> descriptors, data;
  PageDecompressor decompressor;
  std::vector<std::byte> packed;  // as large as a page

  // Decompressed pages, the most recently used first.
  using CacheList = std::list<std::pair<uint64_t, std::vector<std::byte>>>;
  CacheList cache;
  size_t cached_pages = 0;  // at most
  std::unordered_map<uint64_t, CacheList::iterator> cached;

  Result<> read_headers();
  Result<> read_notes();
  Result<> read_bitmaps();
  Result<> place_descriptors();
  void check_data_start();
  void check_data_end();
  // Where page data begin: right behind the descriptors.
  [[nodiscard]] uint64_t data_offset() const {
    return descriptors_offset + stored_in_file * sizeof(kdump::PageDescriptor);
  }
  // The page frames whose descriptors are in this file, as far as they are stored.
  [[nodiscard]] PfnRange own_pages() const {
    return info.split ? PfnRange{info.start_pfn, std::min(info.end_pfn, info.max_pfn)}
                      : PfnRange{0, info.max_pfn};
  }
  Result<kdump::PageDescriptor> descriptor(uint64_t pfn);
  Result<kdump::PageDescriptor> descriptor_at(uint64_t index);
  Result<kdump::PageDescriptor> descriptor_at(uint64_t index, uint64_t pfn);
  Result<> check_descriptor(const kdump::PageDescriptor& found, uint64_t pfn) const;
  Result<> decompress(const kdump::PageDescriptor& descriptor, MutableByteSpan page);
  std::optional<ByteSpan> cached_page(uint64_t pfn);
  Result<ByteSpan> page(uint64_t pfn);
  Result<> whole_page(uint64_t pfn, MutableByteSpan out);
  void verify_block(const KdumpBitmaps::Block& block, PageCheck& check);
  void verify_run(PfnRange run, uint64_t index, PageCheck& check);
  void verify_page(uint64_t index, uint64_t pfn, PageCheck& check);
};

Result<> KdumpReader::State::read_headers() {
  const std::string& name = file->name();
  if (file->size() < sizeof(header))
    return fail(ErrorCode::truncated, "{} is cut off: {} bytes, no whole KDUMP header", name, file->size());
  TRY_VOID(file->read(0, std::as_writable_bytes(std::span(&header, 1))));
  if (header.signature != kdump::kSignature)
    return fail(ErrorCode::unsupported, "{} is not a KDUMP file", name);
  if (header.version < 1 || header.version > kdump::kVersion)
    return fail(ErrorCode::unsupported, "{}: KDUMP version {}; 1 to {} are supported", name, header.version,
                kdump::kVersion);
  const auto text = [this](size_t index) {
    return std::string(text_until_nul(std::as_bytes(std::span(header.uts[index]))));
  };
  info.uts = {text(0), text(1), text(2), text(3), text(4), text(5)};
  info.machine = info.uts.machine;
  if (is_32_bit_machine(info.machine))
    return fail(ErrorCode::unsupported, "{} is of a 32-bit machine ({}); only 64-bit machines are supported",
                name, info.machine);
  info.page_size = TRY(page_size_of_kdump(header.block_size, name));
  const uint64_t block = info.page_size.bytes();
  if (header.sub_header_blocks < 1 ||
      static_cast<uint64_t>(header.sub_header_blocks) > kMaxSubHeaderBytes / block)
    return fail(ErrorCode::corrupt, "{}: the sub header has a wrong size: {} blocks, allowed are 1 to {}",
                name, header.sub_header_blocks, kMaxSubHeaderBytes / block);
  TRY_VOID(file->read(block, std::as_writable_bytes(std::span(&sub, 1))));
  packed.resize(block);
  cached_pages = std::min<uint64_t>(kMaxCachedPages, kMaxCachedBytes / block);

  info.format = DumpFormat::kdump;
  info.flattened = file->flattened();
  info.incomplete = (header.status & kdump::kStatusIncomplete) != 0 || !file->complete();
  info.dump_level = sub.dump_level;
  info.mem_map_left_out = (header.status & kdump::kStatusExcludedVmemmap) != 0;
  info.compression = default_codec(header.status);
  // QEMU writes 0 for an unknown value.
  if (header.timestamp_seconds != 0) info.timestamp = header.timestamp_seconds;
  info.max_pfn = header.version >= 6 ? sub.max_mapnr_64 : header.max_mapnr;
  info.split = header.version >= 2 && sub.split != 0;
  info.start_pfn = header.version >= 6 ? sub.start_pfn_64 : sub.start_pfn;
  info.end_pfn = header.version >= 6 ? sub.end_pfn_64 : sub.end_pfn;
  info.cpus = std::clamp(header.cpus, 0, kMaxCpus);
  return {};
}

Result<> KdumpReader::State::read_notes() {
  const auto read = [this](uint64_t offset, uint64_t size, uint64_t limit,
                           const char* what) -> Result<std::vector<std::byte>> {
    if (size > limit)
      return fail(ErrorCode::corrupt, "{}: the {} are too large: {} bytes, at most {}", file->name(), what,
                  size, limit);
    return read_bytes(*file, offset, size, what);
  };
  if (header.version >= 4 && sub.size_note > 0) {
    info.notes = TRY(read(sub.offset_note, sub.size_note, kMaxNoteBytes, "notes"));
    NotesSummary notes = summarize_notes(info.notes);
    info.vmcoreinfo = std::move(notes.vmcoreinfo);
    if (notes.cpus > 0) info.cpus = notes.cpus;
  }
  if (header.version >= 3 && sub.size_vmcoreinfo > 0) {
    const auto text =
        TRY(read(sub.offset_vmcoreinfo, sub.size_vmcoreinfo, kMaxVmcoreinfoBytes, "lines of VMCOREINFO"));
    info.vmcoreinfo = text_until_nul(text);
  }
  return check_page_size(info, file->name());
}

Result<> KdumpReader::State::read_bitmaps() {
  const std::string& name = file->name();
  const uint64_t block = info.page_size.bytes();
  const uint64_t bitmap_offset = (1 + static_cast<uint64_t>(header.sub_header_blocks)) * block;
  const uint64_t all_bytes = static_cast<uint64_t>(header.bitmap_blocks) * block;
  if (info.max_pfn == 0) return fail(ErrorCode::corrupt, "{} describes no memory", name);
  if (divide_up(info.max_pfn, 8) > all_bytes / 2) {
    return fail(ErrorCode::corrupt, "{}: {} page frames do not fit into bitmaps of {} blocks", name,
                info.max_pfn, header.bitmap_blocks);
  }
  descriptors_offset = bitmap_offset + all_bytes;
  if (descriptors_offset > file->size() || all_bytes > file->stored_size()) {
    return fail(ErrorCode::truncated, "{} ends at {}, before its page descriptors at {}", name, file->size(),
                descriptors_offset);
  }
  if (info.max_pfn > max_pages(info.page_size))
    return fail(ErrorCode::corrupt, "{}: {} page frames, more than any processor can address", name,
                info.max_pfn);
  // The last parts of a small dump have no page: makedumpfile writes [max_pfn, max_pfn) there.
  const bool empty_part = info.start_pfn == info.max_pfn && info.end_pfn == info.max_pfn;
  if (info.split && !empty_part && (info.start_pfn >= info.end_pfn || info.start_pfn >= info.max_pfn))
    return fail(ErrorCode::corrupt,
                "{} is marked as a part of a split dump, but cannot hold page frames {} to {} of {}", name,
                info.start_pfn, info.end_pfn, info.max_pfn);
  if (header.bitmap_blocks % 2 != 0)
    info.damage.push_back(fmt::format("two bitmaps of the same size in {} blocks", header.bitmap_blocks));
  bitmaps.emplace(TRY(KdumpBitmaps::scan(*file, {.first = bitmap_offset,
                                                 .second = bitmap_offset + all_bytes / 2,
                                                 .bytes = all_bytes / 2,
                                                 .max_pfn = info.max_pfn,
                                                 .page_size = info.page_size})));
  info.ram_pages = bitmaps->ram_pages();
  info.stored_pages = bitmaps->stored_pages();
  std::ranges::move(bitmaps->damage(), std::back_inserter(info.damage));
  return {};
}

Result<> KdumpReader::State::place_descriptors() {
  stored_in_file = info.stored_pages;
  if (info.split) {
    first_rank = TRY(bitmaps->rank(own_pages().first));
    stored_in_file = TRY(bitmaps->rank(own_pages().end)) - first_rank;
  }
  const uint64_t rest = file->size() - descriptors_offset;
  descriptors.emplace(*file, descriptors_offset, rest, kDescriptorBlock, kDescriptorBlocks);
  data.emplace(*file, 0, file->size(), kDataBlock, kDataBlocks);
  // Cut off within the descriptors: the pages before the cut can still be read.
  if (stored_in_file > rest / sizeof(kdump::PageDescriptor)) info.incomplete = true;
  check_data_start();
  check_data_end();
  return {};
}

// The data of the last pages are at the end of the file, but for those that share other pages' data, or came
// first (kdump-format.md): so of the last descriptors all are looked at.
void KdumpReader::State::check_data_end() {
  constexpr uint64_t kMaxLooks = 65536, kAtOnce = 1024;
  std::vector<kdump::PageDescriptor> some(kAtOnce);
  const uint64_t looks = std::min(stored_in_file, kMaxLooks);
  for (uint64_t index = stored_in_file - looks; index < stored_in_file; index += some.size()) {
    some.resize(std::min(kAtOnce, stored_in_file - index));
    // What cannot be read is reported where it is used; descriptors that are cut off were noted above.
    if (!file->read(descriptors_offset + index * sizeof some[0], std::as_writable_bytes(std::span(some))))
      return;
    info.cut_off = std::ranges::any_of(some, [this](const kdump::PageDescriptor& each) {
      return each.offset > file->size() || each.size > file->size() - each.offset;
    });
    if (info.cut_off) return;
  }
}

// Every writer puts the page data right behind the descriptors, and in the order of page frames; the shared
// zero page first, which no descriptor need point at. So the first descriptor shows how many there are. If
// the second bitmap has more bits or fewer, each page behind the wrong bit gets another's descriptor.
// A part of a split dump has the bitmaps of all parts, and makedumpfile leaves room for all their
// descriptors. Not found: a bit that moved within RAM, since a descriptor does not contain its page frame; a
// bit of the first bitmap that was set.
void KdumpReader::State::check_data_start() {
  // Pages that could not be read have none, and may come first.
  constexpr uint64_t kMaxLooks = 65536;
  for (uint64_t index = 0; index < std::min(stored_in_file, kMaxLooks); ++index) {
    const auto found = descriptor_at(index);
    if (!found) {
      if (found.error().code != ErrorCode::truncated)
        info.damage.push_back(fmt::format("the page descriptors cannot be read: {}", found.error().reason()));
      return;
    }
    if (found->offset == 0) continue;
    const auto fits = [&](uint64_t expected) {
      return found->offset == expected || found->offset == expected + info.page_size.bytes();
    };
    const uint64_t expected = descriptors_offset + info.stored_pages * sizeof(kdump::PageDescriptor);
    if (!fits(expected) && !fits(data_offset())) {
      info.damage.push_back(
          fmt::format("the second bitmap counts descriptors up to offset {:#x}, but the page data "
                      "begin at {:#x}: pages may show the contents of others",
                      expected, found->offset));
    }
    return;
  }
}

Result<kdump::PageDescriptor> KdumpReader::State::descriptor(uint64_t pfn) {
  switch (TRY(bitmaps->state(pfn))) {
    case PageState::absent:
      return fail(ErrorCode::not_present, "there is no page {:#x}", pfn);
    case PageState::excluded:
      return fail(ErrorCode::excluded, "page {:#x} was left out when the dump was made", pfn);
    case PageState::stored:
      break;
  }
  if (pfn < own_pages().first || pfn >= own_pages().end)
    return fail(ErrorCode::lost, "page {:#x} is in another part of the split dump", pfn);
  const auto found = TRY(descriptor_at(TRY(bitmaps->rank(pfn)) - first_rank, pfn));
  TRY_VOID(check_descriptor(found, pfn));
  return found;
}

// As it stands in the file.
Result<kdump::PageDescriptor> KdumpReader::State::descriptor_at(uint64_t index) {
  kdump::PageDescriptor found;
  std::array<std::byte, sizeof found> scratch;
  const ByteSpan bytes = TRY(descriptors->bytes(index * sizeof found, scratch));
  std::memcpy(&found, bytes.data(), sizeof found);
  return found;
}

// The same of that page.
Result<kdump::PageDescriptor> KdumpReader::State::descriptor_at(uint64_t index, uint64_t pfn) {
  auto found = descriptor_at(index);
  if (found) return found;
  if (found.error().code == ErrorCode::truncated)
    return fail(ErrorCode::lost, "the file ends before the descriptor of page {:#x}", pfn);
  return std::unexpected(std::move(found).error().context(fmt::format("the descriptor of page {:#x}", pfn)));
}

Result<> KdumpReader::State::check_descriptor(const kdump::PageDescriptor& found, uint64_t pfn) const {
  if (found.offset == 0) return fail(ErrorCode::lost, "page {:#x} was never written", pfn);
  if (!codec_of(found.flags))
    return fail(ErrorCode::corrupt, "page {:#x}: unknown compression flags {:#x}", pfn, found.flags);
  const uint64_t page = info.page_size.bytes();
  if (found.size == 0 || found.size > page || (found.flags == 0 && found.size != page))
    return fail(ErrorCode::corrupt, "page {:#x}: {} bytes with flags {:#x}", pfn, found.size, found.flags);
  // Where a bitmap is damaged, the number of descriptors is unknown.
  if (found.offset < (info.damage.empty() ? data_offset() : descriptors_offset))
    return fail(ErrorCode::corrupt, "page {:#x}: data offset {:#x} points into the headers or descriptors",
                pfn, found.offset);
  if (found.offset > file->size() || found.size > file->size() - found.offset)
    return fail(ErrorCode::lost, "the file ends before the data of page {:#x}", pfn);
  return {};
}

Result<> KdumpReader::State::decompress(const kdump::PageDescriptor& descriptor, MutableByteSpan page) {
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
  if (cache.size() >= cached_pages) {
    cached.erase(cache.back().first);
    cache.splice(cache.begin(), cache, std::prev(cache.end()));
  } else {
    cache.emplace_front();
  }
  cache.front().first = pfn;
  cache.front().second.resize(info.page_size.bytes());
  if (auto decompressed = decompress(place, cache.front().second); !decompressed) {
    cache.pop_front();
    return std::unexpected(std::move(decompressed).error().context(fmt::format("page {:#x}", pfn)));
  }
  cached[pfn] = cache.begin();
  return ByteSpan(cache.front().second);
}

// Without the cache: a caller that reads whole pages reads many, each once.
Result<> KdumpReader::State::whole_page(uint64_t pfn, MutableByteSpan out) {
  if (const auto known = cached_page(pfn)) {
    std::memcpy(out.data(), known->data(), out.size());
    return {};
  }
  const auto place = TRY(descriptor(pfn));
  if (auto decompressed = decompress(place, out); !decompressed)
    return std::unexpected(std::move(decompressed).error().context(fmt::format("page {:#x}", pfn)));
  return {};
}

void KdumpReader::State::verify_block(const KdumpBitmaps::Block& block, PageCheck& check) {
  const uint64_t start = block.index * KdumpBitmaps::kBlockPages;
  const uint64_t end = std::min(start + KdumpBitmaps::kBlockPages, own_pages().end);
  uint64_t at = std::max(start, own_pages().first);
  while (at < end) {
    const auto run = bitmaps->next_stored(at, end);
    const auto rank = run && *run ? bitmaps->rank((*run)->first) : Result<uint64_t>(0);
    if (!run || !rank) {
      // As many as when the dump was opened; at the border of a part of a split dump fewer.
      const uint64_t pages = std::min(bitmaps->pages_of(block), end - at);
      check.report.pages_checked += pages;
      check.report.damaged(pages, [&] { return (run ? rank.error() : run.error()).to_string(); });
      return;
    }
    if (!*run) return;
    verify_run(**run, *rank - first_rank, check);
    at = (*run)->end;
  }
}

// Descriptors beyond the file and in its holes are counted at once: headers may claim any number of them.
void KdumpReader::State::verify_run(PfnRange run, uint64_t index, PageCheck& check) {
  constexpr uint64_t kSize = sizeof(kdump::PageDescriptor);
  for (uint64_t at = run.first; at < run.end;) {
    const uint64_t offset = descriptors_offset + index * kSize;
    if (offset < check.asked || offset >= check.data.end) {
      check.asked = offset;
      check.data = file->next_data(offset);
    }
    const bool beyond = offset + kSize > file->size();
    const uint64_t hole = check.data.start > offset ? (check.data.start - offset) / kSize : 0;
    uint64_t pages = run.end - at;
    if (beyond || hole > 0) {
      if (!beyond) pages = std::min(pages, hole);
      check.report.pages_checked += pages;
      check.report.lost(pages, [&] {
        return fmt::format("pages {:#x} to {:#x} {}", at, at + pages - 1,
                           beyond ? "have descriptors beyond the end of the file" : "were never written");
      });
    } else {
      pages = std::min(pages, std::max<uint64_t>((check.data.end - offset) / kSize, 1));
      for (uint64_t page = 0; page < pages; ++page) verify_page(index + page, at + page, check);
    }
    at += pages;
    index += pages;
  }
}

void KdumpReader::State::verify_page(uint64_t index, uint64_t pfn, PageCheck& check) {
  VerifyReport& report = check.report;
  ++report.pages_checked;
  const auto found = descriptor_at(index, pfn);
  if (!found) return report.failed(found.error());
  const auto checked = [&] { return check_descriptor(*found, pfn); };
  if (found->offset == 0) return report.lost(1, [&checked] { return checked().error().to_string(); });
  if (const auto valid = checked(); !valid) return report.failed(valid.error());
  if (check.good.contains(*found)) return;
  if (auto decompressed = decompress(*found, check.page); !decompressed) {
    report.failed(std::move(decompressed).error().context(fmt::format("page {:#x}", pfn)));
  } else {
    check.good.add(*found);
  }
}

KdumpReader::KdumpReader(std::unique_ptr<State> state) : state_(std::move(state)) {}
KdumpReader::~KdumpReader() = default;

Result<std::unique_ptr<KdumpReader>> KdumpReader::open(std::unique_ptr<ByteSource> file) {
  auto state = std::make_unique<State>();
  state->file = std::move(file);
  TRY_VOID(state->read_headers());
  TRY_VOID(state->read_notes());
  TRY_VOID(state->read_bitmaps());
  TRY_VOID(state->place_descriptors());
  return std::unique_ptr<KdumpReader>(new KdumpReader(std::move(state)));
}

const DumpInfo& KdumpReader::info() const {
  return state_->info;
}
const std::vector<PhysicalRange>& KdumpReader::ram() const {
  return state_->bitmaps->ram();
}
uint64_t KdumpReader::data_offset() const {
  return state_->data_offset();
}
Result<PageState> KdumpReader::page_state(uint64_t pfn) const {
  return state_->bitmaps->state(pfn);
}
Result<std::optional<PfnRange>> KdumpReader::next_stored(uint64_t pfn, uint64_t end) const {
  return state_->bitmaps->next_stored(pfn, end);
}

void KdumpReader::verify(VerifyReport& report, Progress& progress) {
  const PageSize page = page_size();
  PageCheck check{.report = report, .page = std::vector<std::byte>(page.bytes())};
  const uint64_t end = page.address(state_->info.max_pfn);
  for (const auto& block : state_->bitmaps->blocks()) {
    progress.update(page.address(block.index * KdumpBitmaps::kBlockPages), end);
    state_->verify_block(block, check);
  }
  progress.update(end, end);
}

Result<kdump::PageDescriptor> KdumpReader::descriptor(uint64_t pfn) const {
  return state_->descriptor(pfn);
}

Result<> KdumpReader::decompress(const kdump::PageDescriptor& descriptor, MutableByteSpan page) {
  if (descriptor.size > page_size().bytes())
    return fail(ErrorCode::corrupt, "the data of a page are too large: {} bytes, at most {}", descriptor.size,
                page_size().bytes());
  return state_->decompress(descriptor, page);
}

Result<> KdumpReader::read(uint64_t physical_address, MutableByteSpan out) {
  const PageSize page_size = state_->info.page_size;
  while (!out.empty()) {
    const uint64_t within = page_size.within(physical_address);
    const size_t count = std::min<uint64_t>(out.size(), page_size.bytes() - within);
    const uint64_t pfn = page_size.frame(physical_address);
    if (count == page_size.bytes()) {
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
