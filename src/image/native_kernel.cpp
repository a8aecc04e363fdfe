// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/image/native_kernel.h"

#include "src/base/file.h"

namespace lifeboat {

Result<NativeKernel> NativeKernel::read(const std::string& path) {
  const auto file = TRY(read_file(path));
  return parse(file, path);
}

Result<std::string> kernel_release(const std::string& path) {
  NativeKernel kernel = TRY(NativeKernel::read(path));
  if (kernel.release.empty()) return fail(ErrorCode::not_found, "{} contains no kernel release", path);
  return std::move(kernel.release);
}

}  // namespace lifeboat
