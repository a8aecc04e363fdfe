// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/reservation/recorded_plan.h"

#include <algorithm>
#include <utility>

#include "src/base/text.h"

namespace lifeboat::reservation {
namespace {

// Without pending commands.
std::optional<std::string> done_text(ReserveRecord record) {
  if (record.removed) return std::nullopt;
  record.pending.clear();
  return record_text(record);
}

}  // namespace

std::string shell_text(const LoaderCommand& command) {
  std::string text;
  for (const auto& word : command) text += (text.empty() ? "" : " ") + shell_word(word);
  return text;
}

Result<RecordedChange> begin_change(const std::string& root) {
  RecordedChange change;
  change.record_file = TRY(record_edit(root));
  change.before = parse_record(change.record_file.before);
  change.after = change.before;
  return change;
}

void finish_plan(BootLoader loader, const std::string& value, RecordedChange change, BootLoaderPlan& plan) {
  const bool changes = std::ranges::any_of(change.files, &FileEdit::changes);
  const bool behind = !value.empty() && change.agrees == false;
  ReserveRecord& record = change.after;
  record.pending.clear();
  record.set(value);
  if (!value.empty()) record.boot_loader = boot_loader_name(loader);
  if (changes || behind || !change.before.pending.empty()) {
    plan.commands = std::move(change.commands);
    if (changes || behind) plan.by_hand = std::move(change.by_hand);
    if (!change.agrees) {
      for (const auto& command : plan.commands) record.pending.push_back(shell_text(command));
    }
  }
  FileEdit record_file = std::move(change.record_file);
  const bool empty = record.removed && record.pending.empty();
  record_file.after = empty ? std::nullopt : std::optional(record_text(record));
  if (!record.pending.empty()) {
    plan.record_done = FileEdit{.path = record_file.path,
                                .before = record_file.after,
                                .after = done_text(record),
                                .own_record = true};
  }
  // Written first and removed last: without it our parameter cannot be distinguished from a foreign one.
  const bool first = record_file.after.has_value();
  if (first && record_file.changes()) plan.edits.push_back(record_file);
  for (auto& file : change.files) {
    if (file.changes()) plan.edits.push_back(std::move(file));
  }
  if (!first && record_file.changes()) plan.edits.push_back(record_file);
}

}  // namespace lifeboat::reservation
