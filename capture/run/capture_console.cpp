// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/run/capture_console.h"

#include <fcntl.h>
#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "capture/plan/capture_plan.h"
#include "src/base/file.h"
#include "src/base/log.h"
#include "src/base/sys.h"
#include "src/base/text.h"

namespace lifeboat::capture {
namespace {

int console_fd = STDERR_FILENO;
int run_log_fd = -1;
int kmsg_fd = -1;

// A console that is gone or stopped (flow control) must not stop the capture: output that it does not accept
// within a second is lost.
void write_line(int fd, std::string_view text) {
  constexpr int kPatience = 1000;  // milliseconds
  while (fd >= 0 && !text.empty()) {
    const ssize_t count = ::write(fd, text.data(), text.size());
    if (count > 0) {
      text.remove_prefix(static_cast<size_t>(count));
      continue;
    }
    if (count < 0 && errno == EINTR) continue;
    pollfd wait{.fd = fd, .events = POLLOUT, .revents = 0};
    if (count == 0 || errno != EAGAIN || ::poll(&wait, 1, kPatience) <= 0) return;
  }
}

void speak(std::string_view text) {
  const std::string line = std::string(text) + "\n";
  write_line(console_fd, line);
  write_line(run_log_fd, line);
  // Level 7: kept in the kernel's log without being printed on the console a second time.
  write_line(kmsg_fd, "<7>" + line);
}

}  // namespace

void setup_console() {
  // The kernel opens the console for PID 1 only when the initramfs has /dev/console.
  if (::fcntl(STDERR_FILENO, F_GETFD) == -1) {
    const int console = sys::open(AT_FDCWD, "/dev/console", O_RDWR | O_NOCTTY);
    // It may be one of the three.
    if (console >= 0) ::fcntl(console, F_SETFD, 0);
    for (int fd = STDIN_FILENO; console >= 0 && fd <= STDERR_FILENO; ++fd) ::dup2(console, fd);
  }
  // Opened again, so that O_NONBLOCK applies to this descriptor only.
  if (const int fd = sys::open(AT_FDCWD, "/dev/console", O_WRONLY | O_NOCTTY | O_NONBLOCK); fd >= 0)
    console_fd = fd;
  kmsg_fd = sys::open(AT_FDCWD, "/dev/kmsg", O_WRONLY);
  // Disables the kernel's rate limit. Without this setting some lines may be missing, only in its log.
  ignore_result(write_pseudo_file("/proc/sys/kernel/printk_devkmsg", "on\n"));
  keep_log(kRunLog);
}

void keep_log(const std::string& file) {
  run_log_fd = sys::open(AT_FDCWD, file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_NOFOLLOW, 0600);
  const int error = errno;
  log::set_sink([](log::Level level, std::string_view message) {
    const char* name = level == log::Level::error     ? "error: "
                       : level == log::Level::warning ? "warning: "
                                                      : "";
    // The crashed kernel's log is among the messages: its control characters must not reach the terminal.
    speak(fmt::format("lifeboat: {}{}", name, plain_lines(message)));
  });
  if (run_log_fd < 0)
    log::warning("cannot create {}: {}; messages are not saved", file, std::strerror(error));
}

void drain_console() {
  ::tcdrain(console_fd);
}

void announce(std::string_view phase) {
  speak(fmt::format("{}{}", kPhaseMark, phase));
}

}  // namespace lifeboat::capture
