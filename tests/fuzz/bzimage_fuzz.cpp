// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/image/x86_64/bzimage.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace lifeboat;
  const ByteSpan file(reinterpret_cast<const std::byte*>(data), size);
  if (image_kind_name(identify_image(file)).empty()) __builtin_trap();
  const auto image = BzImage::parse(file, "fuzz");
  if (!image) return image.error().fix.empty() ? (__builtin_trap(), 0) : 0;
  // What was accepted lies inside of the file.
  const auto inside = [size](const BzImage::Part& part) {
    return part.offset <= size && part.size <= size - part.offset;
  };
  if (!inside(image->setup) || !inside(image->kernel)) __builtin_trap();
  if (image->payload && !inside(*image->payload)) __builtin_trap();
  if (image->release().size() > image->version.size()) __builtin_trap();
  if (image->crash_capable() && (!image->relocatable || image->init_size < image->kernel.size))
    __builtin_trap();
  return 0;
}
