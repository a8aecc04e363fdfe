// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/support/dump_surgeon.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "src/base/file.h"
#include "tests/support/pages.h"
#include "tests/support/usual_page_size.h"

namespace lifeboat::test {

DumpSurgeon::DumpSurgeon(const std::string& path) {
  auto read = read_file(path, uint64_t{1} << 30);
  if (!read) throw std::runtime_error(read.error().to_string());
  bytes_ = *std::move(read);
  if (bytes_.size() < 2 * kPageSize) throw std::runtime_error(path + " is too short");
  std::memcpy(&header_, bytes_.data(), sizeof header_);
  if (header_.signature != kdump::kSignature) throw std::runtime_error(path + " is not a KDUMP file");
  bitmaps_ = (1 + static_cast<uint64_t>(header_.sub_header_blocks)) * kPageSize;
  second_bitmap_ = bitmaps_ + uint64_t{header_.bitmap_blocks} / 2 * kPageSize;
  descriptors_ = bitmaps_ + uint64_t{header_.bitmap_blocks} * kPageSize;
  uint64_t next = descriptors_;
  for (uint64_t pfn = 0; pfn < (descriptors_ - second_bitmap_) * 8; ++pfn) {
    if ((std::to_integer<unsigned>(bytes_.at(second_bitmap_ + pfn / 8)) >> pfn % 8 & 1) == 0) continue;
    kdump::PageDescriptor descriptor;
    if (next + sizeof descriptor > bytes_.size()) throw std::runtime_error(path + " is cut off");
    std::memcpy(&descriptor, bytes_.data() + next, sizeof descriptor);
    pages_.emplace(pfn, descriptor);
    next += sizeof descriptor;
  }
  data_ = next;
}

std::vector<uint64_t> DumpSurgeon::pages() const {
  std::vector<uint64_t> all;
  for (const auto& [pfn, descriptor] : pages_) all.push_back(pfn);
  return all;
}

uint64_t DumpSurgeon::end_of(uint64_t pfn) const {
  const auto found = pages_.find(pfn);
  return found == pages_.end() ? 0 : found->second.offset + found->second.size;
}

void DumpSurgeon::lose(uint64_t pfn) {
  if (has(pfn)) pages_[pfn] = {};
}

void DumpSurgeon::damage(uint64_t pfn) {
  if (has(pfn)) pages_[pfn].size = 3;
}

void DumpSurgeon::replace(uint64_t pfn, ByteSpan page) {
  if (!has(pfn)) return;
  pages_[pfn] = {bytes_.size(), static_cast<uint32_t>(page.size()), 0, 0};
  append(bytes_, page);
}

void DumpSurgeon::overwrite(uint64_t offset, ByteSpan bytes) {
  std::ranges::copy(bytes, bytes_.begin() + static_cast<std::ptrdiff_t>(offset));
}

void DumpSurgeon::write(const std::string& path, uint64_t length) const {
  std::vector<std::byte> out = bytes_;
  std::memcpy(out.data(), &header_, sizeof header_);
  std::fill(out.begin() + static_cast<std::ptrdiff_t>(second_bitmap_),
            out.begin() + static_cast<std::ptrdiff_t>(descriptors_), std::byte{0});
  uint64_t next = descriptors_;
  // Every writer puts the data right behind the descriptors: they move up by those that are gone.
  const uint64_t moved = data_ - (descriptors_ + pages_.size() * sizeof(kdump::PageDescriptor));
  for (auto [pfn, descriptor] : pages_) {
    out[second_bitmap_ + pfn / 8] |= std::byte{1} << pfn % 8;
    if (descriptor.offset >= data_) descriptor.offset -= moved;
    std::memcpy(out.data() + next, &descriptor, sizeof descriptor);
    next += sizeof descriptor;
  }
  out.erase(out.begin() + static_cast<std::ptrdiff_t>(next),
            out.begin() + static_cast<std::ptrdiff_t>(data_));
  const auto written =
      write_file_atomically(path, ByteSpan(out).first(std::min<uint64_t>(length, out.size())), 0600);
  if (!written) throw std::runtime_error(written.error().to_string());
}

}  // namespace lifeboat::test
