// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/arming/driver_memory.h"

#include <elf.h>

#include <algorithm>
#include <set>
#include <string>
#include <string_view>

#include "src/base/file.h"
#include "src/base/size.h"

namespace lifeboat::arming {
namespace {

// A section that is not in the file (.bss) may claim any size.
constexpr uint64_t kMaxSection = 256_MiB;
constexpr uint64_t kMaxModulesBuiltin = 4_MiB;

// "mpt3sas" of "mpt3sas.ko"; file names may have '-' where names have '_'.
std::string bare_name(std::string_view file) {
  std::string name(file.substr(0, file.rfind(".ko")));
  std::ranges::replace(name, '-', '_');
  return name;
}

// The line of modules.builtin; empty: it is not built in by that name.
std::string builtin_path(std::string_view modules_builtin, const std::string& name) {
  while (!modules_builtin.empty()) {
    const std::string_view line = modules_builtin.substr(0, modules_builtin.find('\n'));
    modules_builtin.remove_prefix(std::min(line.size() + 1, modules_builtin.size()));
    if (bare_name(line.substr(line.rfind('/') + 1)) == name) return std::string(line);
  }
  return {};
}

}  // namespace

uint64_t module_memory(ByteSpan elf) {
  const auto header = load<Elf64_Ehdr>(elf, 0, "module");
  if (!header || header->e_shentsize != sizeof(Elf64_Shdr) || header->e_shnum == 0 ||
      header->e_shoff > elf.size())
    return elf.size();
  uint64_t memory = 0;
  for (uint64_t index = 0; index < header->e_shnum; ++index) {
    const auto section = load<Elf64_Shdr>(elf, header->e_shoff + index * sizeof(Elf64_Shdr), "module");
    if (!section || section->sh_size > kMaxSection) return elf.size();
    if ((section->sh_flags & SHF_ALLOC) != 0) memory += section->sh_size;
  }
  return memory;
}

Result<std::vector<reservation::DriverUse>> driver_uses(const Recipe& recipe) {
  std::vector<reservation::DriverUse> uses;
  std::set<std::string> drivers, counted;
  const std::string builtin =
      read_text(recipe.module_folder + "/modules.builtin", kMaxModulesBuiltin).value_or("");
  for (const auto& target : recipe.targets) {
    for (const auto& driver : target.drivers) {
      if (!drivers.insert(driver).second) continue;
      uint64_t memory = 0;
      std::string name = bare_name(driver), path;
      for (const auto& module : TRY(resolve_modules(recipe.module_folder, {driver}))) {
        const std::string resolved = bare_name(module.name);
        if (counted.insert(resolved).second) memory += module_memory(TRY(read_module(module)).bytes);
        // What a driver needs comes first: the last one is the driver, where only its alias is known.
        if (path.empty() || resolved == name || driver.find(':') != std::string::npos) path = module.path;
        if (driver.find(':') != std::string::npos) name = resolved;
      }
      if (path.empty()) path = builtin_path(builtin, name);
      uses.push_back(reservation::driver_use(name, path, memory));
    }
  }
  return uses;
}

}  // namespace lifeboat::arming
