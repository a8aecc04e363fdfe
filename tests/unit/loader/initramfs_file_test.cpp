// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/initramfs_file.h"

#include <gtest/gtest.h>

namespace lifeboat {
namespace {

std::vector<std::byte> bytes_of(std::string_view text) {
  const ByteSpan bytes = as_byte_span(text);
  return {bytes.begin(), bytes.end()};
}

class InitramfsFile : public testing::Test {
 protected:
  std::string put(const std::string& name, std::string_view text) {
    const std::string path = folder_.path() / name;
    write_file_atomically(path, as_byte_span(text), 0600).value();
    return path;
  }
  // What is loaded; the class of the error.
  static std::string loaded(const std::vector<std::string>& paths, const KernelFile& kernel) {
    uint64_t size = 0;
    const auto fd = open_initramfs(paths, kernel, size);
    if (!fd) return std::string(code_name(fd.error().code));
    if (!fd->valid()) return size == 0 ? "none" : "none, with a size";
    std::vector<std::byte> bytes(size);
    EXPECT_TRUE(pread_exact(fd->get(), 0, bytes, "initramfs"));
    return std::string(as_text(bytes));
  }

 private:
  TempDir folder_ = TempDir::create("initramfs-file-test").value();
};

TEST_F(InitramfsFile, FilesOfTheEntryStandBehindWhateverIsLoaded) {
  KernelFile kernel;
  const auto first = put("first", "070701 1");
  const auto second = put("second", "070701 2");
  EXPECT_EQ(loaded({}, kernel), "none");
  EXPECT_EQ(loaded({first}, kernel), "070701 1");
  kernel.entry_archive = bytes_of("070701 x");
  EXPECT_EQ(loaded({}, kernel), "070701 x");
  EXPECT_EQ(loaded({first}, kernel), "070701 1070701 x");
  EXPECT_EQ(loaded({first, second}, kernel), "070701 1070701 2070701 x");
  kernel.initramfs = bytes_of("070701 i");
  EXPECT_EQ(loaded({}, kernel), "070701 i070701 x");
  EXPECT_EQ(loaded({first}, kernel), "070701 1070701 x") << "a given one stands for the kernel's own";
  kernel.entry_archive.reset();
  EXPECT_EQ(loaded({}, kernel), "070701 i");
}

TEST_F(InitramfsFile, WhatIsNoInitramfsIsRefused) {
  KernelFile kernel;
  kernel.entry_archive = bytes_of("070701 x");
  EXPECT_EQ(loaded({put("text", "hello")}, kernel), code_name(ErrorCode::unsupported));
  EXPECT_EQ(loaded({"/nothing/there"}, kernel), code_name(ErrorCode::not_found));
}

}  // namespace
}  // namespace lifeboat
