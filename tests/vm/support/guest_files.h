// SPDX-License-Identifier: GPL-2.0-or-later
// What a guest finds: its initramfs (busybox, modules, guest_init.sh) and its disk (programs with their
// libraries, kernels, the test's script). The disk is the same for every kernel of a chain.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "capture/initramfs/initramfs.h"
#include "src/base/file.h"

namespace lifeboat::test {

// The kernels that tools/prepare.sh has unpacked, by "6.1", "6.12", ...
std::string kernel_path(const std::string& version);
std::string kernel_release(const std::string& version);

// One initramfs for all these kernels: each finds its own modules in it.
std::vector<std::byte> guest_initramfs(const std::vector<std::string>& versions);
// Another one, to be put behind it: an empty file in a folder.
std::vector<std::byte> small_initramfs(const std::string& folder, const std::string& file);
// What `lifeboat build` would make for such a guest: lifeboat-init saves to /dump on its disk, and powers
// off. `change` may have it otherwise.
std::vector<std::byte> capture_initramfs(const std::string& version,
                                         const std::function<void(InitramfsContents&)>& change = {});
// tests/vm/crash_module, built for this kernel: the path of the .ko. Only for kernels that
// prepare_kernel_headers knows.
std::string crash_module(const std::string& version);

// A folder that becomes the root of the guest's disk, which it mounts at /disk.
class GuestFiles {
 public:
  // With the programs `lifeboat` and `kexec` (which is the same under another name) in /disk/bin.
  GuestFiles();

  [[nodiscard]] const std::filesystem::path& folder() const { return folder_.path(); }

  // Paths in the guest are below /disk, given without it: "boot/vmlinuz".
  void add(const std::string& path, const std::string& in_guest);
  void write(const std::string& in_guest, ByteSpan contents, mode_t mode = 0644);
  // A program of this machine, in /disk/bin, with its libraries.
  void add_program(const std::string& name);
  // What an installed system has of a kernel, below /disk/system: its file and configuration (boot/), the
  // indexes of its modules, those that lead to the guest's disk and those named here (lib/modules/RELEASE/).
  // And lifeboat-init.
  void add_system(const std::string& version, const std::vector<std::string>& modules = {});
  // kexec-tools' newest, as /disk/bin/peer-kexec.
  void add_peer_kexec();

 private:
  TempDir folder_;
};

}  // namespace lifeboat::test
