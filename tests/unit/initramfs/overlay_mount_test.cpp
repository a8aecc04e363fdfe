// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/initramfs/overlay_mount.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "src/base/file.h"
#include "tests/support/results.h"

namespace lifeboat {
namespace {

namespace fs = std::filesystem;
using test::code_of;
using test::why;
using testing::HasSubstr;

Mount overlay(const std::string& options, const std::string& root = "/",
              const std::string& mount_point = "/merged") {
  return {.device_number = "0:50",
          .root = root,
          .mount_point = mount_point,
          .filesystem = "overlay",
          .source = "overlay",
          .options = options};
}

constexpr auto kSame = [](const std::string&, const std::string&) { return true; };
constexpr auto kOther = [](const std::string&, const std::string&) { return false; };

TEST(OverlayMount, WritesToItsUpperLayer) {
  const auto find = [](const Mount& mount, const std::string& folder) {
    return folder_in_upper(mount, folder, kSame).value();
  };
  const std::string options = "rw,lowerdir=/a:/b,upperdir=/up,workdir=/work,xino=off";
  EXPECT_EQ(find(overlay(options), "/merged/var/crash"), "/up/var/crash");
  EXPECT_EQ(find(overlay(options), "/merged"), "/up");
  EXPECT_EQ(find(overlay(options, "/", "/"), "/var/crash"), "/up/var/crash");
  EXPECT_EQ(find(overlay(options, "/", "/"), "/"), "/up");
  // A folder of the overlay that is mounted elsewhere.
  EXPECT_EQ(find(overlay(options, "/srv"), "/merged/crash"), "/up/srv/crash");
  EXPECT_EQ(find(overlay("upperdir=/"), "/merged/crash"), "/crash");
}

TEST(OverlayMount, WithoutAnUpperLayerIsReadOnly) {
  for (const char* options : {"ro,lowerdir=/a:/b", "", "rw,upperdir", "upperdir="}) {
    const auto refused = folder_in_upper(overlay(options), "/merged/x", kSame);
    EXPECT_EQ(code_of(refused), ErrorCode::unsupported) << options;
    EXPECT_THAT(refused.error().message, HasSubstr("/merged/x is on an overlay: it has no upper layer"));
    EXPECT_THAT(refused.error().fix, HasSubstr("[target] path"));
  }
}

// As in a container, or after the initramfs has mounted it.
TEST(OverlayMount, WhoseUpperLayerIsNotVisibleIsRefused) {
  EXPECT_THAT(folder_in_upper(overlay("rw,upperdir=/up"), "/merged/x", kOther).error().message,
              HasSubstr("its upper layer /up is not visible here"));
  EXPECT_EQ(code_of(folder_in_upper(overlay("rw,upperdir=up"), "/merged/x", kSame)), ErrorCode::unsupported);
}

TEST(OverlayMount, AFolderOfALowerLayerHasToBeBroughtUp) {
  const auto top_only = [](const std::string& upper, const std::string&) { return upper == "/up"; };
  const auto refused = folder_in_upper(overlay("rw,upperdir=/up"), "/merged/a b", top_only);
  EXPECT_EQ(code_of(refused), ErrorCode::unsupported);
  EXPECT_THAT(refused.error().message, HasSubstr("lower layer"));
  EXPECT_THAT(refused.error().fix, HasSubstr("touch '/merged/a b'"));
}

TEST(OverlayMount, AFolderIsKnownByOwnerModeAndTimes) {
  const auto temp = TempDir::create("overlay-test").value();
  const fs::path one = temp.path() / "one", other = temp.path() / "other";
  fs::create_directory(one);
  fs::create_directory(other);
  const timespec long_ago[] = {{.tv_sec = 1, .tv_nsec = 0}, {.tv_sec = 1, .tv_nsec = 0}};
  ASSERT_EQ(::utimensat(AT_FDCWD, other.c_str(), long_ago, 0), 0);
  EXPECT_TRUE(is_upper_of(one, one));
  EXPECT_FALSE(is_upper_of(one, other)) << "changed at another time";
  EXPECT_FALSE(is_upper_of(one, temp.path() / "none"));
  EXPECT_FALSE(is_upper_of(temp.path() / "none", one));
  ASSERT_TRUE(write_file_atomically(temp.path() / "file", {}, 0600));
  EXPECT_FALSE(is_upper_of(temp.path() / "file", temp.path() / "file"));
}

}  // namespace
}  // namespace lifeboat
