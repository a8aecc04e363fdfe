// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/bench/filled_guest.h"

#include <fmt/core.h>

#include <sstream>

#include "tests/bench/bench.h"
#include "tests/support/programs.h"
#include "tests/vm/support/kernel_guest.h"
#include "tests/vm/support/must.h"

namespace lifeboat::test {
namespace {

namespace fs = std::filesystem;
using std::chrono::minutes;

constexpr const char* kVersion = "6.12";
constexpr uint64_t kMemory = 2560_MiB;
constexpr const char* kReservation = "256M";
constexpr uint64_t kHeapMib = 560, kStaleMib = 240, kFiles = 300'000;
// Of peers and kernels, which the guest reads into its page cache.
constexpr const char* kDataInGuest = "data";
// A file of these that each worker reads into its heap.
constexpr uint64_t kSharedBytes = 24_MiB;
// A rehearsal with another recipe is made again. The number is for changes that are not in the text.
constexpr const char* kRecipeFile = "recipe";

std::string recipe() {
  return fmt::format("recipe 1: {}, {} MiB, crashkernel={}, heap {} MiB, {} files, {} MiB freed\n", kVersion,
                     kMemory >> 20, kReservation, kHeapMib, kFiles, kStaleMib);
}

// Programs, libraries, documents, kernel modules, debug information: what ./dev bench has fetched, so that it
// is the same on every machine.
void add_data(const GuestFiles& files) {
  const fs::path data = files.folder() / kDataInGuest;
  fs::create_directories(data);
  const auto how = fs::copy_options::recursive | fs::copy_options::skip_symlinks;
  fs::copy(cache() / "peers/root/usr", data / "peers", how);
  fs::copy(cache() / "kernels" / kVersion / "lib", data / "lib", how);
  fs::copy(cache() / "kernels" / kVersion / "vmlinux", data / "vmlinux");
  const auto start = must(open_file((data / "vmlinux").string(), O_RDONLY));
  std::vector<std::byte> bytes(kSharedBytes);
  // Not its beginning, which is the kernel's code and data: they are in memory anyway.
  must(pread_exact(start.get(), must(file_size(start.get(), "vmlinux")) / 2, bytes, "vmlinux"));
  must(write_file_atomically((data / "shared").string(), bytes, 0600));
}

GuestFiles guest_files() {
  GuestFiles files;
  files.add(kernel_path(kVersion), "boot/vmlinuz");
  files.add(LIFEBOAT_BIN "/fill_memory", "bin/fill_memory");
  files.write("boot/capture.img", capture_initramfs(kVersion, [](InitramfsContents& contents) {
                contents.plan.copy_elf = true;
              }));
  add_data(files);
  return files;
}

std::string script() {
  const std::string data = std::string("/disk/") + kDataInGuest;
  return "run load lifeboat load /disk/boot/vmlinuz --crash --initrd /disk/boot/capture.img\n"
         "mkdir /files && mount -t tmpfs -o nr_inodes=0 files /files\n" +
         fmt::format("run slab fill_memory slab {} /files\n", kFiles) +
         fmt::format("run heap fill_memory heap {} {}/shared\n", kHeapMib, data) +
         fmt::format("run cache sh -c 'find {} -type f -print0 | xargs -0 cat >/dev/null'\n", data) +
         fmt::format("run stale fill_memory stale {}\n", kStaleMib) +
         "run meminfo cat /proc/meminfo\n"
         "crash_now\nsleep 60\n";
}

void expect_done(const char* name, const Mark& mark) {
  if (mark.text != "0")
    throw std::runtime_error(fmt::format("{} in the guest failed: {}", name, mark.output));
}

// Both may be on different file systems.
void move_file(const fs::path& from, const fs::path& to) {
  std::error_code error;
  fs::rename(from, to, error);
  if (error) fs::copy_file(from, to);
}

void make_rehearsal(const fs::path& folder) {
  GuestFiles files = guest_files();
  Guest guest({.name = "bench",
               .kernel = kVersion,
               .command_line = fmt::format("crashkernel={}", kReservation),
               .script = script(),
               .memory = kMemory,
               .disk_size = 8_GiB,
               .cpus = 2},
              files);
  for (const char* name : {"load", "slab", "heap", "cache", "stale"})
    expect_done(name, guest.wait_for(name, minutes(15)));
  const Mark meminfo = guest.wait_for("meminfo");
  guest.wait_for_line("lifeboat: phase capture-end", minutes(15));
  guest.wait_for_end(minutes(5));
  for (const auto& crash : fs::directory_iterator(guest.fetch("/dump"))) {
    for (const auto& file : fs::directory_iterator(crash.path()))
      move_file(file.path(), folder / file.path().filename());
  }
  must(write_file_atomically((folder / "meminfo").string(), as_byte_span(meminfo.output), 0600));
  const auto verified = must(run_process({lifeboat_program(), "verify", folder / "vmcore"}, minutes(10)));
  if (verified.status != 0) throw std::runtime_error(verified.text);
  if (fs::file_size(folder / "vmcore.elf") < 2_GiB)
    throw std::runtime_error(fmt::format("{} has less than 2 GiB", (folder / "vmcore.elf").string()));
}

}  // namespace

fs::path bench_rehearsal() {
  const fs::path folder = rehearsals() / "bench";
  if (read_text((folder / kRecipeFile).string()).value_or("") == recipe()) return folder;
  fmt::print("making a vmcore of more than 2 GiB in a virtual machine\n");
  std::fflush(stdout);
  try {
    fs::remove_all(folder);
    fs::create_directories(folder);
    make_rehearsal(folder);
    // Last: it says that the others are whole.
    must(write_file_atomically((folder / kRecipeFile).string(), as_byte_span(recipe()), 0600));
  } catch (const std::exception& error) {
    throw BenchError(std::string("no vmcore: ") + error.what());
  }
  return folder;
}

std::map<std::string, uint64_t> memory_in_use(const fs::path& folder) {
  std::map<std::string, uint64_t> fields;
  std::istringstream text(read_text((folder / "meminfo").string()).value_or(""));
  // "Cached:          612345 kB"
  for (std::string line; std::getline(text, line);) {
    std::istringstream words(line);
    std::string name;
    uint64_t kib = 0;
    if (words >> name >> kib && name.ends_with(':')) fields[name.substr(0, name.size() - 1)] = kib >> 10;
  }
  return fields;
}

}  // namespace lifeboat::test
