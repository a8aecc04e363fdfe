// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/image/unwrap/uki_addon.h"

#include "src/base/text.h"
#include "src/image/unwrap/pe.h"
#include "src/image/unwrap/uki_sections.h"

namespace lifeboat {
namespace {

Result<> check_addon(const PeFile& pe, const UkiSections& sections, const UkiParts& image,
                     AddonSignature signature) {
  if (sections.has(".linux")) return fail(ErrorCode::unsupported, "it is not an addon: it holds a kernel");
  if (pe.machine != image.machine)
    return fail(ErrorCode::unsupported, "it is for another architecture ({:#x})", pe.machine);
  const auto release = TRY(sections.line(".uname"));
  if (release && image.release && *release != *image.release)
    return fail(ErrorCode::unsupported, "it is for the kernel {}", one_line(*release));
  if (signature == AddonSignature::needed && !pe.has_signature)
    return fail(ErrorCode::no_permission, "it has no signature, and Secure Boot is on");
  return {};
}

}  // namespace

Result<UkiAddon> read_uki_addon(ByteSpan file, const UkiParts& image, AddonSignature signature) {
  if (!as_text(file).starts_with("MZ")) return fail(ErrorCode::corrupt, "it is not an EFI program");
  const PeFile pe = TRY(read_pe(file));
  const UkiSections sections = TRY(UkiSections::of_profile(file, pe.sections, 0));
  TRY_VOID(check_addon(pe, sections, image, signature));
  UkiAddon addon;
  addon.command_line = TRY(sections.line(".cmdline"));
  addon.initramfs = TRY(sections.content(".initrd"));
  addon.microcode = TRY(sections.content(".ucode"));
  addon.has_device_tree = sections.has(".dtb") || sections.has(".dtbauto");
  if (!addon.command_line && !addon.initramfs && !addon.microcode && !addon.has_device_tree)
    return fail(ErrorCode::unsupported, "it has none of the sections .cmdline, .initrd, .ucode");
  return addon;
}

}  // namespace lifeboat
