// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/entries/boot_entry.h"

#include <fnmatch.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <tuple>

#include "loader/entries/boot_entry_file.h"
#include "loader/entries/boot_files.h"
#include "loader/entries/grub_boot.h"
#include "loader/entries/version_order.h"
#include "src/base/file.h"
#include "src/base/machine_names.h"
#include "src/base/size.h"
#include "src/image/image.h"
#include "src/image/unwrap/uki.h"

namespace lifeboat {
namespace {

namespace fs = std::filesystem;
using Variables = std::map<std::string, std::string>;

// A folder with more is not read further: no boot menu is that long.
constexpr size_t kMaxEntries = 500;
// With an initramfs and firmware in it such an image has some 200 MiB.
constexpr uint64_t kLargestUnifiedImage = uint64_t{1} << 30;
// The vendor of systemd-boot's EFI variables (the Boot Loader Interface).
constexpr std::string_view kLoaderVendor = "4a67b082-0a4c-41cf-b6c7-440b29bb8c4f";

struct Candidate {
  BootEntry entry;
  std::string sort_key;
  std::string machine_id;
  std::string version;
  std::optional<unsigned> tries_left;
};

struct Search {
  std::vector<Candidate> entries;
  std::vector<Candidate> plain;    // kernels by their version
  std::optional<BootFiles> files;  // of the root that is being searched
  std::vector<std::string>* skipped = nullptr;

  void skip(const std::string& what, std::string_view reason) const {
    if (skipped != nullptr) skipped->push_back(fmt::format("{}: {}", what, reason));
  }
};

// Files of `folder` with this ending, in the order of their names.
std::vector<fs::path> files_ending_in(const fs::path& folder, std::string_view ending) {
  std::vector<fs::path> files;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end && files.size() < kMaxEntries;
       it.increment(error)) {
    std::string name = it->path().filename().string();
    // FAT, the usual file system of the boot partition, ignores case.
    std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
    std::error_code ignored;
    if (name.ends_with(ending) && it->is_regular_file(ignored)) files.push_back(it->path());
  }
  std::ranges::sort(files);
  return files;
}

bool is_file(const std::string& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored);
}

std::string small_file(const std::string& path) {
  auto text = is_file(path) ? read_text(path, kLargestBootEntryFile) : Result<std::string>("");
  return text.value_or("");
}

Variables grub_environment(const std::string& root) {
  for (const char* folder : {"/grub2", "/grub"}) {
    const std::string path = root + folder + "/grubenv";
    if (is_file(path)) return parse_assignments(small_file(path));
  }
  return {};
}

// Where the file is that an entry of `root` names.
std::string locate(const Search& search, const std::string& root, const std::string& path) {
  return search.files ? search.files->locate(path) : path_below(root, path);
}

// The format of the file; nullopt, with the reason added to `search`: it is not a kernel.
std::optional<ImageKind> kernel_kind(const Search& search, const std::string& source,
                                     const std::string& path) {
  if (!is_file(path)) {
    search.skip(source, fmt::format("there is no {}", path));
    return std::nullopt;
  }
  std::array<std::byte, kIdentifyBytes> buffer;
  const auto fd = open_file(path, O_RDONLY | O_NONBLOCK);
  const auto count = fd ? pread_some(fd->get(), 0, buffer, path) : std::unexpected(fd.error());
  if (!count) {
    search.skip(source, count.error().to_string());
    return std::nullopt;
  }
  const ImageKind kind = identify_image(ByteSpan(buffer).first(*count));
  if (is_kernel(kind) || is_compressed(kind) || kind == ImageKind::efi_zboot || kind == ImageKind::uki)
    return kind;
  search.skip(source, fmt::format("{} is not a kernel but {}", path, image_kind_name(kind)));
  return std::nullopt;
}

bool same_text(std::string_view a, std::string_view b) {
  return std::ranges::equal(
      a, b, [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

void add_type_1(Search& search, const std::string& root, const fs::path& file, const Variables& variables) {
  const std::string source = file.string();
  const auto text = read_text(source, kLargestBootEntryFile);
  if (!text) return search.skip(source, text.error().to_string());
  BootEntryFile fields = BootEntryFile::parse(*text, variables);
  BootFileName name = BootFileName::parse(file.filename().string());
  if (name.tries_left == 0u) return search.skip(source, "no boot tries are left: it did not come up before");
  if (!fields.architecture.empty() && !same_text(fields.architecture, machine_names().efi))
    return search.skip(source, fmt::format("it is for {}", fields.architecture));
  if (!fields.devicetree.empty())
    return search.skip(source, "it needs a device tree, which is not supported");
  const std::string& kernel = !fields.kernel.empty() ? fields.kernel
                              : !fields.uki.empty()  ? fields.uki
                                                     : fields.efi;
  if (kernel.empty()) return search.skip(source, "it names no kernel (linux, uki or efi)");

  BootEntry entry{
      .id = name.id, .title = fields.title, .kernel = locate(search, root, kernel), .source = source};
  const auto kind = kernel_kind(search, source, entry.kernel);
  if (!kind) return;
  entry.unified = *kind == ImageKind::uki;
  entry.command_line = std::move(fields.options);
  if (!entry.unified && !entry.command_line) entry.command_line = "";
  for (const auto& path : fields.initrd) {
    entry.initramfs.push_back(locate(search, root, path));
    if (!is_file(entry.initramfs.back()))
      return search.skip(source, fmt::format("there is no {}", entry.initramfs.back()));
  }
  if (entry.title.empty()) entry.title = entry.id;
  search.entries.push_back({std::move(entry), std::move(fields.sort_key), std::move(fields.machine_id),
                            std::move(fields.version), name.tries_left});
}

// The first of these fields that os-release has.
std::string first_of(const Variables& os_release, std::initializer_list<const char*> names) {
  for (const char* name : names) {
    if (const auto found = os_release.find(name); found != os_release.end() && !found->second.empty())
      return found->second;
  }
  return {};
}

void add_type_2(Search& search, const fs::path& file) {
  const std::string path = file.string();
  BootFileName name = BootFileName::parse(file.filename().string());
  if (name.tries_left == 0u) return search.skip(path, "no boot tries are left: it did not come up before");
  const auto kind = kernel_kind(search, path, path);
  if (!kind) return;
  if (*kind != ImageKind::uki) return search.skip(path, fmt::format("it is {}", image_kind_name(*kind)));
  const auto bytes = read_file(path, kLargestUnifiedImage);
  if (!bytes) return search.skip(path, bytes.error().to_string());
  const auto image = read_uki(*bytes);
  if (!image) return search.skip(path, image.error().to_string());
  const auto os_release = parse_assignments(image->os_release.value_or(""));
  // The fields of a unified kernel image that systemd-boot shows and sorts by.
  BootEntry entry{.id = name.id,
                  .title = first_of(os_release, {"PRETTY_NAME", "IMAGE_ID", "NAME", "ID"}),
                  .kernel = path,
                  .unified = true,
                  .source = path};
  if (entry.title.empty()) entry.title = entry.id;
  search.entries.push_back({std::move(entry),
                            first_of(os_release, {"IMAGE_ID", "ID"}),
                            {},
                            first_of(os_release, {"IMAGE_VERSION", "VERSION", "VERSION_ID", "BUILD_ID"}),
                            name.tries_left});
}

// vmlinuz-VERSION with the initramfs that its distribution puts beside it.
constexpr std::string_view kPrefix = "vmlinuz-";

// The initramfs of kernel `version` in `root`, as distributions name it; empty: there is none.
std::string initramfs_beside(const std::string& root, const std::string& version) {
  for (const std::string& path :
       {fmt::format("{}/initrd.img-{}", root, version), fmt::format("{}/initramfs-{}.img", root, version),
        fmt::format("{}/initrd-{}", root, version)}) {
    if (is_file(path)) return path;
  }
  return {};
}

BootEntry plain_entry(const std::string& root, const std::string& version, const std::string& initramfs) {
  const std::string name = fmt::format("{}{}", kPrefix, version);
  return {.id = name,
          .title = "Linux " + version,
          .kernel = root + "/" + name,
          .initramfs = {initramfs},
          .command_line = {},
          .unified = false,
          .source = root};
}

void add_plain(Search& search, const std::string& root) {
  for (const auto& file : files_ending_in(root, "")) {
    const std::string name = file.filename().string();
    if (!name.starts_with(kPrefix) || name.ends_with(".old") || name.ends_with(".sig")) continue;
    const std::string version = name.substr(kPrefix.size());
    const std::string path = file.string();
    const auto kind = kernel_kind(search, path, path);
    if (!kind) continue;
    const std::string initramfs = initramfs_beside(root, version);
    if (initramfs.empty()) {
      search.skip(path, "it has no initramfs in the same folder; to load it without one, name it");
      continue;
    }
    search.plain.push_back({plain_entry(root, version, initramfs), {}, {}, version, {}});
  }
}

// Whether `a` comes before `b`. A missing field counts as empty text, so that any two entries are ordered.
bool before(const Candidate& a, const Candidate& b) {
  if (a.sort_key.empty() != b.sort_key.empty()) return b.sort_key.empty();
  if (!a.sort_key.empty()) {
    if (a.sort_key != b.sort_key) return a.sort_key < b.sort_key;
    if (a.machine_id != b.machine_id) return a.machine_id < b.machine_id;
    if (const auto order = compare_versions(a.version, b.version); order != 0) return order > 0;
  }
  if (const auto order = compare_versions(a.entry.id, b.entry.id); order != 0) return order > 0;
  // The same with counters: an entry without a counter, which has booted before, comes first.
  constexpr unsigned kProven = UINT32_MAX;
  return a.tries_left.value_or(kProven) > b.tries_left.value_or(kProven);
}

// The folders that exist, each once: /efi may be a link to /boot.
std::vector<std::string> distinct_roots(const BootPaths& paths) {
  std::vector<std::string> roots;
  for (const auto& root : paths.roots) {
    std::error_code ignored;
    if (!fs::is_directory(root, ignored)) continue;
    if (std::ranges::none_of(roots,
                             [&](const std::string& seen) { return fs::equivalent(seen, root, ignored); }))
      roots.push_back(root);
  }
  return roots;
}

// UTF-16 with a NUL behind it, behind four bytes of attributes (efivarfs). Names of entries are ASCII.
std::optional<std::string> loader_variable(const BootPaths& paths, std::string_view name) {
  const auto bytes =
      read_file(fmt::format("{}/firmware/efi/efivars/{}-{}", paths.sys, name, kLoaderVendor), 4_KiB);
  if (!bytes) return std::nullopt;
  std::string text;
  for (size_t at = 4; at + 1 < bytes->size(); at += 2) {
    const auto low = std::to_integer<unsigned char>((*bytes)[at]);
    if ((*bytes)[at + 1] != std::byte{0} || low > 0x7e) return std::nullopt;
    if (low == 0) break;
    text += static_cast<char>(low);
  }
  if (text.empty()) return std::nullopt;
  return text;
}

struct NamedDefault {
  std::string pattern;
  std::string source;
};

// Of systemd-boot, the most important first.
std::vector<NamedDefault> default_patterns(const BootPaths& paths) {
  std::vector<NamedDefault> patterns;
  const auto add = [&](std::optional<std::string> pattern, const std::string& source) {
    if (pattern == "@saved") pattern = loader_variable(paths, "LoaderEntryLastBooted");
    if (pattern && !pattern->empty() && pattern->size() < 256)
      patterns.push_back({*std::move(pattern), source});
  };
  for (const char* name : {"LoaderEntryOneShot", "LoaderEntryDefault"})
    add(loader_variable(paths, name), name);
  for (const auto& root : distinct_roots(paths)) {
    const std::string file = root + "/loader/loader.conf";
    for (const auto& [key, value] : parse_key_lines(small_file(file)))
      if (key == "default") add(value, file);
  }
  return patterns;
}

// Of GRUB's environment blocks, where the entries are not beside them.
std::vector<NamedDefault> saved_entries(const BootPaths& paths) {
  std::vector<NamedDefault> names;
  for (const auto& root : distinct_roots(paths)) {
    const auto variables = grub_environment(root);
    for (const char* name : {"next_entry", "saved_entry"}) {
      if (const auto saved = variables.find(name); saved != variables.end() && !saved->second.empty())
        names.push_back({saved->second, root + "'s grubenv"});
    }
  }
  return names;
}

// Whether GRUB may have started this system: other boot loaders name themselves, GRUB only since 2.12.
bool may_be_grub(const BootPaths& paths) {
  const auto loader = loader_variable(paths, "LoaderInfo");
  return !loader || loader->starts_with("GRUB");
}

// GRUB, and systemd-boot of old, leave the ending out.
bool is_named(const std::string& id, const std::string& pattern) {
  const std::string stem = id.substr(0, id.rfind('.'));
  return ::fnmatch(pattern.c_str(), id.c_str(), FNM_CASEFOLD) == 0 ||
         ::fnmatch(pattern.c_str(), stem.c_str(), FNM_CASEFOLD) == 0;
}

// Why the named default is not taken.
std::string missing_default(const NamedDefault& named, const std::vector<std::string>& skipped) {
  for (const auto& line : skipped) {
    const std::string file = fs::path(line.substr(0, line.find(": "))).filename().string();
    if (is_named(BootFileName::parse(file).id, named.pattern))
      return fmt::format("the default '{}' ({}) is skipped: {}", named.pattern, named.source, line);
  }
  return fmt::format("the default '{}' ({}) is no entry that was found", named.pattern, named.source);
}

Error no_kernel(const BootPaths& paths, const std::vector<std::string>& skipped) {
  std::string looked;
  for (const auto& root : paths.roots) looked += (looked.empty() ? "" : ", ") + root;
  std::string why;
  for (const auto& line : skipped) why += "\n  " + line;
  return Error(ErrorCode::not_found,
               fmt::format("no kernel to boot was found (loader/entries/*.conf, EFI/Linux/*.efi and "
                           "vmlinuz-VERSION in {}){}",
                           looked, why))
      .hint("name the kernel: lifeboat load KERNEL --initrd FILE --reuse-cmdline");
}

}  // namespace

std::vector<BootEntry> find_boot_entries(const BootPaths& paths, std::vector<std::string>* skipped) {
  Search search{.entries = {}, .plain = {}, .files = {}, .skipped = skipped};
  for (const auto& root : distinct_roots(paths)) {
    search.files.emplace(paths, root);
    const auto variables = grub_environment(root);
    for (const auto& file : files_ending_in(root + "/loader/entries", ".conf"))
      add_type_1(search, root, file, variables);
    for (const auto& file : files_ending_in(root + "/EFI/Linux", ".efi")) add_type_2(search, file);
    add_plain(search, root);
  }
  std::ranges::stable_sort(search.entries, before);
  std::ranges::stable_sort(search.plain, before);
  std::vector<BootEntry> entries;
  for (auto& candidate : search.entries) entries.push_back(std::move(candidate.entry));
  for (auto& candidate : search.plain) {
    const auto has_entry = std::ranges::find(entries, candidate.entry.kernel, &BootEntry::kernel);
    if (has_entry == entries.end()) entries.push_back(std::move(candidate.entry));
  }
  return entries;
}

Result<BootEntry> default_boot_entry(const BootPaths& paths) {
  const bool grub = may_be_grub(paths);
  if (grub) {
    if (const auto configurations = grub::find_configurations(paths); !configurations.empty())
      return grub::default_entry(paths, configurations);
  }
  std::vector<std::string> skipped;
  std::vector<BootEntry> entries = find_boot_entries(paths, &skipped);
  if (entries.empty()) return std::unexpected(no_kernel(paths, skipped));
  // A default that is named and not taken is always reported.
  std::vector<std::string> notes;
  const auto take = [&](BootEntry entry) {
    entry.notes.insert(entry.notes.begin(), notes.begin(), notes.end());
    return entry;
  };
  const auto find = [&](const std::vector<NamedDefault>& names) -> BootEntry* {
    for (const auto& named : names) {
      const auto found =
          std::ranges::find_if(entries, [&](const BootEntry& e) { return is_named(e.id, named.pattern); });
      if (found != entries.end()) return &*found;
      notes.push_back(missing_default(named, skipped));
    }
    return nullptr;
  };
  if (BootEntry* entry = find(default_patterns(paths))) return take(std::move(*entry));
  if (grub) {
    if (const auto environments = grub::find_environments(paths); !environments.empty())
      return take(TRY(grub::default_entry(paths, environments)));
  }
  if (BootEntry* entry = find(saved_entries(paths))) return take(std::move(*entry));
  return take(std::move(entries.front()));
}

Result<BootEntry> named_kernel(const BootPaths& paths, const std::string& name) {
  if (name.empty() || name.find('/') != std::string::npos) {
    return std::unexpected(
        Error(ErrorCode::usage, fmt::format("'{}' is not the name of a kernel", name))
            .hint("give what follows 'vmlinuz-' in /boot, or the path of the kernel itself"));
  }
  std::string looked;
  for (const auto& root : distinct_roots(paths)) {
    const std::string kernel = fmt::format("{}/{}{}", root, kPrefix, name);
    looked += (looked.empty() ? "" : ", ") + kernel;
    if (!is_file(kernel)) continue;
    const std::string initramfs = initramfs_beside(root, name);
    if (!initramfs.empty()) return plain_entry(root, name, initramfs);
    return std::unexpected(
        Error(ErrorCode::not_found, fmt::format("{} has no initramfs in the same folder", kernel))
            .hint("create it (update-initramfs, mkinitcpio, dracut), or name kernel and initramfs by their "
                  "paths"));
  }
  return std::unexpected(Error(ErrorCode::not_found,
                               fmt::format("there is no kernel of the name {}: looked for {}", name, looked))
                             .hint("mount /boot if needed; list the names with 'ls /boot/vmlinuz-*'"));
}

}  // namespace lifeboat
