// SPDX-License-Identifier: GPL-2.0-or-later
// An EFI program that unpacks the kernel inside: arm64, riscv, loongarch
// (drivers/firmware/efi/libstub/zboot-header.S, Makefile.zboot).
#pragma once

#include "src/base/bytes.h"
#include "src/base/error.h"
#include "src/image/image.h"

namespace lifeboat {

struct ZbootPayload {
  ImageKind compression = ImageKind::unknown;
  ByteSpan bytes;  // in the file that was read
};

// The compression is the one that the header names, and the payload begins as that does.
Result<ZbootPayload> read_zboot(ByteSpan file);

}  // namespace lifeboat
