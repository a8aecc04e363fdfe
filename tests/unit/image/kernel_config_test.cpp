// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/image/kernel_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <filesystem>

#include "src/base/file.h"

namespace lifeboat {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;

TEST(KernelConfig, ReadsEveryKindOfLine) {
  const auto config = KernelConfig::parse(R"(#
# Automatically generated file; DO NOT EDIT.
#
CONFIG_CRASH_DUMP=y
CONFIG_EXT4_FS=m
# CONFIG_KEXEC_SIG is not set
CONFIG_NR_CPUS=8192
CONFIG_PHYSICAL_START=0x1000000
CONFIG_CC_VERSION_TEXT="gcc (\"12\") \\ 1"
CONFIG_EMPTY=""
)");
  ASSERT_TRUE(config) << config.error().to_string();
  EXPECT_EQ(config->size(), 6u);
  EXPECT_TRUE(config->builtin("CONFIG_CRASH_DUMP"));
  EXPECT_FALSE(config->module("CONFIG_CRASH_DUMP"));
  EXPECT_TRUE(config->module("CONFIG_EXT4_FS"));
  EXPECT_TRUE(config->enabled("CONFIG_EXT4_FS"));
  EXPECT_FALSE(config->builtin("CONFIG_EXT4_FS"));
  EXPECT_FALSE(config->enabled("CONFIG_KEXEC_SIG"));
  EXPECT_FALSE(config->value("CONFIG_KEXEC_SIG"));
  EXPECT_FALSE(config->enabled("CONFIG_NR_CPUS"));
  EXPECT_EQ(config->value("CONFIG_NR_CPUS"), "8192");
  EXPECT_EQ(config->value("CONFIG_PHYSICAL_START"), "0x1000000");
  EXPECT_EQ(config->value("CONFIG_CC_VERSION_TEXT"), "gcc (\"12\") \\ 1");
  EXPECT_EQ(config->value("CONFIG_EMPTY"), "");
}

TEST(KernelConfig, LastLineWinsAndNeedsNoNewline) {
  const auto config = KernelConfig::parse("CONFIG_A=y\nCONFIG_A=m");
  ASSERT_TRUE(config);
  EXPECT_TRUE(config->module("CONFIG_A"));
}

TEST(KernelConfig, WhatIsNoConfiguration) {
  for (const char* text :
       {"", "# only a comment\n", "hello\n", "CONFIG_A=y\nA=y\n", "CONFIG_=y\n", "CONFIG_A\n",
        "CONFIG_A b=y\n", "CONFIG_A=\"open\n", "CONFIG_A=\"x\" y\n", "CONFIG_A=\"x\\"}) {
    const auto config = KernelConfig::parse(text);
    ASSERT_FALSE(config) << text;
    EXPECT_EQ(config.error().code, ErrorCode::corrupt) << text;
  }
  EXPECT_THAT(KernelConfig::parse("CONFIG_A=y\nA=y\n").error().message, HasSubstr("line 2"));
}

class FindKernelConfig : public testing::Test {
 protected:
  void put(const std::string& name, std::string_view text) {
    const fs::path path = root() + name;
    fs::create_directories(path.parent_path());
    ASSERT_TRUE(write_file_atomically(path, as_byte_span(text), 0600));
  }
  [[nodiscard]] std::string root() const { return temp_.path(); }
  [[nodiscard]] Result<KernelConfig> find() const {
    return find_kernel_config(root() + "/images/vmlinuz", "6.1", root() + "/lib/modules/6.1", root());
  }

  TempDir temp_ = TempDir::create("config-test").value();
};

std::string gzipped(std::string_view text) {
  std::string packed(text.size() + 100, '\0');
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 6, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

TEST_F(FindKernelConfig, NearestFirst) {
  put("/proc/sys/kernel/osrelease", "6.1\n");
  put("/proc/config.gz", gzipped("CONFIG_FROM=\"proc\"\n"));
  EXPECT_EQ(find().value().value("CONFIG_FROM"), "proc");
  put("/lib/modules/6.1/config", "CONFIG_FROM=\"modules\"\n");
  EXPECT_EQ(find().value().value("CONFIG_FROM"), "modules");
  put("/boot/config-6.1", "CONFIG_FROM=\"boot\"\n");
  EXPECT_EQ(find().value().value("CONFIG_FROM"), "boot");
  put("/images/config-6.1", "CONFIG_FROM=\"beside\"\n");
  const auto nearest = find();
  EXPECT_EQ(nearest.value().value("CONFIG_FROM"), "beside");
  EXPECT_EQ(nearest.value().origin, root() + "/images/config-6.1");
}

TEST_F(FindKernelConfig, BesideTheFileThatALinkPointsTo) {
  put("/store/vmlinuz-6.1", "kernel");
  put("/store/config-6.1", "CONFIG_FROM=\"store\"\n");
  std::filesystem::create_symlink("store/vmlinuz-6.1", root() + "/vmlinuz");
  const auto config = find_kernel_config(root() + "/vmlinuz", "6.1", {}, root());
  ASSERT_TRUE(config);
  EXPECT_EQ(config->value("CONFIG_FROM"), "store");
}

TEST_F(FindKernelConfig, RunningKernelsIsNotTakenForAnother) {
  put("/proc/sys/kernel/osrelease", "6.12\n");
  put("/proc/config.gz", gzipped("CONFIG_FROM=\"proc\"\n"));
  const auto config = find();
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().code, ErrorCode::not_found);
  EXPECT_THAT(config.error().message,
              AllOf(HasSubstr("/images/config-6.1"), HasSubstr("/boot/config-6.1"),
                    HasSubstr("/lib/modules/6.1/config"), Not(HasSubstr("config.gz"))));
}

TEST_F(FindKernelConfig, DamagedFileIsNotPassedOver) {
  put("/proc/sys/kernel/osrelease", "6.1\n");
  const std::string packed = gzipped("CONFIG_FROM=\"proc\"\n");
  for (const auto& damaged :
       {packed.substr(0, packed.size() / 2), std::string("CONFIG_FROM=y\n"), std::string()}) {
    put("/proc/config.gz", damaged);
    const auto config = find();
    ASSERT_FALSE(config);
    EXPECT_EQ(config.error().code, ErrorCode::corrupt) << config.error().to_string();
  }
  put("/boot/config-6.1", "not a configuration\n");
  EXPECT_THAT(find().error().message, HasSubstr("/boot/config-6.1"));
}

TEST_F(FindKernelConfig, UnpacksNoMoreThanItNeeds) {
  put("/proc/sys/kernel/osrelease", "6.1\n");
  put("/proc/config.gz", gzipped(std::string(20 << 20, '#')));
  const auto config = find();
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().code, ErrorCode::unsupported);
}

}  // namespace
}  // namespace lifeboat
