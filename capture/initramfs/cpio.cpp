// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/initramfs/cpio.h"

#include <archive.h>
#include <archive_entry.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

namespace lifeboat {

void CpioWriter::Deleter::operator()(archive* writer) const {
  archive_write_free(writer);
}

CpioWriter::CpioWriter() : bytes_(std::make_unique<std::vector<std::byte>>()), writer_(archive_write_new()) {}

Result<CpioWriter> CpioWriter::create() {
  CpioWriter cpio;
  archive* writer = cpio.writer_.get();
  archive_write_set_format_cpio_newc(writer);
  archive_write_set_bytes_per_block(writer, 0);  // no padding after the trailer
  const auto append = [](archive*, void* bytes, const void* data, size_t size) -> la_ssize_t {
    const auto* from = static_cast<const std::byte*>(data);
    auto* to = static_cast<std::vector<std::byte>*>(bytes);
    to->insert(to->end(), from, from + size);
    return static_cast<la_ssize_t>(size);
  };
  if (archive_write_open(writer, cpio.bytes_.get(), nullptr, append, nullptr) != ARCHIVE_OK)
    return cpio.error("the archive");
  return cpio;
}

Result<> CpioWriter::folder(const std::string& path) {
  return add(path, AE_IFDIR, 0755, {});
}

Result<> CpioWriter::file(const std::string& path, mode_t mode, ByteSpan contents) {
  return add(path, AE_IFREG, mode, contents);
}

Result<> CpioWriter::character_device(const std::string& path, unsigned major, unsigned minor) {
  return add(path, AE_IFCHR, 0600, {}, makedev(major, minor));
}

Result<std::vector<std::byte>> CpioWriter::finish() {
  if (archive_write_close(writer_.get()) != ARCHIVE_OK) return error("the archive's end");
  return std::move(*bytes_);
}

Result<> CpioWriter::add(const std::string& path, unsigned type, mode_t mode, ByteSpan contents,
                         dev_t device) {
  const std::unique_ptr<archive_entry, decltype(&archive_entry_free)> entry(archive_entry_new(),
                                                                            &archive_entry_free);
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

std::unexpected<Error> CpioWriter::error(const std::string& what) const {
  const char* why = archive_error_string(writer_.get());
  return fail(ErrorCode::io, "initramfs: cannot add {}: {}", what, why != nullptr ? why : "unknown error");
}

}  // namespace lifeboat
