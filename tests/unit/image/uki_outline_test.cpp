// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/image/unwrap/uki_outline.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "src/base/file.h"
#include "src/base/size.h"
#include "tests/support/measured_child.h"
#include "tests/support/results.h"
#include "tests/support/uki_builder.h"

namespace lifeboat {
namespace {

using test::uki_section;
using test::UkiFields;
using test::UkiSection;
using testing::Optional;

class Outline : public testing::Test {
 protected:
  [[nodiscard]] std::string path() const { return (folder_.path() / "linux.efi").string(); }
  void put_fields(const UkiFields& fields) const {
    ASSERT_TRUE(write_file_atomically(path(), test::build_uki(fields), 0600));
  }
  void put(std::vector<UkiSection> sections) const { put_fields({.sections = std::move(sections)}); }
  // Makes the file longer; the new part needs no space.
  void stretch(uint64_t bytes) const { ASSERT_EQ(::truncate(path().c_str(), static_cast<off_t>(bytes)), 0); }
  [[nodiscard]] Result<UkiParts> parts(unsigned profile = 0) {
    outline_ = TRY(UkiOutline::read(path()));
    return outline_.parts(profile);
  }

 private:
  TempDir folder_ = TempDir::create("lifeboat-outline-").value();
  UkiOutline outline_;
};

TEST_F(Outline, HasTheTextsOfEachProfile) {
  auto sections = test::usual_uki_sections();
  sections.push_back(uki_section(".profile", "ID=main\n"));
  sections.push_back(uki_section(".profile", "ID=reset\n"));
  sections.push_back(uki_section(".osrel", "ID=other\n"));
  put(sections);
  const auto first = parts();
  ASSERT_TRUE(first) << test::why(first);
  EXPECT_THAT(first->os_release, Optional(std::string("ID=test\nVERSION_ID=1\n")));
  EXPECT_THAT(first->profile, Optional(std::string("ID=main\n")));
  EXPECT_THAT(first->release, Optional(std::string("6.12.1-test")));
  EXPECT_EQ(first->profile_count, 2U);
  EXPECT_THAT(parts(1)->os_release, Optional(std::string("ID=other\n")));
  EXPECT_EQ(test::code_of(parts(2)), ErrorCode::not_found);
}

TEST_F(Outline, RefusesWhatAWholeReadRefuses) {
  const auto refuses = [this](std::vector<UkiSection> sections) {
    const auto bytes = test::build_uki({.sections = sections});
    put(std::move(sections));
    EXPECT_NE(test::code_of(read_uki(bytes)), std::nullopt);
    EXPECT_EQ(test::code_of(parts()), test::code_of(read_uki(bytes)));
  };
  refuses({uki_section(".osrel", "ID=no kernel\n")});
  refuses({uki_section(".linux", "\\a\\path without a digest")});
  refuses({uki_section(".linux", "k"), uki_section(".initrd", "/a/path")});
  refuses({uki_section(".linux", "\\k"), uki_section(".linuxh", "no digest")});
  refuses({uki_section(".linux", "\\k"), uki_section(".linuxh", std::string(5000, 'x'))});
  refuses({uki_section(".linux", "k"), uki_section(".uname", "6.12/../x")});
  refuses({{.name = ".linux", .bytes = std::vector<std::byte>(8), .raw_offset = 0x7fff0000}});
  refuses({uki_section(".linux", "k"),
           {.name = ".osrel", .bytes = {}, .virtual_size = 0xffffffff, .raw_size = 0xffffffff}});
}

// The first 1024 bytes look like a path, and the section is longer: it is a kernel.
TEST_F(Outline, ABeginningIsNotTakenForAPath) {
  put({uki_section(".linux", "/" + std::string(5000, 'x'))});
  EXPECT_TRUE(parts());
}

TEST_F(Outline, AFileThatEndsInItsHeaders) {
  put(test::usual_uki_sections());
  for (const uint64_t size : {uint64_t{0x190}, uint64_t{0x90}, uint64_t{2}, uint64_t{0}}) {
    stretch(size);
    EXPECT_EQ(test::code_of(parts()), ErrorCode::truncated) << size;
  }
}

TEST_F(Outline, HeadersAndTextsLargerThanAnyImageHas) {
  put_fields({.sections = {uki_section(".linux", "k")}, .pe_offset = 0xf00, .section_count = 65535});
  stretch(16_MiB);
  EXPECT_EQ(test::code_of(parts()), ErrorCode::unsupported);
  for (const char* name : {".osrel", ".profile"}) {
    put({uki_section(".linux", "k"), uki_section(name, std::string(65537, 'x'))});
    EXPECT_EQ(test::code_of(parts()), ErrorCode::unsupported) << name;
  }
  std::vector<UkiSection> many{uki_section(".linux", "k"), uki_section(".profile", std::string(65536, 'x'))};
  put(many);
  EXPECT_TRUE(parts());
  many.resize(130,
              {.name = ".profile", .bytes = {}, .virtual_size = 65536, .raw_size = 65536, .raw_offset = 0});
  put(many);
  EXPECT_EQ(test::code_of(parts()), ErrorCode::unsupported);
}

// Kernel and initramfs fill a GiB that holds nothing, and the texts are behind it.
TEST_F(Outline, AnImageOfAGigabyteCostsLittle) {
  constexpr uint32_t kHalf = 512_MiB;
  put({uki_section(".osrel", "ID=test\n"),
       {.name = ".linux", .bytes = {}, .virtual_size = kHalf, .raw_size = kHalf, .raw_offset = 0x2000},
       {.name = ".initrd", .bytes = {}, .virtual_size = kHalf, .raw_size = kHalf, .raw_offset = kHalf},
       {.name = ".profile", .bytes = {}, .virtual_size = 8, .raw_size = 512, .raw_offset = 2 * kHalf}});
  stretch(2_GiB);
  const UniqueFd fd = open_file(path(), O_WRONLY).value();
  ASSERT_TRUE(pwrite_all(fd.get(), 1_GiB, as_byte_span("ID=main\n"), "the image"));
  EXPECT_THAT(parts()->profile, Optional(std::string("ID=main\n")));
  const auto run = test::run_measured([this] { return parts(); });
  EXPECT_EQ(run.code, std::nullopt);
  EXPECT_LT(run.peak_bytes, 16_MiB * test::kCostFactor);
}

}  // namespace
}  // namespace lifeboat
