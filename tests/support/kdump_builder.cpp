// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/support/kdump_builder.h"

#include <elf.h>

#include <algorithm>
#include <limits>

#include "src/dump/codec.h"
#include "tests/support/elf_builder.h"
#include "tests/support/pages.h"

namespace lifeboat::test {
namespace {

void set_bit(std::vector<std::byte>& bits, uint64_t bit) {
  bits.at(bit / 8) |= static_cast<std::byte>(1u << bit % 8);
}

void put(std::vector<std::byte>& file, uint64_t offset, ByteSpan bytes) {
  if (file.size() < offset + bytes.size()) file.resize(offset + bytes.size());
  std::ranges::copy(bytes, file.begin() + static_cast<ptrdiff_t>(offset));
}

}  // namespace

uint32_t codec_flag(Compression compression) {
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

KdumpBuilder& KdumpBuilder::ram(uint64_t first_pfn, uint64_t count) {
  for (uint64_t pfn = first_pfn; pfn < first_pfn + count; ++pfn) ram_.insert(pfn);
  return *this;
}

KdumpBuilder& KdumpBuilder::page(uint64_t pfn, ByteSpan contents, Compression compression) {
  if (compression == Compression::none) return stored_as(pfn, contents, 0);
  const auto compressor = PageCompressor::create(compression).value();
  const ByteSpan packed = compressor->compress(contents).value();
  return packed.empty() ? stored_as(pfn, contents, 0) : stored_as(pfn, packed, codec_flag(compression));
}

KdumpBuilder& KdumpBuilder::stored_as(uint64_t pfn, ByteSpan data, uint32_t flags) {
  pages_[pfn] = {.data = to_bytes(data), .flags = flags};
  return ram(pfn);
}

KdumpBuilder& KdumpBuilder::zero_page(uint64_t pfn) {
  pages_[pfn] = {.zero = true};
  return ram(pfn);
}

KdumpBuilder& KdumpBuilder::lost_page(uint64_t pfn) {
  pages_[pfn] = {.lost = true};
  return ram(pfn);
}

KdumpBuilder& KdumpBuilder::raw_notes(ByteSpan notes) {
  append(notes_, notes);
  return *this;
}

KdumpBuilder& KdumpBuilder::vmcoreinfo(std::string_view text) {
  const auto note = elf_note("VMCOREINFO", 0, as_byte_span(text));
  vmcoreinfo_offset_ = notes_.size() + note.size() - align_up(text.size(), 4);
  vmcoreinfo_size_ = text.size();
  return raw_notes(note);
}

KdumpBuilder& KdumpBuilder::cpu() {
  return raw_notes(elf_note("CORE", NT_PRSTATUS, std::vector<std::byte>(336)));
}

KdumpBuilder& KdumpBuilder::machine(std::string_view name) {
  return patch_header([name = std::string(name)](kdump::Header& header) {
    header.uts[4] = {};
    std::ranges::copy(name, header.uts[4].begin());
  });
}

KdumpBuilder& KdumpBuilder::patch_header(std::function<void(kdump::Header&)> patch) {
  header_patches_.push_back(std::move(patch));
  return *this;
}

KdumpBuilder& KdumpBuilder::patch_sub_header(std::function<void(kdump::SubHeader&)> patch) {
  sub_header_patches_.push_back(std::move(patch));
  return *this;
}

KdumpBuilder& KdumpBuilder::patch_descriptor(uint64_t pfn,
                                             std::function<void(kdump::PageDescriptor&)> patch) {
  descriptor_patches_.emplace(pfn, std::move(patch));
  return *this;
}

KdumpBuilder::Layout KdumpBuilder::layout() const {
  const uint64_t bitmap = align_up(divide_up(max_pfn_, 8), page_size_.bytes());
  Layout layout;
  layout.first_bitmap =
      page_size_.bytes() + align_up(sizeof(kdump::SubHeader) + notes_.size(), page_size_.bytes());
  layout.second_bitmap = layout.first_bitmap + bitmap;
  layout.descriptors = layout.second_bitmap + bitmap;
  layout.data = layout.descriptors + pages_.size() * sizeof(kdump::PageDescriptor);
  layout.end = layout.data;
  const bool any_zero = std::ranges::any_of(pages_, [](const auto& entry) { return entry.second.zero; });
  if (any_zero) layout.end += page_size_.bytes();
  for (const auto& [pfn, page] : pages_) layout.end += page.data.size();
  return layout;
}

kdump::Header KdumpBuilder::header() const {
  const Layout at = layout();
  kdump::Header header{};
  header.signature = kdump::kSignature;
  header.version = kdump::kVersion;
  const std::string_view uts[] = {"Linux", "testhost", "6.1.0-test", "#1 SMP", "x86_64", "(none)"};
  for (size_t index = 0; index < std::size(uts); ++index)
    std::ranges::copy(uts[index], header.uts[index].begin());
  header.timestamp_seconds = 1795423348;
  header.status = kdump::kStatusZlib;
  header.block_size = static_cast<int32_t>(page_size_.bytes());
  header.sub_header_blocks = static_cast<int32_t>(at.first_bitmap / page_size_.bytes() - 1);
  header.bitmap_blocks = static_cast<uint32_t>((at.descriptors - at.first_bitmap) / page_size_.bytes());
  header.max_mapnr =
      static_cast<uint32_t>(std::min<uint64_t>(max_pfn_, std::numeric_limits<uint32_t>::max()));
  header.cpus = 1;
  return header;
}

kdump::SubHeader KdumpBuilder::sub_header() const {
  kdump::SubHeader sub{};
  sub.dump_level = 31;
  sub.max_mapnr_64 = max_pfn_;
  const uint64_t notes_offset = page_size_.bytes() + sizeof sub;
  if (!notes_.empty()) {
    sub.offset_note = notes_offset;
    sub.size_note = notes_.size();
  }
  if (vmcoreinfo_size_ > 0) {
    sub.offset_vmcoreinfo = notes_offset + vmcoreinfo_offset_;
    sub.size_vmcoreinfo = vmcoreinfo_size_;
  }
  return sub;
}

void KdumpBuilder::lay_pages(std::vector<kdump::PageDescriptor>& descriptors,
                             std::vector<std::byte>& data) const {
  const uint64_t begin = layout().data;
  const bool any_zero = std::ranges::any_of(pages_, [](const auto& entry) { return entry.second.zero; });
  if (any_zero) data.resize(page_size_.bytes());
  for (const auto& [pfn, page] : pages_) {
    kdump::PageDescriptor descriptor{};
    if (page.zero) {
      descriptor = {begin, static_cast<uint32_t>(page_size_.bytes()), 0, 0};
    } else if (!page.lost) {
      descriptor = {begin + data.size(), static_cast<uint32_t>(page.data.size()), page.flags, 0};
      append(data, page.data);
    }
    const auto [first, last] = descriptor_patches_.equal_range(pfn);
    for (auto patch = first; patch != last; ++patch) patch->second(descriptor);
    descriptors.push_back(descriptor);
  }
}

std::vector<std::byte> KdumpBuilder::build() const {
  const Layout at = layout();
  kdump::Header file_header = header();
  kdump::SubHeader sub = sub_header();
  for (const auto& patch : header_patches_) patch(file_header);
  for (const auto& patch : sub_header_patches_) patch(sub);
  std::vector<std::byte> ram_bits(at.second_bitmap - at.first_bitmap), stored_bits(ram_bits.size());
  for (const uint64_t pfn : ram_) set_bit(ram_bits, pfn);
  for (const auto& [pfn, page] : pages_) set_bit(stored_bits, pfn);
  std::vector<kdump::PageDescriptor> descriptors;
  std::vector<std::byte> data;
  lay_pages(descriptors, data);

  std::vector<std::byte> file(at.end);
  put(file, 0, object_bytes(file_header));
  put(file, page_size_.bytes(), object_bytes(sub));
  put(file, page_size_.bytes() + sizeof sub, notes_);
  put(file, at.first_bitmap, ram_bits);
  put(file, at.second_bitmap, stored_bits);
  put(file, at.descriptors, std::as_bytes(std::span(descriptors)));
  put(file, at.data, data);
  return file;
}

}  // namespace lifeboat::test
