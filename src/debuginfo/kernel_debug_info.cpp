// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/debuginfo/kernel_debug_info.h"

#include <algorithm>
#include <map>
#include <unordered_map>

#include "src/base/size.h"
#include "src/debuginfo/debug_file.h"
#include "src/debuginfo/debug_places.h"
#include "src/debuginfo/module_layout.h"
#include "src/vmcore/module_build_id.h"

namespace lifeboat {
namespace {

using inspect::SourcePlace;

constexpr ArchitectureFacts::SourceFile kStartKernel = {"start_kernel", "init/main.c"};

class KernelDebugInfo final : public inspect::DebugInfo {
 public:
  KernelDebugInfo(const inspect::Session& session, DebugInfoOptions options)
      : session_(session), options_(std::move(options)) {}

  const std::vector<SourcePlace>& at(uint64_t address) override {
    const auto known = answers_.find(address);
    if (known != answers_.end()) return known->second;
    return answers_.emplace(address, find(address)).first->second;
  }
  std::optional<std::string> variable_type(std::string_view name, uint64_t address) override {
    // Modules' variables are not looked for.
    if (!session_.symbols() || session_.symbols()->all(name).empty()) return std::nullopt;
    const DebugFile* file = kernel();
    return file == nullptr ? std::nullopt : file->variable_type(name, address - offset_);
  }
  [[nodiscard]] const std::vector<std::string>& notes() const override { return notes_; }

 private:
  struct ModuleFile {
    DebugFile file;
    ModuleLayout layout;
  };

  std::vector<SourcePlace> find(uint64_t address) {
    if (!session_.symbols()) return {};
    std::vector<SourcePlace> places;
    if (session_.symbols()->at(address)) {
      const DebugFile* file = kernel();
      if (file == nullptr) return {};
      places = file->places(address - offset_);
    } else {
      const Module* module = session_.modules() ? session_.modules()->at(address) : nullptr;
      if (module == nullptr) return {};
      const auto& opened = of_module(*module);
      const auto in_file = opened ? opened->layout.to_file(address) : std::nullopt;
      if (!in_file) return {};
      places = opened->file.places(*in_file);
      (void)kernel();  // its sources have the same root
    }
    for (auto& place : places) shorten(place.file);
    return places;
  }

  const DebugFile* kernel() {
    if (!kernel_asked_) {
      kernel_asked_ = true;
      find_kernel();
      if (kernel_) find_roots();
    }
    return kernel_ ? &*kernel_ : nullptr;
  }

  void find_kernel() {
    const Vmcoreinfo& info = session_.kernel()->vmcoreinfo();
    // Of KASLR; hexadecimal without 0x.
    const auto offset = parse_number(std::string(info.value("KERNELOFFSET").value_or("0")), 16);
    if (!offset) {
      notes_.emplace_back("no debug information: KERNELOFFSET of VMCOREINFO is not a number");
      return;
    }
    offset_ = *offset;
    const std::string build_id(info.value("BUILD-ID").value_or(""));
    if (options_.vmlinux) {
      take_given(*options_.vmlinux, build_id);
      return;
    }
    // Without a build id a file of that name cannot be verified as this kernel's.
    if (build_id.empty()) return;
    for (const auto& path : places().of_kernel(bytes_of(build_id))) {
      auto file = DebugFile::open(path, facts().elf_machine);
      if (!file || format_build_id(file->build_id()) != build_id) continue;
      const auto warnings = file->check_debug_info();
      if (!warnings) continue;
      notes_.insert(notes_.end(), warnings->begin(), warnings->end());
      kernel_ = *std::move(file);
      return;
    }
  }

  void take_given(const std::string& path, const std::string& build_id) {
    const auto refuse = [this](const std::string& why) { notes_.push_back("no debug information: " + why); };
    auto file = DebugFile::open(path, facts().elf_machine);
    if (!file) return refuse(file.error().to_string());
    const std::string found = format_build_id(file->build_id());
    if (build_id.empty()) {
      notes_.push_back(
          fmt::format("cannot verify that {} belongs to this kernel: the dump has no build id", path));
    } else if (found != build_id) {
      return refuse(fmt::format("{} is of another kernel: its build id is {}, that of the dump {}", path,
                                found.empty() ? "missing" : found, build_id));
    }
    const auto warnings = file->check_debug_info();
    if (!warnings) return refuse(warnings.error().to_string());
    notes_.insert(notes_.end(), warnings->begin(), warnings->end());
    kernel_ = *std::move(file);
  }

  [[nodiscard]] const ArchitectureFacts& facts() const { return session_.kernel()->architecture().facts(); }

  // Where a function is defined in every kernel: the part of the path before that is the root of the sources,
  // as the debug information spells it. -ffile-prefix-map changes it for C, not for assembly.
  void find_roots() {
    for (const auto& known : {kStartKernel, facts().assembly}) {
      const auto address = session_.symbols()->address_of(known.function);
      if (!address) continue;
      const auto places = kernel_->places(*address - offset_);
      if (places.empty() || !places.back().file.ends_with(known.file)) continue;
      const std::string& file = places.back().file;
      if (file.size() > known.file.size()) roots_.push_back(file.substr(0, file.size() - known.file.size()));
    }
  }

  void shorten(std::string& file) const {
    for (const auto& root : roots_) {
      if (!file.starts_with(root)) continue;
      file.erase(0, root.size());
      return;
    }
  }

  const std::optional<ModuleFile>& of_module(const Module& module) {
    const auto known = modules_.find(module.address);
    if (known != modules_.end()) return known->second;
    return modules_.emplace(module.address, find_module(module)).first->second;
  }

  std::optional<ModuleFile> find_module(const Module& module) {
    const auto& symbols = session_.names()->of(module);
    if (!symbols) return std::nullopt;
    std::vector<std::byte> build_id = module.build_id;
    if (build_id.empty())
      build_id = read_module_build_id(*session_.kernel(), *session_.types(), module).value_or(build_id);
    for (const auto& path : places().of_module(module.name, build_id)) {
      auto file = DebugFile::open(path, facts().elf_machine);
      // The kernel's field is larger than this id.
      if (!file || !file->relocatable() || !same_build_id(file->build_id(), build_id)) continue;
      const auto warnings = file->check_debug_info();
      if (!warnings) continue;
      auto layout = ModuleLayout::find(*file, functions_of(*symbols));
      if (!layout) continue;
      notes_.insert(notes_.end(), warnings->begin(), warnings->end());
      return ModuleFile{*std::move(file), *std::move(layout)};
    }
    return std::nullopt;
  }

  static std::vector<LoadedFunction> functions_of(const ModuleSymbols& symbols) {
    std::vector<LoadedFunction> functions;
    symbols.visit([&functions](std::string_view name, uint64_t address, char type) {
      if (type == 't' || type == 'T') functions.push_back({std::string(name), address});
      return true;
    });
    return functions;
  }

  // If the dump has no id, the positions of the functions are compared.
  static bool same_build_id(ByteSpan of_file, ByteSpan of_dump) {
    if (of_dump.empty()) return true;
    return !of_file.empty() && of_file.size() <= of_dump.size() &&
           std::ranges::equal(of_file, of_dump.first(of_file.size())) &&
           std::ranges::all_of(of_dump.subspan(of_file.size()),
                               [](std::byte byte) { return byte == std::byte{0}; });
  }

  static std::vector<std::byte> bytes_of(std::string_view hex) {
    std::vector<std::byte> bytes;
    for (size_t at = 0; at + 2 <= hex.size(); at += 2) {
      const auto byte = parse_number(std::string(hex.substr(at, 2)), 16);
      if (!byte) return {};
      bytes.push_back(static_cast<std::byte>(*byte));
    }
    return bytes;
  }

  DebugPlaces& places() {
    if (!places_)
      places_.emplace(options_.debug_folder, options_.system_root, session_.kernel()->vmcoreinfo().release());
    return *places_;
  }

  const inspect::Session& session_;
  DebugInfoOptions options_;
  std::vector<std::string> notes_;
  std::optional<DebugPlaces> places_;
  bool kernel_asked_ = false;
  std::optional<DebugFile> kernel_;
  uint64_t offset_ = 0;             // from the file's addresses to the dump's
  std::vector<std::string> roots_;  // of the sources, as the debug information spells it
  std::map<uint64_t, std::optional<ModuleFile>> modules_;  // by the address of struct module
  std::unordered_map<uint64_t, std::vector<SourcePlace>> answers_;
};

}  // namespace

std::unique_ptr<inspect::DebugInfo> kernel_debug_info(const inspect::Session& session,
                                                      DebugInfoOptions options) {
  return std::make_unique<KernelDebugInfo>(session, std::move(options));
}

}  // namespace lifeboat
