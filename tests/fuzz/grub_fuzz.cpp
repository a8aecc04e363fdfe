// SPDX-License-Identifier: GPL-2.0-or-later
#include <algorithm>
#include <filesystem>

#include "loader/entries/boot_entry.h"
#include "loader/entries/grub_bls.h"
#include "loader/entries/grub_evaluator.h"
#include "src/base/file.h"

namespace {

using namespace lifeboat;

// A /boot with a kernel, an initramfs, and what the input has for the files beside grub.cfg.
class Boot {
 public:
  Boot() {
    for (const char* file : {"vmlinuz", "initrd"}) put(file, "x");
  }
  void put(const std::string& name, std::string_view text) const {
    const auto path = folder_.path() / name;
    std::filesystem::create_directories(path.parent_path());
    if (!write_file_atomically(path, as_byte_span(text), 0600)) __builtin_trap();
  }
  [[nodiscard]] std::string path(const std::string& name) const { return folder_.path() / name; }

 private:
  TempDir folder_ = TempDir::create("grub-fuzz").value();
};

std::string_view take_part(std::string_view& input) {
  const size_t end = std::min(input.find('\0'), input.size());
  const std::string_view part = input.substr(0, end);
  input.remove_prefix(std::min(end + 1, input.size()));
  return part;
}

}  // namespace

// The input is a grub.cfg, an environment block and an entry of the Boot Loader Specification, with NULs
// between.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const Boot boot;
  std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::string config(take_part(input));
  const std::string environment = "# GRUB Environment Block\n" + std::string(take_part(input));
  const std::string_view entry = take_part(input);
  boot.put("grub/grubenv", environment);
  boot.put("loader/entries/x.conf", entry);

  const BootPaths paths{.roots = {boot.path("")},
                        .sys = boot.path("none"),
                        .proc = boot.path("none"),
                        .mountinfo = boot.path("none"),
                        .disks = boot.path("none")};
  const BootFiles files(paths, boot.path(""));
  grub::Answers answers;
  grub::Budget budget(1 << 18);
  for (int combination = 0; combination < 8; ++combination) {
    grub::Evaluator evaluator(files, {.file = boot.path("grub/grub.cfg"), .text = config}, {.efi = false},
                              answers, budget);
    const auto result = evaluator.run();
    if (result) {
      // Only what is there, and below the folder, is loaded; nothing that is unknown gets into a command
      // line.
      auto loaded = result->loaded.initramfs;
      loaded.push_back(result->loaded.kernel);
      for (const auto& file : loaded)
        if (!file.starts_with(boot.path("")) || !std::filesystem::is_regular_file(file)) __builtin_trap();
      if (!grub::is_known(result->loaded.command_line)) __builtin_trap();
    }
    if (!answers.next()) break;
  }
  // An order that contradicted itself would break the sorting.
  if (grub::is_above(environment, entry) && grub::is_above(entry, environment)) __builtin_trap();
  if (grub::is_above(entry, entry)) __builtin_trap();
  return 0;
}
