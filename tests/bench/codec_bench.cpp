// SPDX-License-Identifier: GPL-2.0-or-later
// The codecs with the pages of a real dump: time and size of each, beside what the libraries do when they are
// called as makedumpfile calls them; and how good the choices of `auto` are. One thread.
//   usage: codec_bench [DUMP]     (without: the dump of the bench's rehearsal, filtered at level 31)
#include <fmt/core.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <ctime>
#include <functional>
#include <vector>

#include "capture/engine/codec_sampling.h"
#include "src/base/size.h"
#include "src/dump/codec.h"
#include "src/dump/dump.h"
#include "tests/bench/bench.h"
#include "tests/bench/filled_guest.h"

namespace lifeboat::test {
namespace {

constexpr int kRounds = 3;
constexpr uint64_t kMaxPageBytes = 24_MiB;  // of pages; more would say the same

[[noreturn]] void give_up(const std::string& what) {
  fmt::print(stderr, "{}\n", what);
  std::exit(1);
}

template <typename T>
T must(Result<T> result) {
  if (!result) give_up(result.error().to_string());
  return *std::move(result);
}

double cpu_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

struct Pages {
  PageSize page_size;
  std::vector<std::byte> bytes;  // one page after the other
  [[nodiscard]] size_t count() const { return bytes.size() / page_size.bytes(); }
  [[nodiscard]] ByteSpan page(size_t index) const {
    return ByteSpan(bytes).subspan(page_size.bytes(index), page_size.bytes());
  }
};

bool is_zero(ByteSpan page) {
  return page.front() == std::byte{0} && std::memcmp(page.data(), page.data() + 1, page.size() - 1) == 0;
}

// Those that are stored and not zero; of many, some from everywhere: 64 together, then a gap.
Pages read_pages(const std::string& path) {
  const auto dump = must(Dump::open(path));
  Pages pages{dump->page_size(), {}};
  const uint64_t wanted = kMaxPageBytes >> pages.page_size.shift();
  const uint64_t groups = dump->info().stored_pages / std::max<uint64_t>(wanted, 1) + 1;
  std::vector<std::byte> page(pages.page_size.bytes());
  uint64_t seen = 0;
  for (uint64_t pfn = 0; pfn < dump->info().max_pfn; ++pfn) {
    const auto run = must(dump->next_stored(pfn, dump->info().max_pfn));
    if (!run) break;
    pfn = run->first;
    if (seen++ / 64 % groups != 0 || !dump->read(pages.page_size.address(pfn), page) || is_zero(page))
      continue;
    pages.bytes.insert(pages.bytes.end(), page.begin(), page.end());
  }
  if (pages.count() == 0) give_up(path + " has no page to measure with");
  return pages;
}

struct Figures {
  double pack = 0, unpack = 0;  // seconds for a page, the best round
  double bytes = 0;             // of a page
};
// Packs into `out`, with room for all but one byte of the page; 0: it does not fit.
using Pack = std::function<size_t(ByteSpan page, MutableByteSpan out)>;
using Unpack = std::function<bool(ByteSpan packed, MutableByteSpan out)>;

Figures measure(const Pages& pages, const Pack& pack, const Unpack& unpack) {
  Figures figures{.pack = 1e9, .unpack = 1e9, .bytes = 0};
  const auto count = static_cast<double>(pages.count());
  std::vector<std::byte> packed(pages.bytes.size());
  std::vector<size_t> sizes(pages.count());
  std::vector<std::byte> out(pages.page_size.bytes());
  for (int round = 0; round < kRounds; ++round) {
    double begin = cpu_seconds();
    for (size_t index = 0; index < pages.count(); ++index) {
      const auto into = MutableByteSpan(packed).subspan(pages.page_size.bytes(index), out.size());
      sizes[index] = pack(pages.page(index), into);
    }
    figures.pack = std::min(figures.pack, (cpu_seconds() - begin) / count);
    begin = cpu_seconds();
    for (size_t index = 0; index < pages.count(); ++index) {
      const auto from = ByteSpan(packed).subspan(pages.page_size.bytes(index), sizes[index]);
      if (sizes[index] != 0 && !unpack(from, out)) give_up("a page does not come back");
    }
    figures.unpack = std::min(figures.unpack, (cpu_seconds() - begin) / count);
  }
  for (const size_t size : sizes) figures.bytes += static_cast<double>(size == 0 ? out.size() : size) / count;
  return figures;
}

Figures measure(const Pages& pages, const CompressionChoice& choice) {
  const auto compressor = must(PageCompressor::create(choice));
  PageDecompressor decompressor;
  return measure(
      pages,
      [&](ByteSpan page, MutableByteSpan out) {
        const ByteSpan packed = must(compressor->compress(page));
        std::memcpy(out.data(), packed.data(), packed.size());
        return packed.size();
      },
      [&](ByteSpan packed, MutableByteSpan out) {
        return decompressor.decompress(choice.compression, packed, out).has_value();
      });
}

// As makedumpfile has it: one stream for all pages, reset for each.
Figures measure_zlib_itself(const Pages& pages, int level) {
  z_stream stream{};
  if (::deflateInit(&stream, level) != Z_OK) give_up("no zlib");
  const auto figures = measure(
      pages,
      [&](ByteSpan page, MutableByteSpan out) -> size_t {
        ::deflateReset(&stream);
        stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(page.data()));
        stream.avail_in = static_cast<uInt>(page.size());
        stream.next_out = reinterpret_cast<Bytef*>(out.data());
        stream.avail_out = static_cast<uInt>(page.size() - 1);
        return ::deflate(&stream, Z_FINISH) == Z_STREAM_END ? stream.total_out : 0;
      },
      [](ByteSpan packed, MutableByteSpan out) {
        uLongf size = out.size();
        return ::uncompress(reinterpret_cast<Bytef*>(out.data()), &size,
                            reinterpret_cast<const Bytef*>(packed.data()), packed.size()) == Z_OK;
      });
  ::deflateEnd(&stream);
  return figures;
}

Figures measure_zstd_itself(const Pages& pages, int level) {
  const std::unique_ptr<ZSTD_CCtx, decltype(&ZSTD_freeCCtx)> packer(ZSTD_createCCtx(), ZSTD_freeCCtx);
  const std::unique_ptr<ZSTD_DCtx, decltype(&ZSTD_freeDCtx)> unpacker(ZSTD_createDCtx(), ZSTD_freeDCtx);
  return measure(
      pages,
      [&](ByteSpan page, MutableByteSpan out) -> size_t {
        const size_t size =
            ZSTD_compressCCtx(packer.get(), out.data(), page.size() - 1, page.data(), page.size(), level);
        return ZSTD_isError(size) != 0 ? 0 : size;
      },
      [&](ByteSpan packed, MutableByteSpan out) {
        return ZSTD_decompressDCtx(unpacker.get(), out.data(), out.size(), packed.data(), packed.size()) ==
               out.size();
      });
}

void print_row(const Pages& pages, const std::string& name, const Figures& figures) {
  const auto page_bytes = static_cast<double>(pages.page_size.bytes());
  fmt::print("{:<22} {:>8.2f} {:>9.0f} {:>9.0f} {:>8.2f} %\n", name, figures.pack * 1e6,
             page_bytes / figures.pack / 1e6, page_bytes / figures.unpack / 1e6,
             100 * figures.bytes / page_bytes);
  std::fflush(stdout);
}

const std::vector<CompressionChoice> kChoices = {
    {.compression = Compression::lzo},
    {.compression = Compression::snappy},
    {.compression = Compression::zlib, .level = 1},
    {.compression = Compression::zlib, .level = 6},
    {.compression = Compression::zlib, .level = 9},
    {.compression = Compression::zstd, .level = -5},
    {.compression = Compression::zstd, .level = -1},
    {.compression = Compression::zstd, .level = 1},
    {.compression = Compression::zstd, .level = 3},
    {.compression = Compression::zstd, .level = 6},
    {.compression = Compression::zstd, .level = 9},
    {.compression = Compression::zstd, .level = 12},
};

// Beside the best of all codecs that were measured with all pages.
void print_choices(const Pages& pages, const std::vector<CodecSample>& all) {
  fmt::print("\n{:<12} {:>7}  {:<9} {:<9} {:>17} {:>14} {:>7}\n", "target", "threads", "auto", "best",
             "auto/best, time", "measuring, ms", "pages");
  for (const double speed : {2000e6, 500e6, 200e6, 50e6, 5e6}) {
    for (const unsigned threads : {1U, 2U, 4U}) {
      const TargetSpeed target{.bytes_per_second = speed};
      const ExpectedCapture expected{
          .pages = 1_GiB >> pages.page_size.shift(), .page_size = pages.page_size, .threads = threads};
      const auto begin = std::chrono::steady_clock::now();
      const auto chosen = must(decide_codec({pages.bytes, pages.page_size}, target, expected));
      const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - begin;
      const auto best = must(choose_codec(all, target, expected));
      // The chosen one by the figures of all pages, too.
      const auto found = std::ranges::find(all, chosen.sample.codec, &CodecSample::codec);
      if (found == all.end()) give_up("auto chose a codec that is not in the table");
      const auto real = must(choose_codec({&*found, 1}, target, expected));
      fmt::print("{:<12} {:>7}  {:<9} {:<9} {:>17.2f} {:>14.0f} {:>7}\n",
                 fmt::format("{:.0f} MB/s", speed / 1e6), threads,
                 format_compression_choice(chosen.sample.codec), format_compression_choice(best.sample.codec),
                 real.seconds / best.seconds, took.count(), chosen.sample.pages);
    }
  }
}

void compare_codecs(const std::string& path) {
  const Pages pages = read_pages(path);
  fmt::print("{} pages of {}, one thread, best of {} rounds; MB/s of memory\n\n", pages.count(), path,
             kRounds);
  fmt::print("{:<22} {:>8} {:>9} {:>9} {:>10}\n", "codec", "us/page", "MB/s", "unpack", "size");
  std::vector<CodecSample> all;
  const auto add = [&](const CompressionChoice& choice, const Figures& figures) {
    all.push_back({.codec = choice,
                   .cpu_seconds_per_page = figures.pack,
                   .bytes_per_page = figures.bytes,
                   .pages = pages.count()});
  };
  add({.compression = Compression::none},
      {.pack = 0, .unpack = 0, .bytes = static_cast<double>(pages.page_size.bytes())});
  for (const auto& choice : kChoices) {
    const auto figures = measure(pages, choice);
    print_row(pages, format_compression_choice(choice), figures);
    add(choice, figures);
    // The defaults by their short names, too.
    if (choice.level == 1) add({.compression = choice.compression}, figures);
  }
  print_row(pages, "zlib 1, by zlib", measure_zlib_itself(pages, 1));
  print_row(pages, "zlib 6, by zlib", measure_zlib_itself(pages, 6));
  print_row(pages, "zstd 1, simple call", measure_zstd_itself(pages, 1));
  print_choices(pages, all);
}

}  // namespace
}  // namespace lifeboat::test

int main(int argc, char** argv) {
  lifeboat::test::compare_codecs(argc > 1 ? argv[1]
                                          : (lifeboat::test::bench_rehearsal() / "vmcore").string());
}
