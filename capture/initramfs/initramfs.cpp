// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/initramfs/initramfs.h"

#include <archive.h>
#include <archive_entry.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <memory>

#include "base/file.h"
#include "base/size.h"
#include "capture/initramfs/compress.h"

namespace lifeboat {
namespace {

struct ArchiveDeleter {
  void operator()(archive* writer) const { archive_write_free(writer); }
  void operator()(archive_entry* entry) const { archive_entry_free(entry); }
};

// A cpio archive in memory. Owner, times and inode numbers are fixed, so that only names and contents count.
class CpioWriter {
 public:
  static Result<CpioWriter> create() {
    CpioWriter cpio;
    archive* writer = cpio.writer_.get();
    archive_write_set_format_cpio_newc(writer);
    archive_write_set_bytes_per_block(writer, 0);  // no padding behind the trailer
    const auto append = [](archive*, void* bytes, const void* data, size_t size) -> la_ssize_t {
      const auto* from = static_cast<const std::byte*>(data);
      static_cast<std::vector<std::byte>*>(bytes)->insert(static_cast<std::vector<std::byte>*>(bytes)->end(),
                                                          from, from + size);
      return static_cast<la_ssize_t>(size);
    };
    if (archive_write_open(writer, cpio.bytes_.get(), nullptr, append, nullptr) != ARCHIVE_OK)
      return cpio.error("the archive");
    return cpio;
  }

  Result<> folder(const std::string& path) { return add(path, AE_IFDIR, 0755, {}); }
  Result<> file(const std::string& path, mode_t mode, ByteSpan contents) {
    return add(path, AE_IFREG, mode, contents);
  }
  // major:minor as in Documentation/admin-guide/devices.txt.
  Result<> character_device(const std::string& path, unsigned major, unsigned minor) {
    return add(path, AE_IFCHR, 0600, {}, makedev(major, minor));
  }

  Result<std::vector<std::byte>> finish() {
    if (archive_write_close(writer_.get()) != ARCHIVE_OK) return error("the archive's end");
    return std::move(*bytes_);
  }

 private:
  CpioWriter() : bytes_(std::make_unique<std::vector<std::byte>>()), writer_(archive_write_new()) {}

  Result<> add(const std::string& path, unsigned type, mode_t mode, ByteSpan contents, dev_t device = 0) {
    const std::unique_ptr<archive_entry, ArchiveDeleter> entry(archive_entry_new());
    archive_entry_set_pathname(entry.get(), path.c_str());
    archive_entry_set_filetype(entry.get(), type);
    archive_entry_set_perm(entry.get(), mode);
    archive_entry_set_uid(entry.get(), 0);
    archive_entry_set_gid(entry.get(), 0);
    archive_entry_set_mtime(entry.get(), 0, 0);
    archive_entry_set_ino(entry.get(), ++inode_);
    archive_entry_set_nlink(entry.get(), type == AE_IFDIR ? 2 : 1);
    archive_entry_set_rdev(entry.get(), device);
    archive_entry_set_size(entry.get(), static_cast<la_int64_t>(contents.size()));
    if (archive_write_header(writer_.get(), entry.get()) != ARCHIVE_OK) return error(path);
    if (!contents.empty() && archive_write_data(writer_.get(), contents.data(), contents.size()) !=
                                 static_cast<la_ssize_t>(contents.size()))
      return error(path);
    return {};
  }

  [[nodiscard]] std::unexpected<Error> error(const std::string& what) const {
    const char* why = archive_error_string(writer_.get());
    return fail(ErrorCode::io, "initramfs: cannot add {}: {}", what, why != nullptr ? why : "unknown error");
  }

  // Its address is known to libarchive, which writes the trailer even when it is given up: it must live
  // longer.
  std::unique_ptr<std::vector<std::byte>> bytes_;
  std::unique_ptr<archive, ArchiveDeleter> writer_;
  la_int64_t inode_ = 0;
};

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
