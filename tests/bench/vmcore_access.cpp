// SPDX-License-Identifier: GPL-2.0-or-later
// Runs in a capture kernel: how long it takes to read memory from /proc/vmcore by read(2), in pieces of
// several sizes, and through the windows that lifeboat maps. vmcore_bench starts it.
//   usage: vmcore_access MIB        prints: way piece seconds, one line each
#include <elf.h>
#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <span>
#include <vector>

#include "src/base/file.h"
#include "src/dump/byte_source.h"
#include "src/dump/mapped_source.h"

namespace lifeboat::test {
namespace {

constexpr const char* kVmcore = "/proc/vmcore";
constexpr int kRounds = 3;

struct Area {
  uint64_t begin = 0, size = 0;  // in the file
};

// The largest piece of memory in the ELF file.
Result<Area> largest_area(int fd) {
  Elf64_Ehdr header{};
  TRY_VOID(pread_exact(fd, 0, std::as_writable_bytes(std::span(&header, 1)), kVmcore));
  Area largest;
  for (unsigned index = 0; index < header.e_phnum; ++index) {
    Elf64_Phdr program{};
    TRY_VOID(pread_exact(fd, header.e_phoff + index * sizeof program,
                         std::as_writable_bytes(std::span(&program, 1)), kVmcore));
    if (program.p_type == PT_LOAD && program.p_filesz > largest.size)
      largest = {program.p_offset, program.p_filesz};
  }
  return largest;
}

Result<> measure(uint64_t bytes) {
  auto fd = TRY(open_file(kVmcore, O_RDONLY));
  Area area = TRY(largest_area(fd.get()));
  area.size = std::min(area.size, bytes);
  const int number = fd.get();
  const auto mapped = mapped_byte_source(std::move(fd), kVmcore, area.begin + area.size);
  std::vector<std::byte> buffer(1 << 20);
  for (int round = 0; round < kRounds; ++round) {
    for (const size_t piece : {size_t{4} << 10, size_t{64} << 10, size_t{1} << 20}) {
      const MutableByteSpan out(buffer.data(), piece);
      for (const bool by_mapping : {false, true}) {
        const auto begin = std::chrono::steady_clock::now();
        for (uint64_t at = 0; at + piece <= area.size; at += piece) {
          if (by_mapping) {
            TRY_VOID(mapped->read(area.begin + at, out));
          } else {
            TRY_VOID(pread_exact(number, area.begin + at, out, kVmcore));
          }
        }
        const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
        fmt::print("{} {} {:.3f}\n", by_mapping ? "mapped" : "read", piece >> 10, took.count());
      }
    }
  }
  return {};
}

}  // namespace
}  // namespace lifeboat::test

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const auto done = lifeboat::test::measure(std::strtoull(argv[1], nullptr, 10) << 20);
  if (done) return 0;
  fmt::print(stderr, "{}\n", done.error().to_string());
  return 1;
}
