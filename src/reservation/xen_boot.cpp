// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/reservation/xen_boot.h"

#include <algorithm>
#include <filesystem>
#include <string_view>

#include "loader/xen_domain.h"
#include "src/base/file.h"
#include "src/base/size.h"
#include "src/base/text.h"

namespace lifeboat::reservation {
namespace {

namespace fs = std::filesystem;

// The first word of `text`, which is removed from it with the white space behind.
std::string_view take_word(std::string_view& text) {
  const auto end = std::min(text.find_first_of(" \t"), text.size());
  const auto word = text.substr(0, end);
  text = trim(text.substr(end));
  return word;
}

// "multiboot2 /boot/xen-4.17-amd64.gz placeholder ${xen_rm_opts}", "chainloader /EFI/xen/xen.efi"; on other
// machines than PCs "xen_hypervisor /boot/xen".
bool starts_xen(std::string_view line) {
  const auto command = take_word(line);
  if (command == "xen_hypervisor") return true;
  if (command != "multiboot" && command != "multiboot2" && command != "chainloader") return false;
  std::string_view word = take_word(line);
  while (word.starts_with("--")) word = take_word(line);
  // "DIR/xen.gz", "(hd0,gpt2)/xen.gz", perhaps in quotes.
  if (word.ends_with('"') || word.ends_with('\'')) word.remove_suffix(1);
  const auto before_name = word.find_last_of("/)\"'");
  return word.substr(before_name == word.npos ? 0 : before_name + 1).starts_with("xen");
}

bool starts_linux(std::string_view line) {
  const auto command = take_word(line);
  return command == "linux" || command == "linuxefi" || command == "linux16";
}

}  // namespace

XenBoot find_xen_boot(const std::string& root) {
  XenBoot found;
  for (const char* config : {"boot/grub/grub.cfg", "boot/grub2/grub.cfg"}) {
    const fs::path path = fs::path(root) / config;
    const auto text = read_text(path, 4_MiB);
    std::string_view rest = text ? std::string_view(*text) : std::string_view();
    while (!rest.empty()) {
      const auto end = std::min(rest.find('\n'), rest.size());
      const auto line = trim(rest.substr(0, end));
      rest.remove_prefix(std::min(end + 1, rest.size()));
      if (found.xen_file.empty() && starts_xen(line)) found.xen_file = path;
      // By entries of the Boot Loader Specification too.
      found.linux_too = found.linux_too || starts_linux(line) || line == "blscfg";
    }
  }
  return found;
}

Error only_xen_boots(const XenBoot& xen_boot) {
  return Error(ErrorCode::unsupported,
               fmt::format("every entry of {} starts Xen, which reserves the memory for a crash itself: "
                           "crashkernel= of the Linux kernel has no effect there",
                           xen_boot.xen_file))
      .hint(fmt::format("set {}; --force sets it for the Linux kernel all the same", kXenCommandLine));
}

std::string xen_boots_too(const XenBoot& xen_boot) {
  return fmt::format("{} has entries that start Xen: for those set {}", xen_boot.xen_file, kXenCommandLine);
}

Error set_in_dom0() {
  return Error(ErrorCode::unsupported,
               "this is Xen's dom0: Xen reserves the memory for a crash of this machine, and crashkernel= of "
               "the "
               "Linux kernel has no effect")
      .hint(fmt::format("set {}; --force sets it for boots without Xen", kXenCommandLine));
}

}  // namespace lifeboat::reservation
