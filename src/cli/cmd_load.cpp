// SPDX-License-Identifier: GPL-2.0-or-later
// lifeboat load [KERNEL] [--crash] and lifeboat unload [--crash]
#include <sys/utsname.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "cli/command.h"
#include "image/x86_64/bzimage.h"
#include "loader/command_line.h"
#include "loader/crash_load.h"

namespace lifeboat::cli {
namespace {

std::string default_kernel() {
  utsname running{};
  return ::uname(&running) == 0 ? fmt::format("/boot/vmlinuz-{}", running.release) : "/boot/vmlinuz";
}

Result<std::string> choose_initramfs(const CommandLine& line, bool crash, const std::string& kernel) {
  const auto given = line.get("initrd", std::vector<std::string>{});
  if (given.size() > 1) return fail(ErrorCode::unsupported, "load: more than one --initrd cannot be loaded yet");
  if (!given.empty()) return given.front();
  if (!crash) return std::string();
  const BzImage image = TRY(read_bzimage(kernel));
  const std::string built = fmt::format("/var/lib/lifeboat/initramfs-{}.img", image.release());
  if (::access(built.c_str(), F_OK) == 0) return built;
  return std::unexpected(Error(ErrorCode::not_found, fmt::format("there is no capture initramfs {}", built))
                             .hint(fmt::format("run 'lifeboat build --kernel {}', or give one with --initrd", image.release())));
}

// A capture kernel is told what the running one was told, so that it finds the same consoles and devices, less what would
// harm it; a normal kexec gets only what was asked for.
Result<std::string> choose_command_line(const CommandLine& line, bool crash) {
  const bool exact = line.has("command-line");
  if (exact && (line.has("append") || line.has("reuse-cmdline")))
    return fail(ErrorCode::usage, "load: --command-line is the whole command line; it goes with neither --append nor --reuse-cmdline");
  if (exact) return line.get("command-line");
  const bool reuse = line.has("reuse-cmdline") || (crash && !line.has("append"));
  const std::string reused = reuse ? TRY(read_text("/proc/cmdline")) : std::string();
  return crash ? crash_command_line(reused, line.get("append")) : normal_command_line(reused, line.get("append"));
}

}  // namespace

Result<int> run_load(const Arguments& arguments) {
  CommandLine line("load", "[KERNEL] [--crash] [options]",
                   "Loads a kernel: with --crash the one that takes over when this one panics, else the one that\n"
                   "a kexec reboot starts. KERNEL is a bzImage (default: that of the running kernel).");
  // clang-format off
  line.options().add_options()
    ("crash", "load the capture kernel")
    ("initrd", po::value<std::vector<std::string>>(),
     "its initramfs (default with --crash: /var/lib/lifeboat/initramfs-VERSION.img, see 'lifeboat build')")
    ("append", po::value<std::string>(), "parameters to add to the kernel command line")
    ("reuse-cmdline", "begin with the running kernel's command line, less what must not be reused "
                      "(default with --crash, unless --append is given)")
    ("command-line", po::value<std::string>(), "the whole kernel command line, taken as it is");
  // clang-format on
  line.positional("KERNEL");
  if (!TRY(line.parse(arguments))) return kDone;
  LoadRequest request;
  request.crash = line.has("crash");
  request.kernel = line.get("KERNEL", default_kernel());
  request.initramfs = TRY(choose_initramfs(line, request.crash, request.kernel));
  request.command_line = TRY(choose_command_line(line, request.crash));
  const LoadReport report = TRY(load_kernel(request, SystemPaths{}));
  for (const auto& warning : report.warnings) log::warning("{}", warning);
  if (line.json()) {
    print_json({{"loaded", request.crash ? "crash" : "normal"},
                {"kernel", request.kernel},
                {"release", report.release},
                {"initramfs", request.initramfs},
                {"command_line", request.command_line},
                {"warnings", report.warnings}});
  } else {
    fmt::print("{} {} is loaded: {}\n", request.crash ? "the capture kernel" : "the kernel", report.release,
               request.command_line);
  }
  return kDone;
}

Result<int> run_unload(const Arguments& arguments) {
  CommandLine line("unload", "[--crash]", "Unloads the kernel that a kexec reboot would start; with --crash the capture kernel.");
  line.options().add_options()("crash", "unload the capture kernel");
  if (!TRY(line.parse(arguments))) return kDone;
  const bool crash = line.has("crash");
  TRY_VOID(unload_kernel(crash, SystemPaths{}));
  if (line.json()) {
    print_json({{"unloaded", crash ? "crash" : "normal"}});
  } else {
    fmt::print("no {} is loaded now\n", crash ? "capture kernel" : "kernel for a kexec reboot");
  }
  return kDone;
}

}  // namespace lifeboat::cli
