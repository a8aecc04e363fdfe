// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/base/real_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

namespace lifeboat {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class RealFolders : public testing::Test {
 protected:
  [[nodiscard]] std::string path(const std::string& name) const { return top_ + "/" + name; }
  void folder(const std::string& name, mode_t mode = 0700) const {
    fs::create_directories(path(name));
    ASSERT_EQ(::chmod(path(name).c_str(), mode), 0);
  }
  void link(const std::string& target, const std::string& name) const {
    fs::create_symlink(target, path(name));
  }
  // Where it leads, and what of that is missing.
  void expect_leads(const std::string& name, const std::string& real, const std::string& missing = "") const {
    const auto found = real_folder(path(name));
    ASSERT_TRUE(found) << name << ": " << found.error().to_string();
    EXPECT_EQ(found->path, path(real));
    EXPECT_EQ(found->missing, missing) << name;
    struct stat one{}, other{};
    const std::string there =
        path(real).substr(0, path(real).size() - (missing.empty() ? 0 : missing.size() + 1));
    ASSERT_EQ(::fstat(found->folder.get(), &one), 0);
    ASSERT_EQ(::stat(there.c_str(), &other), 0);
    EXPECT_EQ(one.st_ino, other.st_ino) << name;
  }
  // The way ends at `at`, of which `missing` is the rest.
  void expect_obstacle(const std::string& name, const std::string& at, const std::string& missing) const {
    const auto refused = real_folder(path(name));
    ASSERT_FALSE(refused) << name;
    EXPECT_THAT(refused.error().message, HasSubstr(path(at)));
    const auto found = find_real_folder(path(name));
    ASSERT_TRUE(found) << name << ": " << found.error().to_string();
    EXPECT_TRUE(found->obstacle);
    EXPECT_EQ(found->missing, missing);
  }
  TempDir temp_ = TempDir::create("real-folder-test").value();
  std::string top_ = fs::canonical(temp_.path());
};

TEST_F(RealFolders, NeedNotBeThere) {
  folder("a/b");
  expect_leads("a/b", "a/b");
  expect_leads("a//./b/", "a/b");
  expect_leads("a/../a/b", "a/b");
  expect_leads("a/c/d/", "a/c/d", "c/d");
  expect_leads("a/c/../d", "a/d", "d");
  EXPECT_FALSE(real_folder(path("a/none/../../../etc")));
  const auto root = real_folder("/");
  ASSERT_TRUE(root);
  EXPECT_EQ(root->path, "/");
  EXPECT_EQ(root->missing, "");
}

TEST_F(RealFolders, OwnLinksAreFollowed) {
  folder("disk/crash");
  folder("var");
  link(path("disk/crash"), "var/absolute");
  link("../disk", "var/relative");
  link("absolute", "var/link-to-link");
  link("../disk/none", "var/to-none");
  expect_leads("var/absolute", "disk/crash");
  expect_leads("var/relative/crash", "disk/crash");
  expect_leads("var/relative/../var", "var");
  expect_leads("var/link-to-link", "disk/crash");
  // What is not there yet is made there.
  expect_leads("var/to-none/x", "disk/none/x", "none/x");
}

TEST_F(RealFolders, LinksWhereOthersCanWriteAreNot) {
  folder("disk");
  for (const mode_t mode : {01777, 0770, 0702}) {
    folder("crash", mode);
    link(path("disk"), "crash/link");
    expect_obstacle("crash/link", "crash/link", "link");
    expect_obstacle("crash/link/x", "crash/link", "link/x");
    // Nor by way of one that may be followed.
    link("crash/link", "own");
    expect_obstacle("own", "crash/link", "link");
    fs::remove(path("own"));
    fs::remove_all(path("crash"));
  }
  // A real folder there is one.
  folder("crash/lifeboat", 0700);
  folder("crash", 01777);
  expect_leads("crash/lifeboat", "crash/lifeboat");
  const auto refused = [&] {
    link(path("disk"), "crash/link");
    return real_folder(path("crash/link"));
  }();
  EXPECT_THAT(refused.error().message, HasSubstr("symbolic link"));
  EXPECT_THAT(refused.error().fix, HasSubstr("ls -l " + path("crash/link")));
}

TEST_F(RealFolders, LinksOfOthersAreNot) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give a link away";
  folder("disk");
  folder("var");
  link(path("disk"), "var/link");
  ASSERT_EQ(::lchown(path("var/link").c_str(), 65534, 65534), 0);
  expect_obstacle("var/link", "var/link", "link");
  folder("home");
  link(path("disk"), "home/link");
  ASSERT_EQ(::chown(path("home").c_str(), 65534, 65534), 0);
  expect_obstacle("home/link", "home/link", "link");
}

TEST_F(RealFolders, FilesAndEndlessWaysAreNone) {
  ASSERT_TRUE(write_file_atomically(path("file"), {}, 0600));
  expect_obstacle("file", "file", "file");
  expect_obstacle("file/x", "file", "file/x");
  link("round", "round");
  EXPECT_FALSE(find_real_folder(path("round")));
}

TEST(FixedPath, IsOneThatNobodyElseCanBend) {
  const TempDir temp = TempDir::create("fixed-path-test").value();
  const std::string top = temp.path();
  std::filesystem::create_directories(top + "/open/folder");
  std::filesystem::create_directories(top + "/closed/folder");
  std::filesystem::create_directory_symlink(top + "/closed", top + "/link");
  std::filesystem::create_directory_symlink(top + "/open", top + "/link-to-open");
  EXPECT_TRUE(is_fixed_path(top + "/closed/folder"));
  EXPECT_TRUE(is_fixed_path(top + "/link/folder"));
  EXPECT_FALSE(is_fixed_path(top + "/none"));
  for (const mode_t mode : {0770, 0707, 0777}) {
    ASSERT_EQ(::chmod((top + "/open").c_str(), mode), 0);
    EXPECT_FALSE(is_fixed_path(top + "/open/folder"));
    EXPECT_FALSE(is_fixed_path(top + "/link-to-open/folder"));
  }
  // As /tmp is: what is ours in it stays where it is.
  ASSERT_EQ(::chmod((top + "/open").c_str(), 01777), 0);
  EXPECT_TRUE(is_fixed_path(top + "/open/folder"));
  if (::geteuid() != 0) return;
  ASSERT_EQ(::lchown((top + "/open/folder").c_str(), 65534, 65534), 0);
  EXPECT_FALSE(is_fixed_path(top + "/open/folder"));
  ASSERT_EQ(::lchown((top + "/closed").c_str(), 65534, 65534), 0);
  EXPECT_FALSE(is_fixed_path(top + "/closed/folder"));
  EXPECT_FALSE(is_fixed_path(top + "/link/folder"));
}

}  // namespace
}  // namespace lifeboat
