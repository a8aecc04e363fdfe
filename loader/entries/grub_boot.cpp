// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/entries/grub_boot.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <iterator>
#include <ranges>

#include "loader/entries/grub_evaluator.h"
#include "src/base/file.h"
#include "src/base/size.h"
#include "src/image/image.h"

namespace lifeboat::grub {
namespace {

namespace fs = std::filesystem;

// Of all evaluations of one file. A usual grub.cfg takes some 100 KiB.
constexpr uint64_t kBudget = 64_MiB;
constexpr unsigned kMaxEvaluations = 256;

constexpr const char* kNameIt =
    "name the kernel: lifeboat load --boot-name NAME, or lifeboat load KERNEL --initrd FILE --reuse-cmdline";

bool is_file(const std::string& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored);
}

bool same_boot(const Result<Booted>& a, const Result<Booted>& b) {
  if (!a || !b) return !a && !b && a.error().message == b.error().message;
  return a->loaded.kernel == b->loaded.kernel && a->loaded.initramfs == b->loaded.initramfs &&
         a->loaded.command_line == b->loaded.command_line && a->loaded.chainloaded == b->loaded.chainloaded;
}

// Ubuntu's entries end with vt.handoff=7 where the graphics adapter is not in a list of GRUB's. It keeps the
// boot loader's picture on the screen; a kernel that is entered by kexec is not shown one.
std::string without_handoff(const std::string& command_line) {
  std::string rest;
  for (const auto& part : std::views::split(command_line, ' ')) {
    const std::string_view word(part.begin(), part.end());
    if (!word.starts_with("vt.handoff=")) (rest += rest.empty() ? "" : " ") += word;
  }
  return rest;
}

// Two boots that differ in that alone become the same.
bool same_without_handoff(Result<Booted>& a, Result<Booted> b) {
  if (!a || !b) return false;
  b->loaded.command_line = without_handoff(b->loaded.command_line);
  Result<Booted> other = a;
  other->loaded.command_line = without_handoff(other->loaded.command_line);
  if (!same_boot(other, b)) return false;
  a = std::move(other);
  return true;
}

std::string describe(const Result<Booted>& result) {
  if (!result) return "nothing: " + result.error().message;
  return fmt::format("{} with '{}'", result->loaded.kernel, result->loaded.command_line);
}

struct Evaluated {
  Booted booted;
  std::vector<std::string> notes;
};

// The file for each combination of answers to what cannot be known.
Result<Evaluated> evaluate(const BootFiles& files, const ConfigurationFile& configuration,
                           MachineFacts facts) {
  const std::string& config = configuration.file;
  Answers answers;
  Budget budget(kBudget);
  std::optional<Result<Booted>> first;
  std::vector<std::string> notes;
  for (unsigned count = 0;; ++count) {
    Evaluator evaluator(files, configuration, facts, answers, budget);
    auto result = evaluator.run();
    std::string questions;
    for (const auto& question : answers.questions()) questions += "\n  " + question;
    if (!first) {
      first = result;
      notes = evaluator.notes();
    } else if (!same_boot(*first, result) && !same_without_handoff(*first, result)) {
      return fail(ErrorCode::unsupported,
                  "what GRUB boots by {} depends on conditions that are not known here: {}, or {}:{}", config,
                  describe(*first), describe(result), questions);
    }
    const bool too_many = answers.too_many();
    if (!answers.next()) break;
    if (count == kMaxEvaluations || too_many)
      return fail(ErrorCode::unsupported, "{} has too many conditions that are not known here:{}", config,
                  questions);
  }
  if (!*first) {
    // What GRUB did before it came there: a default that is not in the menu.
    Error error = std::move(*first).error();
    for (const auto& note : notes) error.message += "\n  " + note;
    return std::unexpected(std::move(error));
  }
  return Evaluated{.booted = **std::move(first), .notes = std::move(notes)};
}

// Whether the file can be loaded: GRUB starts by `chainloader` what the firmware can run.
Result<bool> is_unified(const Booted& booted) {
  std::array<std::byte, kIdentifyBytes> buffer{};
  const auto fd = TRY(open_file(booted.loaded.kernel, O_RDONLY | O_NONBLOCK));
  const size_t count = TRY(pread_some(fd.get(), 0, buffer, booted.loaded.kernel));
  const ImageKind kind = identify_image(ByteSpan(buffer).first(count));
  if (kind == ImageKind::uki) return true;
  if (!booted.loaded.chainloaded && (is_kernel(kind) || is_compressed(kind) || kind == ImageKind::efi_zboot))
    return false;
  return std::unexpected(
      Error(
          ErrorCode::unsupported,
          fmt::format("the default boot entry '{}' ({}) starts {}, which is no kernel that GRUB loads but {}",
                      booted.title, booted.where, booted.loaded.kernel, image_kind_name(kind)))
          .hint(kNameIt));
}

Result<BootEntry> entry_of(const BootPaths& paths, const Configuration& configuration) {
  std::error_code ignored;
  const BootFiles files(paths, configuration.root);
  const MachineFacts facts{.efi = fs::is_directory(paths.sys + "/firmware/efi", ignored)};
  ConfigurationFile file{.file = configuration.file};
  if (configuration.is_missing) file.text = "blscfg\n";
  Evaluated evaluated = TRY(evaluate(files, file, facts));
  Booted& booted = evaluated.booted;
  BootEntry entry{.id = booted.id,
                  .title = booted.title.empty() ? booted.where : booted.title,
                  .kernel = booted.loaded.kernel,
                  .initramfs = std::move(booted.loaded.initramfs),
                  .command_line = std::move(booted.loaded.command_line),
                  .unified = TRY(is_unified(booted)),
                  .source = booted.where,
                  .notes = std::move(evaluated.notes),
                  .root = configuration.root,
                  .unset = std::move(booted.loaded.unset)};
  // Without options a unified image has its own.
  if (entry.unified && entry.command_line->empty()) entry.command_line.reset();
  return entry;
}

std::vector<std::string> vendor_folders(const std::string& root) {
  std::vector<std::string> folders;
  std::error_code error;
  for (fs::directory_iterator it(root + "/EFI", error), end; !error && it != end && folders.size() < 100;
       it.increment(error))
    folders.push_back(it->path().string());
  std::ranges::sort(folders);
  return folders;
}

}  // namespace

std::vector<Configuration> find_configurations(const BootPaths& paths) {
  std::vector<Configuration> found;
  const auto add = [&](const std::string& file, const std::string& root) {
    if (!is_file(file)) return;
    std::error_code ignored;
    const bool known = std::ranges::any_of(
        found, [&](const Configuration& each) { return fs::equivalent(each.file, file, ignored); });
    if (!known) found.push_back({.file = file, .root = root});
  };
  for (const auto& root : paths.roots)
    for (const char* folder : {"/grub2", "/grub"}) add(root + folder + "/grub.cfg", root);
  if (!found.empty()) return found;
  for (const auto& root : paths.roots)
    for (const auto& folder : vendor_folders(root)) add(folder + "/grub.cfg", root);
  return found;
}

std::vector<Configuration> find_environments(const BootPaths& paths) {
  std::vector<Configuration> found;
  std::error_code ignored;
  for (const auto& root : paths.roots) {
    for (const char* folder : {"/grub2", "/grub"}) {
      if (!found.empty() || !is_file(root + folder + "/grubenv")) continue;
      if (fs::is_directory(root + "/loader/entries", ignored))
        found.push_back({.file = root + folder + "/grub.cfg", .root = root, .is_missing = true});
    }
  }
  return found;
}

Result<BootEntry> default_entry(const BootPaths& paths, const std::vector<Configuration>& configurations) {
  std::optional<BootEntry> chosen;
  std::optional<Error> no_menu;
  std::vector<std::string> notes;
  std::string names;
  for (const auto& configuration : configurations) {
    auto entry = entry_of(paths, configuration);
    if (!entry && entry.error().code == ErrorCode::not_found) {
      // GRUB has not started the machine by it.
      notes.push_back(fmt::format("{}: this file is passed over; if it is a leftover, remove it",
                                  entry.error().reason()));
      if (!no_menu) no_menu = std::move(entry).error();
      continue;
    }
    if (!entry) return std::unexpected(std::move(entry).error().hint(kNameIt));
    names += (names.empty() ? "" : ", ") + configuration.file;
    const bool same = !chosen || (entry->kernel == chosen->kernel && entry->initramfs == chosen->initramfs &&
                                  entry->command_line == chosen->command_line);
    if (!same) {
      return std::unexpected(
          Error(ErrorCode::unsupported,
                fmt::format("GRUB has several configurations ({}), and they boot different kernels", names))
              .hint("remove the one that GRUB does not read, or name the kernel: lifeboat load --boot-name "
                    "NAME"));
    }
    if (!chosen) chosen = *std::move(entry);
  }
  if (chosen) {
    std::ranges::move(notes, std::back_inserter(chosen->notes));
    return *std::move(chosen);
  }
  if (no_menu) {
    no_menu->code = ErrorCode::corrupt;
    return std::unexpected(std::move(*no_menu).hint(kNameIt));
  }
  return fail(ErrorCode::not_found, "GRUB has no configuration");
}

}  // namespace lifeboat::grub
