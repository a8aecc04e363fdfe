// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/initramfs/module_set.h"

#include <fnmatch.h>
#include <libkmod.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <ranges>
#include <set>

#include "capture/initramfs/decompress_file.h"
#include "src/base/file.h"
#include "src/base/size.h"

namespace lifeboat {
namespace {

struct Deleter {
  void operator()(kmod_ctx* context) const { kmod_unref(context); }
  void operator()(kmod_module* module) const { kmod_module_unref(module); }
  void operator()(kmod_list* list) const { kmod_module_unref_list(list); }
};
using Context = std::unique_ptr<kmod_ctx, Deleter>;
using Module = std::unique_ptr<kmod_module, Deleter>;
using ModuleList = std::unique_ptr<kmod_list, Deleter>;

// No module is as large as this; a file that decompresses to more is not one.
constexpr uint64_t kMaxModuleBytes = 256_MiB;

std::vector<Module> modules_of(const ModuleList& list) {
  std::vector<Module> modules;
  for (kmod_list* entry = list.get(); entry != nullptr; entry = kmod_list_next(list.get(), entry))
    modules.emplace_back(kmod_module_get_module(entry));
  return modules;
}

// Of modules, "-" and "_" are the same.
std::string plain_name(std::string_view name) {
  std::string plain(name);
  std::ranges::replace(plain, '-', '_');
  return plain;
}

// modules.builtin has a line "kernel/drivers/nvme/host/nvme.ko" for each.
bool is_listed(std::string_view list, const std::string& name) {
  const std::string wanted = plain_name(name) + ".ko";
  for (const auto part : std::views::split(list, '\n')) {
    const std::string_view line(part.begin(), part.end());
    if (plain_name(line.substr(line.rfind('/') + 1)) == wanted) return true;
  }
  return false;
}

// modules.builtin.modinfo has "nvme.alias=pci:v*" and the like, each with a zero behind it.
bool has_information(std::string_view list, const std::string& name_or_alias) {
  constexpr std::string_view kAlias = "alias=";
  const std::string plain = plain_name(name_or_alias);
  for (const auto part : std::views::split(list, '\0')) {
    const std::string_view entry(part.begin(), part.end());
    const auto dot = entry.find('.');
    if (dot == std::string_view::npos) continue;
    if (plain_name(entry.substr(0, dot)) == plain) return true;
    const std::string_view information = entry.substr(dot + 1);
    if (!information.starts_with(kAlias)) continue;
    const std::string pattern(information.substr(kAlias.size()));
    if (::fnmatch(pattern.c_str(), name_or_alias.c_str(), 0) == 0) return true;
  }
  return false;
}

// Whether the module tree lists a module of this name, or for this alias, as built in. depmod's indexes
// (*.bin) may be older than these lists, or incomplete.
bool is_listed_as_built_in(const std::string& module_folder, const std::string& name_or_alias) {
  const auto builtin = read_text(module_folder + "/modules.builtin", 16_MiB);
  if (builtin && is_listed(*builtin, name_or_alias)) return true;
  const auto information = read_text(module_folder + "/modules.builtin.modinfo", 64_MiB);
  return information && has_information(*information, name_or_alias);
}

class Collector {
 public:
  Collector(kmod_ctx* context, std::string folder) : context_(context), folder_(std::move(folder)) {}

  Result<> add(const std::string& name) {
    kmod_list* found = nullptr;
    if (const int error = kmod_module_new_from_lookup(context_, name.c_str(), &found); error < 0)
      return std::unexpected(
          errno_error(-error, fmt::format("cannot look for the module {} in {}", name, folder_)));
    const ModuleList list(found);
    // A device may have an alias without a driver (a bridge, say).
    const bool alias = name.find(':') != std::string::npos;
    if (!list && alias) return {};
    if (!list && is_listed_as_built_in(folder_, name)) return {};
    if (!list) {
      return std::unexpected(Error(ErrorCode::not_found,
                                   fmt::format("{} has no module {}, and it is not built in", folder_, name))
                                 .hint("give the complete module tree of the kernel"));
    }
    for (const auto& module : modules_of(list)) TRY_VOID(visit(module.get()));
    return {};
  }

  std::vector<ModulePath> take() { return std::move(modules_); }

 private:
  Result<> visit(kmod_module* module) {
    const char* path = kmod_module_get_path(module);
    if (path == nullptr) return {};  // built in
    // Marked before its dependencies are visited: soft dependencies may form a circle.
    if (!seen_.insert(kmod_module_get_name(module)).second) return {};

    kmod_list* before = nullptr;
    kmod_list* after = nullptr;
    if (kmod_module_get_softdeps(module, &before, &after) < 0) before = after = nullptr;
    const ModuleList soft_before(before), soft_after(after);
    for (const auto& other : modules_of(soft_before)) TRY_VOID(visit(other.get()));
    const ModuleList hard(kmod_module_get_dependencies(module));
    for (const auto& other : modules_of(hard)) TRY_VOID(visit(other.get()));
    TRY_VOID(append(path));
    for (const auto& other : modules_of(soft_after)) TRY_VOID(visit(other.get()));
    return {};
  }

  Result<> append(const std::string& path) {
    std::string name = path.substr(path.rfind('/') + 1);
    const auto extension = name.find(".ko");
    if (extension == std::string::npos)
      return fail(ErrorCode::unsupported, "{} has no module's file name (*.ko)", path);
    name.resize(extension + 3);
    modules_.push_back({std::move(name), path});
    return {};
  }

  kmod_ctx* context_;
  std::string folder_;
  std::set<std::string> seen_;
  std::vector<ModulePath> modules_;
};

// Ignores the host's configuration: the same module tree gives the same modules on every host.
Context new_context(const std::string& module_folder) {
  const char* const no_configuration[] = {nullptr};
  Context context(kmod_new(module_folder.c_str(), no_configuration));
  // Its messages are not logged: the calls return errors.
  if (context) {
    kmod_set_log_fn(
        context.get(), [](void*, int, const char*, int, const char*, const char*, va_list) {}, nullptr);
  }
  return context;
}

// "6.1.0-56-amd64" of "vermagic=6.1.0-56-amd64 SMP preempt ..." in .modinfo (include/linux/vermagic.h).
std::string_view built_for(const ModuleFile& module) {
  constexpr std::string_view kKey("\0vermagic=", 10);
  const std::string_view bytes = as_text(module.bytes);
  const auto at = bytes.find(kKey);
  if (at == std::string_view::npos) return {};
  const std::string_view value = bytes.substr(at + kKey.size());
  return value.substr(0, value.find_first_of(std::string_view(" \0", 2)));
}

}  // namespace

Result<> check_modules_fit(const std::vector<ModuleFile>& modules, const std::string& release) {
  if (modules.empty() ||
      std::ranges::any_of(modules, [&](const auto& module) { return built_for(module) == release; }))
    return {};
  return std::unexpected(
      Error(ErrorCode::unsupported,
            fmt::format("the modules are for the kernel {}, not for {}", built_for(modules.front()), release))
          .hint("give kernel and module tree of the same version"));
}

Result<ModuleFile> read_module(const ModulePath& module) {
  ModuleFile file{module.name, TRY(decompress_file(module.path, kMaxModuleBytes))};
  constexpr std::string_view kElf =
      "\x7f"
      "ELF";
  if (!as_text(file.bytes).starts_with(kElf))
    return fail(ErrorCode::corrupt, "{} is not a kernel module: it is not an ELF file", module.path);
  return file;
}

Result<std::vector<ModuleFile>> collect_modules(const std::string& module_folder,
                                                const std::vector<std::string>& names) {
  std::vector<ModuleFile> files;
  for (const auto& module : TRY(resolve_modules(module_folder, names)))
    files.push_back(TRY(read_module(module)));
  return files;
}

bool has_module(const std::string& module_folder, const std::string& name_or_alias) {
  const Context context = new_context(module_folder);
  kmod_list* found = nullptr;
  if (context && kmod_module_new_from_lookup(context.get(), name_or_alias.c_str(), &found) == 0) {
    const ModuleList list(found);
    if (list) return true;
  }
  return is_listed_as_built_in(module_folder, name_or_alias);
}

Result<std::vector<ModulePath>> resolve_modules(const std::string& module_folder,
                                                const std::vector<std::string>& names) {
  const std::string index = module_folder + "/modules.dep.bin";
  if (::access(index.c_str(), R_OK) != 0) {
    auto error = errno_error(errno, fmt::format("cannot read {}", index));
    if (::access(module_folder.c_str(), F_OK) == 0 && error.code == ErrorCode::not_found) {
      const auto slash = module_folder.find("/lib/modules/");
      const std::string root = slash == std::string::npos ? "ROOT" : module_folder.substr(0, slash) + "/";
      error.hint(
          fmt::format("run 'depmod -b {} VERSION' (a package that was only unpacked has no index)", root));
    }
    return std::unexpected(
        std::move(error).hint("install that kernel's package, or name another module tree with --modules"));
  }
  const Context context = new_context(module_folder);
  if (!context) return fail(ErrorCode::io, "cannot set up libkmod for {}", module_folder);
  Collector collector(context.get(), module_folder);
  for (const auto& name : names) TRY_VOID(collector.add(name));
  return collector.take();
}

}  // namespace lifeboat
