// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/vmcore/printk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/fake_kernel.h"

namespace lifeboat::test {
namespace {

using testing::HasSubstr;

LogRecord record(uint64_t sequence, std::string text) {
  return {sequence, sequence * 1'000'000'000 + 123'456'000, 0, 6, 0, std::move(text)};
}

std::vector<LogRecord> numbered(uint64_t count, size_t length = 0) {
  std::vector<LogRecord> records;
  for (uint64_t index = 0; index < count; ++index) {
    std::string text = fmt::format("message {}", index);
    text.resize(std::max(text.size(), length), '.');
    records.push_back(record(index, text));
  }
  return records;
}

KernelLog read(FakeKernel& fake) {
  const auto log = read_kernel_log(fake.open());
  EXPECT_TRUE(log) << log.error().to_string();
  return log ? *log : KernelLog();
}

// The records there are must be the last of those written, unharmed.
void expect_last_of(const KernelLog& log, const std::vector<LogRecord>& written) {
  ASSERT_LE(log.records.size(), written.size());
  const size_t lost = written.size() - log.records.size();
  for (size_t index = 0; index < log.records.size(); ++index) {
    EXPECT_EQ(log.records[index].text, written[lost + index].text);
    EXPECT_EQ(log.records[index].sequence, written[lost + index].sequence);
  }
}

TEST(Printk, EmptyRing) {
  FakeKernel fake;
  const auto log = read(fake);
  EXPECT_TRUE(log.records.empty());
  EXPECT_EQ(log.unreadable, 0u);
  EXPECT_EQ(format_log(log), "");
}

TEST(Printk, ReadsEveryMember) {
  FakeKernel fake;
  fake.set_log({{42, 1'234'567'890, 3, 5, 0x80000007, "hello"}});
  const auto log = read(fake);
  ASSERT_EQ(log.records.size(), 1u);
  const auto& found = log.records.front();
  EXPECT_EQ(found.sequence, 42u);
  EXPECT_EQ(found.nanoseconds, 1'234'567'890u);
  EXPECT_EQ(found.facility, 3);
  EXPECT_EQ(found.level, 5);
  EXPECT_EQ(found.caller, 0x80000007);
  EXPECT_EQ(found.text, "hello");
}

TEST(Printk, CallerIsOptional) {
  FakeKernel fake;
  fake.set_log({{1, 2, 3, 5, 77, "hello"}});
  fake.remove_key("OFFSET(printk_info.caller_id)");
  EXPECT_EQ(read(fake).records.at(0).caller, std::nullopt);
}

// Every amount of text from less than one lap to several, so that blocks end at, before and across the ring's
// end.
TEST(Printk, WrapsAround) {
  for (const size_t length : {0, 24, 30, 32, 40, 56, 57, 200}) {
    for (uint64_t count = 1; count < 100; ++count) {
      FakeKernel fake;
      const auto written = numbered(count, length);
      fake.set_log(written, 8, 9);
      const auto log = read(fake);
      ASSERT_EQ(log.unreadable, 0u) << length << " bytes, " << count;
      ASSERT_FALSE(log.records.empty());
      ASSERT_NO_FATAL_FAILURE(expect_last_of(log, written));
    }
  }
}

TEST(Printk, MoreRecordsThanDescriptors) {
  FakeKernel fake;
  const auto written = numbered(100);
  fake.set_log(written, 3, 12);
  const auto log = read(fake);
  EXPECT_EQ(log.records.size(), 8u);
  EXPECT_EQ(log.unreadable, 0u);
  expect_last_of(log, written);
}

TEST(Printk, FormatsAsMakedumpfileDoes) {
  const auto line = [](std::string text) {
    return format_record({0, 1'234'567'890, 0, 6, 0, std::move(text)});
  };
  EXPECT_EQ(line("hello"), "[    1.234567] hello\n");
  EXPECT_EQ(line(""), "[    1.234567] \n");
  EXPECT_EQ(line("first\nsecond"), "[    1.234567] first\n               second\n");
  EXPECT_EQ(line("ends\n"), "[    1.234567] ends\n               \n");
  EXPECT_EQ(line("a\tb\vc\fd\re"), "[    1.234567] a\tb\vc\fd\re\n");
  EXPECT_EQ(line(std::string("\0\x01\x1b[31m\x7f", 8)), "[    1.234567] \\x00\\x01\\x1b[31m\\x7f\n");
  EXPECT_EQ(format_record({0, 123'456'000'000'000, 0, 6, 0, "x"}), "[123456.000000] x\n");
}

TEST(Printk, ForPeopleNothingCommandsTheTerminal) {
  const auto line = [](std::string text) {
    return format_record({0, 0, 0, 6, 0, std::move(text)}, ShowCaller::no, LogReader::person).substr(15);
  };
  EXPECT_EQ(line("a\tb\vc\fd\re"), "a\tb\\x0bc\\x0cd\\x0de\n");
  EXPECT_EQ(line("ends\r\nso\r"), "ends\n               so\n");
  EXPECT_EQ(line("caf\xc3\xa9 \xe2\x80\xae"), "caf\xc3\xa9 \\xe2\\x80\\xae\n");
  EXPECT_EQ(line("\x1b[2J\xff"), "\\x1b[2J\\xff\n");
}

TEST(Printk, Utf8IsKeptAndWhatIsNotIsEscaped) {
  const auto text = [](std::string bytes) {
    return format_record({0, 0, 0, 6, 0, std::move(bytes)}).substr(15);
  };
  EXPECT_EQ(text("caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x9a\xa3"), "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x9a\xa3\n");
  EXPECT_EQ(text("\xff"), "\\xff\n");
  EXPECT_EQ(text("\xc3"), "\\xc3\n");                             // cut off
  EXPECT_EQ(text("\xc3("), "\\xc3(\n");                           // no continuation
  EXPECT_EQ(text("\xc0\xaf"), "\\xc0\\xaf\n");                    // overlong
  EXPECT_EQ(text("\xe0\x80\xaf"), "\\xe0\\x80\\xaf\n");           // overlong
  EXPECT_EQ(text("\xed\xa0\x80"), "\\xed\\xa0\\x80\n");           // surrogate
  EXPECT_EQ(text("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80\n");  // beyond U+10FFFF
  EXPECT_EQ(text("\xc2\x9b"
                 "31m"),
            "\\xc2\\x9b"
            "31m\n");  // a control sequence to some terminals
}

// One record's descriptor at a time in a state that holds no text.
TEST(Printk, RecordsThatAreNotWholeAreCounted) {
  const auto written = numbered(5);
  const std::pair<const char*, uint64_t> states[] = {{"reserved", 0},
                                                     {"of another lap", (uint64_t{2} << 62) + 32}};
  for (const auto& [what, change] : states) {
    FakeKernel fake;
    fake.set_log(written);
    const uint64_t id = fake.log().head_id - 2;
    fake.write64(fake.log().descriptor(id % 32), (id & ((uint64_t{1} << 62) - 1)) + change);
    const auto log = read(fake);
    EXPECT_EQ(log.records.size(), 4u) << what;
    EXPECT_EQ(log.unreadable, 1u) << what;
    EXPECT_EQ(log.records[2].text, "message 3");
  }
}

TEST(Printk, CommittedRecordsCount) {
  FakeKernel fake;
  fake.set_log(numbered(2));
  fake.write64(fake.log().descriptor(fake.log().head_id % 32), fake.log().head_id | uint64_t{1} << 62);
  EXPECT_EQ(read(fake).records.size(), 2u);
}

TEST(Printk, RecordsWithoutTextAreCounted) {
  for (const uint64_t position : {1, 3, 8}) {
    FakeKernel fake;
    fake.set_log(numbered(3));
    const uint64_t descriptor = fake.log().descriptor(fake.log().head_id % 32);
    fake.write64(descriptor + 8, position);
    fake.write64(descriptor + 16, position);
    const auto log = read(fake);
    EXPECT_EQ(log.records.size(), 2u) << position;
    EXPECT_EQ(log.unreadable, 1u) << position;
  }
}

TEST(Printk, TextNeverExceedsItsBlock) {
  FakeKernel fake;
  fake.set_log(numbered(2));
  fake.write32(fake.log().info(fake.log().head_id % 32) + 16, 0xffff);
  const auto log = read(fake);
  ASSERT_EQ(log.records.size(), 2u);
  EXPECT_EQ(log.records[1].text.size(), 16u);  // its block without the id
  EXPECT_EQ(log.records[1].text.substr(0, 9), "message 1");
}

// Bad positions of one block: the others are still read.
TEST(Printk, BlocksThatMakeNoSense) {
  FakeKernel fresh;
  fresh.set_log(numbered(3));
  const std::pair<uint64_t, uint64_t> positions[] = {
      {0, 0x7fffffffffffffff}, {16, 8},   {0, 4}, {0, uint64_t{5} << 12},
      {0xfff8, 0x10004},       {4088, 0}, {2, 0}, {8, 1},
  };
  for (const auto& [begin, next] : positions) {
    FakeKernel fake;
    fake.set_log(numbered(3));
    const uint64_t descriptor = fake.log().descriptor((fake.log().head_id - 1) % 32);
    fake.write64(descriptor + 8, begin);
    fake.write64(descriptor + 16, next);
    const auto log = read(fake);
    EXPECT_EQ(log.records.size(), 2u) << begin << ' ' << next;
    EXPECT_EQ(log.unreadable, 1u) << begin << ' ' << next;
  }
}

TEST(Printk, TextsThatOverlapDoNotAddUp) {
  FakeKernel fake;
  fake.set_log(numbered(30), 5, 10);
  const auto& places = fake.log();
  for (uint64_t index = 0; index < 32; ++index) {
    fake.write64(places.descriptor(index) + 8, 0);
    fake.write64(places.descriptor(index) + 16, 1024);
    fake.write32(places.info(index) + 16, 0xffff);
  }
  const auto log = read(fake);
  EXPECT_EQ(log.records.size(), 1u);
  EXPECT_GE(log.unreadable, 1u);
}

TEST(Printk, HeadAndTailApartReadOneLapAtMost) {
  for (const uint64_t distance : {uint64_t{32}, uint64_t{1000}, uint64_t{1} << 40, uint64_t{1} << 61}) {
    FakeKernel fake;
    fake.set_log(numbered(20));
    fake.write64(fake.log().ring + 32, fake.log().head_id - distance);
    const auto log = read(fake);
    EXPECT_LE(log.records.size() + log.unreadable, 32u);
    EXPECT_EQ(log.records.size(), 20u) << distance;
  }
}

TEST(Printk, RingsThatAreTooLargeAreCorrupt) {
  for (const uint64_t offset : {0, 48}) {
    for (const uint32_t bits : {31u, 62u, 64u, 0xffffffffu}) {
      FakeKernel fake;
      fake.set_log(numbered(3));
      fake.write32(fake.log().ring + offset, bits);
      const auto log = read_kernel_log(fake.open());
      ASSERT_FALSE(log) << offset << ' ' << bits;
      EXPECT_EQ(log.error().code, ErrorCode::corrupt);
    }
  }
}

TEST(Printk, ArraysElsewhereGiveNoRecords) {
  for (const uint64_t offset : {8, 16, 56}) {
    FakeKernel fake;
    fake.set_log(numbered(3));
    fake.write64(fake.log().ring + offset, 0xffffc90000000000);
    const auto log = read(fake);
    EXPECT_TRUE(log.records.empty());
    EXPECT_EQ(log.unreadable, 3u) << offset;
  }
}

TEST(Printk, RingElsewhereIsAnError) {
  FakeKernel fake;
  fake.write64(fake.parsed().symbol("prb").value(), 0);
  const auto log = read_kernel_log(fake.open());
  ASSERT_FALSE(log);
  EXPECT_EQ(log.error().code, ErrorCode::not_mapped);
}

// A page of descriptors that was lost takes its own records along, and no others.
TEST(Printk, LostPageOfDescriptors) {
  FakeKernel fake;
  const auto written = numbered(256);
  fake.set_log(written, 8, 16);
  fake.memory().fail_page(FakeKernel::to_physical(fake.log().descriptors), ErrorCode::lost);
  const auto log = read(fake);
  EXPECT_EQ(log.records.size() + log.unreadable, 256u);
  EXPECT_EQ(log.unreadable, 171u);  // 4096 / 24, and the one that lies on both pages
}

TEST(Printk, EachMissingKeyIsNamed) {
  FakeKernel whole;
  std::vector<std::string> keys;
  for (const char* key :
       {"OFFSET(atomic_long_t.counter)", "OFFSET(printk_ringbuffer.desc_ring)",
        "OFFSET(printk_ringbuffer.text_data_ring)", "OFFSET(prb_desc_ring.count_bits)",
        "OFFSET(prb_desc_ring.descs)", "OFFSET(prb_desc_ring.infos)", "OFFSET(prb_desc_ring.head_id)",
        "OFFSET(prb_desc_ring.tail_id)", "OFFSET(prb_data_ring.size_bits)", "OFFSET(prb_data_ring.data)",
        "SIZE(prb_desc)", "OFFSET(prb_desc.state_var)", "OFFSET(prb_desc.text_blk_lpos)",
        "OFFSET(prb_data_blk_lpos.begin)", "OFFSET(prb_data_blk_lpos.next)", "SIZE(printk_info)",
        "OFFSET(printk_info.seq)", "OFFSET(printk_info.ts_nsec)", "OFFSET(printk_info.text_len)"}) {
    FakeKernel fake;
    fake.remove_key(key);
    const auto log = read_kernel_log(fake.open());
    ASSERT_FALSE(log) << key;
    EXPECT_EQ(log.error().code, ErrorCode::not_found) << key;
    EXPECT_THAT(log.error().message, HasSubstr(key));
  }
}

TEST(Printk, KernelsBeforeTheRingAreUnsupported) {
  FakeKernel fake;
  fake.remove_key("SYMBOL(prb)");
  const auto log = read_kernel_log(fake.open());
  ASSERT_FALSE(log);
  EXPECT_EQ(log.error().code, ErrorCode::unsupported);
  EXPECT_THAT(log.error().fix, HasSubstr("5.10"));
}

TEST(Printk, MembersOutsideTheirStructuresAreCorrupt) {
  for (const char* key :
       {"OFFSET(prb_desc.state_var)", "OFFSET(prb_desc.text_blk_lpos)", "OFFSET(prb_data_blk_lpos.next)",
        "OFFSET(printk_info.seq)", "OFFSET(printk_info.ts_nsec)", "OFFSET(printk_info.text_len)",
        "OFFSET(printk_info.caller_id)", "SIZE(prb_desc)", "SIZE(printk_info)"}) {
    for (const char* value : {"88", "2000", "18446744073709551615", "18446744073709551608"}) {
      if (std::string_view(key) == "SIZE(prb_desc)" || std::string_view(key) == "SIZE(printk_info)") {
        if (std::string_view(value) == "88") value = "7";
      }
      FakeKernel fake;
      fake.set_log(numbered(3));
      fake.set_key(key, value);
      const auto log = read_kernel_log(fake.open());
      ASSERT_FALSE(log) << key << '=' << value;
      EXPECT_EQ(log.error().code, ErrorCode::corrupt) << key << '=' << value;
    }
  }
}

}  // namespace
}  // namespace lifeboat::test
