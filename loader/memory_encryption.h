// SPDX-License-Identifier: GPL-2.0-or-later
// Whether the running kernel encrypts its memory. Then devices cannot reach all of it, and a kernel keeps
// bounce buffers for them, a capture kernel too. The capture kernel does as the running one: it has the same
// hardware, and the same mem_encrypt= on its command line.
#pragma once

#include <string>
#include <string_view>

#include "loader/system_state.h"

namespace lifeboat {

enum class MemoryEncryption {
  none,   // or nothing shows it
  host,   // by the machine's own kernel (SME): some devices need bounce buffers
  guest,  // of a confidential virtual machine (SEV, SEV-ES, SEV-SNP, TDX, CCA): all input and output does
};

struct MemoryEncryptionState {
  MemoryEncryption kind = MemoryEncryption::none;
  std::string name;    // "AMD SEV-SNP", as the kernel or the place that shows it calls it
  std::string source;  // what shows it
};

// From what this kernel shows, whatever its version: devices and CPU flags that only such a guest has, the
// message of the boot in `kernel_log` (it may have been overwritten), the mask of the encryption in
// VMCOREINFO, mem_encrypt=on.
MemoryEncryptionState find_memory_encryption(const SystemPaths& paths, std::string_view kernel_log);
// The same with the log of the running kernel, where it may be read and `paths` are of this machine.
MemoryEncryptionState read_memory_encryption(const SystemPaths& paths);

}  // namespace lifeboat
