// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/vmcore/module_types.h"

#include <gtest/gtest.h>

#include "tests/support/btf_builder.h"
#include "tests/support/fake_kernel.h"
#include "tests/support/results.h"
#include "tests/support/usual_page_size.h"

namespace lifeboat::test {
namespace {

// struct btf {data, data_size, name}, struct btf_module {list, btf}; two modules on the list.
class ModuleTypes : public testing::Test {
 protected:
  static constexpr uint64_t kEntry = 0x100, kBtf = 0x200, kBlob = 0x1000, kStep = 0x400;

  ModuleTypes() {
    BtfBuilder builder = small_kernel_btf();
    const TypeId list = builder.structure("list_entry", 8, {{"next", 3, 0}});
    const TypeId name = builder.array(4, 56);
    builder.structure("btf", 72, {{"data", 3, 0}, {"data_size", 2, 64}, {"name", name, 96}});
    builder.structure("btf_module", 24, {{"list", list, 64}, {"btf", 3, 0}});
    types_.emplace(KernelTypes::from(builder.parse()));
    BtfBuilder split = BtfBuilder::split_from(builder);
    split.structure("module_thing", 8, {{"pid", list, 0}});
    blob_ = split.build();
    area_ = fake_.allocate(2 * kPageSize);
    fake_.write(area_ + kBlob, blob_);
    fake_.write64(area_, entry(0) + 8);
    fake_.write64(entry(0) + 8, entry(1) + 8);
    fake_.write64(entry(1) + 8, area_);
    add(0, "ext4");
    add(1, "dummy");
  }

  [[nodiscard]] uint64_t entry(uint64_t index) const { return area_ + kEntry + index * kStep; }
  [[nodiscard]] uint64_t btf(uint64_t index) const { return area_ + kBtf + index * kStep; }
  void add(uint64_t index, std::string_view name) {
    fake_.write64(entry(index), btf(index));
    fake_.write64(btf(index), area_ + kBlob);
    fake_.write32(btf(index) + 8, static_cast<uint32_t>(blob_.size()));
    fake_.write(btf(index) + 12, as_byte_span(name));
  }
  Result<Btf> read(std::string_view module) { return read_module_btf(fake_.open(), *types_, area_, module); }

  FakeKernel fake_;
  std::optional<KernelTypes> types_;
  std::vector<std::byte> blob_;
  uint64_t area_ = 0;
};

TEST_F(ModuleTypes, AreFoundByName) {
  for (const auto* module : {"ext4", "dummy"}) {
    const auto btf = read(module);
    ASSERT_TRUE(btf) << why(btf);
    EXPECT_TRUE(btf->parse_type_name("struct module_thing *"));
    EXPECT_TRUE(btf->parse_type_name("struct task_struct *"));
  }
  EXPECT_EQ(code_of(read("other")), ErrorCode::not_found);
}

TEST_F(ModuleTypes, ALostNameDoesNotHideTheOthers) {
  fake_.write64(entry(0), 0);
  EXPECT_TRUE(read("dummy"));
  EXPECT_EQ(code_of(read("ext4")), ErrorCode::not_found);
}

TEST_F(ModuleTypes, ALoopEnds) {
  fake_.write64(entry(1) + 8, entry(0) + 8);
  EXPECT_EQ(code_of(read("other")), ErrorCode::corrupt);
}

TEST_F(ModuleTypes, AWildPointerIsAnError) {
  fake_.write64(entry(1) + 8, 0x1234);
  EXPECT_EQ(code_of(read("other")), ErrorCode::not_mapped);
}

TEST_F(ModuleTypes, SizesAreChecked) {
  fake_.write32(btf(0) + 8, 0xffffffff);
  EXPECT_EQ(code_of(read("ext4")), ErrorCode::corrupt);
  fake_.write32(btf(0) + 8, 20);
  EXPECT_EQ(code_of(read("ext4")), ErrorCode::truncated);
}

TEST_F(ModuleTypes, KernelsWithoutThem) {
  types_.emplace(KernelTypes::from(small_kernel_btf().parse()));
  EXPECT_EQ(code_of(read("ext4")), ErrorCode::not_found);
}

}  // namespace
}  // namespace lifeboat::test
