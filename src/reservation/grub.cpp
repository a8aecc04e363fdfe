// SPDX-License-Identifier: GPL-2.0-or-later
// GRUB by grub-mkconfig: our own drop-in in /etc/default/grub.d if grub-mkconfig reads that folder (Debian
// and its derivatives), else a few marked lines at the end of /etc/default/grub.
#include <fmt/core.h>

#include <algorithm>
#include <filesystem>
#include <iterator>

#include "loader/grubenv.h"
#include "src/base/file.h"
#include "src/base/size.h"
#include "src/base/text.h"
#include "src/reservation/boot_loader.h"
#include "src/reservation/crashkernel_parameters.h"

namespace lifeboat::reservation {
namespace {

namespace fs = std::filesystem;

constexpr const char* kMain = "etc/default/grub";
constexpr const char* kFolder = "etc/default/grub.d";
// Sorts after kdump-tools.cfg: the last parameter of each kind is used.
constexpr const char* kOwn = "etc/default/grub.d/lifeboat.cfg";
constexpr std::string_view kBegin =
    "# lifeboat reserve: begin. 'lifeboat reserve set none' takes these lines away.\n";
constexpr std::string_view kEnd = "# lifeboat reserve: end\n";

constexpr const char* kConfigs[] = {"boot/grub/grub.cfg", "boot/grub2/grub.cfg"};

constexpr std::string_view kVariable = "GRUB_CMDLINE_LINUX_DEFAULT=";

std::string setting(const std::string& value) {
  std::string words;
  for (const auto& word : parameters_of(value)) words += " " + word;
  return fmt::format("{}\"$GRUB_CMDLINE_LINUX_DEFAULT{}\"\n", kVariable, words);
}

// By the text of the script; without a script, by whether the folder exists.
bool reads_folder(const fs::path& root) {
  for (const char* script : {"usr/sbin/grub-mkconfig", "usr/sbin/grub2-mkconfig", "usr/bin/grub-mkconfig"}) {
    if (const auto text = read_text(root / script, 1_MiB))
      return text->find("/default/grub.d") != std::string::npos;
  }
  std::error_code error;
  return fs::is_directory(root / kFolder, error);
}

size_t line_number(std::string_view text, size_t at) {
  return 1 + static_cast<size_t>(std::ranges::count(text.substr(0, at), '\n'));
}

// Between the marks there is exactly one setting of ours; anything else was written by the user, and must not
// be lost.
Result<std::string> without_own_lines(const std::string& path, const std::string& text) {
  const auto begin = text.find(kBegin);
  if (begin == std::string::npos) return text;
  const auto inner = begin + kBegin.size();
  const auto end = text.find(kEnd, inner);
  const auto lines =
      end == std::string::npos ? std::string_view() : std::string_view(text).substr(inner, end - inner);
  if (!lines.starts_with(kVariable) || lines.find('\n') != lines.size() - 1) {
    return std::unexpected(
        Error(ErrorCode::corrupt, fmt::format("{}:{}: lifeboat's lines that begin here were edited", path,
                                              line_number(text, begin)))
            .hint("remove them by hand, from 'lifeboat reserve: begin' to 'end', and keep your own lines"));
  }
  return text.substr(0, begin) + text.substr(end + kEnd.size());
}

// Calls visit(number, line) for each line that is not a comment.
template <typename Visit>
void for_each_line(std::string_view text, const Visit& visit) {
  size_t number = 1;
  for (size_t at = 0; at < text.size(); ++number) {
    const auto end = std::min(text.find('\n', at), text.size());
    const std::string_view line = trim(text.substr(at, end - at));
    at = end + 1;
    if (!line.empty() && !line.starts_with('#')) visit(number, line);
  }
}

// Parameters of recovery entries only, which no default boots, unless another line takes them over.
bool for_recovery(std::string_view line, std::string_view text) {
  return line.starts_with("GRUB_CMDLINE_LINUX_RECOVERY=") &&
         text.find("$GRUB_CMDLINE_LINUX_RECOVERY") == std::string_view::npos &&
         text.find("${GRUB_CMDLINE_LINUX_RECOVERY") == std::string_view::npos;
}

void find_foreign(const std::string& path, std::string_view text, BootLoaderPlan& plan) {
  for_each_line(text, [&](size_t number, std::string_view line) {
    // Xen's own command line, where crashkernel= is Xen's reservation: not a conflict.
    if (line.starts_with("GRUB_CMDLINE_XEN")) return;
    const bool recovery = for_recovery(line, text);
    for (auto& word : crashkernel_parameters(line)) {
      if (recovery) {
        plan.notes.push_back(
            fmt::format("{}:{}: {} stays: it is for GRUB's recovery entries only", path, number, word));
      } else {
        plan.foreign.push_back({fmt::format("{}:{}", path, number), std::move(word)});
      }
    }
  });
}

// A drop-in that is read after ours and does not append to the variable removes our parameter.
void find_assignment_again(const std::string& path, std::string_view text, std::vector<std::string>& notes) {
  for_each_line(text, [&](size_t number, std::string_view line) {
    const bool adds = line.find("$GRUB_CMDLINE_LINUX_DEFAULT") != std::string_view::npos ||
                      line.find("${GRUB_CMDLINE_LINUX_DEFAULT}") != std::string_view::npos;
    if (line.starts_with(kVariable) && !adds)
      notes.push_back(
          fmt::format("{}:{} overwrites GRUB_CMDLINE_LINUX_DEFAULT after lifeboat's file", path, number));
  });
}

// A line of grub.cfg that has the kernel's command line; also those behind "linux" with a suffix, and Xen's.
bool boots_kernel(std::string_view line) {
  return line.starts_with("linux") || line.starts_with("module2");
}

// The variables of the environment block that grub.cfg expands.
void find_in_environment(const std::string& root, std::vector<ForeignParameter>& foreign) {
  std::string config;
  for (const char* name : kConfigs) config += read_text(fs::path(root) / name, 4_MiB).value_or("");
  for (const auto& path : grub_environment_files(root)) {
    for (const auto& [name, value] :
         grub_variables(read_if_there(path).value_or(std::nullopt).value_or(""))) {
      const bool used =
          config.find("$" + name) != std::string::npos || config.find("${" + name + "}") != std::string::npos;
      for (auto& word : crashkernel_parameters(value)) {
        if (used) foreign.push_back({fmt::format("{}: {}", path, name), std::move(word)});
      }
    }
  }
}

Result<FileEdit> edit_of(const fs::path& root, const char* name) {
  FileEdit edit{.path = root / name};
  edit.before = TRY(read_if_there(edit.path));
  edit.after = edit.before;
  return edit;
}

// In the order in which grub-mkconfig reads them.
std::vector<fs::path> other_drop_ins(const fs::path& root) {
  std::error_code error;
  std::vector<fs::path> others;
  for (const auto& file : fs::directory_iterator(root / kFolder, error)) {
    if (file.path().extension() == ".cfg" && file.path() != root / kOwn) others.push_back(file.path());
  }
  std::ranges::sort(others);
  return others;
}

std::vector<std::string> recovery_parameters(const fs::path& root) {
  std::vector<std::string> words;
  auto files = other_drop_ins(root);
  files.push_back(root / kMain);
  for (const auto& file : files) {
    const auto text = read_if_there(file).value_or(std::nullopt).value_or("");
    for_each_line(text, [&](size_t, std::string_view line) {
      if (for_recovery(line, text))
        std::ranges::move(crashkernel_parameters(line), std::back_inserter(words));
    });
  }
  return words;
}

}  // namespace

Result<BootLoaderPlan> plan_grub(const std::string& root, const std::string& value) {
  BootLoaderPlan plan;
  FileEdit own = TRY(edit_of(root, kOwn)), main = TRY(edit_of(root, kMain));
  const bool by_folder = reads_folder(root);
  own.after.reset();
  if (main.before) main.after = TRY(without_own_lines(main.path, *main.before));
  find_foreign(main.path, main.after.value_or(""), plan);
  if (!value.empty() && by_folder) {
    own.after =
        "# Written by 'lifeboat reserve set'; 'lifeboat reserve set none' takes it away.\n" + setting(value);
  } else if (!value.empty()) {
    if (!main.after) main.after = "";
    if (!main.after->empty() && !main.after->ends_with('\n')) *main.after += '\n';
    *main.after += std::string(kBegin) + setting(value) + std::string(kEnd);
  }
  find_in_environment(root, plan.foreign);
  for (const auto& path : other_drop_ins(root)) {
    const auto text = TRY(read_if_there(path));
    if (!text) continue;
    find_foreign(path, *text, plan);
    if (!value.empty() && path.string() > own.path) find_assignment_again(path, *text, plan.notes);
  }
  for (auto* edit : {&own, &main}) {
    if (edit->changes()) plan.edits.push_back(std::move(*edit));
  }
  return plan;
}

bool grub_boots(const std::string& root, std::string_view release) {
  bool boots = false, names_it = false, names_any = false;
  for (const char* config : kConfigs) {
    const auto text = read_text(fs::path(root) / config, 4_MiB);
    if (!text) continue;
    for_each_line(*text, [&](size_t, std::string_view line) {
      if (!boots_kernel(line)) return;
      boots = true;
      names_it |= line.find(release) != std::string_view::npos;
      // "/boot/vmlinuz" alone, a link, may be any kernel.
      names_any |= line.find("vmlinuz-") != std::string_view::npos;
    });
  }
  if (!boots) return grub_reads_entries(root);
  return release.empty() || names_it || !names_any;
}

std::optional<std::string> grub_value(const std::string& root) {
  std::string own = read_if_there(fs::path(root) / kOwn).value_or(std::nullopt).value_or("");
  const auto main = read_if_there(fs::path(root) / kMain).value_or(std::nullopt).value_or("");
  const auto begin = main.find(kBegin), end = main.find(kEnd);
  if (begin < end && end != std::string::npos) own += main.substr(begin, end - begin);
  std::string value;
  for_each_line(own, [&](size_t, std::string_view line) {
    for (const auto& word : crashkernel_parameters(line))
      value += (value.empty() ? "" : " ") + word.substr(word.find('=') + 1);
  });
  return value.empty() ? std::nullopt : std::optional(value);
}

std::optional<bool> grub_config_agrees(const std::string& root, const std::string& value,
                                       const std::vector<ForeignParameter>& foreign) {
  const auto wanted = parameters_of(value);
  const auto recovery = recovery_parameters(root);
  bool boots = false, with_value = false, with_others = false;
  for (const char* config : kConfigs) {
    const auto text = read_text(fs::path(root) / config, 4_MiB);
    if (!text) continue;
    for_each_line(*text, [&](size_t, std::string_view line) {
      if (!boots_kernel(line)) return;
      boots = true;
      const auto words = crashkernel_parameters(line);
      with_value |= std::ranges::all_of(
          wanted, [&](const std::string& word) { return std::ranges::find(words, word) != words.end(); });
      with_others |= std::ranges::any_of(words, [&](const std::string& word) {
        return std::ranges::find(foreign, word, &ForeignParameter::parameter) == foreign.end() &&
               std::ranges::find(recovery, word) == recovery.end();
      });
    });
  }
  if (!boots) return std::nullopt;
  return value.empty() ? !with_others : with_value;
}

}  // namespace lifeboat::reservation
