// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/initramfs/program_files.h"

#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <climits>
#include <memory>
#include <optional>
#include <ranges>

#include "src/base/file.h"
#include "src/base/process.h"
#include "src/base/text.h"

namespace lifeboat {
namespace {

constexpr std::chrono::seconds kMaxWait{10};

// "#!/bin/sh -e": "/bin/sh".
std::optional<std::string> script_interpreter(std::string_view head) {
  if (!head.starts_with("#!")) return std::nullopt;
  const std::string_view line = trim(head.substr(2, head.find('\n') - 2));
  return std::string(line.substr(0, line.find_first_of(" \t")));
}

// PT_INTERP of an ELF program; nullopt: it needs no loader, or is no ELF file.
std::optional<std::string> elf_interpreter(int fd) {
  ::elf_version(EV_CURRENT);
  const std::unique_ptr<Elf, decltype(&::elf_end)> elf(::elf_begin(fd, ELF_C_READ, nullptr), ::elf_end);
  size_t count = 0;
  if (!elf || ::elf_kind(elf.get()) != ELF_K_ELF || ::elf_getphdrnum(elf.get(), &count) != 0)
    return std::nullopt;
  for (size_t index = 0; index < count; ++index) {
    GElf_Phdr header;
    if (::gelf_getphdr(elf.get(), static_cast<int>(index), &header) == nullptr) return std::nullopt;
    if (header.p_type != PT_INTERP || header.p_filesz < 2 || header.p_filesz > PATH_MAX) continue;
    std::string path(header.p_filesz - 1, '\0');
    if (!pread_exact(fd, header.p_offset, std::as_writable_bytes(std::span(path)), "PT_INTERP"))
      return std::nullopt;
    return path;
  }
  return std::nullopt;
}

// The path of "libc.so.6 => /lib/libc.so.6 (0x7f...)"; nothing for the vDSO.
Result<std::string> listed_path(std::string_view line, const std::string& program) {
  const auto arrow = line.find("=> ");
  std::string_view path = trim(arrow == std::string_view::npos ? line : line.substr(arrow + 3));
  if (path.starts_with("not found")) {
    return std::unexpected(Error(ErrorCode::not_found,
                                 fmt::format("{} cannot run, a library is missing: {}", program, trim(line)))
                               .hint("install the package that contains the library"));
  }
  path = path.substr(0, path.rfind(" (0x"));
  return path.starts_with('/') ? std::string(path) : std::string();
}

class Collector {
 public:
  Result<> add(const std::string& path) {
    if (std::ranges::find(paths_, path) != paths_.end()) return {};
    constexpr size_t kDeepest = 8;  // a script whose interpreter is a script ...
    if (++depth_ > kDeepest) return fail(ErrorCode::usage, "{}: too many nested script interpreters", path);
    const UniqueFd fd = TRY(open_file(path, O_RDONLY));
    struct stat status{};
    if (::fstat(fd.get(), &status) != 0) return fail_errno("cannot examine {}", path);
    if (!S_ISREG(status.st_mode)) return fail(ErrorCode::usage, "{} is not a file", path);
    paths_.push_back(path);
    if ((status.st_mode & 0111) != 0) TRY_VOID(add_needs(fd.get(), path));
    --depth_;
    return {};
  }
  std::vector<std::string> take() { return std::move(paths_); }

 private:
  Result<> add_needs(int fd, const std::string& path) {
    std::array<std::byte, 256> head{};
    const size_t size = TRY(pread_some(fd, 0, head, path));
    const std::string_view text(reinterpret_cast<const char*>(head.data()), size);
    if (const auto interpreter = script_interpreter(text)) {
      if (!interpreter->starts_with('/'))
        return fail(ErrorCode::usage, "{}: its interpreter '{}' is not an absolute path", path, *interpreter);
      auto added = add(*interpreter);
      if (!added)
        return std::unexpected(std::move(added).error().context(fmt::format("the interpreter of {}", path)));
      return {};
    }
    const auto loader = elf_interpreter(fd);
    if (!loader) return {};
    const auto listing =
        TRY_CONTEXT(run_process({*loader, "--list", path}, kMaxWait), "cannot list libraries of {}", path);
    if (listing.status != 0)
      return fail(ErrorCode::unsupported, "{} cannot list libraries of {}: {}", *loader, path,
                  trim(listing.text));
    add_plain(*loader);
    for (const auto part : std::views::split(listing.text, '\n'))
      add_plain(TRY(listed_path({part.begin(), part.end()}, path)));
    return {};
  }
  void add_plain(const std::string& path) {
    if (!path.empty() && std::ranges::find(paths_, path) == paths_.end()) paths_.push_back(path);
  }

  std::vector<std::string> paths_;
  size_t depth_ = 0;
};

}  // namespace

Result<std::vector<std::string>> program_files(const std::string& path) {
  Collector collector;
  TRY_VOID(collector.add(path));
  return collector.take();
}

}  // namespace lifeboat
