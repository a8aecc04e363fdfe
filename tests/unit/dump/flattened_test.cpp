// SPDX-License-Identifier: GPL-2.0-or-later
#include <gtest/gtest.h>

#include "src/dump/byte_source.h"
#include "tests/support/flattened_builder.h"
#include "tests/support/pages.h"
#include "tests/support/results.h"

namespace lifeboat {
namespace {

using test::code_of;
using test::FlattenedBuilder;
using test::noise;
using test::why;

constexpr uint64_t kMax = ~uint64_t{0};
constexpr uint64_t kHeader = 4096;

Result<std::unique_ptr<ByteSource>> open(ByteSpan bytes) {
  return open_flattened(memory_byte_source(bytes, "flat"));
}

Result<std::vector<std::byte>> contents(const ByteSource& source) {
  std::vector<std::byte> out(source.size(), std::byte{0xee});
  TRY_VOID(source.read(0, out));
  return out;
}
std::string text_of(const FlattenedBuilder& builder) {
  return std::string(as_text(contents(*open(builder.build()).value()).value()));
}

class FlattenedOrder : public testing::TestWithParam<FlattenedBuilder::Order> {};

TEST_P(FlattenedOrder, GivesTheFileBack) {
  const auto bytes = noise(1, 100'000);
  for (const size_t record_size : {size_t{7}, size_t{4096}, size_t{100'000}}) {
    const auto flat = FlattenedBuilder().file(bytes, record_size, GetParam()).build();
    EXPECT_TRUE(is_flattened(*memory_byte_source(flat, "flat")));
    const auto source = open(flat);
    ASSERT_TRUE(source) << why(source);
    EXPECT_TRUE((*source)->flattened());
    EXPECT_TRUE((*source)->complete());
    EXPECT_EQ((*source)->size(), bytes.size());
    EXPECT_EQ(contents(**source).value(), bytes);
    // Pieces that begin and end anywhere in records.
    for (uint64_t at = 0; at < bytes.size(); at += 9973) {
      std::vector<std::byte> part(std::min<uint64_t>(5000, bytes.size() - at));
      ASSERT_TRUE((*source)->read(at, part));
      EXPECT_TRUE(std::ranges::equal(part, ByteSpan(bytes).subspan(at, part.size()))) << at;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, FlattenedOrder,
                         testing::Values(FlattenedBuilder::Order::forward, FlattenedBuilder::Order::backward,
                                         FlattenedBuilder::Order::shuffled));

TEST(Flattened, LaterRecordsWin) {
  const auto at = [](uint64_t offset, std::string_view text) {
    return text_of(
        FlattenedBuilder().record(0, as_byte_span("0123456789")).record(offset, as_byte_span(text)));
  };
  EXPECT_EQ(at(0, "abc"), "abc3456789");
  EXPECT_EQ(at(4, "abc"), "0123abc789");
  EXPECT_EQ(at(7, "abc"), "0123456abc");
  EXPECT_EQ(at(8, "abc"), "01234567abc");
  EXPECT_EQ(at(0, "abcdefghijkl"), "abcdefghijkl");
}

TEST(Flattened, RecordMayCoverSeveralOlderOnes) {
  FlattenedBuilder builder;
  for (uint64_t at = 0; at < 10; at += 2) builder.record(at, as_byte_span("xy"));
  EXPECT_EQ(text_of(builder.record(1, as_byte_span("abcdefg"))), "xabcdefgxy");
}

// Against bytes written one record after the other into an array.
TEST(Flattened, AgreesWithReplay) {
  const auto random = noise(42, 3000);
  FlattenedBuilder builder;
  std::vector<std::byte> expected;
  for (size_t index = 0; index + 3 <= random.size(); index += 3) {
    const auto offset = static_cast<size_t>(random[index]) * 2;
    const auto bytes = noise(index, 1 + static_cast<size_t>(random[index + 1]) % 64);
    builder.record(offset, bytes);
    if (expected.size() < offset + bytes.size()) expected.resize(offset + bytes.size());
    std::ranges::copy(bytes, expected.begin() + static_cast<ptrdiff_t>(offset));
  }
  EXPECT_EQ(contents(*open(builder.build()).value()).value(), expected);
}

TEST(Flattened, HolesAreZeros) {
  const auto text = text_of(FlattenedBuilder().record(0, as_byte_span("ab")).record(4, as_byte_span("cd")));
  EXPECT_EQ(text, std::string_view("ab\0\0cd", 6));
}

TEST(Flattened, ReadingPastTheEndIsTruncated) {
  const auto source = open(FlattenedBuilder().record(0, as_byte_span("abcd")).build()).value();
  std::vector<std::byte> out(2);
  EXPECT_TRUE(source->read(2, out));
  EXPECT_EQ(code_of(source->read(3, out)), ErrorCode::truncated);
  EXPECT_EQ(code_of(source->read(kMax, out)), ErrorCode::truncated);
}

TEST(Flattened, WithoutItsEndItIsReadAsFarAsItGoes) {
  const auto bytes = noise(1, 1000);
  const auto flat = FlattenedBuilder().file(bytes, 100).without_end().build();
  for (size_t size = kHeader + 17; size <= flat.size(); ++size) {
    const auto source = open(ByteSpan(flat).first(size));
    ASSERT_TRUE(source) << size << ' ' << why(source);
    ASSERT_FALSE((*source)->complete()) << size;
    const auto got = contents(**source).value();
    const size_t records = (size - kHeader) / 116, rest = (size - kHeader) % 116;
    ASSERT_EQ(got.size(), records * 100 + (rest > 16 ? rest - 16 : 0)) << size;
    ASSERT_TRUE(std::ranges::equal(got, ByteSpan(bytes).first(got.size()))) << size;
  }
}

TEST(Flattened, CutBeforeTheFirstByteIsTruncated) {
  const auto flat = FlattenedBuilder().record(0, as_byte_span("abcd")).build();
  for (const size_t size :
       {size_t{0}, size_t{16}, size_t{31}, size_t{32}, size_t{4095}, kHeader, kHeader + 15, kHeader + 16}) {
    EXPECT_EQ(code_of(open(ByteSpan(flat).first(size))), ErrorCode::truncated) << size;
  }
  EXPECT_EQ(code_of(open(FlattenedBuilder().build())), ErrorCode::truncated)
      << "an end and nothing before it";
}

TEST(Flattened, IsRecognisedByItsSignature) {
  auto flat = FlattenedBuilder().record(0, as_byte_span("abcd")).build();
  EXPECT_FALSE(is_flattened(*memory_byte_source(ByteSpan(flat).first(kHeader - 1), "short")).value());
  flat[15] = std::byte{1};
  EXPECT_FALSE(is_flattened(*memory_byte_source(flat, "other")).value());
  EXPECT_FALSE(is_flattened(*memory_byte_source({}, "empty")).value());
}

TEST(Flattened, OtherTypesAndVersionsAreUnsupported) {
  const auto one = [] { return FlattenedBuilder().record(0, as_byte_span("abcd")); };
  EXPECT_EQ(code_of(open(one().type(2).build())), ErrorCode::unsupported);
  EXPECT_EQ(code_of(open(one().version(0).build())), ErrorCode::unsupported);
  // A little-endian 1.
  EXPECT_EQ(code_of(open(one().type(uint64_t{1} << 56).build())), ErrorCode::unsupported);
}

struct RecordCase {
  const char* name;
  uint64_t offset, size;
};
class FlattenedRecords : public testing::TestWithParam<RecordCase> {};

TEST_P(FlattenedRecords, GarbledOnesAreCorrupt) {
  const auto& [name, offset, size] = GetParam();
  const auto flat = FlattenedBuilder()
                        .record(0, as_byte_span("abcd"))
                        .raw_record(offset, size, as_byte_span("abcd"))
                        .build();
  EXPECT_EQ(code_of(open(flat)), ErrorCode::corrupt);
}

INSTANTIATE_TEST_SUITE_P(OneField, FlattenedRecords,
                         testing::Values(RecordCase{"offset_negative", kMax - 1, 4},
                                         RecordCase{"offset_beyond_any_memory", uint64_t{1} << 60, 4},
                                         RecordCase{"size_most_negative", 0, uint64_t{1} << 63},
                                         RecordCase{"size_minus_one", 0, kMax},
                                         RecordCase{"size_beyond_any_memory", 0, uint64_t{1} << 60},
                                         RecordCase{"size_zero", 4, 0}, RecordCase{"half_an_end", kMax, 4}),
                         [](const auto& which) { return std::string(which.param.name); });

TEST(Flattened, SizeLargerThanTheFileIsACut) {
  const auto source =
      open(FlattenedBuilder().raw_record(0, uint64_t{1} << 50, as_byte_span("abcd")).without_end().build());
  ASSERT_TRUE(source) << why(source);
  EXPECT_EQ((*source)->size(), 4u);
  EXPECT_FALSE((*source)->complete());
}

// A hole may be large; what is really there may not be more than the file.
TEST(Flattened, ReportsHowMuchIsReallyThere) {
  const auto flat = FlattenedBuilder().record(uint64_t{1} << 50, as_byte_span("abcd")).build();
  const auto source = open(flat).value();
  EXPECT_EQ(source->size(), (uint64_t{1} << 50) + 4);
  EXPECT_LE(source->stored_size(), flat.size());
}

}  // namespace
}  // namespace lifeboat
