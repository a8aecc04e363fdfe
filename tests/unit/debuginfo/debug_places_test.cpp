// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/debuginfo/debug_places.h"

#include "tests/unit/debuginfo/fixtures.h"

namespace lifeboat::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

class Places : public testing::Test {
 protected:
  std::string touch(const std::string& name) {
    const auto path = temp_.path() / name;
    std::filesystem::create_directories(path.parent_path());
    EXPECT_TRUE(write_file_atomically(path, {}, 0600));
    return path;
  }
  [[nodiscard]] DebugPlaces places(std::string_view release) const {
    return {temp_.path() / "debug", temp_.path() / "root", release};
  }
  const std::vector<std::byte> id_{std::byte{0xab}, std::byte{0xcd}, std::byte{0x01}};
  TempDir temp_ = TempDir::create("debug-places-test").value();
};

TEST_F(Places, of_kernels_the_build_id_comes_first) {
  EXPECT_THAT(places("6.1").of_kernel(id_), IsEmpty());
  const std::string built = touch("root/lib/modules/6.1/build/vmlinux");
  const std::string debian = touch("debug/boot/vmlinux-6.1");
  const std::string fedora = touch("debug/lib/modules/6.1/vmlinux");
  const std::string by_id = touch("debug/.build-id/ab/cd01.debug");
  touch("debug/boot/vmlinux-6.12");
  EXPECT_THAT(places("6.1").of_kernel(id_), ElementsAre(by_id, debian, fedora, built));
  EXPECT_THAT(places("6.1").of_kernel({}), ElementsAre(debian, fedora, built));
  EXPECT_THAT(places("").of_kernel(id_), ElementsAre(by_id));
  EXPECT_THAT(places("").of_kernel(ByteSpan(id_).first(1)), IsEmpty());
}

TEST_F(Places, of_modules_by_name) {
  const std::string debug = touch("debug/lib/modules/6.1/kernel/net/9p-net.ko.debug");
  const std::string own = touch("root/lib/modules/6.1/updates/9p_net.ko");
  touch("root/lib/modules/6.1/kernel/9p_net.ko.xz");
  touch("root/lib/modules/6.12/9p_net.ko");
  EXPECT_THAT(places("6.1").of_module("9p_net", {}), UnorderedElementsAre(debug, own));
  EXPECT_THAT(places("6.1").of_module("9p", {}), IsEmpty());
  const std::string by_id = touch("debug/.build-id/ab/cd01.debug");
  EXPECT_EQ(places("6.1").of_module("9p_net", id_).front(), by_id);
}

// The release is the dump's word.
TEST_F(Places, a_release_that_is_no_name) {
  touch("debug/boot/vmlinux-x/y");
  touch("debug/lib/vmlinux");
  touch("debug/lib/modules/a.ko");
  for (const std::string release : {"x/y", "..", ".", "../modules", "/"}) {
    EXPECT_THAT(places(release).of_kernel({}), IsEmpty()) << release;
    EXPECT_THAT(places(release).of_module("a", {}), IsEmpty()) << release;
  }
}

TEST_F(Places, links_that_lead_in_circles) {
  touch("root/lib/modules/6.1/a.ko");
  std::filesystem::create_directory_symlink(temp_.path() / "root/lib/modules/6.1",
                                            temp_.path() / "root/lib/modules/6.1/build");
  EXPECT_EQ(places("6.1").of_module("a", {}).size(), 1u);
}

}  // namespace
}  // namespace lifeboat::test
