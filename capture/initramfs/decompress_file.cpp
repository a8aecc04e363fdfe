// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/initramfs/decompress_file.h"

#include <algorithm>

#include "src/base/file.h"
#include "src/image/unwrap/decompress.h"

namespace lifeboat {

Result<std::vector<std::byte>> decompress_file(const std::string& path, uint64_t limit) {
  auto bytes = TRY(read_file(path, limit));
  if (bytes.empty()) return fail(ErrorCode::truncated, "{} is empty", path);
  const ImageKind kind = identify_image(ByteSpan(bytes).first(std::min(bytes.size(), kIdentifyBytes)));
  if (!is_compressed(kind)) return bytes;
  return TRY_CONTEXT(decompress(kind, bytes, limit), "cannot decompress {}", path);
}

}  // namespace lifeboat
