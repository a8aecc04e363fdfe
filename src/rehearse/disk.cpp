// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/rehearse/disk.h"

#include <unistd.h>

#include <filesystem>

#include "src/base/file.h"
#include "src/base/process.h"
#include "src/base/sys.h"

namespace lifeboat::rehearse {
namespace {

using namespace std::chrono_literals;

}  // namespace

Result<> check_disk_tools() {
  for (const char* tool : {"mke2fs", "debugfs", "e2fsck"}) {
    if (find_program(tool)) continue;
    return std::unexpected(
        Error(ErrorCode::not_found, fmt::format("a rehearsal needs {}, which is not installed", tool))
            .hint("install e2fsprogs"));
  }
  return {};
}

Result<> make_disk(const std::string& image, uint64_t size, const std::string& uuid,
                   const std::string& folder) {
  const UniqueFd file = TRY(open_file(image, O_RDWR | O_CREAT | O_EXCL, 0600));
  if (sys::ftruncate(file.get(), static_cast<off_t>(size)) != 0)
    return fail_errno("cannot set the size of {}", image);
  const auto output = TRY(run_process({"mke2fs", "-q", "-F", "-t", "ext4", "-m", "0", "-U", uuid, "-E",
                                       "root_owner=0:0", "-d", folder, image},
                                      300s));
  if (output.status == 0) return {};
  return std::unexpected(Error(ErrorCode::io, fmt::format("mke2fs cannot create {}: {}", image, output.text))
                             .hint("use a larger --disk-size, or set TMPDIR to a folder with more space"));
}

Result<> extract_folder(const std::string& image, const std::string& path, const std::string& dest) {
  // debugfs always exits 0: its messages are checked, so they must be in English.
  const auto output = TRY(run_process(
      {"env", "LC_ALL=C", "debugfs", "-R", fmt::format("rdump {} \"{}\"", path, dest), image}, 600s));
  const auto name = std::filesystem::path(path).filename();
  if (!std::filesystem::exists(std::filesystem::path(dest) / name))
    return fail(ErrorCode::not_found, "{} is not on the disk {}: {}", path, image, output.text);
  if (output.text.find("No space left") != std::string::npos)
    return fail(ErrorCode::no_space, "no space left to copy {} to {}", path, dest);
  return {};
}

Result<> check_disk(const std::string& image) {
  const auto output = TRY(run_process({"e2fsck", "-fn", image}, 300s));
  if (output.status == 0) return {};
  return fail(ErrorCode::corrupt, "the guest's file system is not clean: {}", output.text);
}

}  // namespace lifeboat::rehearse
