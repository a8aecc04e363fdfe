// SPDX-License-Identifier: GPL-2.0-or-later
// lifeboat load [KERNEL] [--crash], lifeboat unload [--crash]
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "cli/command.h"
#include "image/x86_64/bzimage.h"
#include "loader/command_line.h"
#include "loader/crash_load.h"

namespace lifeboat::cli {
namespace {

// Where `lifeboat build` puts the capture initramfs.
constexpr std::string_view kInitramfsFolder = "/var/lib/lifeboat";

constexpr const char* kLoadDescription =
    "Loads KERNEL (default: /boot/vmlinuz-RELEASE of the running kernel) so that the machine enters it "
    "without\n"
    "firmware: with --crash when the running kernel panics, else at the next 'systemctl kexec'.\n"
    "\n"
    "Its command line, with --crash: the running kernel's, less what a capture kernel must not have, with "
    "what it\n"
    "needs besides, and then --append. Without --crash: --append alone, or with --reuse-cmdline behind the "
    "running\n"
    "kernel's. --command-line gives the whole of it, and nothing is added. docs/loading.md lists what and "
    "why.";

Result<std::string> running_release() {
  auto release = read_line("/proc/sys/kernel/osrelease");
  if (!release) return fail(ErrorCode::not_found, "the running kernel's release cannot be read from /proc");
  return *std::move(release);
}

Result<std::string> choose_kernel(const CommandLine& line) {
  if (line.has("KERNEL")) return line.get("KERNEL");
  return "/boot/vmlinuz-" + TRY(running_release());
}

// An empty name: none.
Result<std::string> choose_initramfs(const CommandLine& line, const std::string& kernel, bool crash) {
  const auto given = line.get("initrd", std::vector<std::string>{});
  if (given.size() > 1) {
    return std::unexpected(Error(ErrorCode::unsupported, "load: several --initrd are not supported yet")
                               .hint("put them into one file: cat FIRST SECOND > BOTH"));
  }
  if (!given.empty()) {
    if (given.front().empty()) return fail(ErrorCode::usage, "load: --initrd needs the name of a file");
    return given.front();
  }
  if (!crash) return std::string();
  auto release = kernel_release(kernel);
  if (!release)
    return std::unexpected(std::move(release).error().hint("name the kernel: lifeboat load KERNEL --crash"));
  std::string path = fmt::format("{}/initramfs-{}.img", kInitramfsFolder, *release);
  if (::access(path.c_str(), F_OK) != 0) {
    return std::unexpected(errno_error(errno, fmt::format("there is no capture initramfs {}", path))
                               .hint("make it with 'lifeboat build', or name another one with --initrd"));
  }
  return path;
}

Result<std::string> choose_command_line(const CommandLine& line, bool crash) {
  if (line.has("command-line")) {
    if (line.has("append") || line.has("reuse-cmdline")) {
      return fail(
          ErrorCode::usage,
          "load: --command-line gives the whole line; --append and --reuse-cmdline do not go with it");
    }
    return line.get("command-line");
  }
  if (!crash && !line.has("append") && !line.has("reuse-cmdline")) {
    return std::unexpected(
        Error(ErrorCode::usage, "load: the new kernel's command line is missing")
            .hint("--reuse-cmdline takes the running kernel's; --append or --command-line give your own"));
  }
  std::string reused;
  if (crash || line.has("reuse-cmdline")) reused = TRY(read_text("/proc/cmdline"));
  const std::string append = line.get("append");
  const CommandLineParts parts{.reused = reused, .append = append};
  return crash ? crash_command_line(parts) : normal_command_line(parts);
}

void print_loaded(const CommandLine& line, const LoadRequest& request, const LoadReport& report) {
  if (line.json()) {
    print_json({{"loaded", true},
                {"crash", request.crash},
                {"kernel", request.kernel},
                {"release", report.release},
                {"initrd", request.initramfs},
                {"command_line", request.command_line},
                {"warnings", report.warnings}});
    return;
  }
  fmt::print("{} is loaded for the next {}\n", request.kernel, request.crash ? "crash" : "kexec");
  fmt::print("  initramfs     {}\n", request.initramfs.empty() ? "none" : request.initramfs);
  fmt::print("  command line  {}\n", request.command_line);
}

}  // namespace

Result<int> run_load(const Arguments& arguments) {
  CommandLine line("load", "[KERNEL] [--crash] [options]", kLoadDescription);
  // clang-format off
  line.options().add_options()
    ("crash", "for the next panic, into the memory that crashkernel= reserved")
    ("initrd", po::value<std::vector<std::string>>(),
     "the initramfs (with --crash default /var/lib/lifeboat/initramfs-RELEASE.img)")
    ("append", po::value<std::string>(), "parameters to put behind the others")
    ("command-line", po::value<std::string>(), "the whole command line")
    ("reuse-cmdline", "begin with the running kernel's command line (with --crash that is the default)");
  // clang-format on
  line.positional("KERNEL");
  if (!TRY(line.parse(arguments))) return kDone;

  LoadRequest request;
  request.crash = line.has("crash");
  request.command_line = TRY(choose_command_line(line, request.crash));
  request.kernel = TRY(choose_kernel(line));
  request.initramfs = TRY(choose_initramfs(line, request.kernel, request.crash));
  const LoadReport report = TRY(load_kernel(request, SystemPaths{}));
  for (const auto& warning : report.warnings) log::warning("{}", warning);
  print_loaded(line, request, report);
  return kDone;
}

Result<int> run_unload(const Arguments& arguments) {
  CommandLine line(
      "unload", "[--crash]",
      "Takes away the kernel that is loaded for the next kexec, or with --crash the capture kernel: a\n"
      "crash is not captured then. Fine when none was loaded.");
  line.options().add_options()("crash", "the capture kernel");
  if (!TRY(line.parse(arguments))) return kDone;
  const bool crash = line.has("crash");
  TRY_VOID(unload_kernel(crash, SystemPaths{}));
  if (line.json()) {
    print_json({{"loaded", false}, {"crash", crash}});
  } else {
    fmt::print("{}\n",
               crash ? "no capture kernel is loaded: this machine is not armed" : "no kernel is loaded");
  }
  return kDone;
}

}  // namespace lifeboat::cli
