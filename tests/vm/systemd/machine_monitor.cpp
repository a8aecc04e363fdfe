// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/vm/systemd/machine_monitor.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "src/base/file.h"

namespace lifeboat::test {
namespace {

using Json = nlohmann::json;

class Connection {
 public:
  static Result<Connection> open(const std::string& path) {
    sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
    if (path.size() >= sizeof address.sun_path)
      return fail(ErrorCode::usage, "{} is too long for a socket", path);
    path.copy(address.sun_path, path.size());
    UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!fd.valid() || ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
      return fail_errno("cannot connect to {}", path);
    return Connection(std::move(fd));
  }

  // The answer, which is the first message that is no event.
  Result<> execute(const std::string& command, const Json& arguments) {
    Json message{{"execute", command}};
    if (!arguments.is_null()) message["arguments"] = arguments;
    TRY_VOID(write_all(fd_.get(), as_byte_span(message.dump() + "\n"), "QEMU's monitor"));
    for (;;) {
      const Json got = TRY(next_message());
      if (got.contains("return")) return {};
      if (got.contains("error")) return fail(ErrorCode::io, "{}: {}", command, got["error"].dump());
    }
  }

 private:
  explicit Connection(UniqueFd fd) : fd_(std::move(fd)) {}

  Result<Json> next_message() {
    constexpr int kMaxWait = 120'000;  // ms
    for (;;) {
      if (const auto end = received_.find('\n'); end != std::string::npos) {
        Json message = Json::parse(received_.substr(0, end), nullptr, false);
        received_.erase(0, end + 1);
        return message;
      }
      pollfd watched{.fd = fd_.get(), .events = POLLIN, .revents = 0};
      char bytes[4096];
      const ssize_t count =
          ::poll(&watched, 1, kMaxWait) == 1 ? ::read(fd_.get(), bytes, sizeof bytes) : ssize_t{0};
      if (count <= 0) return fail(ErrorCode::truncated, "QEMU's monitor sends nothing more");
      received_.append(bytes, static_cast<size_t>(count));
    }
  }

  UniqueFd fd_;
  std::string received_;
};

}  // namespace

std::vector<std::string> MachineMonitor::arguments() const {
  return {"-qmp", "unix:" + socket_ + ",server=on,wait=off"};
}

Result<> MachineMonitor::execute(const std::string& command, const Json& arguments) const {
  Connection connection = TRY(Connection::open(socket_));
  TRY_VOID(connection.execute("qmp_capabilities", {}));
  return connection.execute(command, arguments);
}

}  // namespace lifeboat::test
