// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/initramfs/initramfs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <map>

#include "capture/initramfs/compress.h"
#include "capture/initramfs/cpio.h"
#include "capture/initramfs/overlay.h"
#include "src/base/file.h"
#include "src/base/size.h"
#include "src/image/unwrap/decompress.h"
#include "tests/support/results.h"

namespace lifeboat {
namespace {

using test::why;
using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::byte> bytes_of(std::string_view text) {
  const ByteSpan bytes = as_byte_span(text);
  return {bytes.begin(), bytes.end()};
}

InitramfsContents some_contents() {
  InitramfsContents contents;
  contents.init = bytes_of(
      "\x7f"
      "ELF the program");
  contents.plan.targets = {{.uuid = "1234-abcd", .filesystem = "ext4", .path = "/var/crash"}};
  contents.files = {{"/etc/hook", 0750, bytes_of("a hook")},
                    {"/usr/lib/x/lib.so", 0644, bytes_of("a library")}};
  contents.modules = {{"virtio_blk.ko", bytes_of("first")}, {"ext4.ko", bytes_of(std::string(100'000, 'x'))}};
  return contents;
}

struct Entry {
  std::string name;
  mode_t mode = 0;
  std::string contents;
};

// Read back, through whatever compression it has. What cpio(1) makes of it: cpio_test.cpp.
std::vector<Entry> unpack(ByteSpan bytes) {
  std::vector<std::byte> unpacked;
  if (const ImageKind kind = identify_image(bytes); kind != ImageKind::cpio) {
    unpacked = decompress(kind, bytes, 1_GiB).value();
    bytes = unpacked;
  }
  std::vector<Entry> entries;
  CpioReader reader(bytes);
  while (const auto entry = reader.next().value())
    entries.push_back({std::string(entry->name), entry->mode, std::string(as_text(entry->contents))});
  return entries;
}

class Initramfs : public testing::TestWithParam<InitramfsCompression> {};

TEST_P(Initramfs, HoldsWhatTheCaptureKernelNeeds) {
  const auto built = build_initramfs(some_contents(), GetParam());
  ASSERT_TRUE(built) << why(built);
  std::map<std::string, Entry> entries;
  for (const auto& entry : unpack(*built)) entries[entry.name] = entry;
  EXPECT_EQ(entries.at("init").mode & 0777u, 0755u);
  EXPECT_EQ(entries.at("etc/hook").contents, "a hook");
  EXPECT_EQ(entries.at("etc/hook").mode & 0777u, 0750u);
  EXPECT_EQ(entries.at("usr/lib/x/lib.so").contents, "a library");
  EXPECT_EQ(entries.count("usr/lib"), 1U) << "a folder comes before what is in it";
  EXPECT_EQ(entries.at("dev/console").mode & S_IFMT, mode_t{S_IFCHR});
  EXPECT_EQ(entries.at("lifeboat/modules/virtio_blk.ko").contents, "first");
  EXPECT_EQ(entries.at("lifeboat/modules/ext4.ko").contents.size(), 100'000u);
  for (const char* folder : {"proc", "sys", "dev", "run", "mnt"})
    EXPECT_TRUE(entries.contains(folder)) << folder;
  const auto plan = CapturePlan::parse(entries.at("lifeboat/plan").contents);
  ASSERT_TRUE(plan) << why(plan);
  EXPECT_THAT(plan->modules, ElementsAre("virtio_blk.ko", "ext4.ko"));
}

TEST_P(Initramfs, IsTheSameForTheSameInputs) {
  EXPECT_EQ(build_initramfs(some_contents(), GetParam()).value(),
            build_initramfs(some_contents(), GetParam()).value());
}

INSTANTIATE_TEST_SUITE_P(All, Initramfs,
                         testing::Values(InitramfsCompression::none, InitramfsCompression::gzip,
                                         InitramfsCompression::xz, InitramfsCompression::zstd),
                         [](const auto& entry) {
                           return std::string(initramfs_compression_name(entry.param));
                         });

TEST(InitramfsPlan, ThatWouldNotBeReadBackIsRefused) {
  auto contents = some_contents();
  contents.plan.targets.front().path = "no slash in front";
  EXPECT_FALSE(build_initramfs(contents, InitramfsCompression::none));
}

TEST(InitramfsCompressionChoice, FollowsTheKernelsConfiguration) {
  const auto choice = [](std::string_view config) {
    return choose_initramfs_compression(KernelConfig::parse(config).value());
  };
  EXPECT_EQ(choice("CONFIG_RD_ZSTD=y\nCONFIG_RD_XZ=y\n"), InitramfsCompression::zstd);
  EXPECT_EQ(choice("# CONFIG_RD_ZSTD is not set\nCONFIG_RD_XZ=y\n"), InitramfsCompression::xz);
  EXPECT_EQ(choice("CONFIG_RD_GZIP=y\n"), InitramfsCompression::gzip);
  EXPECT_EQ(choice("CONFIG_MODULES=y\n"), InitramfsCompression::none);
}

// The kernel's xz decoder knows no other check (byte 7 of the stream's header).
TEST(InitramfsCompressionChoice, XzCarriesACrc32) {
  const auto packed = compress_initramfs(bytes_of("hello"), InitramfsCompression::xz).value();
  constexpr std::byte kCrc32{1};
  EXPECT_EQ(packed.at(7), kCrc32);
}

TEST(ModuleSet, AFolderWithoutIndexesIsAnErrorWithItsFix) {
  const auto folder = TempDir::create("module-set-test").value();
  const auto modules = collect_modules(folder.path().string(), {"ext4"});
  ASSERT_FALSE(modules);
  EXPECT_EQ(modules.error().code, ErrorCode::not_found);
  EXPECT_THAT(modules.error().to_string(), HasSubstr("depmod"));
}

TEST(InitProgram, MustBeAProgram) {
  const auto folder = TempDir::create("init-program-test").value();
  const std::string path = folder.path() / "init";
  ASSERT_TRUE(write_file_atomically(path, as_byte_span("#!/bin/sh\n"), 0700));
  EXPECT_EQ(test::code_of(read_static_program(kInitProgram, path)), ErrorCode::usage);
  EXPECT_EQ(test::code_of(read_static_program(kInitProgram, path + ".missing")), ErrorCode::not_found);
}

TEST_P(Initramfs, CanBeGivenAnotherPlanByAnArchiveBehindIt) {
  const auto built = build_initramfs(some_contents(), GetParam());
  ASSERT_TRUE(built) << why(built);
  auto plan = initramfs_plan(*built);
  ASSERT_TRUE(plan) << why(plan);
  EXPECT_EQ(plan->targets.front().uuid, "1234-abcd");
  EXPECT_THAT(plan->modules, ElementsAre("virtio_blk.ko", "ext4.ko"));

  plan->targets.front().uuid = "5678-abcd";
  const auto both =
      with_overlay(*built, *plan, {{"ext4.ko", bytes_of("not needed")}, {"guest.ko", bytes_of("third")}});
  ASSERT_TRUE(both) << why(both);
  // What was built is there to the byte.
  ASSERT_GT(both->size(), built->size());
  EXPECT_TRUE(std::ranges::equal(*built, std::span(*both).first(built->size())));
  const auto behind = std::span(*both).subspan(built->size());
  const auto begin = std::ranges::find(behind, std::byte{'0'}) - behind.begin();
  std::map<std::string, std::string> added;
  for (const auto& entry : unpack(behind.subspan(static_cast<size_t>(begin))))
    added[entry.name] = entry.contents;
  EXPECT_EQ(added.size(), 2U);
  EXPECT_EQ(added["lifeboat/modules/guest.ko"], "third");
  const auto read = CapturePlan::parse(added["lifeboat/plan"]);
  ASSERT_TRUE(read) << why(read);
  EXPECT_EQ(read->targets.front().uuid, "5678-abcd");
  EXPECT_THAT(read->modules, ElementsAre("virtio_blk.ko", "ext4.ko", "guest.ko"));
}

TEST(InitramfsPlan, OfAnOlderVersionIsRefusedWithWhatToDo) {
  CpioWriter cpio;
  ASSERT_TRUE(cpio.file("lifeboat/manifest", 0600, bytes_of("target = 1234 ext4 /dumps\nreport = no\n")));
  const auto plan = initramfs_plan(cpio.finish());
  EXPECT_EQ(test::code_of(plan), ErrorCode::unsupported);
  EXPECT_THAT(plan.error().fix, HasSubstr("lifeboat load --crash"));
}

TEST(InitramfsPlan, IsMissedWhereThereIsNone) {
  CpioWriter cpio;
  ASSERT_TRUE(cpio.file("init", 0755, bytes_of("x")));
  EXPECT_EQ(test::code_of(initramfs_plan(cpio.finish())), ErrorCode::not_found);
  EXPECT_EQ(test::code_of(initramfs_plan(bytes_of(std::string(1000, 'x')))), ErrorCode::corrupt);
  EXPECT_FALSE(initramfs_plan({}));
}

}  // namespace
}  // namespace lifeboat
