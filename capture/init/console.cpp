// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/init/console.h"

#include <fcntl.h>
#include <unistd.h>

#include <string>

#include "base/file.h"
#include "base/log.h"
#include "capture/manifest.h"

namespace lifeboat::init {
namespace {

int run_log_fd = -1;
int kmsg_fd = -1;

// A console that is gone must not stop the capture, so what cannot be written is lost.
void write_line(int fd, std::string_view text) {
  if (fd < 0) return;
  [[maybe_unused]] const ssize_t ignored = ::write(fd, text.data(), text.size());
}

void speak(std::string_view text) {
  const std::string line = std::string(text) + "\n";
  write_line(STDERR_FILENO, line);
  write_line(run_log_fd, line);
  // Level 7: kept in the kernel's log without being printed on the console a second time.
  write_line(kmsg_fd, "<7>" + line);
}

}  // namespace

void setup_console() {
  // The kernel gives PID 1 its console only when the initramfs holds /dev/console; be sure of it.
  if (::fcntl(STDERR_FILENO, F_GETFD) == -1) {
    const int console = ::open("/dev/console", O_RDWR | O_NOCTTY);
    for (int fd = STDIN_FILENO; console >= 0 && fd <= STDERR_FILENO; ++fd) ::dup2(console, fd);
  }
  run_log_fd = ::open(kRunLog, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  kmsg_fd = ::open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
  // The kernel would drop what comes too fast.
  [[maybe_unused]] const auto ignored = write_pseudo_file("/proc/sys/kernel/printk_devkmsg", "on\n");
  log::set_sink([](log::Level level, std::string_view message) {
    const char* name = level == log::Level::error     ? "error: "
                       : level == log::Level::warning ? "warning: "
                                                      : "";
    speak(fmt::format("lifeboat: {}{}", name, message));
  });
}

void announce(std::string_view phase) {
  speak(fmt::format("{}{}", kPhaseMark, phase));
}

}  // namespace lifeboat::init
