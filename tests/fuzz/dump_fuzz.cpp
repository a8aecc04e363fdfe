// SPDX-License-Identifier: GPL-2.0-or-later
// Every question to a whole dump, as `lifeboat inspect` asks them. The first byte chooses: the rest is a dump
// file as it is, or damage to a good kernel's memory, ten bytes each: a page of those that the kernel uses, a
// word of it, how it is spoiled, and with what.
#include <cstring>
#include <map>
#include <nlohmann/json.hpp>

#include "src/dump/byte_source.h"
#include "src/inspect/log_records.h"
#include "src/inspect/memory_use.h"
#include "src/inspect/missing_page.h"
#include "src/inspect/page_counts.h"
#include "src/inspect/report.h"
#include "src/inspect/report_text.h"
#include "src/inspect/search.h"
#include "tests/support/fake_system.h"
#include "tests/support/usual_page_size.h"

namespace {

using namespace lifeboat;

constexpr size_t kDamageBytes = 10;
constexpr uint8_t kAsFile = 0xff;

struct Whole {
  test::FakeSystem system;
  std::vector<uint64_t> pages;  // physical, without the mem_map: so many of those are alike

  Whole() {
    const uint64_t map = system.fake.mem_map_physical();
    const uint64_t map_end = map + system.fake.ram_pages() * test::kFakePageSize;
    for (const auto& [pfn, bytes] : system.fake.memory().pages()) {
      const uint64_t address = pfn * kPageSize;
      if (address < map + kPageSize || address >= map_end) pages.push_back(address);
    }
  }
};

// Pages that are not as they were.
class Damage {
 public:
  Damage(Whole& whole, const uint8_t* data, size_t size) : whole_(whole) {
    for (; size >= kDamageBytes; data += kDamageBytes, size -= kDamageBytes) add(data);
  }

  Result<> read(uint64_t address, MutableByteSpan out) {
    while (!out.empty()) {
      const uint64_t page = align_down(address, kPageSize);
      const size_t count = std::min<uint64_t>(out.size(), page + kPageSize - address);
      if (const auto lost = lost_.find(page); lost != lost_.end())
        return fail(lost->second, "page {:#x} was made to fail", page);
      if (const auto changed = changed_.find(page); changed != changed_.end()) {
        std::memcpy(out.data(), changed->second.data() + (address - page), count);
      } else {
        TRY_VOID(whole_.system.fake.memory().read(address, out.first(count)));
      }
      address += count;
      out = out.subspan(count);
    }
    return {};
  }

 private:
  void add(const uint8_t* data) {
    constexpr ErrorCode kCodes[] = {ErrorCode::excluded, ErrorCode::lost, ErrorCode::corrupt,
                                    ErrorCode::not_present};
    uint16_t page_number, word;
    uint64_t value = 0;
    std::memcpy(&page_number, data, sizeof page_number);
    std::memcpy(&word, data + 2, sizeof word);
    std::memcpy(&value, data + 4, 6);
    const uint64_t page = whole_.pages[page_number % whole_.pages.size()];
    const unsigned how = word >> 13;
    if (how == 7) {
      lost_.emplace(page, kCodes[value % std::size(kCodes)]);
      return;
    }
    auto& bytes = changed_[page];
    if (bytes.empty()) {
      bytes.resize(kPageSize);
      if (!whole_.system.fake.memory().read(page, bytes)) return;
    }
    // Somewhere else in the kernel; or a number, signed.
    const uint64_t other =
        whole_.system.fake.to_virtual(whole_.pages[value % whole_.pages.size()]) + (value >> 16) % kPageSize;
    const uint64_t number = how < 3 ? other : static_cast<uint64_t>(static_cast<int64_t>(value << 16) >> 16);
    const size_t length = how == 6 ? 1 : how == 5 ? 4 : 8;
    const size_t offset = (word & 0x1fff) % (kPageSize / length) * length;
    std::memcpy(bytes.data() + offset, &number, length);
  }

  Whole& whole_;
  std::map<uint64_t, std::vector<std::byte>> changed_;
  std::map<uint64_t, ErrorCode> lost_;
};

// Walking over the mem_map takes most of the time: some inputs only.
enum class Pages { pass_over, walk };

void ask(const inspect::Session& session, Pages pages) {
  const inspect::Report report = inspect::make_report(session);
  const std::string text = inspect::report_text(report, "dump", inspect::Style(false));
  for (const char c : text) {
    // Nothing that commands a terminal, spaces apart.
    if ((c >= 0 && c < ' ' && (c < '\t' || c > '\r')) || c == 0x7f) __builtin_trap();
  }
  (void)inspect::report_json(report, "dump").dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  size_t asked = 0;
  if (session.tasks()) {
    for (const auto& task : session.tasks()->tasks) {
      if (++asked > 100) break;
      (void)inspect::stack_of_task(session, task);
    }
  }
  if (session.modules()) {
    for (const auto& module : session.modules()->modules)
      if (++asked < 200) (void)session.names()->at(module.base + 0x48);
  }
  (void)inspect::read_memory_use(session);
  (void)inspect::read_zones(session);
  (void)inspect::read_slab_caches(session);
  (void)inspect::read_process_memory(session);
  (void)inspect::wall_clock(session);
  if (pages == Pages::pass_over) return;
  (void)inspect::count_pages(session, std::chrono::seconds(1));
  inspect::MissingPages missing(session);
  (void)missing.class_at(0xffffffff80600000);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  static Whole whole;
  if (data[0] == kAsFile) {
    auto opened =
        Dump::open(memory_byte_source({reinterpret_cast<const std::byte*>(data + 1), size - 1}, "fuzz"));
    // A header may claim terabytes of memory that do not exist: reading them all is correct, but takes too
    // long.
    if (!opened || (*opened)->info().ram_pages > (1 << 16)) return 0;
    const auto session = inspect::Session::over(*std::move(opened));
    ask(session, Pages::walk);
    (void)inspect::search_memory(session.dump(), as_byte_span("needle"), 1, std::chrono::seconds(1),
                                 [](uint64_t) { return true; });
    return 0;
  }
  Damage damage(whole, data + 1, size - 1);
  const auto session = inspect::Session::over(whole.system.dump(
      [&damage](uint64_t address, MutableByteSpan out) { return damage.read(address, out); }));
  ask(session, data[0] % 8 == 1 ? Pages::walk : Pages::pass_over);
  return 0;
}
