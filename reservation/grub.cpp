// SPDX-License-Identifier: GPL-2.0-or-later
// GRUB by grub-mkconfig: a drop-in of our own in /etc/default/grub.d where grub-mkconfig reads that folder
// (Debian, and what comes from it), else a few marked lines at the end of /etc/default/grub.
#include <algorithm>
#include <filesystem>

#include "base/file.h"
#include "base/size.h"
#include "reservation/boot_loader.h"
#include "reservation/words.h"

namespace lifeboat::reservation {
namespace {

namespace fs = std::filesystem;

constexpr const char* kMain = "etc/default/grub";
constexpr const char* kFolder = "etc/default/grub.d";
// Behind kdump-tools.cfg: the last parameter of a kind counts.
constexpr const char* kOwn = "etc/default/grub.d/lifeboat.cfg";
constexpr std::string_view kBegin =
    "# lifeboat reserve: begin. 'lifeboat reserve set none' takes these lines away.\n";
constexpr std::string_view kEnd = "# lifeboat reserve: end\n";

std::string setting(const std::string& value) {
  return fmt::format("GRUB_CMDLINE_LINUX_DEFAULT=\"$GRUB_CMDLINE_LINUX_DEFAULT crashkernel={}\"\n", value);
}

// The script says whether it reads the folder; where there is no script, the folder itself does.
bool reads_folder(const fs::path& root) {
  for (const char* script : {"usr/sbin/grub-mkconfig", "usr/sbin/grub2-mkconfig", "usr/bin/grub-mkconfig"}) {
    if (const auto text = read_text(root / script, 1_MiB))
      return text->find("/default/grub.d") != std::string::npos;
  }
  std::error_code error;
  return fs::is_directory(root / kFolder, error);
}

std::string without_own_lines(const std::string& text) {
  const auto begin = text.find(kBegin);
  if (begin == std::string::npos) return text;
  const auto end = text.find(kEnd, begin);
  if (end == std::string::npos) return text;
  return text.substr(0, begin) + text.substr(end + kEnd.size());
}

void find_foreign(const std::string& path, std::string_view text, std::vector<ForeignParameter>& foreign) {
  size_t number = 1;
  for (size_t at = 0; at < text.size(); ++number) {
    const auto end = std::min(text.find('\n', at), text.size());
    const std::string_view line = text.substr(at, end - at);
    at = end + 1;
    const auto first = line.find_first_not_of(" \t");
    if (first == std::string_view::npos || line[first] == '#') continue;
    for (auto& word : crashkernel_words(line))
      foreign.push_back({fmt::format("{}:{}", path, number), std::move(word)});
  }
}

Result<FileEdit> edit_of(const fs::path& root, const char* name) {
  FileEdit edit{.path = root / name};
  edit.before = TRY(read_if_there(edit.path));
  edit.after = edit.before;
  return edit;
}

}  // namespace

Result<BootLoaderPlan> plan_grub(const std::string& root, const std::string& value) {
  BootLoaderPlan plan;
  FileEdit own = TRY(edit_of(root, kOwn)), main = TRY(edit_of(root, kMain));
  const bool by_folder = reads_folder(root);
  own.after.reset();
  if (main.before) main.after = without_own_lines(*main.before);
  find_foreign(main.path, main.after.value_or(""), plan.foreign);
  if (!value.empty() && by_folder) {
    own.after =
        "# Written by 'lifeboat reserve set'; 'lifeboat reserve set none' takes it away.\n" + setting(value);
  } else if (!value.empty()) {
    if (!main.after) main.after = "";
    if (!main.after->empty() && !main.after->ends_with('\n')) *main.after += '\n';
    *main.after += std::string(kBegin) + setting(value) + std::string(kEnd);
  }
  std::error_code error;
  std::vector<fs::path> others;
  for (const auto& file : fs::directory_iterator(fs::path(root) / kFolder, error)) {
    if (file.path().extension() == ".cfg" && file.path().string() != own.path) others.push_back(file.path());
  }
  std::ranges::sort(others);
  for (const auto& path : others) {
    if (const auto text = TRY(read_if_there(path))) find_foreign(path, *text, plan.foreign);
  }
  for (auto* edit : {&own, &main}) {
    if (edit->changes()) plan.edits.push_back(std::move(*edit));
  }
  return plan;
}

}  // namespace lifeboat::reservation
