// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/dump/kdump_writer.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "src/base/file.h"
#include "src/base/size.h"
#include "src/base/sys.h"
#include "src/dump/limits.h"

namespace lifeboat {
namespace {

constexpr size_t kDataBuffer = size_t{1} << 20;
// Not worth to be copied into the buffer first.
constexpr size_t kDirectWrite = 128_KiB;
constexpr size_t kDescriptorBuffer = 4_KiB;

void set_uts(kdump::Header& header, const Utsname& uts) {
  const std::string* const fields[] = {&uts.sysname, &uts.nodename, &uts.release,
                                       &uts.version, &uts.machine,  &uts.domainname};
  for (size_t index = 0; index < std::size(fields); ++index) {
    auto& field = header.uts[index];
    std::memcpy(field.data(), fields[index]->data(), std::min(fields[index]->size(), field.size() - 1));
  }
}

kdump::Header make_header(const KdumpWriterOptions& options) {
  kdump::Header header{};
  header.signature = kdump::kSignature;
  header.version = kdump::kVersion;
  set_uts(header, options.uts);
  header.timestamp_seconds = options.timestamp_seconds;
  header.status = kdump_codec_flag(options.compression) | kdump::kStatusIncomplete;
  if (options.mem_map_left_out) header.status |= kdump::kStatusExcludedVmemmap;
  header.block_size = static_cast<int32_t>(options.page_size.bytes());
  header.sub_header_blocks =
      static_cast<int32_t>(options.page_size.pages(sizeof(kdump::SubHeader) + options.notes.size()));
  header.max_mapnr =
      static_cast<uint32_t>(std::min<uint64_t>(options.max_pfn, std::numeric_limits<uint32_t>::max()));
  header.cpus = options.cpus;
  return header;
}

kdump::SubHeader make_sub_header(const KdumpWriterOptions& options) {
  kdump::SubHeader sub{};
  sub.phys_base = options.phys_base;
  sub.dump_level = options.dump_level;
  sub.max_mapnr_64 = options.max_pfn;
  if (!options.notes.empty()) {
    sub.offset_note = options.page_size.bytes() + sizeof sub;
    sub.size_note = options.notes.size();
  }
  if (options.vmcoreinfo_size > 0) {
    sub.offset_vmcoreinfo = sub.offset_note + options.vmcoreinfo_offset;
    sub.size_vmcoreinfo = options.vmcoreinfo_size;
  }
  return sub;
}

}  // namespace

uint32_t kdump_codec_flag(Compression compression) {
  switch (compression) {
    case Compression::none:
      return 0;
    case Compression::zlib:
      return kdump::kStatusZlib;
    case Compression::lzo:
      return kdump::kStatusLzo;
    case Compression::snappy:
      return kdump::kStatusSnappy;
    case Compression::zstd:
      return kdump::kStatusZstd;
  }
  return 0;
}

Result<KdumpWriter> KdumpWriter::create(int fd, std::string name, const KdumpWriterOptions& options) {
  if (options.notes.size() > kMaxNoteBytes)
    return fail(ErrorCode::unsupported, "{}: the notes are too large for the format: {} bytes", name,
                options.notes.size());
  KdumpWriter writer(fd, std::move(name));
  writer.make_space_ = options.make_space;
  writer.source_incomplete_ = options.source_incomplete;
  writer.header_ = make_header(options);
  writer.max_pfn_ = options.max_pfn;
  writer.page_size_ = options.page_size;
  const uint64_t block = options.page_size.bytes();
  const uint64_t bitmap_blocks = options.page_size.pages(divide_up(options.max_pfn, 8));
  if (2 * bitmap_blocks > std::numeric_limits<uint32_t>::max())
    return fail(ErrorCode::unsupported, "{}: {} pages are too many for the format", writer.name_,
                options.max_pfn);
  writer.header_.bitmap_blocks = static_cast<uint32_t>(2 * bitmap_blocks);
  writer.bitmap_bytes_ = bitmap_blocks * block;
  writer.bitmap_offset_ = (1 + static_cast<uint64_t>(writer.header_.sub_header_blocks)) * block;
  writer.descriptors_offset_ = writer.bitmap_offset_ + 2 * writer.bitmap_bytes_;

  // Readers need the bitmaps inside the file, even if the capture is cut off at this point.
  TRY_VOID(writer.resize(writer.descriptors_offset_));
  const kdump::SubHeader sub = make_sub_header(options);
  TRY_VOID(writer.write(0, object_bytes(writer.header_)));
  TRY_VOID(writer.write(block, object_bytes(sub)));
  TRY_VOID(writer.write(block + sizeof sub, options.notes));
  return writer;
}

Result<> KdumpWriter::with_space(const std::function<Result<>()>& attempt) const {
  for (;;) {
    auto done = attempt();
    if (done || done.error().code != ErrorCode::no_space || !make_space_ || !make_space_()) return done;
  }
}

Result<> KdumpWriter::write(uint64_t offset, ByteSpan bytes) {
  return with_space([&] { return pwrite_all(fd_, offset, bytes, name_); });
}

Result<> KdumpWriter::resize(uint64_t size) {
  return with_space([&]() -> Result<> {
    if (sys::ftruncate(fd_, static_cast<off_t>(size)) != 0)
      return fail_errno("cannot set the size of {}", name_);
    return {};
  });
}

Result<> KdumpWriter::set_compression(Compression compression) {
  for (const Compression codec :
       {Compression::zlib, Compression::lzo, Compression::snappy, Compression::zstd})
    header_.status &= ~kdump_codec_flag(codec);
  header_.status |= kdump_codec_flag(compression);
  return write(0, object_bytes(header_));
}

Result<> KdumpWriter::write_ram_bits(uint64_t first_pfn, ByteSpan bits) {
  return write(bitmap_offset_ + first_pfn / 8, bits);
}

Result<> KdumpWriter::write_stored_bits(uint64_t first_pfn, ByteSpan bits) {
  return write(bitmap_offset_ + bitmap_bytes_ + first_pfn / 8, bits);
}

Result<> KdumpWriter::read_stored_bits(uint64_t first_pfn, MutableByteSpan bits) const {
  return pread_exact(fd_, bitmap_offset_ + bitmap_bytes_ + first_pfn / 8, bits, name_);
}

Result<> KdumpWriter::begin_pages(uint64_t stored) {
  counts_.announced = stored;
  first_descriptor_ = descriptors_offset_;
  data_offset_ = descriptors_offset_ + stored * sizeof(kdump::PageDescriptor);
  // Descriptors not yet written read as zero, which means: lost.
  TRY_VOID(resize(data_offset_));
  descriptors_.reserve(kDescriptorBuffer);
  data_.reserve(kDataBuffer + kDirectWrite);
  zero_page_offset_ = data_offset_;
  return append_data(std::vector<std::byte>(page_size_.bytes()));
}

Result<> KdumpWriter::add_page(ByteSpan data, uint32_t flags) {
  const kdump::PageDescriptor descriptor{data_offset_, static_cast<uint32_t>(data.size()), flags, 0};
  TRY_VOID(append_data(data));
  return add_descriptor(descriptor);
}

kdump::PageDescriptor KdumpWriter::zero_page() const {
  return {zero_page_offset_, static_cast<uint32_t>(page_size_.bytes()), 0, 0};
}

Result<> KdumpWriter::add_zero_page() {
  return add_descriptor(zero_page());
}

Result<> KdumpWriter::put_descriptor(uint64_t rank, const kdump::PageDescriptor& descriptor) {
  if (rank >= counts_.announced)
    return fail(ErrorCode::corrupt, "{}: page {} of {} is to be written", name_, rank, counts_.announced);
  TRY_VOID(flush_data());
  return write(first_descriptor_ + rank * sizeof descriptor, object_bytes(descriptor));
}

Result<> KdumpWriter::add_lost_page() {
  ++counts_.lost;
  return add_descriptor({});
}

Result<> KdumpWriter::append_data(ByteSpan data) {
  if (data.size() >= kDirectWrite) {
    TRY_VOID(flush_data());
    TRY_VOID(write(data_offset_, data));
    data_offset_ += data.size();
    return {};
  }
  data_.insert(data_.end(), data.begin(), data.end());
  data_offset_ += data.size();
  return data_.size() >= kDataBuffer ? flush_data() : Result<>();
}

Result<> KdumpWriter::add_descriptor(const kdump::PageDescriptor& descriptor) {
  if (counts_.added == counts_.announced)
    return fail(ErrorCode::corrupt, "{}: more pages are to be written than the {} counted before", name_,
                counts_.announced);
  ++counts_.added;
  descriptors_.push_back(descriptor);
  return descriptors_.size() >= kDescriptorBuffer ? flush_descriptors() : Result<>();
}

Result<> KdumpWriter::flush_data() {
  if (data_.empty()) return {};
  TRY_VOID(write(data_offset_ - data_.size(), data_));
  data_.clear();
  return {};
}

Result<> KdumpWriter::flush_descriptors() {
  // Data first: a descriptor in the file never points at what is not there.
  TRY_VOID(flush_data());
  TRY_VOID(write(descriptors_offset_, std::as_bytes(std::span(descriptors_))));
  descriptors_offset_ += descriptors_.size() * sizeof(kdump::PageDescriptor);
  descriptors_.clear();
  return {};
}

void KdumpWriter::abandon() {
  make_space_ = {};  // delete no older crash for a dump that is abandoned
  // Without space for data, the descriptors whose data is not in the file read as lost; the others keep
  // their places.
  const uint64_t written = data_offset_ - data_.size();
  if (!flush_data()) {
    for (auto& descriptor : descriptors_) {
      if (descriptor.offset + descriptor.size > written) descriptor = {};
    }
  }
  // The dump is already abandoned; the file stays marked incomplete, whatever reaches the disk.
  ignore_result(pwrite_all(fd_, descriptors_offset_, std::as_bytes(std::span(descriptors_)), name_));
  [[maybe_unused]] const int unsynced = sys::fsync(fd_);
}

Result<DumpOutcome> KdumpWriter::finish() {
  TRY_VOID(flush_descriptors());
  TRY_VOID(flush_data());
  TRY_VOID(sync_file(fd_, name_));
  const auto& [announced, added, lost] = counts_;
  if (added != announced)
    return fail(ErrorCode::corrupt, "{}: only {} of the {} pages counted before were written", name_, added,
                announced);
  const DumpOutcome outcome = outcome_of(counts_);
  if (outcome == DumpOutcome::failed)
    return fail(ErrorCode::lost, "{}: {} of {} pages could not be read", name_, lost, announced);
  if (outcome == DumpOutcome::incomplete || source_incomplete_) return DumpOutcome::incomplete;
  TRY_VOID(clear_mark());
  return DumpOutcome::whole;
}

Result<> KdumpWriter::clear_mark() {
  header_.status &= ~static_cast<uint32_t>(kdump::kStatusIncomplete);
  auto cleared = write(0, object_bytes(header_));
  if (cleared) cleared = sync_file(fd_, name_);
  if (!cleared) {
    // It is unknown what reached the disk: the file must not be marked whole.
    header_.status |= kdump::kStatusIncomplete;
    // Nothing else can be tried, and the caller gets the original error.
    ignore_result(pwrite_all(fd_, 0, object_bytes(header_), name_));
    [[maybe_unused]] const int unsynced = sys::fsync(fd_);
  }
  return cleared;
}

}  // namespace lifeboat
