// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/vm/support/kernel_files.h"

#include "capture/initramfs/compress.h"
#include "capture/initramfs/decompress_file.h"
#include "src/base/file.h"
#include "src/base/size.h"
#include "tests/support/programs.h"
#include "tests/vm/support/must.h"

namespace lifeboat::test {
namespace {

constexpr const char* kStub = "/usr/lib/systemd/boot/efi/linuxx64.efi.stub";

uint32_t word_at(ByteSpan bytes, size_t offset) {
  return must(load<uint32_t>(bytes, offset, "bzImage"));
}

}  // namespace

std::vector<std::byte> gzipped(const std::string& path) {
  return must(compress_initramfs(must(read_file(path)), InitramfsCompression::gzip));
}

std::vector<std::byte> vmlinux_of(const std::string& bzimage) {
  const auto bytes = must(read_file(bzimage));
  const auto sectors = static_cast<size_t>(bytes.at(0x1f1));  // setup_sects
  // The payload's last four bytes are the unpacked size, which is no part of the stream.
  const auto payload = must(slice(bytes, (sectors + 1) * 512 + word_at(bytes, 0x248),
                                  word_at(bytes, 0x24c) - sizeof(uint32_t), "the payload of a bzImage"));
  const auto folder = must(TempDir::create("lifeboat-vmlinux"));
  const std::string packed = folder.path() / "payload";
  must(write_file_atomically(packed, payload, 0600));
  return must(decompress_file(packed, 512_MiB));
}

std::vector<std::byte> unified_kernel_image(const std::string& bzimage, ByteSpan initramfs,
                                            const std::string& command_line, const std::string& release) {
  const auto folder = must(TempDir::create("lifeboat-uki"));
  const auto file = [&](const std::string& name, ByteSpan contents) {
    const std::string path = folder.path() / name;
    must(write_file_atomically(path, contents, 0600));
    return path;
  };
  const std::string os_release = "ID=test\nPRETTY_NAME=\"A test\"\n";
  // Where the sections lie matters to firmware alone: behind the stub, and not over one another.
  const std::vector<std::tuple<std::string, std::string, std::string>> sections = {
      {".osrel", file("osrel", as_byte_span(os_release)), "0x100000"},
      {".uname", file("uname", as_byte_span(release)), "0x110000"},
      {".cmdline", file("cmdline", as_byte_span(command_line)), "0x120000"},
      {".linux", bzimage, "0x2000000"},
      {".initrd", file("initrd", initramfs), "0x4000000"},
  };
  std::vector<std::string> command = {"objcopy"};
  for (const auto& [name, path, address] : sections) {
    command.insert(command.end(), {"--add-section", fmt::format("{}={}", name, path), "--change-section-vma",
                                   fmt::format("{}={}", name, address)});
  }
  const std::string image = folder.path() / "linux.efi";
  command.insert(command.end(), {kStub, image});
  if (const auto output = run(command); output.status != 0)
    throw std::runtime_error("objcopy: " + output.text);
  return must(read_file(image));
}

}  // namespace lifeboat::test
