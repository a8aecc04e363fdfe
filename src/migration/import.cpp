// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/migration/import.h"

#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

#include "src/base/file.h"
#include "src/base/size.h"
#include "src/base/text.h"
#include "src/migration/shell_settings.h"

namespace lifeboat::migration {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMaxBytes = 1_MiB;
constexpr std::string_view kKdumpConf = "/etc/kdump.conf";
constexpr std::string_view kSysconfig = "/etc/sysconfig/kdump";
constexpr std::string_view kKdumpTools = "/etc/default/kdump-tools";

void translate(Draft& draft, const SourceText& source, const HookFolders& hooks) {
  switch (source.kind) {
    case SourceKind::kdump_conf:
      translate_kdump_conf(draft, source.file, source.text, hooks);
      break;
    case SourceKind::sysconfig:
      translate_shell_settings(draft, source.file, source.text, sysconfig_rules());
      break;
    case SourceKind::kdump_tools:
      translate_shell_settings(draft, source.file, source.text, kdump_tools_rules());
      break;
  }
}

std::string below(const std::string& root, std::string_view path) {
  return root == "/" ? std::string(path) : root + std::string(path);
}

bool is_there(const std::string& root, std::string_view path) {
  return ::access(below(root, path).c_str(), F_OK) == 0;
}

// A link below another system's root may lead to a file of this one.
Result<> check_within(const std::string& root, const std::string& path) {
  std::error_code error;
  const auto top = fs::canonical(root, error);
  if (error) return std::unexpected(errno_error(error.value(), root));
  const auto real = fs::canonical(path, error);
  if (error) return std::unexpected(errno_error(error.value(), path));
  if (std::ranges::mismatch(top, real).in1 == top.end()) return {};
  return std::unexpected(
      Error(ErrorCode::usage, fmt::format("{} points outside {}, to {}", path, root, real.string()))
          .hint("make that link relative, or run this in a chroot"));
}

Result<std::string> read_source(const std::string& path) {
  // Opening a FIFO would block.
  const UniqueFd fd = TRY(open_file(path, O_RDONLY | O_NONBLOCK));
  struct stat status{};
  if (::fstat(fd.get(), &status) != 0) return fail_errno("cannot examine {}", path);
  if (!S_ISREG(status.st_mode)) return fail(ErrorCode::corrupt, "{} is not a file", path);
  if (static_cast<uint64_t>(status.st_size) > kMaxBytes)
    return fail(ErrorCode::corrupt, "{} is too large for a configuration", path);
  std::string text(static_cast<size_t>(status.st_size), '\0');
  TRY_VOID(pread_exact(fd.get(), 0, std::as_writable_bytes(std::span(text)), path));
  if (text.find('\0') != std::string::npos) return fail(ErrorCode::corrupt, "{} is not a text file", path);
  return text;
}

// By its name, else by what only a file of that kind has.
Result<SourceKind> kind_of(const std::string& path, std::string_view text) {
  const auto name = fs::path(path).filename().string();
  if (name == "kdump.conf") return SourceKind::kdump_conf;
  if (name == "kdump-tools") return SourceKind::kdump_tools;
  if (path.ends_with(kSysconfig)) return SourceKind::sysconfig;
  for (const std::string_view word : {"USE_KDUMP=", "KDUMP_COREDIR=", "MAKEDUMP_ARGS="}) {
    if (text.find(word) != std::string_view::npos) return SourceKind::kdump_tools;
  }
  if (text.find("KDUMP_COMMANDLINE") != std::string_view::npos ||
      text.find("KDUMP_SAVEDIR=") != std::string_view::npos)
    return SourceKind::sysconfig;
  if (text.find("KDUMP_") == std::string_view::npos) return SourceKind::kdump_conf;
  return std::unexpected(
      Error(ErrorCode::usage, fmt::format("it is not known to which tool {} belongs", path))
          .hint("give it the name that it has there: kdump.conf, sysconfig/kdump, kdump-tools"));
}

// Those that kdump-utils would run, in the order of their names.
std::vector<std::string> programs_in(const std::string& root, const std::string& folder) {
  std::vector<std::string> programs;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(below(root, folder), error)) {
    const std::string path = entry.path();
    if (entry.is_regular_file(error) && ::access(path.c_str(), X_OK) == 0)
      programs.push_back(folder + "/" + entry.path().filename().string());
  }
  std::ranges::sort(programs);
  return programs;
}

HookFolders hooks_below(const std::string& root) {
  return {.pre = programs_in(root, "/etc/kdump/pre.d"),
          .post = programs_in(root, "/etc/kdump/post.d"),
          .emergency = programs_in(root, "/etc/kdump/emergency.d")};
}

// The files of the one tool that is installed, as that system calls them.
Result<std::vector<std::string>> installed_files(const std::string& root) {
  std::vector<std::string> files;
  for (const auto path : {kKdumpConf, kSysconfig}) {
    if (is_there(root, path)) files.emplace_back(path);
  }
  if (!is_there(root, kKdumpTools)) {
    if (!files.empty()) return files;
    return std::unexpected(
        Error(ErrorCode::not_found,
              fmt::format("there is no configuration of another crash dump tool below {}: no {}, "
                          "{} or {}",
                          root, kKdumpConf, kSysconfig, kKdumpTools))
            .hint("name the file: lifeboat config import FILE"));
  }
  if (files.empty()) return std::vector{std::string(kKdumpTools)};
  return std::unexpected(
      Error(ErrorCode::usage,
            fmt::format("two tools have a configuration: {} and {}", files.front(), kKdumpTools))
          .hint(fmt::format("name the one that you used: lifeboat config import {}", files.front())));
}

}  // namespace

bool Imported::complete() const {
  return std::ranges::none_of(settings,
                              [](const ImportedSetting& setting) { return setting.fate == Fate::missing; });
}

Result<Imported> import_texts(std::span<const SourceText> sources, const HookFolders& hooks) {
  Draft draft;
  std::string head = "# Made by 'lifeboat config import' from";
  Imported imported;
  for (const auto& source : sources) {
    translate(draft, source, hooks);
    imported.files.push_back(source.file);
    head += (imported.files.size() == 1 ? " " : ", ") + one_line(source.file);
  }
  imported.settings = draft.settings();
  imported.text = head + ".\n\n" + draft.to_text();
  config::Config check;
  TRY_VOID(config::apply_config(check, imported.text, "the imported configuration"));
  return imported;
}

Result<Imported> import_settings(const ImportRequest& request) {
  const bool named = !request.files.empty();
  const auto files = named ? request.files : TRY(installed_files(request.root));
  std::vector<SourceText> sources;
  HookFolders hooks;
  for (const auto& file : files) {
    // A file that was named is any file; the others are of the system below the root.
    const std::string path = named ? file : below(request.root, file);
    if (!named && request.root != "/") TRY_VOID(check_within(request.root, path));
    std::string text = TRY(read_source(path));
    const SourceKind kind = TRY(kind_of(path, text));
    sources.push_back({kind, file, std::move(text)});
    if (kind == SourceKind::kdump_conf && path.ends_with(kKdumpConf))
      hooks = hooks_below(path.substr(0, path.size() - kKdumpConf.size()));
  }
  return import_texts(sources, hooks);
}

}  // namespace lifeboat::migration
