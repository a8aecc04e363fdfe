// SPDX-License-Identifier: GPL-2.0-or-later
#include <fmt/format.h>

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "src/cli/kexec/file_types.h"
#include "src/cli/kexec/machine_options.h"
#include "src/cli/kexec/options.h"

namespace lifeboat::cli::kexec {

// Scripts read the second word as the version of kexec-tools, to know its features: this is the version with
// these options.
std::string version_text() {
  return "kexec-tools 2.0.32 (lifeboat " LIFEBOAT_VERSION ")\n";
}

namespace {

constexpr std::string_view kUsageText = R"(Usage: kexec [OPTION]... [KERNEL]
Boot another kernel from the running one, without firmware. With no option KERNEL is loaded,
and 'shutdown -r now' reboots into it.

What to do (a later option overrides an earlier one):
 -l, --load                Load KERNEL for the next reboot.
 -p, --load-panic          Load KERNEL for the next panic, into the memory that crashkernel= reserved.
 -f, --force               Load KERNEL and start it at once, without shutdown(8).
 -e, --exec                Start the loaded kernel at once, without shutdown(8).
 -u, --unload              Unload the loaded kernel; with -p the one for a panic.
 -S, --status              Exit code 1: the kernel for a panic (with -l: for a reboot) is loaded; 0: not.
     --print-ckr-size      Print the size in bytes of the reservation (crashkernel=).
 -h, --help                Print this help.
 -v, --version             Print the version.

How to load:
     --append=STRING, --command-line=STRING
                           The kernel command line; with --reuse-cmdline appended to the running kernel's.
     --reuse-cmdline       The running kernel's command line, without parameters that must not be reused.
     --initrd=FILE, --ramdisk=FILE
                           The initramfs.
     --reuseinitrd         The initramfs of this boot (needs retain_initrd on its command line).
 -s, --kexec-file-syscall  Use kexec_file_load(2) only.
 -c, --kexec-syscall       Use kexec_load(2) only.
 -a, --kexec-syscall-auto  Try kexec_file_load(2), then kexec_load(2) (default).
 -t, --type=TYPE           KERNEL must be of this type: TYPES.
     --mem-min=ADDRESS     Lowest address to load to, for kexec_load(2).
     --mem-max=ADDRESS     Highest address to load to, for kexec_load(2).
 -i, --no-checks           Do not verify the loaded kernel before it starts, for kexec_load(2).
     --hotplug             Let the kernel follow CPU and memory hotplug (always done where possible).
     --noefi               Make the new kernel use no EFI services.
     --args-linux          Start an ELF kernel as Linux (always done).
     --elf64-core-headers  64-bit ELF core headers (always done).

How to start the new kernel:
 -x, --no-ifdown           Leave the network interfaces up.
 -y, --no-sync             Do not write file systems back.
 -d, --debug               Print debug messages.

)";

// What is accepted, or not supported: the heading, the options of every architecture, those of this one.
std::string option_list(std::string_view heading, std::initializer_list<std::string_view> everywhere,
                        bool supported) {
  std::vector<std::string> options(everywhere.begin(), everywhere.end());
  for (const auto& option : machine_options()) {
    if (option.supported != supported) continue;
    options.push_back(fmt::format("--{}{}{}", option.name, option.value.empty() ? "" : "=", option.value));
  }
  constexpr size_t kWidth = 110;
  std::string text, line(heading);
  for (const auto& option : options) {
    if (line.size() + 1 + option.size() > kWidth) text += std::exchange(line, {}) + "\n";
    line += " " + option;
  }
  return text + line + "\n";
}

}  // namespace

std::string usage_text() {
  std::string text(kUsageText), types;
  for (const auto& type : file_types()) types += fmt::format("{}, ", type.name);
  constexpr std::string_view kTypes = "TYPES";
  text.replace(text.find(kTypes), kTypes.size(), types + "uki");
  text += option_list("Accepted, without effect:", {"--no-cma", "--force-dtb"}, true);
  text += option_list("Not supported:",
                      {"--load-preserve-context", "--load-jump-back-helper", "--entry=ADDRESS",
                       "--load-live-update", "--exec-live-update"},
                      false);
  return version_text() + text;
}

}  // namespace lifeboat::cli::kexec
