// SPDX-License-Identifier: GPL-2.0-or-later
// `lifeboat list`, `prune` and `collect` over several targets, of which some are bad, and some lie on devices
// that are not mounted.
#include <gtest/gtest.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "tests/support/programs.h"

namespace lifeboat::test {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

constexpr const char* kOlder = "20261122T084228Z";
constexpr const char* kNewer = "20261123T084228Z";

class Stores : public ::testing::Test {
 protected:
  [[nodiscard]] std::string path(const std::string& name) const { return temp_.path() / name; }
  void put(const std::string& name, std::string_view text) const {
    fs::create_directories(fs::path(path(name)).parent_path());
    write_file_atomically(path(name), as_byte_span(text), 0600).value();
  }
  void add_crash(const std::string& store, const std::string& crash) const {
    put(store + "/" + crash + "/vmcore.incomplete", "half a dump");
    put(store + "/" + crash + "/vmcore-dmesg.txt", "log");
  }
  void configure(const std::string& targets) const { put("lifeboat.conf", targets); }
  [[nodiscard]] std::vector<std::string> command(const std::string& name,
                                                 const std::vector<std::string>& more) const {
    std::vector<std::string> argv = {name, "--config", path("lifeboat.conf")};
    argv.insert(argv.end(), more.begin(), more.end());
    return argv;
  }
  // What stands on stdout, before the warnings.
  static Json json_in(const ProcessOutput& output) {
    const auto begin = output.text.find_first_of("{[");
    if (begin == std::string::npos) return {};
    const auto end = output.text.rfind(output.text[begin] == '{' ? "\n}" : "\n]");
    if (end == std::string::npos) return {};
    return Json::parse(output.text.substr(begin, end + 2 - begin), nullptr, false);
  }

  TempDir temp_ = TempDir::create("stores-test").value();
};

class BadStores : public Stores {
 protected:
  BadStores() {
    add_crash("store", kOlder);
    add_crash("store", kNewer);
    add_crash("elsewhere", kNewer);
    // As anybody can make one in /var/crash, where that is open to all.
    fs::create_directory(path("open"));
    fs::permissions(path("open"), fs::perms::all);
    fs::create_directory_symlink(path("elsewhere"), path("open/link"));
    configure("[target]\npath = " + path("open/link") +
              "\n[target]\ndevice = /dev/no-such-device\npath = /crash\n" +
              "[target]\npath = " + path("not-there-yet") + "\n[target]\npath = " + path("store") + "\n");
  }
};

TEST_F(BadStores, CostListNothingButAreReported) {
  const auto list = run_lifeboat(command("list", {"--json"}));
  EXPECT_EQ(list.status, 1) << list.text;
  const Json crashes = json_in(list);
  ASSERT_EQ(crashes.size(), 2U) << list.text;
  EXPECT_EQ(crashes[0]["folder"], path("store") + "/" + kNewer);
  EXPECT_EQ(crashes[0]["device"], nullptr);
  EXPECT_THAT(list.text, HasSubstr("warning: " + path("open/link") + " is a symbolic link"));
  EXPECT_THAT(list.text, HasSubstr("warning: /dev/no-such-device"));
}

TEST_F(BadStores, CostPruneNothingButAreReported) {
  const auto pruned = run_lifeboat(command("prune", {"--keep", "1", "--json"}));
  EXPECT_EQ(pruned.status, 1) << pruned.text;
  const Json json = json_in(pruned);
  ASSERT_EQ(json["removed"].size(), 1U) << pruned.text;
  EXPECT_EQ(json["removed"][0]["folder"], path("store") + "/" + kOlder);
  EXPECT_EQ(json["problems"].size(), 2U);
  EXPECT_FALSE(fs::exists(path("store") + "/" + kOlder));
  EXPECT_TRUE(fs::exists(path("elsewhere") + "/" + kNewer));
}

TEST_F(BadStores, OneThatWasNamedIsAnError) {
  for (const char* name : {"list", "prune", "collect"}) {
    const auto output = run_lifeboat(command(name, {"--store", path("open/link")}));
    EXPECT_EQ(output.status, 1) << output.text;
    EXPECT_THAT(output.text, HasSubstr(path("open/link") + " is a symbolic link"));
    EXPECT_EQ(run_lifeboat(command(name, {"--store", path("not-there-yet")})).status, 1);
  }
}

TEST_F(Stores, BehindTheOperatorsOwnLinkAreSeen) {
  add_crash("disk/crash", kOlder);
  fs::create_directory_symlink(path("disk"), path("link"));
  configure("[target]\npath = " + path("link/crash") + "\n");
  for (const auto& arguments :
       {command("list", {"--json"}), {"list", "--json", "--store", path("link/crash")}}) {
    const auto list = run_lifeboat(arguments);
    EXPECT_EQ(list.status, 0) << list.text;
    ASSERT_EQ(json_in(list).size(), 1U) << list.text;
    EXPECT_EQ(json_in(list)[0]["folder"], path("link/crash/") + kOlder);
  }
}

TEST_F(Stores, NoneThatExistsIsNoProblem) {
  configure("[target]\npath = " + path("not-there-yet") + "\n");
  const auto list = run_lifeboat(command("list", {}));
  EXPECT_EQ(list.status, 0);
  EXPECT_EQ(list.text, "no crash has been saved\n");
}

// Words of a kernel that died, in a terminal.
TEST_F(Stores, CommandNoTerminal) {
  add_crash("store", kNewer);
  put(std::string("store/") + kNewer + "/manifest.json",
      R"({"outcome": "incomplete", "kernel": "6.1\u001b[2J", "panic": "P\u001b]0;owned\u0007\nx", "kind": "k"})");
  for (const char* name : {"list", "collect"}) {
    const auto output = run_lifeboat({name, "--store", path("store")});
    EXPECT_EQ(output.text.find_first_of("\033\a"), std::string::npos) << output.text;
    EXPECT_THAT(output.text, HasSubstr(R"(P\x1b]0;owned\x07\x0ax)"));
  }
  EXPECT_EQ(json_in(run_lifeboat({"list", "--store", path("store"), "--json"}))[0]["kernel"], "6.1\033[2J");
}

TEST_F(Stores, OfSomebodyElseAreNotSeen) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give a folder away";
  add_crash("store", kOlder);
  add_crash("store", kNewer);
  ASSERT_EQ(::chown((path("store") + "/" + kNewer).c_str(), 65534, 65534), 0);
  const auto list = run_lifeboat({"list", "--store", path("store"), "--json"});
  EXPECT_EQ(list.status, 1);
  EXPECT_EQ(json_in(list).size(), 1U) << list.text;
  EXPECT_THAT(list.text, HasSubstr("belongs to user 65534"));
}

// A file system on a loop device, which nobody has mounted.
class StoreOnDevice : public Stores {
 protected:
  void SetUp() override {
    add_crash("disk/crash", kOlder);
    add_crash("disk/crash", kNewer);
    const std::string image = path("disk.img");
    put("disk.img", "");
    make_file_system(image);
    if (IsSkipped()) return;
    const auto loop = run_process({"losetup", "--find", "--show", image}, std::chrono::seconds(30));
    if (!loop || loop->status != 0) GTEST_SKIP() << "no loop devices here";
    device_ = loop->text.substr(0, loop->text.find('\n'));
    configure("[target]\ndevice = " + device_ + "\npath = /crash\n");
  }
  virtual void make_file_system(const std::string& image) {
    fs::resize_file(image, 16 << 20);
    run({"mke2fs", "-q", "-t", "ext4", "-U", uuid_, "-d", path("disk"), image});
  }
  void TearDown() override {
    if (!device_.empty()) run({"losetup", "--detach", device_});
  }
  // In a mount namespace with a /run and a /var/lib/lifeboat of its own, after `before`.
  [[nodiscard]] ProcessOutput run_apart(const std::string& before, const std::string& line) const {
    return run(
        {"unshare", "--mount", "sh", "-c",
         "mount -t tmpfs none /run && mount -t tmpfs none /sys/fs/pstore && mkdir -p /var/lib/lifeboat && "
         "mount -t tmpfs none /var/lib/lifeboat && " +
             before + lifeboat_program() + " " + line});
  }
  [[nodiscard]] std::string mounted() const { return text_of("/proc/mounts"); }

  // Each test's own: they run side by side.
  std::string uuid_ = read_line("/proc/sys/kernel/random/uuid").value();
  std::string device_;
};

TEST_F(StoreOnDevice, IsListedAndNotMountedForOthers) {
  const auto list = run_lifeboat(command("list", {}));
  EXPECT_EQ(list.status, 0) << list.text;
  EXPECT_THAT(list.text, HasSubstr(device_ + ":/crash/" + kNewer));
  EXPECT_THAT(list.text, HasSubstr(device_ + " is not mounted; to read its dumps: mount " + device_ +
                                   " /mnt; lifeboat inspect /mnt/crash/" + kNewer + "/vmcore"));
  EXPECT_THAT(mounted(), Not(HasSubstr(device_)));
  const Json crashes = json_in(run_lifeboat(command("list", {"--json"})));
  ASSERT_THAT(crashes, SizeIs(2));
  EXPECT_EQ(crashes[0]["folder"], std::string("/crash/") + kNewer);
  EXPECT_EQ(crashes[0]["device"], device_);
}

TEST_F(StoreOnDevice, IsFoundByItsUuidWhereItIsMounted) {
  configure(std::string("[target]\ndevice = UUID=") + uuid_ + "\npath = /crash\n");
  const auto list = run_apart("mkdir /run/disk && mount " + device_ + " /run/disk && ",
                              "list --json --config " + path("lifeboat.conf"));
  EXPECT_EQ(list.status, 0) << list.text;
  const Json crashes = json_in(list);
  ASSERT_THAT(crashes, SizeIs(2)) << list.text;
  EXPECT_EQ(crashes[0]["folder"], std::string("/run/disk/crash/") + kNewer);
  EXPECT_EQ(crashes[0]["device"], nullptr);
}

TEST_F(StoreOnDevice, IsPruned) {
  const auto dry = run_lifeboat(command("prune", {"--keep", "1", "--dry-run"}));
  EXPECT_THAT(dry.text, HasSubstr("would remove " + device_ + ":/crash/" + kOlder));
  EXPECT_EQ(run_lifeboat(command("prune", {"--keep", "1"})).status, 0);
  EXPECT_THAT(json_in(run_lifeboat(command("list", {"--json"}))), SizeIs(1));
  EXPECT_THAT(mounted(), Not(HasSubstr(device_)));
}

TEST_F(StoreOnDevice, IsCollected) {
  put("notify", "#!/bin/sh\nls \"$1\" >" + path("notified") + "\n");
  fs::permissions(path("notify"), fs::perms::owner_all);
  configure("[target]\ndevice = " + device_ + "\npath = /crash\n[collect]\ncommand = " + path("notify") +
            "\n");
  const auto collected =
      run_apart("", "collect --config " + path("lifeboat.conf") + "; cat /run/motd.d/lifeboat");
  EXPECT_EQ(collected.status, 0) << collected.text;
  EXPECT_THAT(collected.text, HasSubstr(device_ + ":/crash/" + kNewer + ": dump incomplete"));
  EXPECT_THAT(collected.text, HasSubstr("This machine crashed on 2026-11-23 08:42:28 UTC"));
  EXPECT_THAT(collected.text, HasSubstr("mount " + device_ + " /mnt; ls /mnt/crash/" + kNewer));
  EXPECT_THAT(text_of(path("notified")), HasSubstr("manifest.json"));
  const Json crashes = json_in(run_lifeboat(command("list", {"--json"})));
  EXPECT_TRUE(crashes[0]["collected"].is_number()) << crashes;
}

TEST_F(StoreOnDevice, ThatCannotBeMountedIsNotEmptyButAProblem) {
  configure("[target]\ndevice = " + device_ + "\npath = /crash\nfilesystem = no-such-filesystem\n");
  const auto list = run_lifeboat(command("list", {}));
  EXPECT_EQ(list.status, 1);
  EXPECT_THAT(list.text, HasSubstr("cannot mount " + device_ + " (no-such-filesystem)"));
  configure("[target]\ndevice = " + device_ + "\npath = /not-there-yet\n");
  EXPECT_EQ(run_lifeboat(command("list", {})).status, 0);
}

TEST_F(StoreOnDevice, IsForRootOnly) {
  const std::string program = path("lifeboat");
  fs::copy_file(lifeboat_program(), program);
  for (const auto& file : {temp_.path(), fs::path(program), fs::path(path("lifeboat.conf"))})
    fs::permissions(file, fs::perms(0755));
  const auto list = run({"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", program, "list",
                         "--config", path("lifeboat.conf")});
  EXPECT_EQ(list.status, 1);
  EXPECT_THAT(list.text, HasSubstr("warning: " + device_ + ": "));
  EXPECT_THAT(list.text, HasSubstr("it is not mounted: run this as root"));
}

// One whose plain mount leads to another subvolume than the dumps' one, which is mounted nowhere.
class StoreOnBtrfs : public StoreOnDevice {
 protected:
  void make_file_system(const std::string& image) override {
    if (text_of("/proc/filesystems").find("\tbtrfs\n") == std::string::npos || !find_program("mkfs.btrfs"))
      GTEST_SKIP() << "no btrfs here";
    fs::resize_file(image, 256 << 20);
    run({"mkfs.btrfs", "-q", "-U", uuid_, "-r", path("disk"), image});
  }
};

TEST_F(StoreOnBtrfs, BeginsAtTheTopWhateverIsMounted) {
  const std::string make_default = "mkdir /run/disk && mount " + device_ +
                                   " /run/disk && btrfs subvolume create /run/disk/default && "
                                   "btrfs subvolume set-default /run/disk/default && umount /run/disk && ";
  for (const std::string options : {"", "rw", "ro"}) {
    SCOPED_TRACE(options);
    const std::string mount =
        options.empty() ? "" : "mkdir -p /run/disk && mount -o " + options + " " + device_ + " /run/disk && ";
    const auto list =
        run_apart((options.empty() ? make_default : "") + mount, "list --config " + path("lifeboat.conf"));
    EXPECT_EQ(list.status, 0) << list.text;
    EXPECT_THAT(list.text, HasSubstr(device_ + ":/crash/" + kNewer));
    EXPECT_THAT(list.text,
                HasSubstr("mount -o subvolid=5 " + device_ + " /mnt; lifeboat inspect /mnt/crash"));
  }
  // Of the whole, and of the folder itself.
  const auto top = run_apart("mkdir /run/disk && mount -o subvolid=5 " + device_ + " /run/disk && ",
                             "list --json --config " + path("lifeboat.conf"));
  EXPECT_EQ(json_in(top)[0]["folder"], std::string("/run/disk/crash/") + kNewer) << top.text;
}

}  // namespace
}  // namespace lifeboat::test
