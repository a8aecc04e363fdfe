// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/base/log_sinks.h"

#include <fcntl.h>
#include <poll.h>
#include <spdlog/formatter.h>
#include <spdlog/sinks/ansicolor_sink.h>
#include <spdlog/sinks/base_sink.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <mutex>
#include <ranges>

#include "src/base/sys.h"
#include "src/base/terminal.h"
#include "src/base/text.h"

namespace lifeboat::log {
namespace {

using Record = spdlog::details::log_msg;

// The numbers of syslog(3).
int priority_of(spdlog::level::level_enum level) {
  if (level >= spdlog::level::err) return 3;
  if (level >= spdlog::level::warn) return 4;
  return level >= spdlog::level::info ? 6 : 7;
}

// "info" would add nothing, so only the other levels have their name in front.
std::string_view name_of(spdlog::level::level_enum level) {
  return level >= spdlog::level::err ? "error:" : level >= spdlog::level::warn ? "warning:" : "";
}

// "lifeboat: warning: text"; with `priorities` each line begins with its priority, as sd-daemon(3) has it.
class LineFormatter final : public spdlog::formatter {
 public:
  LineFormatter(std::string_view program, bool priorities) : program_(program), priorities_(priorities) {}

  void format(const Record& record, spdlog::memory_buf_t& out) override {
    const auto add = [&out](std::string_view text) { out.append(text.data(), text.data() + text.size()); };
    const std::string priority = priorities_ ? fmt::format("<{}>", priority_of(record.level)) : "";
    add(priority);
    add(program_);
    add(": ");
    if (const auto name = name_of(record.level); !name.empty()) {
      record.color_range_start = out.size();
      add(name);
      record.color_range_end = out.size();
      add(" ");
    }
    const std::string text = plain_lines({record.payload.data(), record.payload.size()});
    bool first = true;
    for (const auto line : std::views::split(text, '\n')) {
      if (!first) add("\n" + priority);
      add(std::string_view(line.begin(), line.end()));
      first = false;
    }
    add("\n");
  }

  [[nodiscard]] std::unique_ptr<spdlog::formatter> clone() const override {
    return std::make_unique<LineFormatter>(program_, priorities_);
  }

 private:
  std::string program_;
  bool priorities_;
};

// Not a file of spdlog's, which buffers (a child that is forked would write the buffer again), follows links,
// and throws when the disk is full.
class DescriptorSink : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit DescriptorSink(UniqueFd fd)
      : base_sink(std::make_unique<LineFormatter>("lifeboat", false)), fd_(std::move(fd)) {}

 protected:
  void sink_it_(const Record& record) override {
    spdlog::memory_buf_t text;
    formatter_->format(record, text);
    write({text.data(), text.size()});
  }
  void flush_() override {}

  // Not by sys::write(): a message about a failing call must not fail by it too.
  void write(std::string_view text) {
    constexpr int kMaxWait = 1000;  // milliseconds
    while (!text.empty()) {
      const ssize_t count = ::write(fd_.get(), text.data(), text.size());
      if (count > 0) {
        text.remove_prefix(static_cast<size_t>(count));
        continue;
      }
      if (count < 0 && errno == EINTR) continue;
      pollfd wait{.fd = fd_.get(), .events = POLLOUT, .revents = 0};
      if (count == 0 || errno != EAGAIN || ::poll(&wait, 1, kMaxWait) <= 0) return;
    }
  }

 private:
  UniqueFd fd_;
};

class KernelLogSink final : public DescriptorSink {
 public:
  KernelLogSink(UniqueFd kmsg, int most_urgent)
      : DescriptorSink(std::move(kmsg)), most_urgent_(most_urgent) {}

 protected:
  void sink_it_(const Record& record) override {
    // The kernel refuses longer records (LOG_LINE_MAX, kernel/printk/printk.c).
    constexpr size_t kLongest = 900;
    constexpr int kLeastUrgent = 7;
    spdlog::memory_buf_t text;
    formatter_->format(record, text);
    const int priority = std::min(std::max(priority_of(record.level), most_urgent_), kLeastUrgent);
    for (const auto line : std::views::split(std::string_view(text.data(), text.size()), '\n')) {
      if (const std::string_view rest(line.begin(), line.end()); !rest.empty())
        write(fmt::format("<{}>{}\n", priority, rest.substr(0, kLongest)));
    }
  }

 private:
  int most_urgent_;
};

}  // namespace

bool stderr_is_journal() {
  const char* stream = std::getenv("JOURNAL_STREAM");
  struct stat status{};
  return stream != nullptr && ::fstat(STDERR_FILENO, &status) == 0 &&
         fmt::format("{}:{}", status.st_dev, status.st_ino) == stream;
}

SinkPtr stderr_sink(std::string_view program) {
  const bool colour = wants_colour(::isatty(STDERR_FILENO) == 1);
  auto sink = std::make_shared<spdlog::sinks::ansicolor_stderr_sink_mt>(colour ? spdlog::color_mode::always
                                                                               : spdlog::color_mode::never);
  sink->set_formatter(std::make_unique<LineFormatter>(program, stderr_is_journal()));
  return sink;
}

Result<SinkPtr> file_sink(const std::string& path) {
  constexpr int kFlags = O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_NOFOLLOW;
  UniqueFd file(sys::open(AT_FDCWD, path.c_str(), kFlags, 0600));
  if (!file.valid()) return fail_errno("cannot create {}", path);
  return std::make_shared<DescriptorSink>(std::move(file));
}

SinkPtr console_sink(UniqueFd console) {
  return std::make_shared<DescriptorSink>(std::move(console));
}

SinkPtr kernel_log_sink(UniqueFd kmsg, int most_urgent) {
  return std::make_shared<KernelLogSink>(std::move(kmsg), most_urgent);
}

}  // namespace lifeboat::log
