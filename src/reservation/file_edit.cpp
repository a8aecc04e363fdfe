// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/reservation/file_edit.h"

#include "src/base/file.h"
#include "src/base/folders.h"
#include "src/base/size.h"

namespace lifeboat::reservation {
namespace {

Result<> put(const std::string& path, const std::optional<std::string>& text) {
  if (!text) return remove_file(path);
  TRY_VOID(make_folder_of(path));
  return rewrite_file_atomically(path, as_byte_span(*text), 0644);
}

}  // namespace

Result<std::optional<std::string>> read_if_there(const std::string& path) {
  auto text = read_text(path, 1_MiB);
  if (text) return *std::move(text);
  if (text.error().code == ErrorCode::not_found) return std::nullopt;
  return std::unexpected(std::move(text).error());
}

Result<> make_edits(std::span<const FileEdit> edits) {
  for (const auto& edit : edits) {
    if (TRY(read_if_there(edit.path)) != edit.before)
      return fail(ErrorCode::busy, "{} has changed meanwhile; try again", edit.path);
  }
  for (size_t at = 0; at < edits.size(); ++at) {
    if (!edits[at].changes()) continue;
    auto made = put(edits[at].path, edits[at].after);
    if (made) continue;
    if (const auto undone = undo_edits(edits.first(at)); !undone) {
      return fail(made.error().code, "{}; the files changed before it could not be restored: {}",
                  made.error().reason(), undone.error().reason());
    }
    return made;
  }
  return {};
}

Result<> undo_edits(std::span<const FileEdit> edits) {
  Result<> outcome;
  for (const auto& edit : edits) {
    if (!edit.changes()) continue;
    auto undone = put(edit.path, edit.before);
    if (!undone && outcome) outcome = std::move(undone);
  }
  return outcome;
}

}  // namespace lifeboat::reservation
