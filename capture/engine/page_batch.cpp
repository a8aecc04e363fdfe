// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/engine/page_batch.h"

#include <algorithm>
#include <chrono>
#include <cstring>

namespace lifeboat {
namespace {

using Kind = PageBatch::Kind;

// Adds the time of a scope.
class Stopwatch {
 public:
  explicit Stopwatch(uint64_t& total) : total_(total) {}
  ~Stopwatch() {
    const auto took = std::chrono::steady_clock::now() - begin_;
    total_ += static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(took).count());
  }
  Stopwatch(const Stopwatch&) = delete;
  Stopwatch& operator=(const Stopwatch&) = delete;

 private:
  uint64_t& total_;
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

// Whether a page frame holds these bytes. They are compared with the source, which is in memory, and not with
// the file.
bool holds(PhysicalMemory& source, PageSize page_size, uint64_t pfn, ByteSpan page, MutableByteSpan scratch) {
  return source.read(page_size.address(pfn), scratch) &&
         std::memcmp(scratch.data(), page.data(), page.size()) == 0;
}

}  // namespace

StageTimes& StageTimes::operator+=(const StageTimes& other) {
  read += other.read;
  compare += other.compare;
  compress += other.compress;
  write += other.write;
  return *this;
}

BatchStatistics& BatchStatistics::operator+=(const BatchStatistics& other) {
  zero_pages += other.zero_pages;
  lost_pages += other.lost_pages;
  shared_pages += other.shared_pages;
  if (first_error.empty()) first_error = other.first_error;
  times += other.times;
  return *this;
}

BatchPreparer::BatchPreparer(PhysicalMemory& source, std::unique_ptr<PageCompressor> compressor,
                             SharedPages& shared, PageSize page_size)
    : source_(source),
      compressor_(std::move(compressor)),
      shared_(shared),
      hash_(page_hash()),
      other_(page_size.bytes()),
      candidates_(page_size.frame(PageBatch::kBytes)) {}

Result<> BatchPreparer::prepare(PageBatch& batch) {
  read(batch);
  {
    const Stopwatch watch(statistics_.times.compare);
    find_zeros(batch);
    if (!shared_.empty()) find_copies(batch);
  }
  const Stopwatch watch(statistics_.times.compress);
  return compress(batch);
}

// Neighbours with one read.
void BatchPreparer::read(PageBatch& batch) {
  const Stopwatch watch(statistics_.times.read);
  const PageSize page_size = batch.page_size;
  const auto read_run = [&](size_t index, size_t count) {
    const MutableByteSpan out =
        MutableByteSpan(batch.raw).subspan(page_size.bytes(index), page_size.bytes(count));
    return source_.read(page_size.address(batch.pages[index].pfn), out);
  };
  const auto is_read = [&](size_t index) { return batch.pages[index].kind != Kind::led; };
  size_t begin = 0;
  while (begin < batch.pages.size()) {
    if (!is_read(begin)) {
      ++begin;
      continue;
    }
    size_t end = begin + 1;
    while (end < batch.pages.size() && is_read(end) && batch.pages[end].pfn == batch.pages[end - 1].pfn + 1)
      ++end;
    if (!read_run(begin, end - begin)) {
      // One unreadable page must not lose its neighbours.
      for (size_t index = begin; index < end; ++index) {
        const auto single = read_run(index, 1);
        if (single) continue;
        batch.pages[index].kind = Kind::lost;
        ++statistics_.lost_pages;
        if (statistics_.first_error.empty()) statistics_.first_error = single.error().to_string();
      }
    }
    begin = end;
  }
}

void BatchPreparer::find_zeros(PageBatch& batch) {
  for (size_t index = 0; index < batch.pages.size(); ++index) {
    auto& page = batch.pages[index];
    if (page.kind != Kind::data || !is_zero_page(batch.raw_page(index))) continue;
    page.kind = Kind::zero;
    ++statistics_.zero_pages;
  }
}

void BatchPreparer::find_copies(PageBatch& batch) {
  for (size_t index = 0; index < batch.pages.size(); ++index) {
    if (batch.pages[index].kind == Kind::data) batch.pages[index].hash = hash_(batch.raw_page(index));
  }
  {
    const auto access = shared_.access();
    for (size_t index = 0; index < batch.pages.size(); ++index) {
      const bool asked = batch.pages[index].kind == Kind::data;
      const StoredCopy* copy = asked ? access.find(batch.pages[index].hash) : nullptr;
      candidates_[index] = copy != nullptr ? *copy : StoredCopy{};
    }
  }
  for (size_t index = 0; index < batch.pages.size(); ++index) {
    const StoredCopy& copy = candidates_[index];
    if (copy.descriptor.size == 0 ||
        !holds(source_, batch.page_size, copy.pfn, batch.raw_page(index), other_))
      continue;
    batch.pages[index].kind = Kind::copied;
    batch.pages[index].descriptor = copy.descriptor;
    ++statistics_.shared_pages;
  }
}

Result<> BatchPreparer::compress(PageBatch& batch) {
  if (!compressor_) return {};
  uint32_t used = 0;
  for (size_t index = 0; index < batch.pages.size(); ++index) {
    auto& page = batch.pages[index];
    if (page.kind != Kind::data) continue;
    const ByteSpan packed = TRY(compressor_->compress(batch.raw_page(index)));
    if (packed.empty()) continue;
    std::memcpy(batch.packed.data() + used, packed.data(), packed.size());
    page.packed = true;
    page.packed_offset = used;
    page.packed_size = static_cast<uint32_t>(packed.size());
    used += page.packed_size;
  }
  return {};
}

BatchWriter::BatchWriter(PhysicalMemory& source, KdumpWriter& writer, SharedPages& shared,
                         LeadingPages& leading, uint32_t flags, PageSize page_size)
    : source_(source),
      writer_(writer),
      shared_(shared),
      leading_(leading),
      flags_(flags),
      other_(page_size.bytes()) {}

Result<> BatchWriter::write(PageBatch& batch) {
  const Stopwatch watch(statistics_.times.write);
  place(batch);
  TRY_VOID(write_data(batch));
  for (const auto& page : batch.pages) TRY_VOID(write_descriptor(page));
  return {};
}

Result<> BatchWriter::write_descriptor(const PageBatch::Page& page) {
  if (page.kind == Kind::led) {
    const auto& written = leading_[page.leading];
    return written.lost ? writer_.add_lost_page() : writer_.add_descriptor(written.descriptor);
  }
  const bool lost = page.kind == Kind::lost;
  const auto descriptor = page.kind == Kind::zero ? writer_.zero_page() : page.descriptor;
  if (page.leading == PageBatch::kNotLeading)
    return lost ? writer_.add_lost_page() : writer_.add_descriptor(descriptor);
  leading_.set(page.leading, descriptor, lost);
  return lost ? Result<>() : writer_.put_descriptor(leading_[page.leading].rank, descriptor);
}

// Where each page will be. What the preparer did not find may have been on its way to the file then.
void BatchWriter::place(PageBatch& batch) {
  uint64_t offset = writer_.bytes_written();
  auto access = shared_.access();
  for (size_t index = 0; index < batch.pages.size(); ++index) {
    auto& page = batch.pages[index];
    if (page.kind != Kind::data) continue;
    const StoredCopy* copy = access.find(page.hash);
    if (copy != nullptr && holds(source_, batch.page_size, copy->pfn, batch.raw_page(index), other_)) {
      page.kind = Kind::copied;
      page.descriptor = copy->descriptor;
      ++statistics_.shared_pages;
      continue;
    }
    const auto size = static_cast<uint32_t>(batch.contents(index).size());
    page.descriptor = {offset, size, page.packed ? flags_ : 0, 0};
    offset += size;
    access.add({.hash = page.hash, .pfn = page.pfn, .descriptor = page.descriptor});
  }
}

// What lies together is written together.
Result<> BatchWriter::write_data(const PageBatch& batch) {
  ByteSpan together;
  for (size_t index = 0; index < batch.pages.size(); ++index) {
    if (batch.pages[index].kind != Kind::data) continue;
    const ByteSpan contents = batch.contents(index);
    if (together.data() + together.size() == contents.data()) {
      together = ByteSpan(together.data(), together.size() + contents.size());
      continue;
    }
    TRY_VOID(writer_.append_data(together));
    together = contents;
  }
  return writer_.append_data(together);
}

}  // namespace lifeboat
