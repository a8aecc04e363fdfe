// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/support/bzimage_builder.h"

#include <algorithm>
#include <cstring>

namespace lifeboat::test {
namespace {

// Writes what fits, so that a test may ask for an offset outside of the file.
void put_bytes(std::vector<std::byte>& file, size_t offset, ByteSpan bytes) {
  if (offset >= file.size()) return;
  std::memcpy(file.data() + offset, bytes.data(), std::min(bytes.size(), file.size() - offset));
}

template <typename T>
void put(std::vector<std::byte>& file, size_t offset, const T& value) {
  put_bytes(file, offset, object_bytes(value));
}

}  // namespace

std::vector<std::byte> build_bzimage(const BzImageFields& fields) {
  const size_t setup_bytes = (size_t{fields.setup_sects == 0 ? uint8_t{4} : fields.setup_sects} + 1) * 512;
  std::vector<std::byte> file(setup_bytes + fields.code_bytes);
  put(file, 0x1f1, fields.setup_sects);
  put(file, 0x1f4, fields.syssize.value_or(fields.code_bytes / 16));
  put(file, 0x1fe, fields.boot_flag);
  put(file, 0x200, uint8_t{0xeb});  // a short jump behind the header
  put(file, 0x201, fields.jump_length);
  put_bytes(file, 0x202, as_byte_span(fields.header));
  put(file, 0x206, fields.version);
  put(file, 0x20e, fields.kernel_version);
  put(file, 0x211, fields.loadflags);
  put(file, 0x22c, fields.initrd_addr_max);
  put(file, 0x230, fields.kernel_alignment);
  put(file, 0x234, fields.relocatable_kernel);
  put(file, 0x236, fields.xloadflags);
  put(file, 0x238, fields.cmdline_size);
  put(file, 0x248, fields.payload_offset);
  put(file, 0x24c, fields.payload_length);
  put(file, 0x258, fields.pref_address);
  put(file, 0x260, fields.init_size);
  put(file, 0x264, fields.handover_offset);
  if (fields.kernel_version != 0)
    put_bytes(file, size_t{fields.kernel_version} + 0x200, as_byte_span(fields.version_text));
  put_bytes(file, setup_bytes + fields.payload_offset, as_byte_span(fields.payload));
  return file;
}

}  // namespace lifeboat::test
