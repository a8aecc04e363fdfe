// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/vm/systemd/documented_commands.h"

#include <sstream>

#include "src/base/file.h"

namespace lifeboat::test {

Result<std::vector<std::string>> documented_commands(const std::string& path, const std::string& name) {
  constexpr std::string_view kFence = "```";
  const std::string mark = "<!-- commands: " + name + " -->";
  std::istringstream text(TRY(read_text(path)));
  std::vector<std::string> commands;
  std::string line;
  while (std::getline(text, line) && line != mark) {
  }
  std::getline(text, line);
  if (line != kFence)
    return fail(ErrorCode::not_found, "{} has no block of commands behind '{}'", path, mark);
  while (std::getline(text, line) && line != kFence) commands.push_back(line);
  return commands;
}

}  // namespace lifeboat::test
