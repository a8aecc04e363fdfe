// SPDX-License-Identifier: GPL-2.0-or-later
// lifeboat build [--kernel VERSION] [-o FILE]
#include <sys/utsname.h>

#include <filesystem>

#include "base/file.h"
#include "base/log.h"
#include "base/size.h"
#include "capture/initramfs/compress.h"
#include "capture/initramfs/initramfs.h"
#include "capture/initramfs/local_target.h"
#include "capture/levels.h"
#include "cli/command.h"
#include "image/kernel_config.h"

namespace lifeboat::cli {
namespace {

constexpr const char* kDefaultTarget = "/var/crash/lifeboat";
constexpr const char* kInitramfsFolder = "/var/lib/lifeboat";

struct BuildPlan {
  std::string release;
  std::string module_folder;
  std::string output;
  LocalTarget local;
  InitramfsContents contents;
  InitramfsCompression compression = InitramfsCompression::none;
};

std::string running_release() {
  utsname names{};
  return ::uname(&names) == 0 ? names.release : "";
}

Result<InitramfsCompression> choose_compression(const std::string& release,
                                                const std::string& module_folder) {
  const auto config = find_kernel_config("/boot/vmlinuz-" + release, release, module_folder);
  if (config) return choose_initramfs_compression(*config);
  log::warning("{}; the initramfs is left uncompressed, which every kernel can read", config.error().message);
  return InitramfsCompression::none;
}

Result<Manifest> manifest_of(const CommandLine& line, const Target& target) {
  Manifest manifest;
  manifest.targets = {target};
  manifest.levels = TRY(parse_levels(line.get("level", std::string("31"))));
  const auto choice = TRY(parse_compression_choice(line.get("compress", std::string("zstd"))));
  manifest.compression = choice.compression;
  manifest.compression_level = choice.level;
  manifest.final_action = TRY(parse_final_action(line.get("final", std::string("reboot"))));
  return manifest;
}

Result<BuildPlan> plan_build(const CommandLine& line) {
  BuildPlan plan;
  plan.release = line.get("kernel", running_release());
  plan.module_folder = line.get("modules", "/lib/modules/" + plan.release);
  plan.output = line.get("output", fmt::format("{}/initramfs-{}.img", kInitramfsFolder, plan.release));
  plan.local = TRY_CONTEXT(find_local_target(line.get("target", std::string(kDefaultTarget)), HostPaths{}),
                           "the target of dumps");
  plan.contents.manifest = TRY(manifest_of(line, plan.local.target));
  plan.contents.init = TRY(read_init_program(line.get("init")));
  std::vector<std::string> names = plan.local.drivers;
  names.push_back(plan.local.target.filesystem);
  for (const auto& name : line.get("module", std::vector<std::string>{})) names.push_back(name);
  plan.contents.modules = TRY(collect_modules(plan.module_folder, names));
  TRY_VOID(check_modules_fit(plan.contents.modules, plan.release));
  plan.compression = TRY(choose_compression(plan.release, plan.module_folder));
  return plan;
}

Result<> write_output(const std::string& path, ByteSpan bytes) {
  const auto folder = std::filesystem::path(path).parent_path();
  std::error_code error;
  if (std::filesystem::is_directory(path, error))
    return fail(ErrorCode::usage, "build: {} is a folder; -o names a file", path);
  if (folder == kInitramfsFolder) std::filesystem::create_directories(folder, error);
  return write_file_atomically(path, bytes, 0600);
}

}  // namespace

Result<int> run_build(const Arguments& arguments) {
  CommandLine line(
      "build", "[--kernel VERSION] [-o FILE] [options]",
      "Builds the initramfs of the capture kernel: lifeboat-init, the modules that lead to the target and\n"
      "those that they need, and the manifest that says what to do. The same inputs give the same file.");
  // clang-format off
  line.options().add_options()
    ("kernel", po::value<std::string>(), "version of the capture kernel (default: the running one)")
    ("modules", po::value<std::string>(), "its module tree (default: /lib/modules/VERSION)")
    ("output,o", po::value<std::string>(), "the file to write (default: /var/lib/lifeboat/initramfs-VERSION.img)")
    ("target", po::value<std::string>(), "folder for dumps (default: /var/crash/lifeboat)")
    ("level", po::value<std::string>(), "dump levels, tried in turn when the target is full (default: 31)")
    ("compress", po::value<std::string>(), "none, zlib[:N], lzo, snappy or zstd[:N] (default: zstd)")
    ("final", po::value<std::string>(), "reboot, poweroff or halt when all is done (default: reboot)")
    ("module", po::value<std::vector<std::string>>(), "one more module to include; may be repeated")
    ("init", po::value<std::string>(), "the program lifeboat-init");
  // clang-format on
  if (!TRY(line.parse(arguments))) return kDone;
  const BuildPlan plan = TRY(plan_build(line));
  const auto bytes = TRY(build_initramfs(plan.contents, plan.compression));
  TRY_VOID(write_output(plan.output, bytes));

  std::vector<std::string> modules;
  for (const auto& module : plan.contents.modules) modules.push_back(module.name);
  const auto compression = initramfs_compression_name(plan.compression);
  if (line.json()) {
    print_json({{"initramfs", plan.output},
                {"bytes", bytes.size()},
                {"compression", compression},
                {"kernel", plan.release},
                {"modules", modules},
                {"target",
                 {{"device", plan.local.device},
                  {"uuid", plan.local.target.uuid},
                  {"filesystem", plan.local.target.filesystem},
                  {"path", plan.local.target.path}}}});
  } else {
    fmt::print("{}: {} ({}), {} modules; dumps go to {} on {} ({}, {})\n", plan.output,
               format_size(bytes.size()), compression, modules.size(), plan.local.target.path,
               plan.local.device, plan.local.target.filesystem, plan.local.target.uuid);
  }
  return kDone;
}

}  // namespace lifeboat::cli
