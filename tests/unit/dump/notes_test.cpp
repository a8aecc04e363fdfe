// SPDX-License-Identifier: GPL-2.0-or-later
#include <elf.h>
#include <gtest/gtest.h>

#include "src/dump/elf_notes.h"
#include "tests/support/elf_builder.h"
#include "tests/support/pages.h"

namespace lifeboat {
namespace {

using test::append;
using test::elf_note;

struct Parsed {
  std::vector<ElfNote> notes;
  bool truncated = false;
};

Parsed parse_notes(ByteSpan bytes) {
  ElfNotes walk(bytes);
  Parsed parsed;
  while (const auto note = walk.next()) parsed.notes.push_back(*note);
  parsed.truncated = walk.truncated();
  return parsed;
}

std::vector<std::byte> two_notes() {
  auto bytes = elf_note("VMCOREINFO", 0, as_byte_span("OSRELEASE=1\n"));
  append(bytes, elf_note("CORE", NT_PRSTATUS, as_byte_span("12345")));
  return bytes;
}

TEST(Notes, AreFoundWithTheirPlaces) {
  const auto bytes = two_notes();
  const auto parsed = parse_notes(bytes);
  EXPECT_FALSE(parsed.truncated);
  ASSERT_EQ(parsed.notes.size(), 2u);
  EXPECT_EQ(parsed.notes[0].name, "VMCOREINFO");
  EXPECT_EQ(parsed.notes[0].type, 0u);
  EXPECT_EQ(as_text(parsed.notes[0].description), "OSRELEASE=1\n");
  EXPECT_EQ(parsed.notes[0].description.data(), bytes.data() + parsed.notes[0].description_offset);
  EXPECT_EQ(parsed.notes[1].name, "CORE");
  EXPECT_EQ(parsed.notes[1].type, static_cast<uint32_t>(NT_PRSTATUS));
  EXPECT_EQ(as_text(parsed.notes[1].description), "12345");
}

TEST(Notes, PaddingOfZerosIsSkipped) {
  std::vector<std::byte> bytes(24);
  append(bytes, two_notes());
  bytes.resize(bytes.size() + 100);
  const auto parsed = parse_notes(bytes);
  EXPECT_FALSE(parsed.truncated);
  EXPECT_EQ(parsed.notes.size(), 2u);
}

TEST(Notes, NothingIsInNothing) {
  EXPECT_TRUE(parse_notes({}).notes.empty());
  EXPECT_FALSE(parse_notes({}).truncated);
  EXPECT_TRUE(parse_notes(std::vector<std::byte>(11, std::byte{0xff})).notes.empty());
}

TEST(Notes, EveryTruncationKeepsTheWholeOnes) {
  const auto bytes = two_notes();
  const auto first_size = elf_note("VMCOREINFO", 0, as_byte_span("OSRELEASE=1\n")).size();
  // The last note's description ends before its padding does.
  const auto second_end = bytes.size() - 3;
  for (size_t size = 0; size < bytes.size(); ++size) {
    const auto parsed = parse_notes(ByteSpan(bytes).first(size));
    const size_t whole = size >= second_end ? 2 : size >= first_size ? 1 : 0;
    ASSERT_EQ(parsed.notes.size(), whole) << size;
  }
}

struct BadNote {
  const char* name;
  uint32_t name_size, description_size;
};
class GarbledNotes : public testing::TestWithParam<BadNote> {};

TEST_P(GarbledNotes, EndTheWalkAndKeepWhatWasBefore) {
  const auto& [name, name_size, description_size] = GetParam();
  auto bytes = elf_note("CORE", NT_PRSTATUS, as_byte_span("first"));
  const Elf64_Nhdr header{name_size, description_size, 1};
  append(bytes, object_bytes(header));
  bytes.resize(bytes.size() + 64, std::byte{'x'});
  const auto parsed = parse_notes(bytes);
  EXPECT_TRUE(parsed.truncated);
  ASSERT_EQ(parsed.notes.size(), 1u);
  EXPECT_EQ(as_text(parsed.notes[0].description), "first");
}

INSTANTIATE_TEST_SUITE_P(Sizes, GarbledNotes,
                         testing::Values(BadNote{"name_one_too_long", 65, 0},
                                         BadNote{"name_huge", 0xffffffff, 4},
                                         BadNote{"description_one_too_long", 4, 61},
                                         BadNote{"description_huge", 4, 0xffffffff},
                                         BadNote{"both_huge", 0xffffffff, 0xffffffff},
                                         BadNote{"name_wraps_when_padded", 0xfffffffd, 0}),
                         [](const auto& which) { return std::string(which.param.name); });

TEST(Notes, NameWithoutItsNulIsTakenWhole) {
  const Elf64_Nhdr header{4, 0, 9};
  auto bytes = test::to_bytes(object_bytes(header));
  append(bytes, as_byte_span("ABCD"));
  const auto parsed = parse_notes(bytes);
  ASSERT_EQ(parsed.notes.size(), 1u);
  EXPECT_EQ(parsed.notes[0].name, "ABCD");
}

}  // namespace
}  // namespace lifeboat
