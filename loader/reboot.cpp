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

// systemctl hands the request over and returns; a machine that is slow under load may take a while for that.
constexpr auto kServiceManagerPatience = 90s;

Result<> require_loaded(const SystemPaths& paths) {
  // Not known is no reason to refuse: the call itself tells.
  if (read_system_state(paths).normal_loaded != false) return {};
  return std::unexpected(
      Error(ErrorCode::not_found, "no kernel is loaded to reboot into")
          .hint("load one first: 'lifeboat load' takes the default boot entry, 'lifeboat load "
                "KERNEL --initrd FILE --reuse-cmdline' another"));
}

struct NameListDeleter {
  void operator()(struct if_nameindex* list) const { ::if_freenameindex(list); }
};

// Sets IFF_UP or takes it away; false with errno. `changed`: it was not so before.
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

// The network, down while this lives and up again behind it: a reboot that failed must not cost the machine
// its connection. A driver stops its device's receive queues when its interface goes down; one that does not
// could write packets into memory that is the new kernel's by then. Most stop on reboot(2) as well, so a
// failure is told, and goes no further.
class NetworkDown {
 public:
  // Any socket does for these requests; AF_NETLINK is there without IPv4, too.
  NetworkDown() : socket_(::socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    const std::unique_ptr<struct if_nameindex, NameListDeleter> list(socket_.valid() ? ::if_nameindex()
                                                                                     : nullptr);
    if (!list) {
      log::warning("network interfaces cannot be listed: {}; they stay up", std::strerror(errno));
      return;
    }
    for (const auto* each = list.get(); each->if_index != 0; ++each) {
      bool changed = false;
      if (!set_interface(socket_.get(), each->if_name, false, changed))
        log::warning("network interface {} stays up: {}", each->if_name, std::strerror(errno));
      if (changed) taken_down_.emplace_back(each->if_name);
    }
  }
  ~NetworkDown() {
    for (const auto& name : taken_down_) {
      bool changed = false;
      if (!set_interface(socket_.get(), name, true, changed))
        log::error("network interface {} stays down: {}", name, std::strerror(errno));
    }
    if (!taken_down_.empty())
      log::warning("the network was down for a moment: routes that were set by hand are gone ('ip route')");
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
      return std::move(error).hint("run this as root, outside of a container");
    case EINVAL:
      // kernel_kexec() in kernel/kexec_core.c; kernel/reboot.c
      return std::move(error).hint(
          "no kernel is loaded, or the running one has no CONFIG_KEXEC: see 'lifeboat status'");
    case EBUSY:
      return std::move(error).hint("another program is loading a kernel: try again");
    default:
      return std::move(error).hint("'dmesg | tail' may say more");
  }
}

}  // namespace

Result<> reboot_in_order(const SystemPaths& paths) {
  TRY_VOID(require_loaded(paths));
  // What sd_booted(3) looks at.
  std::error_code ignored;
  const auto systemctl = find_program("systemctl");
  if (!std::filesystem::is_directory(paths.run + "/systemd/system", ignored) || !systemctl) {
    return std::unexpected(
        Error(ErrorCode::unsupported, "no service manager runs that could stop the services first")
            .hint("stop them, unmount what you can, and 'lifeboat reboot --now'"));
  }
  const auto output =
      TRY_CONTEXT(run_process({*systemctl, "kexec"}, kServiceManagerPatience), "asking the service manager");
  if (output.status == 0) return {};
  std::string said = output.text;
  while (said.ends_with('\n')) said.pop_back();
  return std::unexpected(
      Error(ErrorCode::io, fmt::format("'systemctl kexec' failed with status {}: {}", output.status, said))
          .hint(
              "see 'systemctl list-jobs' and 'systemd-inhibit --list'; 'lifeboat reboot --now' asks nobody"));
}

Result<> reboot_now(const RebootNow& how, const SystemPaths& paths) {
  TRY_VOID(require_loaded(paths));
  // Known to be refused: then the network need not suffer first.
  if (read_system_state(paths).privileged == false) return std::unexpected(explain_reboot_error(EPERM));
  if (how.sync) sys::sync();
  int error_number = 0;
  {
    // Interfaces last: a network file system is written back before. Not when nobody says that a kernel is
    // loaded: then the call will most likely fail.
    std::optional<NetworkDown> down;
    if (how.network_down && read_system_state(paths).normal_loaded == true) down.emplace();
    if (sys::reboot(RB_KEXEC) == 0) return {};
    error_number = errno;
  }
  return std::unexpected(explain_reboot_error(error_number));
}

}  // namespace lifeboat
