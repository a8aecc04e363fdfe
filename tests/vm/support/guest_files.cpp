// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/vm/support/guest_files.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <filesystem>
#include <sstream>

#include "capture/initramfs/cpio.h"
#include "capture/initramfs/initramfs.h"
#include "tests/support/programs.h"
#include "tests/vm/support/kernel_guest.h"
#include "tests/vm/support/must.h"

namespace lifeboat::test {
namespace {

namespace fs = std::filesystem;

constexpr const char* kLoader = "/lib64/ld-linux-x86-64.so.2";

// The shared libraries that a program needs, as the dynamic loader `loader` finds them.
std::vector<std::string> libraries_of(std::vector<std::string> loader, const std::string& program) {
  loader.insert(loader.end(), {"--list", program});
  const auto output = run(loader);
  if (output.status != 0) throw std::runtime_error(program + ": " + output.text);
  std::vector<std::string> libraries;
  std::istringstream lines(output.text);
  // "	libz.so.1 => /lib/x86_64-linux-gnu/libz.so.1 (0x00007f...)"; the loader itself has no arrow.
  for (std::string line; std::getline(lines, line);) {
    const auto arrow = line.find(" => /");
    if (arrow == std::string::npos) continue;
    const std::string path = line.substr(arrow + 4, line.rfind(" (") - arrow - 4);
    if (fs::path(path).filename() != fs::path(kLoader).filename()) libraries.push_back(path);
  }
  return libraries;
}

fs::path kernel_folder(const std::string& version) {
  return cache() / "kernels" / version;
}

// Those that reach the guest's disk.
std::vector<ModuleFile> disk_modules(const std::string& version) {
  return must(collect_modules(fs::canonical(kernel_folder(version) / "modules").string(),
                              {"virtio_pci", "virtio_blk", "ext4"}));
}

}  // namespace

std::string kernel_path(const std::string& version) {
  const auto path = kernel_folder(version) / "vmlinuz";
  if (!fs::exists(path))
    throw std::runtime_error(path.string() + " is missing: ./dev test fetches it (--all: all of them)");
  return fs::canonical(path);
}

std::string kernel_release(const std::string& version) {
  return fs::canonical(kernel_folder(version) / "modules").filename();
}

std::vector<std::byte> guest_initramfs(const std::vector<std::string>& versions) {
  CpioWriter cpio;
  for (const char* folder : {"bin", "dev", "modules"}) must(cpio.folder(folder));
  must(cpio.character_device("dev/console", 5, 1));
  const auto busybox = find_program("busybox");
  if (!busybox) throw std::runtime_error("busybox is missing (Debian: apt install busybox-static)");
  must(cpio.file("bin/busybox", 0755, must(read_file(*busybox))));
  must(cpio.file("init", 0755, must(read_file(LIFEBOAT_SOURCE "/tests/vm/support/guest_init.sh"))));
  for (const auto& version : versions) {
    const std::string folder = "modules/" + kernel_release(version);
    must(cpio.folder(folder));
    std::string order;
    for (const auto& module : disk_modules(version)) {
      order += module.name + '\n';
      must(cpio.file(folder + '/' + module.name, 0644, module.bytes));
    }
    must(cpio.file(folder + "/order", 0644, as_byte_span(order)));
  }
  return cpio.finish();
}

std::vector<std::byte> small_initramfs(const std::string& folder, const std::string& file) {
  CpioWriter cpio;
  must(cpio.folder(folder));
  must(cpio.file(folder + '/' + file, 0644, {}));
  return cpio.finish();
}

std::vector<std::byte> capture_initramfs(const std::string& version,
                                         const std::function<void(InitramfsContents&)>& change) {
  InitramfsContents contents;
  contents.init = must(read_static_program(kInitProgram, LIFEBOAT_BIN "/lifeboat-init"));
  contents.modules = disk_modules(version);
  contents.plan.targets = {{.uuid = kGuestDiskUuid, .filesystem = "ext4", .path = "/dump"}};
  contents.plan.final.action = contents.plan.failure.action = FinalAction::poweroff;
  if (change) change(contents);
  return must(build_initramfs(contents, InitramfsCompression::zstd));
}

std::string crash_module(const std::string& version) {
  const fs::path headers = kernel_folder(version) / "headers/build";
  if (!fs::exists(headers)) throw std::runtime_error(headers.string() + " is missing: ./dev test fetches it");
  const fs::path folder = rehearsals() / "crash-module" / version;
  fs::create_directories(folder);
  // Two tests that want it at the same time must not build it over each other.
  const UniqueFd lock = must(open_file(folder / ".lock", O_RDWR | O_CREAT, 0600));
  if (::flock(lock.get(), LOCK_EX) != 0) throw std::runtime_error("cannot lock " + folder.string());
  // Copied only when they change, so that make has nothing to do otherwise.
  for (const auto& entry : fs::directory_iterator(LIFEBOAT_SOURCE "/tests/vm/crash_module"))
    fs::copy_file(entry.path(), folder / entry.path().filename(), fs::copy_options::update_existing);
  const auto made = run({"make", "-s", "-C", headers, "M=" + folder.string(), "modules"});
  if (made.status != 0) throw std::runtime_error("the crash module: " + made.text);
  return folder / "crash_module.ko";
}

GuestFiles::GuestFiles() : folder_(must(TempDir::create("lifeboat-guest"))) {
  add(lifeboat_program(), "bin/lifeboat");
  fs::create_symlink("lifeboat", folder() / "bin/kexec");
  for (const auto& library : libraries_of({kLoader}, lifeboat_program()))
    add(library, "lib/" + fs::path(library).filename().string());
  add(kLoader, "lib/ld-linux-x86-64.so.2");
}

void GuestFiles::add(const std::string& path, const std::string& in_guest) {
  fs::create_directories((folder() / in_guest).parent_path());
  fs::copy_file(fs::canonical(path), folder() / in_guest);
}

void GuestFiles::write(const std::string& in_guest, ByteSpan contents, mode_t mode) {
  fs::create_directories((folder() / in_guest).parent_path());
  must(write_file_atomically((folder() / in_guest).string(), contents, mode));
}

void GuestFiles::add_program(const std::string& name) {
  const auto program = find_program(name);
  if (!program) throw std::runtime_error(name + " is missing: ./dev test installs it");
  add(*program, "bin/" + name);
  for (const auto& library : libraries_of({kLoader}, *program)) {
    const std::string in_guest = "lib/" + fs::path(library).filename().string();
    if (!fs::exists(folder() / in_guest)) add(library, in_guest);
  }
}

void GuestFiles::add_system(const std::string& version, const std::vector<std::string>& modules) {
  const std::string release = kernel_release(version);
  const fs::path tree = fs::canonical(kernel_folder(version) / "modules");
  const std::string in_guest = "system/lib/modules/" + release + "/";
  add(kernel_path(version), "system/boot/vmlinuz-" + release);
  add(kernel_folder(version) / "config", "system/boot/config-" + release);
  add(LIFEBOAT_BIN "/lifeboat-init", "bin/lifeboat-init");
  for (const auto& index : fs::directory_iterator(tree)) {
    const std::string name = index.path().filename();
    if (name.starts_with("modules.")) add(index.path(), in_guest + name);
  }
  std::vector<std::string> names = {"virtio_pci", "virtio_blk", "ext4"};
  names.insert(names.end(), modules.begin(), modules.end());
  for (const auto& module : must(resolve_modules(tree, names)))
    add(module.path, in_guest + fs::relative(module.path, tree).string());
}

void GuestFiles::add_peer_kexec() {
  const fs::path root = cache() / "peers/root";
  const std::string loader = root / "usr/lib64/ld-linux-x86-64.so.2";
  const std::string folder = root / "usr/lib/x86_64-linux-gnu";
  const std::string program = root / "usr/sbin/kexec";
  auto libraries = libraries_of({loader, "--library-path", folder}, program);
  // These it opens when it meets a compressed kernel.
  for (const char* name : {"libz.so.1", "liblzma.so.5", "libzstd.so.1"})
    libraries.push_back(folder + '/' + name);
  for (const auto& library : libraries) {
    const std::string in_guest = "peer/" + fs::path(library).filename().string();
    if (!fs::exists(this->folder() / in_guest)) add(library, in_guest);
  }
  add(loader, "peer/ld-linux-x86-64.so.2");
  add(program, "peer/kexec");
  constexpr std::string_view kWrapper =
      "#!/bin/sh\nexec /disk/peer/ld-linux-x86-64.so.2 --library-path /disk/peer /disk/peer/kexec \"$@\"\n";
  write("bin/peer-kexec", as_byte_span(kWrapper), 0755);
}

}  // namespace lifeboat::test
