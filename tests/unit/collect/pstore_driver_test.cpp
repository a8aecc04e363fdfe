// SPDX-License-Identifier: GPL-2.0-or-later
// Which driver of pstore a machine has or needs: a /sys and a /proc made of files, and a modprobe that notes
// how it was called.
#include "src/collect/pstore_driver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/base/file.h"
#include "src/base/log.h"

namespace lifeboat::collect {
namespace {

namespace fs = std::filesystem;

class PstoreDrivers : public testing::Test {
 protected:
  void SetUp() override {
    log::set_sink([](log::Level, std::string_view) {});
    fs::create_directories(path("sys/fs/pstore"));
    put("sys/module/pstore/parameters/backend", "(null)\n");
    put("proc/cmdline", "ro quiet\n");
    put("modprobe", "#!/bin/sh\necho \"$@\" >>" + path("asked") + "\n");
    fs::permissions(path("modprobe"), fs::perms::owner_all);
  }
  void TearDown() override { log::set_sink({}); }
  [[nodiscard]] std::string path(const std::string& name) const { return folder_.path() / name; }
  void put(const std::string& name, std::string_view text) const {
    fs::create_directories(fs::path(path(name)).parent_path());
    ASSERT_TRUE(write_file_atomically(path(name), as_byte_span(text), 0600));
  }
  void folder(const std::string& name) const { fs::create_directories(path(name)); }
  [[nodiscard]] PstoreHost host() const {
    return {.sys = path("sys"), .proc = path("proc"), .modprobe = path("modprobe")};
  }
  [[nodiscard]] PstoreDriver found() const { return find_pstore_driver(host()); }
  // What modprobe was asked for; empty: it was not run.
  std::string asked() const {
    fs::remove(path("asked"));
    load_pstore_driver(host());
    return read_text(path("asked")).value_or("");
  }

  TempDir folder_ = TempDir::create("pstore-driver-test").value();
};

TEST_F(PstoreDrivers, OneThatIsActiveIsEnough) {
  folder("sys/firmware/efi/efivars");
  for (const char* backend : {"efi_pstore", "erst", "ramoops", "something_new"}) {
    put("sys/module/pstore/parameters/backend", std::string(backend) + "\n");
    EXPECT_EQ(found().active, backend);
    EXPECT_EQ(found().module, "");
    EXPECT_EQ(asked(), "") << backend;
  }
}

TEST_F(PstoreDrivers, OfTheFirmwaresVariablesIsAModule) {
  EXPECT_EQ(found().module, "");
  folder("sys/firmware/efi");
  EXPECT_EQ(found().module, "") << "efi=noruntime: there are no variables";
  folder("sys/firmware/efi/efivars");
  EXPECT_EQ(found().module, "efi_pstore");
  EXPECT_FALSE(found().loaded);
  EXPECT_EQ(asked(), "-b -q efi_pstore\n");
}

// It is switched off, or has found nothing.
TEST_F(PstoreDrivers, OneThatIsLoadedAndDoesNothingIsNotLoadedAgain) {
  folder("sys/firmware/efi/efivars");
  folder("sys/module/efi_pstore");
  EXPECT_TRUE(found().loaded);
  EXPECT_EQ(found().active, "");
  EXPECT_EQ(asked(), "");
}

TEST_F(PstoreDrivers, OfReservedMemoryIsAModule) {
  folder("sys/firmware/efi/efivars");
  folder("sys/bus/platform/devices/5f000000.ramoops");
  EXPECT_EQ(found().module, "ramoops") << "somebody has reserved memory for it";
  fs::remove_all(path("sys/bus"));
  put("proc/cmdline", "ramoops.mem_address=0x1000000 ramoops.ecc=1 ro\n");
  EXPECT_EQ(asked(), "-b -q ramoops\n");
  put("proc/cmdline", "pstore_blk.blkdev=/dev/sda9");
  EXPECT_EQ(found().module, "pstore_blk");
}

// Until it has registered, the kernel shows what it was asked for.
TEST_F(PstoreDrivers, OneThatTheCommandLineNamesIsNotActiveBeforeItIsLoaded) {
  put("proc/cmdline", "pstore.backend=efi_pstore\n");
  put("sys/module/pstore/parameters/backend", "efi_pstore\n");
  EXPECT_EQ(found().active, "");
  EXPECT_EQ(found().module, "efi_pstore");
  folder("sys/module/efi_pstore");
  EXPECT_EQ(found().active, "efi_pstore");
  put("proc/cmdline", "pstore.backend=erst\n");
  put("sys/module/pstore/parameters/backend", "erst\n");
  EXPECT_EQ(found().active, "erst") << "it is always built in";
}

TEST_F(PstoreDrivers, OfAStrangeNameIsNotAskedFor) {
  for (const char* name : {"-r", "../x", "", "_", "a;b", "A"}) {
    put("proc/cmdline", fmt::format("pstore.backend={}\n", name));
    EXPECT_EQ(asked(), "") << name;
  }
}

TEST_F(PstoreDrivers, WithoutPstoreOrModprobeIsNone) {
  folder("sys/firmware/efi/efivars");
  PstoreHost no_modprobe = host();
  no_modprobe.modprobe = path("none");
  EXPECT_FALSE(load_pstore_driver(no_modprobe));
  put("modprobe", "#!/bin/sh\nexit 1\n");
  fs::permissions(path("modprobe"), fs::perms::owner_all);
  EXPECT_FALSE(load_pstore_driver(host()));
  fs::remove_all(path("sys/fs"));
  EXPECT_FALSE(found().there);
  EXPECT_EQ(found().module, "");
}

}  // namespace
}  // namespace lifeboat::collect
