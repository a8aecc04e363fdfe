// SPDX-License-Identifier: GPL-2.0-or-later
// Entries of the Boot Loader Specification, type 2: unified kernel images in EFI/Linux, with an entry for
// each of their profiles, as systemd-boot makes them.
#include <algorithm>

#include "loader/entries/boot_entry_file.h"
#include "loader/entries/entry_search.h"
#include "src/image/unwrap/uki_outline.h"

namespace lifeboat {
namespace {

constexpr unsigned kMaxProfiles = 256;  // systemd-boot shows no more

// The first of these fields that os-release has.
std::string first_of(const BootVariables& os_release, std::initializer_list<const char*> names) {
  for (const char* name : names) {
    if (const auto found = os_release.find(name); found != os_release.end() && !found->second.empty())
      return found->second;
  }
  return {};
}

// "Debian 13 (Factory reset)". The first profile has the title of the image unless it has one of its own.
std::string title_of(const std::string& image, const BootVariables& profile, unsigned number) {
  const std::string title = first_of(profile, {"TITLE"});
  const std::string id = first_of(profile, {"ID"});
  if (!title.empty()) return fmt::format("{} ({})", image, title);
  if (number == 0) return image;
  return id.empty() ? fmt::format("{} (Profile #{})", image, number + 1) : fmt::format("{} ({})", image, id);
}

// "linux.efi", of further profiles "linux.efi@reset" or "linux.efi@1".
std::string id_of(const std::string& image, const BootVariables& profile, unsigned number) {
  if (number == 0) return image;
  const std::string id = first_of(profile, {"ID"});
  return id.empty() ? fmt::format("{}@{}", image, number) : fmt::format("{}@{}", image, id);
}

BootCandidate candidate_of(const UkiParts& image, unsigned number, const BootFileName& name,
                           const std::string& path, const std::string& root) {
  const auto os_release = parse_assignments(image.os_release.value_or(""));
  const auto profile = parse_assignments(image.profile.value_or(""));
  // The fields of a unified kernel image that systemd-boot shows and sorts by.
  std::string title = first_of(os_release, {"PRETTY_NAME", "IMAGE_ID", "NAME", "ID"});
  if (title.empty()) title = name.id;
  return {.entry = {.id = id_of(name.id, profile, number),
                    .title = title_of(title, profile, number),
                    .kernel = path,
                    .initramfs = {},
                    .command_line = {},
                    .unified = true,
                    .source = path,
                    .root = root,
                    .profile = number},
          .sort_key = first_of(os_release, {"IMAGE_ID", "ID"}),
          .machine_id = {},
          .version = first_of(os_release, {"IMAGE_VERSION", "VERSION", "VERSION_ID", "BUILD_ID"}),
          .tries_left = name.tries_left,
          .sort_id = name.id};
}

Result<> read_image(BootSearch& search, const std::string& root, const std::string& path,
                    const BootFileName& name) {
  if (name.tries_left == 0u)
    return fail(ErrorCode::unsupported, "no boot tries are left: it did not come up before");
  const ImageKind kind = TRY(boot_file_kind(path));
  if (kind != ImageKind::uki) return fail(ErrorCode::unsupported, "it is {}", image_kind_name(kind));
  const UkiOutline outline = TRY(UkiOutline::read(path));
  std::vector<BootCandidate> found;
  unsigned count = 1;
  for (unsigned number = 0; number < std::min(count, kMaxProfiles); ++number) {
    const UkiParts image = TRY(outline.parts(number));
    count = std::max(count, image.profile_count);
    found.push_back(candidate_of(image, number, name, path, root));
  }
  std::ranges::move(found, std::back_inserter(search.entries));
  return {};
}

}  // namespace

void add_type_2_entries(BootSearch& search, const std::string& root, const std::filesystem::path& file) {
  const std::string name = file.filename().string();
  if (name.starts_with("auto-")) return;
  // Files beside an image that complete it; no boot loader shows them.
  if (name.ends_with(".addon.efi")) return;
  const std::string path = file.string();
  const auto parsed = BootFileName::parse(name);
  const auto read = read_image(search, root, path, parsed);
  if (read) return;
  SkippedEntry skipped{.candidate = {},
                       .line = fmt::format("{}: {}", path, read.error().reason()),
                       .hidden = parsed.tries_left == 0u};
  skipped.candidate.entry.id = skipped.candidate.sort_id = parsed.id;
  search.skipped.push_back(std::move(skipped));
}

}  // namespace lifeboat
