// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/vm/systemd/system_guest.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iostream>
#include <thread>

namespace lifeboat::test {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

// Only a test that fails waits for so long: the machine may be slow, and emulate other guests beside.
// From a kernel's start, from the shutdown of the one before, or from a panic, to the shell.
constexpr auto kBootLimit = 1000s;
constexpr auto kCommandLimit = 1000s;  // one line: apt may unpack a kernel
constexpr auto kInitLimit = 300s;      // from QEMU's start to the first kernel's /init
constexpr int kStarts = 3;
// What root/usr/local/sbin/guest-shell prints.
constexpr std::string_view kReady = "guest: ready ";
constexpr std::string_view kStatus = "guest: status ";

// Few devices and CPU features: udev loads a driver for each of them. One CPU: kernels that patch themselves
// die now and then under multi-threaded emulation, and here that could be any of those that were entered by
// kexec.
std::vector<std::string> common_arguments(const char* memory) {
  return {"qemu-system-x86_64",
          "-nodefaults",
          "-no-user-config",
          "-display",
          "none",
          "-machine",
          "q35,accel=tcg,sata=off,smbus=off",
          "-cpu",
          "Nehalem",
          "-smp",
          "1",
          "-m",
          memory};
}

std::vector<std::string> kernel_machine(const DebianRoot& root, const GuestDisks& disks,
                                        const std::string& release) {
  auto arguments = common_arguments("768M");
  arguments.insert(
      arguments.end(),
      {"-no-reboot", "-kernel", root.kernel(release), "-initrd", root.initramfs(release), "-append",
       // A panic, and a firmware reboot where a kexec was meant, end QEMU (-no-reboot).
       "root=/dev/vda ro console=ttyS0 panic=-1 mitigations=off systemd.show_status=true TERM=dumb"});
  for (const auto& image : disks.images()) {
    arguments.insert(arguments.end(), {"-drive", "if=virtio,format=raw,cache=unsafe,file=" + image});
  }
  return arguments;
}

// The disks in their order: /dev/vda, /dev/vdb and so on.
void add_disk(std::vector<std::string>& arguments, const std::string& image, const std::string& drive = {},
              const std::string& device = {}) {
  const size_t number = arguments.size();
  arguments.insert(
      arguments.end(),
      {"-drive", fmt::format("if=none,id=disk{},format=raw,cache=unsafe{},file={}", number, drive, image),
       "-device", fmt::format("virtio-blk-pci,drive=disk{}{}", number, device)});
}

std::vector<std::string> grub_machine(const DebianRoot& root, const GuestDisks& disks) {
  auto arguments = common_arguments("1G");
  for (const auto& image : disks.images()) add_disk(arguments, image);
  // The root is /dev/vda, and the BIOS boots the last disk.
  add_disk(arguments, root.grub(), ",snapshot=on", ",bootindex=0");
  return arguments;
}

std::vector<std::string> efi_machine(const GuestDisks& disks) {
  auto arguments = common_arguments("1G");
  arguments.insert(arguments.end(), {"-bios", "/usr/share/ovmf/OVMF.fd"});
  for (const auto& image : disks.images()) add_disk(arguments, image);
  return arguments;
}

Result<UniqueFd> listen_on(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    return fail(ErrorCode::usage, "{} is too long for a socket", path);
  std::memcpy(address.sun_path, path.data(), path.size());
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd.valid() || ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(fd.get(), 1) != 0) {
    return fail_errno("cannot listen on {}", path);
  }
  return fd;
}

bool wait_readable(int fd, std::chrono::milliseconds limit) {
  pollfd poll_fd{.fd = fd, .events = POLLIN, .revents = 0};
  return ::poll(&poll_fd, 1, static_cast<int>(limit.count())) > 0;
}

}  // namespace

Result<SystemGuest> SystemGuest::start(const std::vector<std::string>& arguments, const std::string& socket,
                                       const std::string& console) {
  std::filesystem::remove(socket);
  std::filesystem::remove(console);
  const auto listener = TRY(listen_on(socket));
  auto log = TRY(open_file(console + ".qemu", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  auto qemu = TRY(ChildProcess::start(arguments, {.stdout_fd = log.get(), .stderr_fd = log.get()}));
  if (!wait_readable(listener.get(), 120s)) {
    return fail(ErrorCode::io, "QEMU did not start: {}", read_text(console + ".qemu").value_or(""));
  }
  UniqueFd shell(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  if (!shell.valid()) return fail_errno("cannot accept QEMU's connection to {}", socket);
  return SystemGuest(std::move(qemu), std::move(shell), console);
}

Result<SystemGuest> SystemGuest::boot(const DebianRoot& root, const GuestDisks& disks,
                                      const std::string& release, const std::filesystem::path& folder) {
  return boot(kernel_machine(root, disks, release), release, folder);
}

Result<SystemGuest> SystemGuest::boot_by_grub(const DebianRoot& root, const GuestDisks& disks,
                                              const std::filesystem::path& folder,
                                              const std::vector<std::string>& hardware) {
  auto machine = grub_machine(root, disks);
  machine.insert(machine.end(), hardware.begin(), hardware.end());
  return boot(machine, "GRUB's default kernel", folder);
}

Result<SystemGuest> SystemGuest::boot_by_efi(const GuestDisks& disks, const std::filesystem::path& folder) {
  return boot(efi_machine(disks), "the firmware's choice", folder);
}

Result<SystemGuest> SystemGuest::boot(const std::vector<std::string>& machine, const std::string& what,
                                      const std::filesystem::path& folder) {
  // The path of a socket may be 107 bytes long, and the test's folder may be longer.
  const auto work = TRY(TempDir::create("guest"));
  const std::string socket = work.path() / "shell";
  const std::string console = folder / "console.log";
  auto arguments = machine;
  arguments.insert(arguments.end(), {"-serial", "file:" + console, "-serial", "unix:" + socket});
  for (int start = 1;; ++start) {
    auto guest = TRY(SystemGuest::start(arguments, socket, console));
    if (guest.reaches_init()) {
      if (auto ready = guest.wait_for_shell(); !ready) return std::unexpected(guest.explained(ready.error()));
      return guest;
    }
    if (start == kStarts) {
      return std::unexpected(guest.explained(Error(ErrorCode::timeout, what + " did not reach /init")));
    }
    std::cerr << "the kernel " << what << " died before /init; started again (" << start << " of "
              << kStarts - 1 << ")\n";
  }
}

Result<SystemGuest::Answer> SystemGuest::run(const std::string& line) {
  TRY_VOID(send(line));
  Answer answer;
  const auto deadline = Clock::now() + kCommandLimit;
  for (;;) {
    auto got = next_line(deadline);
    if (!got) return std::unexpected(explained(std::move(got).error().context(line)));
    if (got->starts_with(kStatus)) {
      answer.status = std::stoi(got->substr(kStatus.size()));
      return answer;
    }
    answer.text += *got + "\n";
  }
}

Result<std::string> SystemGuest::run_into_next_kernel(const std::string& line) {
  TRY_VOID(send(line));
  auto release = wait_for_shell();
  if (!release) return std::unexpected(explained(std::move(release).error().context(line)));
  return release;
}

Result<> SystemGuest::run_to_the_end(const std::string& line) {
  TRY_VOID(send(line));
  if (qemu_.wait(kBootLimit)) return {};
  return std::unexpected(explained(Error(ErrorCode::timeout, line + ": the machine is still there")));
}

Result<> SystemGuest::type_until(const std::string& line, const std::string& answer) {
  const auto deadline = Clock::now() + kBootLimit;
  while (Clock::now() < deadline) {
    TRY_VOID(send(line));
    const auto pause = Clock::now() + 2s;
    for (auto got = next_line(pause);; got = next_line(pause)) {
      if (got && got->find(answer) != std::string::npos) return {};
      if (!got && got.error().code != ErrorCode::timeout) return std::unexpected(explained(got.error()));
      if (!got) break;
    }
  }
  return std::unexpected(explained(Error(ErrorCode::timeout, line + ": no shell answers '" + answer + "'")));
}

Result<Clock::time_point> SystemGuest::wait_for_console(const std::string& text, size_t from) {
  const auto deadline = Clock::now() + kBootLimit;
  while (Clock::now() < deadline) {
    if (console().find(text, from) != std::string::npos) return Clock::now();
    if (qemu_.wait(200ms))
      return fail(ErrorCode::truncated, "the machine ended before '{}' was on its console", text);
  }
  return std::unexpected(explained(Error(ErrorCode::timeout, "'" + text + "' never came on the console")));
}

std::string SystemGuest::console() const {
  return read_text(console_, uint64_t{1} << 26).value_or("");
}

Result<> SystemGuest::send(const std::string& line) {
  return write_all(shell_.get(), as_byte_span(line + "\n"), "the guest's shell");
}

Result<std::string> SystemGuest::next_line(Deadline deadline) {
  for (;;) {
    if (const auto end = received_.find('\n'); end != std::string::npos) {
      std::string line = received_.substr(0, end);
      std::erase(line, '\r');
      received_.erase(0, end + 1);
      return line;
    }
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
    if (left <= 0ms || !wait_readable(shell_.get(), left)) {
      return fail(ErrorCode::timeout, "the guest's shell prints nothing more");
    }
    char buffer[4096];
    const ssize_t count = ::read(shell_.get(), buffer, sizeof buffer);
    if (count <= 0) return fail(ErrorCode::truncated, "the machine has ended");
    received_.append(buffer, static_cast<size_t>(count));
  }
}

bool SystemGuest::reaches_init() {
  const auto deadline = Clock::now() + kInitLimit;
  while (Clock::now() < deadline) {
    const bool ended = qemu_.wait(200ms).has_value();
    const std::string text = console();
    if (text.find("Run /init as init process") != std::string::npos) return true;
    if (ended || text.find("end Kernel panic") != std::string::npos) return false;
  }
  return false;
}

Result<std::string> SystemGuest::wait_for_shell() {
  const auto deadline = Clock::now() + kBootLimit;
  std::string text;
  for (;;) {
    const std::string line = TRY(next_line(deadline));
    // EFI firmware takes this line for a terminal as well, and leaves its escapes in front.
    if (const auto at = line.find(kReady); at != std::string::npos) return line.substr(at + kReady.size());
    // A command that has begun a shutdown may still report its status.
    if (line.starts_with(kStatus) && line.substr(kStatus.size()) != "0") {
      return fail(ErrorCode::io, "exit status {}: {}", line.substr(kStatus.size()), text);
    }
    text += line + "\n";
  }
}

Error SystemGuest::explained(Error error) const {
  constexpr size_t kTail = 4000;
  const std::string text = console();
  error.message += "; the end of its console:\n" + text.substr(text.size() - std::min(text.size(), kTail));
  return error;
}

}  // namespace lifeboat::test
