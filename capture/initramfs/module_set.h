// SPDX-License-Identifier: GPL-2.0-or-later
// The modules that an initramfs needs, with all that they need themselves, in an order in which they load.
#pragma once

#include <string>
#include <vector>

#include "src/base/bytes.h"
#include "src/base/error.h"

namespace lifeboat {

struct ModuleFile {
  std::string name;              // "virtio_blk.ko"
  std::vector<std::byte> bytes;  // the ELF file, decompressed; a signature at its end is kept
};

struct ModulePath {
  std::string name;  // "virtio_blk.ko"
  std::string path;  // of the file, perhaps compressed
};

// `module_folder` is the module tree of one kernel: /lib/modules/VERSION, with the index files that depmod
// makes. `names` are names of modules or aliases (what /sys calls modalias). What is built into the kernel is
// fine and adds nothing. Hard dependencies and soft ones (ext4 wants a crc32c of the crypto layer) come
// before what needs them. Errors: not_found names the module that the tree lacks, or the index files.
Result<std::vector<ModulePath>> resolve_modules(const std::string& module_folder,
                                                const std::vector<std::string>& names);
Result<ModuleFile> read_module(const ModulePath& module);
// Both in one.
Result<std::vector<ModuleFile>> collect_modules(const std::string& module_folder,
                                                const std::vector<std::string>& names);

// Whether that kernel has a module of this name, or one for a device with this alias: as a file of the tree,
// or built in, as modules.builtin and modules.builtin.modinfo list (depmod's indexes need not be complete).
bool has_module(const std::string& module_folder, const std::string& name_or_alias);

// `unsupported` when not one of the modules was built for the kernel `release`: the tree is another kernel's,
// and the capture kernel would refuse its modules. Single modules may be for another kernel (vendors' drivers
// that fit several kernels).
Result<> check_modules_fit(const std::vector<ModuleFile>& modules, const std::string& release);

}  // namespace lifeboat
