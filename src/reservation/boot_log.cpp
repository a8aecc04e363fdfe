// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/reservation/boot_log.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <chrono>
#include <string_view>

#include "src/base/file.h"
#include "src/base/process.h"
#include "src/base/text.h"

namespace lifeboat::reservation {
namespace {

constexpr size_t kMaxLines = 50;
// A ring buffer has some ten thousand records; this ends a log that grows while it is read.
constexpr unsigned kMaxRecords = 1U << 20;
constexpr std::chrono::seconds kJournalTimeout{10};

std::string lower(std::string_view text) {
  std::string small(text);
  std::ranges::transform(small, small.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return small;
}

bool is_about_it(std::string_view line) {
  const std::string small = lower(line);
  // The command line itself is printed too, and shows what was requested, not what happened.
  if (small.find("command line:") != std::string::npos) return false;
  return small.find("crashkernel") != std::string::npos || small.find("crash kernel") != std::string::npos;
}

// Without "6,123,4567,-;" of /dev/kmsg or "[    0.012345] " of dmesg.
std::string_view message_of(std::string_view line) {
  const size_t semicolon = line.find(';');
  if (semicolon != std::string_view::npos && !line.empty() &&
      std::isdigit(static_cast<unsigned char>(line[0])) != 0 &&
      line.substr(0, semicolon).find(' ') == std::string_view::npos)
    line.remove_prefix(semicolon + 1);
  if (line.starts_with('[')) {
    const size_t end = line.find("] ");
    if (end != std::string_view::npos) line.remove_prefix(end + 2);
  }
  return trim(line);
}

struct Ring {
  std::string text;       // the lines about it
  bool complete = false;  // its first record was the kernel's first
};

// One record a read(2); a record that is lost meanwhile is EPIPE.
Ring read_ring(const std::string& path) {
  Ring ring;
  const auto file = open_file(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (!file) return ring;
  std::array<char, 8192> record{};
  bool first = true;
  for (unsigned count = 0; count < kMaxRecords; ++count) {
    const ssize_t length = ::read(file->get(), record.data(), record.size());
    if (length < 0 && (errno == EPIPE || errno == EINTR)) continue;
    if (length <= 0) break;
    const std::string_view text(record.data(), static_cast<size_t>(length));
    // "level,sequence,...": the kernel counts its records from 0.
    const size_t comma = text.find(',');
    if (first) ring.complete = comma != std::string_view::npos && text.substr(comma).starts_with(",0,");
    first = false;
    if (is_about_it(text)) ring.text.append(text).append("\n");
  }
  return ring;
}

std::string read_journal() {
  if (!find_program("journalctl")) return {};
  const auto output = run_process(
      {"journalctl", "--dmesg", "--boot", "--no-pager", "--quiet", "--output=cat"}, kJournalTimeout);
  return output && output->status == 0 ? output->text : std::string();
}

}  // namespace

std::vector<std::string> reservation_lines(const std::string& text) {
  std::vector<std::string> lines;
  for (std::string_view rest = text; !rest.empty() && lines.size() < kMaxLines;) {
    const auto line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    if (!line.starts_with(' ') && is_about_it(line)) lines.push_back(one_line(message_of(line)));
  }
  return lines;
}

std::vector<std::string> reservation_log(const BootLogPaths& paths) {
  const Ring ring = read_ring(paths.kmsg);
  auto lines = reservation_lines(ring.text);
  if (lines.empty() && !ring.complete && paths.journal) lines = reservation_lines(read_journal());
  return lines;
}

}  // namespace lifeboat::reservation
