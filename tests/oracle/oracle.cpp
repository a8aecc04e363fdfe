// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/oracle/oracle.h"

#include <cstdlib>
#include <sstream>

namespace lifeboat::test {

std::vector<std::filesystem::path> oracle_folders() {
  std::vector<std::filesystem::path> folders;
  if (const char* list = std::getenv("LIFEBOAT_ORACLE_DUMPS")) {
    std::istringstream words(list);
    for (std::string folder; std::getline(words, folder, ':');) folders.emplace_back(folder);
    return folders;
  }
  if (const char* kernel = std::getenv("LIFEBOAT_ORACLE_KERNEL")) return {rehearsals() / kernel};
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator(rehearsals(), none)) {
    if (std::filesystem::exists(entry.path() / "facts/kallsyms", none)) folders.push_back(entry.path());
  }
  return folders;
}

std::unique_ptr<OracleDump> open_oracle(const std::filesystem::path& folder) {
  auto dump = Dump::open((folder / "vmcore").string());
  if (!dump) {
    ADD_FAILURE() << dump.error().to_string();
    return nullptr;
  }
  auto kernel = kernel_of(**dump);
  if (!kernel) {
    ADD_FAILURE() << folder << ": " << kernel.error().to_string();
    return nullptr;
  }
  return std::make_unique<OracleDump>(OracleDump{*std::move(dump), *std::move(kernel)});
}

std::string oracle_name(const testing::TestParamInfo<std::filesystem::path>& info) {
  std::string name = info.param.filename().string();
  for (char& letter : name) {
    if (std::isalnum(static_cast<unsigned char>(letter)) == 0) letter = '_';
  }
  return fmt::format("kernel_{}_{}", name, info.index);
}

}  // namespace lifeboat::test
