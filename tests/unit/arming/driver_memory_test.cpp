// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/arming/driver_memory.h"

#include <elf.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <cstring>
#include <filesystem>
#include <map>

#include "src/base/file.h"
#include "src/base/process.h"
#include "src/base/size.h"
#include "tests/support/results.h"

namespace lifeboat::arming {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using test::why;

Elf64_Shdr section(uint64_t flags, uint64_t size, uint32_t type = SHT_PROGBITS) {
  Elf64_Shdr header{};
  header.sh_type = type;
  header.sh_flags = flags;
  header.sh_size = size;
  return header;
}

// A module's headers, as far as they are read.
std::string module_file(const std::vector<Elf64_Shdr>& sections) {
  Elf64_Ehdr header{};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_shoff = sizeof(header);
  header.e_shentsize = sizeof(Elf64_Shdr);
  header.e_shnum = static_cast<Elf64_Half>(sections.size());
  std::string file(as_text(object_bytes(header)));
  for (const auto& one : sections) file += as_text(object_bytes(one));
  return file;
}

TEST(ModuleMemory, CountsWhatTheKernelLoads) {
  const auto file = module_file({section(0, 0, SHT_NULL), section(SHF_ALLOC | SHF_EXECINSTR, 1000),
                                 section(SHF_ALLOC | SHF_WRITE, 5_MiB, SHT_NOBITS), section(0, 7777)});
  EXPECT_EQ(module_memory(as_byte_span(file)), 5_MiB + 1000);
}

TEST(ModuleMemory, OfADamagedFileItsSize) {
  const auto file = module_file({section(SHF_ALLOC, UINT64_MAX), section(SHF_ALLOC, 1)});
  EXPECT_EQ(module_memory(as_byte_span(file)), file.size());
  for (size_t length = 0; length < file.size(); ++length)
    EXPECT_EQ(module_memory(as_byte_span(std::string_view(file).substr(0, length))), length);
  std::string far = file;
  for (size_t index = 0; index < 8; ++index) far[offsetof(Elf64_Ehdr, e_shoff) + index] = '\xff';
  EXPECT_EQ(module_memory(as_byte_span(far)), file.size());
  EXPECT_EQ(module_memory({}), 0U);
}

// A module tree with a host adapter's driver that needs another module, and one that is built in.
class DriverUses : public testing::Test {
 protected:
  void SetUp() override {
    // depmod reads more of a module than these have: it gets the beginning only.
    const std::map<std::string, uint64_t> modules = {{"kernel/drivers/scsi/brand-new.ko", 2_MiB},
                                                     {"kernel/drivers/scsi/mpt3sas/mpt3sas.ko", 1_MiB},
                                                     {"kernel/drivers/bus/carrier.ko", 4_KiB}};
    for (const auto& [name, size] : modules) put(name, ELFMAG);
    put("modules.builtin", "kernel/drivers/ata/inside.ko\nkernel/drivers/pci/bridge.ko\n");
    put("modules.order", "");
    const auto depmod = find_program("depmod");
    if (!depmod) GTEST_SKIP() << "depmod is not installed";
    const auto indexed = run_process({*depmod, "-b", folder_.path(), "6.1.0-test"}, 60s);
    ASSERT_TRUE(indexed) << why(indexed);
    for (const auto& [name, size] : modules) put(name, module_file({section(SHF_ALLOC, size)}));
  }
  [[nodiscard]] fs::path folder() const { return folder_.path() / "lib/modules/6.1.0-test"; }
  void put(const std::string& name, std::string_view text) const {
    const fs::path path = folder() / name;
    fs::create_directories(path.parent_path());
    ASSERT_TRUE(write_file_atomically(path.string(), as_byte_span(text), 0644));
  }
  [[nodiscard]] std::map<std::string, reservation::DriverUse> uses(
      const std::vector<std::vector<std::string>>& targets) const {
    Recipe recipe;
    recipe.module_folder = folder();
    for (const auto& drivers : targets)
      recipe.targets.push_back({.target = {}, .device = {}, .drivers = drivers});
    const auto found = driver_uses(recipe);
    EXPECT_TRUE(found) << why(found);
    std::map<std::string, reservation::DriverUse> by_name;
    for (const auto& use : found.value_or(std::vector<reservation::DriverUse>()))
      by_name.insert_or_assign(use.name, use);
    return by_name;
  }
  TempDir folder_ = TempDir::create("driver-test").value();
};

TEST_F(DriverUses, EachOnTheWayToATarget) {
  const auto found = uses({{"brand-new", "carrier"}, {"mpt3sas", "carrier"}});
  ASSERT_EQ(found.size(), 3U);
  EXPECT_EQ(found.at("brand_new").bytes, 16_MiB) << "an unknown driver for storage";
  EXPECT_EQ(found.at("brand_new").memory, 2_MiB);
  EXPECT_GE(found.at("mpt3sas").bytes, 16_MiB);
  EXPECT_EQ(found.at("mpt3sas").memory, 1_MiB);
  EXPECT_EQ(found.at("carrier").bytes, 1_MiB);
}

TEST_F(DriverUses, ThoseThatAreBuiltIn) {
  const auto found = uses({{"inside", "bridge", "pci:v00008086d00001234"}});
  ASSERT_EQ(found.size(), 3U);
  EXPECT_EQ(found.at("inside").bytes, 16_MiB) << "its folder is for storage";
  EXPECT_EQ(found.at("inside").memory, 0U);
  EXPECT_EQ(found.at("bridge").bytes, 1_MiB);
  EXPECT_EQ(found.at("pci:v00008086d00001234").bytes, 1_MiB) << "a device without a driver";
}

TEST_F(DriverUses, AModuleThatTheTreeLacks) {
  Recipe recipe;
  recipe.module_folder = folder();
  recipe.targets.push_back({.target = {}, .device = {}, .drivers = {"absent"}});
  EXPECT_EQ(test::code_of(driver_uses(recipe)), ErrorCode::not_found);
  recipe.targets.clear();
  EXPECT_TRUE(driver_uses(recipe)->empty());
}

}  // namespace
}  // namespace lifeboat::arming
