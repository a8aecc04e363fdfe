// SPDX-License-Identifier: GPL-2.0-or-later
// Puts crashkernel= into command lines and takes it away. A parameter of ours cannot be marked there; the
// record has what was added, and what it replaced.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "src/reservation/boot_loader.h"
#include "src/reservation/command_line_text.h"
#include "src/reservation/reserve_record.h"

namespace lifeboat::reservation {

class CommandLineEditor {
 public:
  // Whether the parameter is to be in this command line, or in another that is joined with it at boot.
  enum class Carries { here, elsewhere };

  // `value` as in plan_boot_loader(); empty: ours is removed, and what it replaced restored. Both references
  // must outlive the editor: it notes in them what it replaced and what others have set.
  CommandLineEditor(ReserveRecord& record, std::string value, std::vector<ForeignParameter>& foreign)
      : record_(record), value_(std::move(value)), foreign_(foreign) {}

  // The new text of one command line. `place` is its key in the record; `where` is for messages.
  std::string edit(const std::string& place, const std::string& where, std::string_view text,
                   Carries carries = Carries::here);

  // The command lines of a file; `spans` are find_command_lines(FORM, *file.before).
  void edit_file(FileEdit& file, CommandLineForm form, std::span<const TextSpan> spans);

  // The number of command lines that have, or get, the parameter.
  [[nodiscard]] size_t command_lines() const { return command_lines_; }

 private:
  void edit_whole(FileEdit& file, TextSpan span);
  void edit_pieces(FileEdit& file, std::span<const TextSpan> spans);
  void edit_each(FileEdit& file, std::span<const TextSpan> spans);

  ReserveRecord& record_;
  std::string value_;
  std::vector<ForeignParameter>& foreign_;
  size_t command_lines_ = 0;
};

}  // namespace lifeboat::reservation
