// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/engine/pipeline.h"

#include <cstring>

#include "src/dump/kdump_format.h"

namespace lifeboat {
namespace {

bool is_zero(ByteSpan page) {
  // A page is zero when its first word is, and it equals itself moved by one word.
  uint64_t first;
  std::memcpy(&first, page.data(), sizeof first);
  return first == 0 && std::memcmp(page.data(), page.data() + sizeof first, page.size() - sizeof first) == 0;
}

}  // namespace

uint64_t read_batch(PhysicalMemory& source, PageBatch& batch, std::string& first_error) {
  uint64_t lost = 0;
  const PageSize page_size = batch.page_size;
  const auto read = [&](size_t index, size_t count) {
    const MutableByteSpan out =
        MutableByteSpan(batch.raw).subspan(page_size.bytes(index), page_size.bytes(count));
    return source.read(page_size.address(batch.pages[index].pfn), out);
  };
  size_t begin = 0;
  while (begin < batch.pages.size()) {
    size_t end = begin + 1;
    while (end < batch.pages.size() && batch.pages[end].pfn == batch.pages[end - 1].pfn + 1) ++end;
    if (!read(begin, end - begin)) {
      // One unreadable page must not lose its neighbours.
      for (size_t index = begin; index < end; ++index) {
        const auto single = read(index, 1);
        if (single) continue;
        batch.pages[index].kind = PageBatch::Kind::lost;
        ++lost;
        if (first_error.empty()) first_error = single.error().to_string();
      }
    }
    begin = end;
  }
  return lost;
}

Result<> compress_batch(PageBatch& batch, PageCompressor* compressor) {
  uint32_t used = 0;
  for (size_t index = 0; index < batch.pages.size(); ++index) {
    auto& page = batch.pages[index];
    if (page.kind == PageBatch::Kind::lost) continue;
    if (is_zero(batch.raw_page(index))) {
      page.kind = PageBatch::Kind::zero;
      continue;
    }
    if (compressor == nullptr) continue;
    const ByteSpan packed = TRY(compressor->compress(batch.raw_page(index)));
    if (packed.empty()) continue;
    std::memcpy(batch.packed.data() + used, packed.data(), packed.size());
    page.packed_offset = used;
    page.packed_size = static_cast<uint32_t>(packed.size());
    used += page.packed_size;
  }
  return {};
}

Result<> write_batch(const PageBatch& batch, uint32_t flags, KdumpWriter& writer) {
  for (size_t index = 0; index < batch.pages.size(); ++index) {
    const auto& page = batch.pages[index];
    switch (page.kind) {
      case PageBatch::Kind::zero:
        TRY_VOID(writer.add_zero_page());
        break;
      case PageBatch::Kind::lost:
        TRY_VOID(writer.add_lost_page());
        break;
      case PageBatch::Kind::data:
        if (page.packed_size == 0) {
          TRY_VOID(writer.add_page(batch.raw_page(index), 0));
        } else {
          TRY_VOID(
              writer.add_page(ByteSpan(batch.packed).subspan(page.packed_offset, page.packed_size), flags));
        }
        break;
    }
  }
  return {};
}

}  // namespace lifeboat
