// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/reboot.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "src/base/file.h"
#include "src/base/sys.h"

namespace lifeboat {
namespace {

using testing::AllOf;
using testing::HasSubstr;

// A machine made of files; reboot(2) is only counted.
class Reboot : public testing::Test {
 protected:
  Reboot() {
    put("sys/kernel/kexec_loaded", "1\n");
    put("proc/self/status", "Name:\tx\nCapEff:\t000001ffffffffff\n");
    answer(sys::kPretend);
    path_before_ = std::getenv("PATH");
    std::filesystem::create_directories(folder_.path() / "bin");
    ::setenv("PATH", (folder_.path() / "bin").c_str(), 1);
  }
  ~Reboot() override {
    ::setenv("PATH", path_before_.c_str(), 1);
    sys::set_fault_hook({});
  }
  void put(const std::string& name, std::string_view text) const {
    const auto path = folder_.path() / name;
    std::filesystem::create_directories(path.parent_path());
    write_file_atomically(path, as_byte_span(text), 0755).value();
  }
  void answer(int how) {
    sys::set_fault_hook([this, how](sys::Call call) {
      if (call != sys::Call::reboot) return 0;
      ++reboots_;
      return how;
    });
  }
  // A service manager that prints what it was asked for, and ends with `status`.
  void service_manager(int status) const {
    std::filesystem::create_directories(folder_.path() / "run/systemd/system");
    put("bin/systemctl", fmt::format("#!/bin/sh\necho \"asked: $*\" | /usr/bin/tee {}/asked\nexit {}\n",
                                     folder_.path().string(), status));
  }
  [[nodiscard]] std::string asked() const { return read_line(folder_.path() / "asked").value_or(""); }
  [[nodiscard]] SystemPaths paths() const {
    const auto folder = folder_.path().string();
    return {.sys = folder + "/sys", .proc = folder + "/proc", .iomem = {}, .run = folder + "/run"};
  }
  static constexpr RebootNow kQuick{.sync = false, .network_down = false};
  int reboots_ = 0;
  TempDir folder_ = TempDir::create("reboot-test").value();
  std::string path_before_;
};

TEST_F(Reboot, AsksTheServiceManager) {
  service_manager(0);
  EXPECT_TRUE(reboot_in_order(paths()));
  EXPECT_EQ(asked(), "asked: kexec");
  EXPECT_EQ(reboots_, 0);
}

TEST_F(Reboot, ReportsTheMessageOfTheServiceManager) {
  service_manager(1);
  const auto result = reboot_in_order(paths());
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::io);
  EXPECT_THAT(result.error().to_string(),
              AllOf(HasSubstr("status 1: asked: kexec"), HasSubstr("systemd-inhibit")));
}

TEST_F(Reboot, WithoutAServiceManager) {
  const auto result = reboot_in_order(paths());
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::unsupported);
  EXPECT_THAT(result.error().to_string(), HasSubstr("--now"));
}

TEST_F(Reboot, WithoutSystemctl) {
  std::filesystem::create_directories(folder_.path() / "run/systemd/system");
  // root's find_program looks into /usr/sbin too, where no systemctl is.
  const auto result = reboot_in_order(paths());
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::unsupported);
}

TEST_F(Reboot, NothingIsLoaded) {
  put("sys/kernel/kexec_loaded", "0\n");
  service_manager(0);
  for (const auto& result : {reboot_in_order(paths()), reboot_now(kQuick, paths())}) {
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, ErrorCode::not_found);
    EXPECT_THAT(result.error().to_string(), HasSubstr("lifeboat load"));
  }
  EXPECT_EQ(asked(), "");
  EXPECT_EQ(reboots_, 0);
}

TEST_F(Reboot, NotWhereALoadedKernelWouldNotStart) {
  put("sys/hypervisor/type", "xen\n");
  put("sys/hypervisor/properties/features", "00000800\n");
  service_manager(0);
  for (const auto& result : {reboot_in_order(paths()), reboot_now(kQuick, paths())}) {
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, ErrorCode::unsupported);
    EXPECT_THAT(result.error().to_string(), HasSubstr("dom0"));
  }
  EXPECT_EQ(asked(), "");
  EXPECT_EQ(reboots_, 0);
}

TEST_F(Reboot, WhetherOneIsLoadedIsNotKnown) {
  std::filesystem::remove_all(folder_.path() / "sys");
  EXPECT_TRUE(reboot_now(kQuick, paths()));
  EXPECT_EQ(reboots_, 1);
}

TEST_F(Reboot, NowWithoutThePrivilege) {
  put("proc/self/status", "Name:\tx\nCapEff:\t0000000000000000\n");
  const auto result = reboot_now(kQuick, paths());
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::no_permission);
  EXPECT_EQ(reboots_, 0);
}

TEST_F(Reboot, NowFails) {
  struct Case {
    int error_number;
    const char* message;
  };
  for (const auto& [error_number, message] : {Case{EPERM, "root"}, Case{EINVAL, "no kernel is loaded"},
                                              Case{EBUSY, "try again"}, Case{EIO, "dmesg"}}) {
    answer(error_number);
    const auto result = reboot_now(kQuick, paths());
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().sys_errno, error_number);
    EXPECT_THAT(result.error().to_string(), HasSubstr(message));
  }
}

bool set_up(int socket, const std::string& name) {
  ifreq request{};
  name.copy(request.ifr_name, IFNAMSIZ - 1);
  request.ifr_flags = IFF_UP;
  return ::ioctl(socket, SIOCSIFFLAGS, &request) == 0;
}

bool is_up(int socket, const std::string& name) {
  ifreq request{};
  name.copy(request.ifr_name, IFNAMSIZ - 1);
  return ::ioctl(socket, SIOCGIFFLAGS, &request) == 0 && (request.ifr_flags & IFF_UP) != 0;
}

constexpr int kNotPossible = 77;

// In a network of its own, with two interfaces. The call notes whether the tunnel is up while it is made. 0:
// it was down then, the loopback one was up, and both are up behind the failure.
int reboot_in_own_network(const SystemPaths& paths) {
  if (::unshare(CLONE_NEWNET) != 0) return kNotPossible;
  const UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const UniqueFd tunnel(::open("/dev/net/tun", O_RDWR | O_CLOEXEC));
  ifreq request{};
  std::strcpy(request.ifr_name, "tunnel0");
  request.ifr_flags = IFF_TUN | IFF_NO_PI;
  if (::ioctl(tunnel.get(), TUNSETIFF, &request) != 0) return kNotPossible;
  if (!set_up(socket.get(), "lo") || !set_up(socket.get(), "tunnel0")) return kNotPossible;
  bool tunnel_up = false, loopback_up = false;
  sys::set_fault_hook([&](sys::Call call) {
    if (call != sys::Call::reboot) return 0;
    tunnel_up = is_up(socket.get(), "tunnel0");
    loopback_up = is_up(socket.get(), "lo");
    return EINVAL;
  });
  if (reboot_now({.sync = false, .network_down = false}, paths) || !tunnel_up) return 1;
  if (reboot_now({.sync = false, .network_down = true}, paths) || tunnel_up || !loopback_up) return 2;
  return is_up(socket.get(), "tunnel0") ? 0 : 3;
}

TEST_F(Reboot, TakesTheNetworkDownButForLoopbackAndBringsItBackWhenItFails) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(reboot_in_own_network(paths()));
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  if (WEXITSTATUS(status) == kNotPossible) GTEST_SKIP() << "no network namespaces here";
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace lifeboat
