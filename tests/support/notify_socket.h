// SPDX-License-Identifier: GPL-2.0-or-later
// A service manager's end of $NOTIFY_SOCKET: what a program reports to it.
#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "src/base/file.h"

namespace lifeboat::test {

class NotifySocket {
 public:
  NotifySocket() {
    const std::string path = folder_.path() / "notify";
    fd_ = UniqueFd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    EXPECT_EQ(::bind(fd_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    ::setenv("NOTIFY_SOCKET", path.c_str(), 1);
  }
  ~NotifySocket() { ::unsetenv("NOTIFY_SOCKET"); }
  NotifySocket(const NotifySocket&) = delete;
  NotifySocket& operator=(const NotifySocket&) = delete;

  // The messages since the last call, oldest first.
  [[nodiscard]] std::vector<std::string> messages() const {
    std::vector<std::string> all;
    std::string text(4096, '\0');
    for (;;) {
      const auto count = ::recv(fd_.get(), text.data(), text.size(), 0);
      if (count < 0) return all;
      all.push_back(text.substr(0, static_cast<size_t>(count)));
    }
  }

 private:
  TempDir folder_ = TempDir::create("notify", "/tmp").value();
  UniqueFd fd_;
};

}  // namespace lifeboat::test
