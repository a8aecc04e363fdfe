// SPDX-License-Identifier: GPL-2.0-or-later
#include <fmt/format.h>

#include <string_view>

#include "src/cli/kexec/file_types.h"
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

Accepted, without effect: --no-cma --force-dtb --reset-vga --serial=PORT --serial-baud=RATE --console-vga
 --console-serial --elf32-core-headers --pass-memmap-cmdline --reuse-video-type --args-elf
Not supported: --load-preserve-context --load-jump-back-helper --entry=ADDRESS --load-live-update
 --exec-live-update --args-none --module=STRING --real-mode --entry-32bit --dtb=FILE
)";

}  // namespace

std::string usage_text() {
  std::string text(kUsageText), types;
  for (const auto& type : file_types()) types += fmt::format("{}, ", type.name);
  constexpr std::string_view kTypes = "TYPES";
  text.replace(text.find(kTypes), kTypes.size(), types + "uki");
  return version_text() + text;
}

}  // namespace lifeboat::cli::kexec
