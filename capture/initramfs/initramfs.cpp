// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/initramfs/initramfs.h"

#include <unistd.h>

#include "base/file.h"
#include "base/size.h"
#include "capture/initramfs/compress.h"
#include "capture/initramfs/cpio.h"

namespace lifeboat {
namespace {

std::string relative(const char* path) {
  return path + 1;
}

}  // namespace

Result<std::vector<std::byte>> build_initramfs(const InitramfsContents& contents,
                                               InitramfsCompression compression) {
  auto cpio = TRY(CpioWriter::create());
  for (const char* folder : {"dev", "proc", "sys", "run", "mnt", "lifeboat"}) TRY_VOID(cpio.folder(folder));
  // The kernel opens it for PID 1 before devtmpfs is mounted.
  TRY_VOID(cpio.character_device("dev/console", 5, 1));
  TRY_VOID(cpio.file("init", 0755, contents.init));

  Manifest manifest = contents.manifest;
  manifest.modules.clear();
  TRY_VOID(cpio.folder(relative(kModuleFolder)));
  for (const auto& module : contents.modules) {
    manifest.modules.push_back(module.name);
    TRY_VOID(cpio.file(fmt::format("{}/{}", relative(kModuleFolder), module.name), 0644, module.bytes));
  }
  const std::string text = manifest.to_text();
  // What lifeboat-init will read must be what was meant: a value that does not survive is found here, not
  // after a crash.
  TRY_VOID(Manifest::parse(text));
  TRY_VOID(cpio.file(relative(kManifestPath), 0600, as_byte_span(text)));
  const auto archive = TRY(cpio.finish());
  return compress_initramfs(archive, compression);
}

Result<std::vector<std::byte>> read_init_program(const std::string& path_or_empty) {
  std::string path = path_or_empty;
  if (path.empty()) {
    std::error_code error;
    const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
    path = self.parent_path() / "lifeboat-init";
    if (error || ::access(path.c_str(), R_OK) != 0) path = "/usr/lib/lifeboat/lifeboat-init";
  }
  auto bytes = read_file(path, 256_MiB);
  if (!bytes) {
    return std::unexpected(
        std::move(bytes)
            .error()
            .context("lifeboat-init")
            .hint("it lies beside the program lifeboat, or in /usr/lib/lifeboat; or name it with --init"));
  }
  constexpr std::string_view kElf =
      "\x7f"
      "ELF";
  if (!as_text(*bytes).starts_with(kElf)) return fail(ErrorCode::usage, "{} is not a program", path);
  return bytes;
}

}  // namespace lifeboat
