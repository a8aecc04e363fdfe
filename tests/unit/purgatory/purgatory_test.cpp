// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/x86_64/purgatory/purgatory.h"

#include <gelf.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "loader/x86_64/purgatory/parameters.h"
#include "src/base/file.h"

namespace lifeboat::x86_64 {
namespace {

using testing::Each;
using testing::HasSubstr;

PurgatoryArguments valid_arguments() {
  PurgatoryArguments arguments;
  arguments.kernel_entry = 0x1'2345'6200;
  arguments.boot_params = 0x9'8000;
  arguments.digested = {{0, 0x1000}, {0x1'0000'0000, 0x20'0000}, {UINT64_MAX - 0xfff, 0xfff}};
  for (int i = 0; i < 32; ++i) arguments.digest.push_back(static_cast<std::byte>(0xa0 + i));
  arguments.copy_from = 0;
  arguments.copy_to = 0x200'0000;
  arguments.copy_size = 640 << 10;
  arguments.serial_port = 0x2f8;
  return arguments;
}

PurgatoryParameters parameters_of(ByteSpan image) {
  const auto parameters = load<PurgatoryParameters>(image, kParametersOffset, "image");
  EXPECT_TRUE(parameters);
  return *parameters;
}

void expect_usage(const PurgatoryArguments& arguments, std::string_view message) {
  const auto image = make_purgatory(arguments);
  ASSERT_FALSE(image) << message;
  EXPECT_EQ(image.error().code, ErrorCode::usage);
  EXPECT_THAT(image.error().message, HasSubstr(message));
}

TEST(Purgatory, ImageIsWholePagesAndCarriesWhatWasGiven) {
  const auto arguments = valid_arguments();
  const auto image = make_purgatory(arguments);
  ASSERT_TRUE(image) << image.error().to_string();
  EXPECT_EQ(image->size(), purgatory_size());
  EXPECT_EQ(purgatory_size() % kPurgatoryAlignment, 0);
  EXPECT_GT(purgatory_size(), 0);

  const auto parameters = parameters_of(*image);
  EXPECT_EQ(parameters.magic, kParametersMagic);
  EXPECT_EQ(parameters.kernel_entry, arguments.kernel_entry);
  EXPECT_EQ(parameters.boot_params, arguments.boot_params);
  EXPECT_EQ(parameters.copy_from, arguments.copy_from);
  EXPECT_EQ(parameters.copy_to, arguments.copy_to);
  EXPECT_EQ(parameters.copy_size, arguments.copy_size);
  EXPECT_EQ(parameters.serial_port, arguments.serial_port);
  ASSERT_EQ(parameters.region_count, arguments.digested.size());
  for (size_t i = 0; i < arguments.digested.size(); ++i) {
    EXPECT_EQ(parameters.regions[i].address, arguments.digested[i].address);
    EXPECT_EQ(parameters.regions[i].size, arguments.digested[i].size);
  }
  EXPECT_TRUE(std::ranges::equal(arguments.digest, std::as_bytes(std::span(parameters.digest))));
}

TEST(Purgatory, NothingButTheParametersDiffersFromImageToImage) {
  const auto given = make_purgatory(valid_arguments());
  const auto plain = make_purgatory({});
  ASSERT_TRUE(given && plain);
  const auto end = kParametersOffset + sizeof(PurgatoryParameters);
  EXPECT_TRUE(std::equal(given->begin(), given->begin() + kParametersOffset, plain->begin()));
  EXPECT_TRUE(std::equal(given->begin() + end, given->end(), plain->begin() + end));
  EXPECT_EQ(parameters_of(*plain).region_count, 0);
  EXPECT_THAT(parameters_of(*plain).digest, Each(0));
  // The stack is part of the image.
  EXPECT_THAT(std::vector(plain->end() - 4096, plain->end()), Each(std::byte{0}));
}

TEST(Purgatory, SixteenRegionsAndNoMore) {
  auto arguments = valid_arguments();
  arguments.digested.resize(16);
  EXPECT_TRUE(make_purgatory(arguments));
  arguments.digested.resize(17);
  expect_usage(arguments, "at most 16 regions");
}

TEST(Purgatory, DigestMustFitTheRegions) {
  auto arguments = valid_arguments();
  arguments.digest.resize(31);
  expect_usage(arguments, "a digest of 31 bytes for 3 regions, it must have 32");
  arguments.digest.resize(33);
  expect_usage(arguments, "it must have 32");
  arguments.digest.clear();
  expect_usage(arguments, "a digest of 0 bytes");
  arguments.digested.clear();
  EXPECT_TRUE(make_purgatory(arguments));
  arguments.digest.resize(32);
  expect_usage(arguments, "it must have 0");
}

TEST(Purgatory, RegionsMustNotWrap) {
  auto arguments = valid_arguments();
  arguments.digested[1] = {UINT64_MAX, 1};
  expect_usage(arguments, "past the end of memory");
  arguments.digested[1] = {1, UINT64_MAX};
  expect_usage(arguments, "past the end of memory");
}

TEST(Purgatory, CopyMustNotWrapOrOverlap) {
  auto arguments = valid_arguments();
  arguments.copy_from = UINT64_MAX - 0xfff;
  expect_usage(arguments, "past the end of memory");
  arguments = valid_arguments();
  arguments.copy_to = UINT64_MAX - 0xfff;
  expect_usage(arguments, "past the end of memory");
  arguments = valid_arguments();
  arguments.copy_to = arguments.copy_from + arguments.copy_size - 1;
  expect_usage(arguments, "overlap");
  arguments.copy_to += 1;
  EXPECT_TRUE(make_purgatory(arguments));
  arguments.copy_to = arguments.copy_from;
  arguments.copy_size = 0;
  EXPECT_TRUE(make_purgatory(arguments));
}

// The link refuses relocations; this looks at what came out of it.
TEST(Purgatory, LinkedImageHasNoRelocationsAndOneSection) {
  elf_version(EV_CURRENT);
  const auto fd = open_file(LIFEBOAT_PURGATORY_ELF, O_RDONLY);
  ASSERT_TRUE(fd) << fd.error().to_string();
  const std::unique_ptr<Elf, decltype(&elf_end)> elf(elf_begin(fd->get(), ELF_C_READ, nullptr), elf_end);
  ASSERT_NE(elf, nullptr);
  int loaded = 0;
  for (Elf_Scn* section = nullptr; (section = elf_nextscn(elf.get(), section)) != nullptr;) {
    GElf_Shdr header;
    ASSERT_NE(gelf_getshdr(section, &header), nullptr);
    EXPECT_NE(header.sh_type, SHT_REL);
    EXPECT_NE(header.sh_type, SHT_RELA);
    EXPECT_NE(header.sh_type, SHT_DYNAMIC);
    if ((header.sh_flags & SHF_ALLOC) == 0) continue;
    ++loaded;
    EXPECT_EQ(header.sh_type, SHT_PROGBITS);
    EXPECT_EQ(header.sh_addr, 0);
    EXPECT_EQ(header.sh_size, purgatory_size());
  }
  EXPECT_EQ(loaded, 1);
}

}  // namespace
}  // namespace lifeboat::x86_64
