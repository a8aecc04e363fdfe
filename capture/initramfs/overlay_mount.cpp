// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/initramfs/overlay_mount.h"

#include <libmount/libmount.h>
#include <sys/stat.h>

#include <filesystem>

#include "capture/initramfs/device_drivers.h"
#include "src/base/text.h"

namespace lifeboat {
namespace {

namespace fs = std::filesystem;

// Empty: there is none.
std::string option(const std::string& options, const char* name) {
  char* value = nullptr;
  size_t size = 0;
  if (mnt_optstr_get_option(options.c_str(), name, &value, &size) != 0 || value == nullptr) return {};
  return {value, size};
}

bool same_time(const timespec& one, const timespec& other) {
  return one.tv_sec == other.tv_sec && one.tv_nsec == other.tv_nsec;
}

std::string without_slash(const fs::path& path) {
  std::string text = path.lexically_normal();
  if (text.size() > 1 && text.ends_with('/')) text.pop_back();
  return text;
}

Error refusal(const std::string& folder, const std::string& why) {
  return Error(ErrorCode::unsupported, fmt::format("{} is on an overlay: {}", folder, why))
      .hint(kOtherTarget);
}

}  // namespace

bool is_upper_of(const std::string& upper, const std::string& overlay_folder) {
  struct stat one{}, other{};
  if (::stat(upper.c_str(), &one) != 0 || ::stat(overlay_folder.c_str(), &other) != 0) return false;
  return S_ISDIR(one.st_mode) && one.st_mode == other.st_mode && one.st_uid == other.st_uid &&
         one.st_gid == other.st_gid && same_time(one.st_ctim, other.st_ctim) &&
         same_time(one.st_mtim, other.st_mtim);
}

Result<std::string> folder_in_upper(const Mount& overlay, const std::string& folder,
                                    bool (*same)(const std::string&, const std::string&)) {
  const std::string upper = option(overlay.options, "upperdir");
  if (upper.empty()) return std::unexpected(refusal(folder, "it has no upper layer, so it is read-only"));
  // The mount may show a folder of the overlay only.
  const std::string top = without_slash(fs::path(upper) / fs::path(overlay.root).relative_path());
  if (!upper.starts_with('/') || !same(top, overlay.mount_point)) {
    return std::unexpected(
        refusal(folder, fmt::format("its upper layer {} is not visible here, or is another folder", upper)));
  }
  const fs::path inside = fs::path(folder).lexically_relative(overlay.mount_point);
  std::string below = without_slash(fs::path(top) / inside);
  if (same(below, folder)) return below;
  // A capture kernel would create it there with other permissions, or over a folder that was deleted.
  Error error = refusal(folder, "this folder is in a lower layer only");
  error.fix = fmt::format("bring it to the upper layer: touch {}", shell_word(folder));
  return std::unexpected(std::move(error));
}

}  // namespace lifeboat
