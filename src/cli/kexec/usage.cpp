// SPDX-License-Identifier: GPL-2.0-or-later
#include <fmt/core.h>

#include <string_view>

#include "src/cli/kexec/options.h"

namespace lifeboat::cli::kexec {

// Scripts take the second word for a version of kexec-tools, and ask for what came with it: the one whose
// options these are.
std::string version_text() {
  return "kexec-tools 2.0.32 (lifeboat " LIFEBOAT_VERSION ")\n";
}

namespace {

constexpr std::string_view kUsageText = R"(Usage: kexec [OPTION]... [KERNEL]
Boots another kernel from the running one, without firmware. With no option KERNEL is loaded,
and 'shutdown -r now' reboots into it.

What to do (a later one takes an earlier one back):
 -l, --load                Load KERNEL for the next reboot.
 -p, --load-panic          Load KERNEL for the next panic, into the memory that crashkernel= reserved.
 -f, --force               Load KERNEL and go there at once, without shutdown(8).
 -e, --exec                Go to the loaded kernel at once, without shutdown(8).
 -u, --unload              Take the loaded kernel away; with -p the one for a panic.
 -S, --status              Exit code 1: the kernel for a panic (with -l: for a reboot) is loaded; 0: not.
     --print-ckr-size      Print how many bytes are reserved for the kernel for a panic.
 -h, --help                Print this.
 -v, --version             Print the version.

How to load:
     --append=STRING, --command-line=STRING
                           The kernel command line; behind the running kernel's with --reuse-cmdline.
     --reuse-cmdline       The running kernel's command line, less what must not be used again.
     --initrd=FILE, --ramdisk=FILE
                           The initramfs.
     --reuseinitrd         The initramfs of this boot (needs retain_initrd on its command line).
 -s, --kexec-file-syscall  By kexec_file_load(2) only.
 -c, --kexec-syscall       By kexec_load(2) only.
 -a, --kexec-syscall-auto  By kexec_file_load(2), and by kexec_load(2) where that cannot do it (default).
 -t, --type=TYPE           KERNEL must be of this type: bzImage64, bzImage, elf-x86_64, elf-x86, uki.
     --mem-min=ADDRESS     Lowest address to load to, for kexec_load(2).
     --mem-max=ADDRESS     Highest address to load to, for kexec_load(2).
 -i, --no-checks           No checksum of the loaded kernel before it is entered, for kexec_load(2).
     --hotplug             Let the kernel follow CPU and memory hotplug (done wherever it can).
     --noefi               The new kernel is not to use EFI's services.
     --args-linux          Start an ELF kernel as Linux (always done).
     --elf64-core-headers  64-bit ELF core headers (always done).

How to go:
 -x, --no-ifdown           Leave the network interfaces up.
 -y, --no-sync             Do not write file systems back.
 -d, --debug               Tell more.

Accepted, without effect: --no-cma --force-dtb --reset-vga --serial=PORT --serial-baud=RATE --console-vga
 --console-serial --elf32-core-headers --pass-memmap-cmdline --reuse-video-type --args-elf
Not supported: --load-preserve-context --load-jump-back-helper --entry=ADDRESS --load-live-update
 --exec-live-update --args-none --module=STRING --real-mode --entry-32bit --dtb=FILE
)";

}  // namespace

std::string usage_text() {
  return fmt::format("{}{}", version_text(), kUsageText);
}

}  // namespace lifeboat::cli::kexec
