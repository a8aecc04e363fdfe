// SPDX-License-Identifier: GPL-2.0-or-later
// A virtual machine that does what is in a test's script, in step with the test. Whatever goes wrong ends the
// test by an exception with the end of the guest's console; no wait is without a limit.
#pragma once

#include <chrono>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "src/base/process.h"
#include "src/base/size.h"
#include "src/rehearse/guest_console.h"
#include "src/rehearse/qemu.h"
#include "tests/vm/support/guest_files.h"

namespace lifeboat::test {

// Of the file system on the guest's disk.
inline constexpr const char* kGuestDiskUuid = "6c696665-626f-6174-8000-000000746573";

// How long a guest may be silent where no other limit is given. Only a test that fails waits for so long: the
// machine may be slow, and emulate other guests beside.
inline constexpr std::chrono::seconds kMaxWait{300};

struct GuestOptions {
  std::string name;                   // of the console that is kept: build/rehearsals/kexec/NAME.console
  std::string kernel = "6.12";        // the first one
  std::vector<std::string> versions;  // the kernels that have modules in the initramfs; empty: the first one
  std::string command_line;           // more parameters of the first kernel
  std::string script;                 // sourced by guest_init.sh in every kernel: /disk/test.sh
  uint64_t memory = 512_MiB;
  uint64_t disk_size = 2_GiB;  // a sparse file
  int cpus = 1;
  std::string cpu_model;             // empty: the most there is
  bool efi = false;                  // boots by OVMF
  std::vector<std::string> devices;  // QEMU's, "i6300esb"
  std::vector<std::string> disks;    // images that are the caller's: /dev/vdb and so on
  std::vector<std::string> drives;   // the same for `devices` to name: "id=a,file=/image"
  bool shared_memory = false;        // write_memory() works; all of the memory is below 2 GiB then
};

// What the guest printed at a mark (guest_init.sh).
struct Mark {
  std::string text;    // behind the name: an exit status, a value
  std::string output;  // of the command that was run before it
};

class Guest {
 public:
  // `files` gets the script and boot/guest.img, the initramfs, which every later kernel can use too; the
  // kernels that the script loads must be there. Returns when the first kernel is at its /init; one that dies
  // before is started again: under software emulation some do.
  Guest(GuestOptions options, GuestFiles& files);
  // Keeps the console, and prints how long the guest ran.
  ~Guest();
  Guest(const Guest&) = delete;
  Guest& operator=(const Guest&) = delete;

  // The next mark of this name; all marks before it are passed over. The guest may be silent for `limit`.
  Mark wait_for(const std::string& name, std::chrono::seconds limit = kMaxWait);
  // The next line that has this text, of any program.
  std::string wait_for_line(const std::string& text, std::chrono::seconds limit = kMaxWait);
  // The release and the command line of the kernel that comes to its /init now.
  std::string wait_for_kernel() { return wait_for("init").text; }
  // Until QEMU has ended: the guest powered off, or was reset.
  void wait_for_end(std::chrono::seconds limit = kMaxWait);
  // The answer to guest_init.sh's wait_for_test, or what is typed where ttyS1 is a kernel's console. What is
  // printed there is read like what is printed on ttyS0.
  void answer(const std::string& line);

  // A command of QEMU's monitor ("nmi", "mce ..."); returns when it is done.
  void command_machine(const std::string& command);

  // Changes the guest's memory from outside, at a physical address below 2 GiB.
  std::vector<std::byte> read_memory(uint64_t address, size_t size) const;
  void write_memory(uint64_t address, ByteSpan bytes) const;

  [[nodiscard]] std::string console() const;
  // A folder of the guest's disk, after its end: copied to a folder that goes with this guest.
  std::filesystem::path fetch(const std::string& folder);

 private:
  void start();
  [[nodiscard]] UniqueFd connect(const std::string& socket) const;
  bool listen();  // false: QEMU has ended, and all is heard
  [[noreturn]] void give_up(const std::string& what) const;
  [[nodiscard]] std::string in_folder(const std::string& name) const { return folder_.path() / name; }
  // Takes lines until `wanted` is true for one of them.
  template <typename Wanted>
  void take_until(const Wanted& wanted, std::chrono::seconds limit, const std::string& what);

  GuestOptions options_;
  TempDir folder_;
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
  std::string qemu_;
  std::optional<ChildProcess> process_;
  std::optional<rehearse::Console> console_, line_console_;
  std::deque<std::string> lines_;  // heard, not yet taken
  UniqueFd line_;                  // the guest's ttyS1
};

}  // namespace lifeboat::test
