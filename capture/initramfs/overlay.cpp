// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/initramfs/overlay.h"

#include <algorithm>
#include <array>

#include "capture/initramfs/cpio.h"
#include "src/base/size.h"
#include "src/image/initramfs_join.h"
#include "src/image/unwrap/decompress.h"

namespace lifeboat {
namespace {

// Of a plan; one has some hundred lines.
constexpr uint64_t kMaxText = 1_MiB;
// Of an initramfs when it is unpacked; one for a capture has some ten MiB.
constexpr uint64_t kMaxUnpacked = 1_GiB;

// Names in the archive have no slash before them.
constexpr const char* in_archive(const char* path) {
  return path + 1;
}

// The first archive of an initramfs. `storage` holds it if it was compressed.
Result<ByteSpan> first_archive(ByteSpan initramfs, std::vector<std::byte>& storage) {
  const ImageKind kind = identify_image(initramfs.first(std::min(initramfs.size(), kIdentifyBytes)));
  if (kind == ImageKind::cpio) return initramfs;
  if (!is_compressed(kind)) return fail(ErrorCode::corrupt, "it is {}", image_kind_name(kind));
  storage = TRY(decompress(kind, initramfs, kMaxUnpacked));
  return storage;
}

}  // namespace

Result<CapturePlan> initramfs_plan(ByteSpan initramfs) {
  std::vector<std::byte> storage;
  CpioReader reader(TRY_CONTEXT(first_archive(initramfs, storage), "cannot unpack the initramfs"));
  while (const auto entry = TRY_CONTEXT(reader.next(), "cannot unpack the initramfs")) {
    // That version's lifeboat-init cannot read today's plan.
    if (entry->name == in_archive(kOldPlanPath))
      return std::unexpected(
          Error(ErrorCode::unsupported, "the initramfs was built by an older version of lifeboat")
              .hint("rebuild it: lifeboat load --crash"));
    if (entry->name != in_archive(kPlanPath)) continue;
    if (entry->contents.size() > kMaxText)
      return fail(ErrorCode::corrupt, "the plan in the initramfs has an invalid size: {} bytes",
                  entry->contents.size());
    return TRY_CONTEXT(CapturePlan::parse(as_text(entry->contents)), "the plan in the initramfs");
  }
  return fail(ErrorCode::not_found, "the initramfs has no {}", kPlanPath);
}

Result<std::vector<std::byte>> with_overlay(ByteSpan initramfs, CapturePlan plan,
                                            const std::vector<ModuleFile>& modules) {
  CpioWriter cpio;
  for (const auto& module : modules) {
    if (std::ranges::find(plan.modules, module.name) != plan.modules.end()) continue;
    plan.modules.push_back(module.name);
    TRY_VOID(cpio.file(fmt::format("{}/{}", in_archive(kModuleFolder), module.name), 0644, module.bytes));
  }
  const std::string text = plan.to_text();
  TRY_VOID(CapturePlan::parse(text));
  TRY_VOID(cpio.file(in_archive(kPlanPath), 0600, as_byte_span(text)));
  const auto overlay = cpio.finish();
  const std::array<InitramfsPart, 2> parts = {
      {{"the capture initramfs", initramfs}, {"what the guest needs", overlay}}};
  return join_initramfs(parts);
}

}  // namespace lifeboat
