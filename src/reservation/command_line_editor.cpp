// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/reservation/command_line_editor.h"

#include <fmt/core.h>

#include <algorithm>
#include <iterator>

#include "src/base/text.h"
#include "src/reservation/crashkernel_parameters.h"

namespace lifeboat::reservation {
namespace {

using Words = std::vector<std::string>;

std::string part(std::string_view text, const TextSpan& span) {
  return std::string(text.substr(span.begin, span.end - span.begin));
}

// A word that a shell reads needs quotes once there are several.
std::string quoted_if_bare(const TextSpan& span, const std::string& before, const std::string& after) {
  return span.bare && after != before ? "\"" + after + "\"" : after;
}

std::string place_in(const FileEdit& file, const TextSpan& span) {
  return fmt::format("{}:{}", file.path, span.line);
}

}  // namespace

std::string CommandLineEditor::edit(const std::string& place, const std::string& where, std::string_view text,
                                    Carries carries) {
  ++command_lines_;
  const Words now = crashkernel_parameters(text);
  Words others;
  std::ranges::copy_if(now, std::back_inserter(others),
                       [&](const std::string& word) { return !record_.is_ours(word); });
  for (const auto& word : others) foreign_.push_back({where, word});
  if (value_.empty()) {
    // A foreign parameter stays, and then there is nothing to restore.
    const auto replaced = record_.replaced.find(place);
    if (others.empty() && replaced != record_.replaced.end()) others = replaced->second;
    if (others == now) return std::string(text);
    return with_parameters(without_crashkernel(text), others);
  }
  if (!others.empty()) record_.replaced[place] = others;
  const Words wanted = carries == Carries::here ? parameters_of(value_) : Words{};
  return now == wanted ? std::string(text) : with_parameters(without_crashkernel(text), wanted);
}

void CommandLineEditor::edit_file(FileEdit& file, CommandLineForm form, std::span<const TextSpan> spans) {
  if (!file.before || spans.empty()) return;
  if (form == CommandLineForm::whole_file) {
    edit_whole(file, spans.front());
  } else if (are_separate(form)) {
    edit_each(file, spans);
  } else {
    edit_pieces(file, spans);
  }
}

// Comments after the last command line stay after it.
void CommandLineEditor::edit_whole(FileEdit& file, TextSpan span) {
  const std::string& text = *file.before;
  const std::string edited = edit(file.path, file.path, std::string_view(text).substr(0, span.end));
  const bool first_of_all = span.end == 0 && !edited.empty() && !text.empty();
  file.after = edited + (first_of_all ? "\n" : "") + text.substr(span.end);
}

// One command line in several pieces: the last one gets the parameter.
void CommandLineEditor::edit_pieces(FileEdit& file, std::span<const TextSpan> spans) {
  const std::string& text = *file.before;
  const TextSpan last = spans.back();
  std::string joined;
  for (const auto& span : spans) joined += (joined.empty() ? "" : " ") + part(text, span);
  const std::string edited = edit(file.path, place_in(file, last), joined);
  const Words wanted = crashkernel_parameters(edited);
  if (wanted == crashkernel_parameters(joined)) return;
  std::string after;
  size_t from = 0;
  for (const auto& span : spans) {
    const std::string before = part(text, span);
    std::string piece = without_crashkernel(before);
    if (span == last) piece = with_parameters(piece, wanted);
    after += text.substr(from, span.begin - from) + quoted_if_bare(span, before, piece);
    from = span.end;
  }
  file.after = after + text.substr(from);
}

void CommandLineEditor::edit_each(FileEdit& file, std::span<const TextSpan> spans) {
  const std::string& text = *file.before;
  std::string after;
  size_t from = 0, number = 0;
  for (const auto& span : spans) {
    const std::string before = part(text, span);
    // Line numbers change when the file is edited, so the place is the command line's own number.
    const std::string place = fmt::format("{}#{}", file.path, ++number);
    after += text.substr(from, span.begin - from) +
             quoted_if_bare(span, before, edit(place, place_in(file, span), before));
    from = span.end;
  }
  file.after = after + text.substr(from);
}

}  // namespace lifeboat::reservation
