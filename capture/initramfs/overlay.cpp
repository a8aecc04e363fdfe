// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/initramfs/overlay.h"

#include <archive.h>
#include <archive_entry.h>

#include <algorithm>
#include <array>
#include <memory>

#include "capture/initramfs/cpio.h"
#include "src/base/size.h"
#include "src/image/initramfs_join.h"

namespace lifeboat {
namespace {

// Of a plan; one has some hundred lines.
constexpr int64_t kMaxText = 1_MiB;

// Names in the archive have no slash before them.
constexpr const char* in_archive(const char* path) {
  return path + 1;
}

std::unexpected<Error> archive_failure(archive* reader) {
  const char* why = archive_error_string(reader);
  return fail(ErrorCode::corrupt, "cannot unpack the initramfs: {}", why != nullptr ? why : "unknown error");
}

}  // namespace

Result<CapturePlan> initramfs_plan(ByteSpan initramfs) {
  const std::unique_ptr<archive, decltype(&::archive_read_free)> reader(::archive_read_new(),
                                                                        ::archive_read_free);
  if (!reader) return std::unexpected(errno_error(ENOMEM, "cannot unpack the initramfs"));
  ::archive_read_support_format_cpio(reader.get());
  ::archive_read_support_filter_all(reader.get());
  if (::archive_read_open_memory(reader.get(), initramfs.data(), initramfs.size()) != ARCHIVE_OK)
    return archive_failure(reader.get());
  for (archive_entry* entry = nullptr;;) {
    const int status = ::archive_read_next_header(reader.get(), &entry);
    if (status == ARCHIVE_EOF) break;
    if (status != ARCHIVE_OK && status != ARCHIVE_WARN) return archive_failure(reader.get());
    const char* name = ::archive_entry_pathname(entry);
    // That version's lifeboat-init cannot read today's plan.
    if (name != nullptr && std::string_view(name) == in_archive(kOldPlanPath))
      return std::unexpected(
          Error(ErrorCode::unsupported, "the initramfs was built by an older version of lifeboat")
              .hint("rebuild it: lifeboat load --crash"));
    if (name == nullptr || std::string_view(name) != in_archive(kPlanPath)) continue;
    const int64_t size = ::archive_entry_size(entry);
    if (size < 0 || size > kMaxText)
      return fail(ErrorCode::corrupt, "the plan in the initramfs has an invalid size: {} bytes", size);
    std::string text(static_cast<size_t>(size), '\0');
    if (::archive_read_data(reader.get(), text.data(), text.size()) != size)
      return archive_failure(reader.get());
    return TRY_CONTEXT(CapturePlan::parse(text), "the plan in the initramfs");
  }
  return fail(ErrorCode::not_found, "the initramfs has no {}", kPlanPath);
}

Result<std::vector<std::byte>> with_overlay(ByteSpan initramfs, CapturePlan plan,
                                            const std::vector<ModuleFile>& modules) {
  auto cpio = TRY(CpioWriter::create());
  for (const auto& module : modules) {
    if (std::ranges::find(plan.modules, module.name) != plan.modules.end()) continue;
    plan.modules.push_back(module.name);
    TRY_VOID(cpio.file(fmt::format("{}/{}", in_archive(kModuleFolder), module.name), 0644, module.bytes));
  }
  const std::string text = plan.to_text();
  TRY_VOID(CapturePlan::parse(text));
  TRY_VOID(cpio.file(in_archive(kPlanPath), 0600, as_byte_span(text)));
  const auto overlay = TRY(cpio.finish());
  const std::array<InitramfsPart, 2> parts = {
      {{"the capture initramfs", initramfs}, {"what the guest needs", overlay}}};
  return join_initramfs(parts);
}

}  // namespace lifeboat
