// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/engine/pipeline.h"

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <new>

#include "capture/engine/workers.h"
#include "src/base/log.h"

namespace lifeboat {
namespace {

// Of each thread besides its batches: the codec's tables, and the used part of the stack.
constexpr size_t kThreadMemory = size_t{1} << 20;
// Two for each thread: while the writer has one, the thread works on the other; and two more, so that a slow
// batch does not stop the others at once.
constexpr size_t kBatchesPerThread = 2, kSpareBatches = 2;
// Larger tables find few more copies: most are of pages nearby.
constexpr size_t kMostShared = size_t{4} << 20;

struct MemoryPlan {
  unsigned threads = 1;
  size_t batches = 1;
  size_t shared = 0;  // bytes
};

MemoryPlan plan_memory(const PipelineOptions& options) {
  MemoryPlan plan;
  const size_t one = kThreadMemory + kBatchesPerThread * PageBatch::kMemory;
  const size_t spare = kSpareBatches * PageBatch::kMemory;
  plan.shared = std::min(options.memory / 4, kMostShared);
  const size_t rest = options.memory - plan.shared;
  if (options.threads > 1 && rest >= spare + 2 * one)
    plan.threads = static_cast<unsigned>(std::min<size_t>(options.threads, (rest - spare) / one));
  if (plan.threads > 1) plan.batches = kBatchesPerThread * plan.threads + kSpareBatches;
  return plan;
}

// All that is allocated.
struct Buffers {
  std::unique_ptr<SharedPages> shared;
  std::deque<PageBatch> batches;
  std::vector<std::unique_ptr<BatchPreparer>> preparers;
};

Result<Buffers> allocate(const MemoryPlan& plan, PhysicalMemory& source, PageSize page_size,
                         const CompressionChoice& compression) {
  Buffers buffers;
  buffers.shared = std::make_unique<SharedPages>(plan.shared);
  for (size_t index = 0; index < plan.batches; ++index) buffers.batches.emplace_back(page_size);
  for (unsigned index = 0; index < plan.threads; ++index) {
    std::unique_ptr<PageCompressor> compressor;
    if (compression.compression != Compression::none) compressor = TRY(PageCompressor::create(compression));
    buffers.preparers.push_back(
        std::make_unique<BatchPreparer>(source, std::move(compressor), *buffers.shared, page_size));
  }
  return buffers;
}

// With fewer threads and less memory, until there is enough; `plan` is what it came to.
Result<Buffers> allocate_what_fits(MemoryPlan& plan, PhysicalMemory& source, PageSize page_size,
                                   const CompressionChoice& compression) {
  const auto try_to_allocate = [&]() -> Result<Buffers> {
    try {
      return allocate(plan, source, page_size, compression);
    } catch (const std::bad_alloc&) {
      return std::unexpected(errno_error(ENOMEM, "no memory is left for the buffers of the capture"));
    }
  };
  for (;;) {
    auto buffers = try_to_allocate();
    if (buffers || buffers.error().sys_errno != ENOMEM) return buffers;
    if (plan.threads == 1 && plan.shared == 0) {
      return std::unexpected(std::move(buffers).error().hint(
          "reserve more memory for the capture kernel (lifeboat reserve set)"));
    }
    plan = {.threads = plan.threads / 2 > 0 ? plan.threads / 2 : 1, .batches = 1, .shared = 0};
    if (plan.threads > 1) plan.batches = kBatchesPerThread * plan.threads + kSpareBatches;
    log::warning("memory is short: the capture goes on with {} threads and smaller buffers", plan.threads);
  }
}

using OnPages = std::function<void(uint64_t)>;

// A leading page comes twice, and counts once.
uint64_t pages_done(const PageBatch& batch) {
  return static_cast<uint64_t>(
      std::ranges::count_if(batch.pages, [](const auto& page) { return page.kind != PageBatch::Kind::led; }));
}

// One after the other, in the caller's thread.
Result<> save_alone(PageFeed& feed, Buffers& buffers, BatchWriter& writer, const OnPages& on_pages) {
  PageBatch& batch = buffers.batches.front();
  uint64_t done = 0;
  for (;;) {
    TRY_VOID(feed.fill(batch));
    if (batch.pages.empty()) return {};
    TRY_VOID(buffers.preparers.front()->prepare(batch));
    TRY_VOID(writer.write(batch));
    done += pages_done(batch);
    on_pages(done);
  }
}

// Batches in a ring: batch N of the file is in slot N modulo their number.
class Ring {
 public:
  Ring(PageFeed& feed, std::deque<PageBatch>& batches)
      : feed_(feed), batches_(batches), ready_(batches.size()) {}

  // A thread's work: takes the next batch in order, prepares it, passes it on.
  Result<> prepare(BatchPreparer& preparer) {
    for (;;) {
      const auto number = take();
      if (!number) return fail_all(number.error());
      if (*number == kNone) return {};
      auto prepared = preparer.prepare(batches_[*number % batches_.size()]);
      if (!prepared) return fail_all(prepared.error());
      const std::scoped_lock lock(mutex_);
      ready_[*number % batches_.size()] = true;
      if (*number == next_written_) written_or_ready_.notify_all();
    }
  }

  // The writer's work, in the caller's thread.
  Result<> write(BatchWriter& writer, const OnPages& on_pages) {
    uint64_t done = 0;
    for (;;) {
      PageBatch* batch = wait_for_ready();
      if (batch == nullptr) return {};
      auto written = writer.write(*batch);
      if (!written) return fail_all(written.error());
      done += pages_done(*batch);
      on_pages(done);
      release();
    }
  }

  // Ends the threads: each after the batch that it has.
  void stop() {
    const std::scoped_lock lock(mutex_);
    stopped_ = true;
    written_or_ready_.notify_all();
  }

 private:
  static constexpr uint64_t kNone = ~uint64_t{0};

  // The number of the batch, whose pages are filled in; kNone: there are no more.
  Result<uint64_t> take() {
    std::unique_lock lock(mutex_);
    written_or_ready_.wait(lock,
                           [&] { return stopped_ || ended_ || taken_ < next_written_ + batches_.size(); });
    if (stopped_ || ended_) return kNone;
    PageBatch& batch = batches_[taken_ % batches_.size()];
    // Under the lock: some thousand bits. The order of the batches is that of the page frames.
    auto filled = feed_.fill(batch);
    if (!filled) return std::unexpected(std::move(filled).error());
    if (batch.pages.empty()) {
      ended_ = true;
      written_or_ready_.notify_all();
      return kNone;
    }
    return taken_++;
  }

  // nullptr: all is written, or a thread failed.
  PageBatch* wait_for_ready() {
    std::unique_lock lock(mutex_);
    const size_t slot = next_written_ % batches_.size();
    written_or_ready_.wait(lock,
                           [&] { return stopped_ || ready_[slot] || (ended_ && next_written_ == taken_); });
    return !stopped_ && ready_[slot] ? &batches_[slot] : nullptr;
  }

  void release() {
    const std::scoped_lock lock(mutex_);
    ready_[next_written_ % batches_.size()] = false;
    ++next_written_;
    written_or_ready_.notify_all();
  }

  std::unexpected<Error> fail_all(Error error) {
    stop();
    return std::unexpected(std::move(error));
  }

  PageFeed& feed_;
  std::deque<PageBatch>& batches_;
  std::mutex mutex_;
  std::condition_variable written_or_ready_;
  std::vector<bool> ready_;
  uint64_t taken_ = 0;         // batches that threads have taken
  uint64_t next_written_ = 0;  // batches that are in the file
  bool ended_ = false;         // no more pages
  bool stopped_ = false;       // something failed
};

Result<> save_together(PageFeed& feed, Buffers& buffers, BatchWriter& writer, const OnPages& on_pages,
                       unsigned& started) {
  Ring ring(feed, buffers.batches);
  const Work work = [&](unsigned index) {
    // What is thrown ends this thread only; the writer must not wait for its batch.
    try {
      return ring.prepare(*buffers.preparers[index]);
    } catch (...) {
      ring.stop();
      throw;
    }
  };
  Workers workers(static_cast<unsigned>(buffers.preparers.size()), work);
  started = workers.started();
  if (started == 0) return run_by(1, [&](unsigned) { return save_alone(feed, buffers, writer, on_pages); });
  // Whatever it throws, the threads must end: they wait for it.
  auto written = run_by(1, [&](unsigned) { return ring.write(writer, on_pages); });
  ring.stop();
  auto prepared = workers.join();
  return prepared ? written : prepared;
}

}  // namespace

unsigned planned_threads(const PipelineOptions& options) {
  return plan_memory(options).threads;
}

size_t smallest_pipeline_memory() {
  return kThreadMemory + PageBatch::kMemory;
}

Result<PipelineReport> save_pages(PhysicalMemory& source, PageFeed& feed, LeadingPages& leading,
                                  KdumpWriter& writer, PageSize page_size, const PipelineOptions& options,
                                  const OnPages& on_pages) {
  MemoryPlan plan = plan_memory(options);
  Buffers buffers = TRY(allocate_what_fits(plan, source, page_size, options.compression));
  BatchWriter last(source, writer, *buffers.shared, leading,
                   kdump_codec_flag(options.compression.compression), page_size);
  PipelineReport report{.pages = {}, .threads = 1};
  if (plan.threads == 1) {
    TRY_VOID(run_by(1, [&](unsigned) { return save_alone(feed, buffers, last, on_pages); }));
  } else {
    TRY_VOID(save_together(feed, buffers, last, on_pages, report.threads));
  }
  for (const auto& preparer : buffers.preparers) report.pages += preparer->statistics();
  report.pages += last.statistics();
  report.threads = std::max(report.threads, 1u);
  return report;
}

}  // namespace lifeboat
