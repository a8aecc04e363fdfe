// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/run/capture_console.h"

#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <string>

#include "src/base/file.h"
#include "src/base/log.h"
#include "src/base/log_sinks.h"
#include "src/base/size.h"
#include "src/base/sys.h"

namespace lifeboat::capture {
namespace {

int console_fd = STDERR_FILENO;

// What is below this the kernel prints on the console itself: the first number in the file (proc(5)).
int kernel_console_level() {
  constexpr int kAll = 7;
  const std::string line = read_line("/proc/sys/kernel/printk").value_or("");
  const auto level = parse_number(std::string_view(line).substr(0, line.find('\t')));
  return level ? static_cast<int>(std::min<uint64_t>(*level, kAll)) : kAll;
}

// To `sinks` and into the file.
void log_to(std::vector<log::SinkPtr> sinks, const std::string& file) {
  auto in_file = log::file_sink(file);
  if (in_file) sinks.push_back(*in_file);
  log::set_sinks(std::move(sinks));
  if (!in_file)
    log::warning("{}; the messages of this capture are only printed, not saved", in_file.error().to_string());
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
  std::vector<log::SinkPtr> sinks;
  // Opened again, so that O_NONBLOCK applies to this descriptor only.
  const int fd = sys::open(AT_FDCWD, "/dev/console", O_WRONLY | O_NOCTTY | O_NONBLOCK);
  if (fd >= 0) console_fd = fd;
  sinks.push_back(fd >= 0 ? log::console_sink(UniqueFd(fd)) : log::stderr_sink("lifeboat"));
  // Disables the kernel's rate limit. Without this setting some lines may be missing, only in its log.
  ignore_result(write_pseudo_file("/proc/sys/kernel/printk_devkmsg", "on\n"));
  if (UniqueFd kmsg(sys::open(AT_FDCWD, "/dev/kmsg", O_WRONLY)); kmsg.valid())
    sinks.push_back(log::kernel_log_sink(std::move(kmsg), kernel_console_level()));
  log_to(std::move(sinks), kRunLog);
}

void keep_log(const std::string& file) {
  log_to({log::stderr_sink("lifeboat")}, file);
}

void drain_console() {
  ::tcdrain(console_fd);
}

// kPhaseMark begins as every message does.
void announce(std::string_view phase) {
  log::info("phase {}", phase);
}

}  // namespace lifeboat::capture
