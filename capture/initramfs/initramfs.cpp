// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/initramfs/initramfs.h"

#include <unistd.h>

#include <filesystem>
#include <set>

#include "capture/initramfs/compress.h"
#include "capture/initramfs/cpio.h"
#include "src/base/file.h"
#include "src/base/size.h"

namespace lifeboat {
namespace {

std::string relative(const char* path) {
  return path + 1;
}

// The folders of the archive, each created once, before its contents.
class Folders {
 public:
  explicit Folders(CpioWriter& cpio) : cpio_(cpio) {}

  Result<> make(const std::string& path) {
    for (size_t slash = path.find('/'); slash != std::string::npos; slash = path.find('/', slash + 1))
      TRY_VOID(make_one(path.substr(0, slash)));
    return make_one(path);
  }

 private:
  Result<> make_one(const std::string& path) {
    return made_.insert(path).second ? cpio_.folder(path) : Result<>();
  }
  CpioWriter& cpio_;
  std::set<std::string> made_;
};

}  // namespace

Result<std::vector<std::byte>> build_initramfs(const InitramfsContents& contents,
                                               InitramfsCompression compression) {
  CpioWriter cpio;
  Folders folders(cpio);
  for (const char* folder : {"dev", "proc", "sys", "run", "mnt", "lifeboat"}) TRY_VOID(folders.make(folder));
  // The kernel opens it for PID 1 before devtmpfs is mounted.
  TRY_VOID(cpio.character_device("dev/console", 5, 1));
  TRY_VOID(cpio.file("init", 0755, contents.init));

  CapturePlan plan = contents.plan;
  plan.modules.clear();
  TRY_VOID(folders.make(relative(kModuleFolder)));
  for (const auto& module : contents.modules) {
    plan.modules.push_back(module.name);
    TRY_VOID(cpio.file(fmt::format("{}/{}", relative(kModuleFolder), module.name), 0644, module.bytes));
  }
  for (const auto& file : contents.files) {
    const std::filesystem::path path(file.path.substr(1));
    if (path.has_parent_path()) TRY_VOID(folders.make(path.parent_path()));
    TRY_VOID(cpio.file(path, file.mode, file.bytes));
  }
  const std::string text = plan.to_text();
  // Check that lifeboat-init will read the same plan: a value that cannot be written is found here, not after
  // a crash.
  TRY_VOID(CapturePlan::parse(text));
  TRY_VOID(cpio.file(relative(kPlanPath), 0600, as_byte_span(text)));
  const auto archive = cpio.finish();
  return compress_initramfs(archive, compression);
}

namespace {

std::string static_program_path(const std::string& name, const std::string& path) {
  if (!path.empty()) return path;
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
  const std::string beside = self.parent_path() / name;
  return !error && ::access(beside.c_str(), R_OK) == 0 ? beside : "/usr/lib/lifeboat/" + name;
}

}  // namespace

std::string init_program_path(const std::string& path_or_empty) {
  return static_program_path(kInitProgram, path_or_empty);
}

Result<std::vector<std::byte>> read_static_program(const std::string& name,
                                                   const std::string& path_or_empty) {
  const std::string path = static_program_path(name, path_or_empty);
  auto bytes = read_file(path, 256_MiB);
  if (!bytes) {
    Error error = std::move(bytes).error().context(name);
    if (name == kInitProgram)
      error = std::move(error).hint("reinstall lifeboat, or name the program with --init");
    return std::unexpected(std::move(error));
  }
  constexpr std::string_view kElf =
      "\x7f"
      "ELF";
  if (!as_text(*bytes).starts_with(kElf)) return fail(ErrorCode::usage, "{} is not a program", path);
  return bytes;
}

}  // namespace lifeboat
