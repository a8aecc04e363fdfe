// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/reboot.h"

#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "src/base/log.h"
#include "src/base/process.h"
#include "src/base/sys.h"

namespace lifeboat {
namespace {

using namespace std::chrono_literals;

// systemctl passes the request on and returns; on a machine under load this may take long.
constexpr auto kServiceManagerTimeout = 90s;

Result<> require_loaded(const SystemPaths& paths) {
  const SystemState state = read_system_state(paths);
  // Where a loaded kernel does not start, the call may end the machine and all its guests.
  if (auto obstacle = xen_obstacle(state.xen)) return std::unexpected(*std::move(obstacle));
  // An unknown state is not a reason to refuse: the call itself reports an error.
  if (state.normal_loaded != false) return {};
  return std::unexpected(
      Error(ErrorCode::not_found, "no kernel is loaded to reboot into")
          .hint("load the default boot entry with 'lifeboat load', or another kernel with 'lifeboat load "
                "KERNEL --initrd FILE --reuse-cmdline'"));
}

struct NameListDeleter {
  void operator()(struct if_nameindex* list) const { ::if_freenameindex(list); }
};

// Sets or clears IFF_UP; false with errno. `changed`: the flag was different before.
bool set_interface(int socket, const std::string& name, bool up, bool& changed) {
  ifreq request{};
  std::strncpy(request.ifr_name, name.c_str(), IFNAMSIZ - 1);
  changed = false;
  if (sys::ioctl(socket, SIOCGIFFLAGS, &request) < 0) return false;
  if ((request.ifr_flags & IFF_LOOPBACK) != 0 || ((request.ifr_flags & IFF_UP) != 0) == up) return true;
  request.ifr_flags = static_cast<short>(request.ifr_flags ^ IFF_UP);
  changed = sys::ioctl(socket, SIOCSIFFLAGS, &request) == 0;
  return changed;
}

// Takes the network down; the destructor brings it up again: a failed reboot must not disconnect the machine.
// A driver stops its device's receive queues when its interface goes down; a device that does not stop could
// write packets into memory of the new kernel. Most drivers stop on reboot(2) as well, so a failure is only
// reported.
class NetworkDown {
 public:
  // Any socket does for these requests; AF_NETLINK is there without IPv4, too.
  NetworkDown() : socket_(::socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    const std::unique_ptr<struct if_nameindex, NameListDeleter> list(socket_.valid() ? ::if_nameindex()
                                                                                     : nullptr);
    if (!list) {
      log::warning("cannot list the network interfaces: {}; the reboot continues while they are up",
                   std::strerror(errno));
      return;
    }
    for (const auto* each = list.get(); each->if_index != 0; ++each) {
      bool changed = false;
      if (!set_interface(socket_.get(), each->if_name, false, changed))
        log::warning("cannot take the network interface {} down: {}; the reboot continues while it is up",
                     each->if_name, std::strerror(errno));
      if (changed) taken_down_.emplace_back(each->if_name);
    }
  }
  ~NetworkDown() {
    for (const auto& name : taken_down_) {
      bool changed = false;
      if (!set_interface(socket_.get(), name, true, changed))
        log::error("cannot bring the network interface {0} up again: {1}\n  fix: ip link set {0} up", name,
                   std::strerror(errno));
    }
    if (!taken_down_.empty())
      log::warning(
          "the network was down for a short time: routes that were set by hand are lost, add them again "
          "('ip route' lists the others)");
  }
  NetworkDown(const NetworkDown&) = delete;
  NetworkDown& operator=(const NetworkDown&) = delete;

 private:
  UniqueFd socket_;
  std::vector<std::string> taken_down_;
};

Error explain_reboot_error(int error_number) {
  Error error = errno_error(error_number, "the reboot into the loaded kernel failed");
  switch (error_number) {
    case EPERM:
      return std::move(error).hint("run as root, outside of a container");
    case EINVAL:
      // kernel_kexec() in kernel/kexec_core.c; kernel/reboot.c
      return std::move(error).hint(
          "see 'lifeboat status': no kernel is loaded, or the running one has no CONFIG_KEXEC");
    case EBUSY:
      return std::move(error).hint("try again: another program is loading a kernel");
    default:
      return std::move(error).hint("look at 'dmesg | tail'");
  }
}

}  // namespace

Result<> reboot_in_order(const SystemPaths& paths) {
  TRY_VOID(require_loaded(paths));
  // The check of sd_booted(3).
  std::error_code ignored;
  const auto systemctl = find_program("systemctl");
  if (!std::filesystem::is_directory(paths.run + "/systemd/system", ignored) || !systemctl) {
    return std::unexpected(
        Error(ErrorCode::unsupported, "no service manager is running to stop the services first")
            .hint("stop the services, unmount the file systems, then run 'lifeboat reboot --now'"));
  }
  const auto output =
      TRY_CONTEXT(run_process({*systemctl, "kexec"}, kServiceManagerTimeout), "cannot run 'systemctl kexec'");
  if (output.status == 0) return {};
  std::string message = output.text;
  while (message.ends_with('\n')) message.pop_back();
  return std::unexpected(
      Error(ErrorCode::io, fmt::format("'systemctl kexec' failed with status {}: {}", output.status, message))
          .hint("see 'systemctl list-jobs' and 'systemd-inhibit --list'; to reboot without the service "
                "manager: 'lifeboat reboot --now'"));
}

Result<> reboot_now(const RebootNow& how, const SystemPaths& paths) {
  TRY_VOID(require_loaded(paths));
  // The call would be refused: do not take the network down for it.
  if (read_system_state(paths).privileged == false) return std::unexpected(explain_reboot_error(EPERM));
  if (how.sync) sys::sync();
  int error_number = 0;
  {
    // Interfaces last: a network file system is written back before. Not when it is unknown whether a kernel
    // is loaded: then the call will most likely fail.
    std::optional<NetworkDown> down;
    if (how.network_down && read_system_state(paths).normal_loaded == true) down.emplace();
    if (sys::reboot(RB_KEXEC) == 0) return {};
    error_number = errno;
  }
  return std::unexpected(explain_reboot_error(error_number));
}

Error reboot_by_shutdown() {
  for (const char* path : {"/sbin/shutdown", "/etc/shutdown", "/bin/shutdown"})
    ::execl(path, "shutdown", "-r", "now", static_cast<char*>(nullptr));
  return errno_error(errno, "cannot run shutdown(8); the kernel is loaded")
      .hint("reboot with 'systemctl kexec', or at once with 'kexec -e'");
}

}  // namespace lifeboat
