// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/image/unwrap/decompress.h"

#include "src/image/gunzip.h"
#include "src/image/unwrap/unbzip2.h"
#include "src/image/unwrap/unlz4.h"
#include "src/image/unwrap/unlzma.h"
#include "src/image/unwrap/unzstd.h"

namespace lifeboat {

Result<std::vector<std::byte>> decompress(ImageKind kind, ByteSpan packed, uint64_t limit) {
  switch (kind) {
    case ImageKind::gzip:
      return gunzip(packed, limit);
    case ImageKind::bzip2:
      return unbzip2(packed, limit);
    case ImageKind::xz:
    case ImageKind::lzma:
      return unlzma(kind, packed, limit);
    case ImageKind::zstd:
      return unzstd(packed, limit);
    case ImageKind::lz4:
    case ImageKind::lz4_frame:
      return unlz4(packed, limit);
    default:
      return fail(ErrorCode::unsupported, "cannot decompress {}: not supported", image_kind_name(kind));
  }
}

}  // namespace lifeboat
