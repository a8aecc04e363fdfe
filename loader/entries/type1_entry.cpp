// SPDX-License-Identifier: GPL-2.0-or-later
// Entries of the Boot Loader Specification, type 1: loader/entries/NAME.conf.
#include <algorithm>
#include <cctype>
#include <sstream>

#include "loader/entries/boot_entry_file.h"
#include "loader/entries/entry_search.h"
#include "loader/entries/uki_companions.h"
#include "src/base/file.h"
#include "src/base/machine_names.h"
#include "src/base/text.h"

namespace lifeboat {
namespace {

bool same_text(std::string_view a, std::string_view b) {
  return std::ranges::equal(
      a, b, [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

// The key that names the program to start, and its value. The error: none does, or several do, or the
// program is one that a kexec cannot start.
struct Program {
  std::string_view key;
  std::string path;
};
Result<Program> program_of(const BootEntryFile& fields) {
  std::vector<Program> named;
  for (const auto& [key, path] : {Program{"linux", fields.kernel}, Program{"uki", fields.uki},
                                  Program{"efi", fields.efi}, Program{"uki-url", fields.uki_url}}) {
    if (!path.empty()) named.push_back({key, path});
  }
  if (named.empty()) return fail(ErrorCode::not_found, "it names no kernel (linux, uki or efi)");
  if (named.size() > 1)
    return fail(ErrorCode::corrupt, "it names more than one of linux, uki, efi and uki-url");
  if (named.front().key == "uki-url") {
    return fail(ErrorCode::unsupported,
                "its kernel is fetched from the network ({}), which only the boot loader does",
                one_line(named.front().path));
  }
  return named.front();
}

Result<> check_applies(const BootEntryFile& fields, const BootFileName& name) {
  if (name.tries_left == 0u)
    return fail(ErrorCode::unsupported, "no boot tries are left: it did not come up before");
  if (!fields.architecture.empty() && !same_text(fields.architecture, machine_names().efi))
    return fail(ErrorCode::unsupported, "it is for {}", one_line(fields.architecture));
  if (!fields.devicetree.empty())
    return fail(ErrorCode::unsupported, "it needs a device tree, which is not supported");
  return {};
}

Result<ImageKind> kind_of(const Program& program, const std::string& path) {
  auto kind = boot_file_kind(path);
  if (kind || program.key != "efi" || kind.error().code == ErrorCode::not_found) return kind;
  return fail(ErrorCode::unsupported, "it starts the EFI program {}, which a kexec cannot do",
              one_line(program.path));
}

void set_profile(const BootEntryFile& fields, BootEntry& entry) {
  if (fields.profile.empty()) return;
  const auto number = parse_number(fields.profile);
  if (!number || *number > UINT32_MAX) {
    entry.notes.push_back(fmt::format(
        "its profile '{}' is not a number, and is ignored as by the boot loader", one_line(fields.profile)));
  } else if (!entry.unified) {
    if (*number != 0)
      entry.notes.emplace_back("its profile is ignored: its kernel is not a unified kernel image");
  } else {
    entry.profile = static_cast<unsigned>(*number);
  }
}

// The paths in parameters initrd=PATH, which the kernel's EFI stub reads and a kexec does not.
std::vector<std::string> initrd_parameters(const std::string& options) {
  constexpr std::string_view kName = "initrd=";
  std::vector<std::string> paths;
  std::istringstream words(options);
  // What follows "--" is for init.
  for (std::string word; words >> word && word != "--";)
    if (word.starts_with(kName)) paths.push_back(word.substr(kName.size()));
  return paths;
}

// The error names the file that is missing.
Result<> set_initramfs(const BootSearch& search, const Program& program, const BootEntryFile& fields,
                       BootEntry& entry) {
  std::vector<std::string> paths = fields.initrd;
  if (program.key == "uki" && !paths.empty()) {
    entry.notes.emplace_back("its initrd lines are ignored as by the boot loader: the image has its own");
    paths.clear();
  }
  if (!entry.unified && entry.command_line) {
    for (auto& path : initrd_parameters(*entry.command_line)) paths.push_back(std::move(path));
  }
  for (const auto& path : paths) {
    std::string file = search.locate(path);
    if (!is_regular_file(file)) return fail(ErrorCode::not_found, "there is no {}", file);
    std::error_code ignored;
    if (std::filesystem::file_size(file, ignored) == 0) {
      entry.notes.push_back(fmt::format("{} is empty, and is left out as by the boot loader", file));
    } else if (std::ranges::find(entry.initramfs, file) == entry.initramfs.end()) {
      entry.initramfs.push_back(std::move(file));
    }
  }
  return {};
}

void set_extras(const BootSearch& search, const BootEntryFile& fields, BootEntry& entry) {
  for (const auto& path : fields.extra) {
    const std::string file = search.locate(path);
    if (!companion_kind(path)) {
      entry.notes.push_back(
          fmt::format("its extra file {} is ignored: the ending is not known", one_line(path)));
    } else if (!is_regular_file(file)) {
      entry.notes.push_back(fmt::format("its extra file {} is missing", file));
    } else {
      entry.extras.push_back(file);
    }
  }
}

Result<BootCandidate> read_entry(const BootSearch& search, const std::string& root, const std::string& source,
                                 const std::string& file_name, const BootVariables& variables) {
  BootEntryFile fields = BootEntryFile::parse(TRY(read_text(source, kLargestBootEntryFile)), variables);
  BootFileName name = BootFileName::parse(file_name);
  TRY_VOID(check_applies(fields, name));
  const Program program = TRY(program_of(fields));
  BootEntry entry{.id = std::move(name.id),
                  .title = std::move(fields.title),
                  .kernel = search.locate(program.path),
                  .initramfs = {},
                  .command_line = std::move(fields.options),
                  .source = source,
                  .root = root};
  entry.unified = TRY(kind_of(program, entry.kernel)) == ImageKind::uki;
  // For systemd-stub an empty line is none: the image's own counts.
  if (entry.unified && entry.command_line == "") entry.command_line.reset();
  if (!entry.unified && !entry.command_line) entry.command_line = "";
  set_profile(fields, entry);
  TRY_VOID(set_initramfs(search, program, fields, entry));
  set_extras(search, fields, entry);
  if (!fields.devicetree_overlay.empty())
    entry.notes.emplace_back(
        "its devicetree-overlay is ignored: there is no devicetree that it could change");
  for (auto& note : entry.notes) note.insert(0, source + ": ");
  if (entry.title.empty()) entry.title = entry.id;
  return BootCandidate{.entry = std::move(entry),
                       .sort_key = std::move(fields.sort_key),
                       .machine_id = std::move(fields.machine_id),
                       .version = std::move(fields.version),
                       .tries_left = name.tries_left,
                       .sort_id = {}};
}

SkippedEntry skipped_entry(const std::string& source, const std::string& file_name, const Error& error) {
  const auto fields = BootEntryFile::parse(small_boot_file(source));
  BootFileName name = BootFileName::parse(file_name);
  const bool hidden = name.tries_left == 0u ||
                      (!fields.architecture.empty() && !same_text(fields.architecture, machine_names().efi));
  SkippedEntry skipped{.candidate = {.entry = {},
                                     .sort_key = fields.sort_key,
                                     .machine_id = fields.machine_id,
                                     .version = fields.version,
                                     .tries_left = name.tries_left,
                                     .sort_id = {}},
                       .line = fmt::format("{}: {}", source, error.reason()),
                       .hidden = hidden};
  skipped.candidate.entry.id = std::move(name.id);
  return skipped;
}

}  // namespace

void add_type_1_entry(BootSearch& search, const std::string& root, const std::filesystem::path& file,
                      const BootVariables& variables) {
  const std::string name = file.filename().string();
  // The names of entries that systemd-boot makes itself; it reads no file of such a name.
  if (name.starts_with("auto-")) return;
  auto candidate = read_entry(search, root, file.string(), name, variables);
  if (!candidate) {
    search.skipped.push_back(skipped_entry(file.string(), name, candidate.error()));
    return;
  }
  search.entries.push_back(*std::move(candidate));
}

}  // namespace lifeboat
