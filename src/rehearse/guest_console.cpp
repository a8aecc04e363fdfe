// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/rehearse/guest_console.h"

#include <algorithm>
#include <ranges>

#include "capture/plan/capture_plan.h"
#include "src/base/size.h"

namespace lifeboat::rehearse {

std::vector<std::string> Console::new_lines() {
  std::vector<std::string> lines;
  if (!file_.valid()) {
    auto file = open_file(path_, O_RDONLY);
    if (!file) return lines;  // QEMU has not created it yet
    file_ = *std::move(file);
  }
  std::vector<std::byte> buffer(64_KiB);
  for (;;) {
    const auto count = pread_some(file_.get(), offset_, buffer, path_);
    if (!count || *count == 0) break;
    offset_ += *count;
    partial_ += as_text(ByteSpan(buffer).first(*count));
  }
  for (;;) {
    const auto end = partial_.find('\n');
    if (end == std::string::npos) return lines;
    std::string line = partial_.substr(0, end);
    std::erase(line, '\r');
    lines.push_back(std::move(line));
    partial_.erase(0, end + 1);
  }
}

std::string Console::tail(size_t lines) const {
  const auto text = read_text(path_, 64_MiB);
  if (!text) return {};
  size_t start = text->size();
  for (size_t line = 0; line <= lines; ++line) {
    start = start == 0 ? std::string::npos : text->rfind('\n', start - 1);
    if (start == std::string::npos) break;
  }
  std::string tail = text->substr(start == std::string::npos ? 0 : start + 1);
  std::erase(tail, '\r');
  return tail;
}

std::optional<std::string> phase_in(const std::string& line) {
  const auto mark = line.find(kPhaseMark);
  if (mark == std::string::npos) return std::nullopt;
  const std::string rest = line.substr(mark + kPhaseMark.size());
  const auto end = rest.find_first_of(" \t");
  return rest.substr(0, end);
}

}  // namespace lifeboat::rehearse
