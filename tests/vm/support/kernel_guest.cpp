// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/vm/support/kernel_guest.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <iostream>
#include <thread>

#include "src/rehearse/disk.h"
#include "tests/support/programs.h"
#include "tests/vm/support/must.h"

namespace lifeboat::test {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr int kMaxBoots = 3;
constexpr std::string_view kMark = "TEST: ";
constexpr std::string_view kOutput = "OUT: ";
constexpr const char* kFirmware = "/usr/share/ovmf/OVMF.fd";

}  // namespace

Guest::Guest(GuestOptions options, GuestFiles& files)
    : options_(std::move(options)),
      folder_(must(TempDir::create("lifeboat-vm"))),
      qemu_(must(rehearse::find_qemu())) {
  if (options_.versions.empty()) options_.versions = {options_.kernel};
  const auto initramfs = guest_initramfs(options_.versions);
  must(write_file_atomically(in_folder("guest.img"), initramfs, 0600));
  files.write("boot/guest.img", initramfs);
  files.write("test.sh", as_byte_span(options_.script));
  for (int boot = 1;; ++boot) {
    fs::remove(in_folder("disk.img"));
    must(rehearse::make_disk(in_folder("disk.img"), options_.disk_size, kGuestDiskUuid,
                             files.folder().string()));
    start();
    try {
      wait_for_kernel();
      return;
    } catch (const std::exception& error) {
      if (boot == kMaxBoots) throw;
      std::cout << options_.name << ": the guest died before its /init, it is started again: " << error.what()
                << std::endl;
    }
  }
}

Guest::~Guest() {
  if (process_) process_->kill();
  std::error_code ignored;
  const fs::path kept = rehearsals() / "kexec";
  fs::create_directories(kept, ignored);
  fs::copy_file(in_folder("console"), kept / (options_.name + ".console"),
                fs::copy_options::overwrite_existing, ignored);
  const std::chrono::duration<double> took = Clock::now() - begin_;
  std::cout << fmt::format("{}: the guest took {:.1f} s", options_.name, took.count()) << std::endl;
}

void Guest::start() {
  rehearse::VirtualMachine machine{
      .kernel = kernel_path(options_.kernel),
      .initramfs = in_folder("guest.img"),
      .command_line = "console=ttyS0 panic=-1 " + options_.command_line,
      .disk = in_folder("disk.img"),
      .guest_console = in_folder("console"),
      .capture_console = {},
      .memory = options_.memory,
      .cpus = options_.cpus,
      .cpu_model = options_.cpu_model,
      .accelerator = rehearse::Accelerator::tcg,
      .one_thread = true,
      .extra_arguments = {"-chardev",
                          "socket,id=line,server=on,wait=off,path=" + in_folder("line") +
                              ",logfile=" + in_folder("line.log"),
                          "-serial", "chardev:line", "-monitor",
                          "unix:server=on,wait=off,path=" + in_folder("monitor")},
  };
  auto& extra = machine.extra_arguments;
  for (const auto& drive : options_.drives)
    extra.insert(extra.end(), {"-drive", "if=none,format=raw,cache=unsafe," + drive});
  for (const auto& device : options_.devices) extra.insert(extra.end(), {"-device", device});
  for (const auto& disk : options_.disks)
    extra.insert(extra.end(), {"-drive", "if=virtio,format=raw,cache=unsafe,file=" + disk});
  if (options_.efi) extra.insert(extra.end(), {"-bios", kFirmware});
  if (options_.shared_memory) {
    extra.insert(extra.end(), {"-object",
                               fmt::format("memory-backend-file,id=ram,share=on,size={}M,mem-path={}",
                                           options_.memory / 1_MiB, in_folder("memory")),
                               "-machine", "memory-backend=ram"});
  }
  line_.reset();
  console_.reset();
  lines_.clear();
  for (const char* name : {"console", "line", "line.log", "monitor"}) fs::remove(in_folder(name));
  const UniqueFd output = must(open_file(in_folder("qemu"), O_RDWR | O_CREAT | O_TRUNC, 0600));
  process_.reset();
  process_ = must(ChildProcess::start(rehearse::qemu_arguments(qemu_, machine),
                                      {.stdout_fd = output.get(), .stderr_fd = output.get()}));
  console_.emplace(in_folder("console"));
  line_console_.emplace(in_folder("line.log"));
}

UniqueFd Guest::connect(const std::string& socket) const {
  UniqueFd line(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  in_folder(socket).copy(address.sun_path, sizeof address.sun_path - 1);
  if (::connect(line.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    give_up("has no socket " + socket);
  return line;
}

bool Guest::listen() {
  const bool ended = process_->poll().has_value();
  // It is all in line.log; but a line that nobody reads would soon hold the guest up.
  char heard[4096];
  while (line_.valid() && ::recv(line_.get(), heard, sizeof heard, MSG_DONTWAIT) > 0) {
  }
  // After the poll: the last lines of a guest that has ended are in the file by now.
  for (auto* console : {&*console_, &*line_console_}) {
    for (auto& line : console->new_lines()) lines_.push_back(std::move(line));
  }
  return !ended;
}

void Guest::give_up(const std::string& what) const {
  throw std::runtime_error(fmt::format("{}: the guest {}; QEMU printed: {}; its console ended with:\n{}",
                                       options_.name, what, read_text(in_folder("qemu")).value_or(""),
                                       console_->tail(40)));
}

template <typename Wanted>
void Guest::take_until(const Wanted& wanted, std::chrono::seconds limit, const std::string& what) {
  auto last = Clock::now();
  for (;;) {
    const bool alive = listen();
    if (!lines_.empty()) last = Clock::now();
    while (!lines_.empty()) {
      const std::string line = std::move(lines_.front());
      lines_.pop_front();
      if (wanted(line)) return;
    }
    if (!alive) give_up("ended before " + what);
    if (Clock::now() - last > limit) give_up("was silent for too long before " + what);
    std::this_thread::sleep_for(20ms);
  }
}

Mark Guest::wait_for(const std::string& name, std::chrono::seconds limit) {
  Mark mark;
  const auto wanted = [&](const std::string& line) {
    if (const auto at = line.find(kOutput); at != std::string::npos) {
      mark.output += line.substr(at + kOutput.size()) + '\n';
      return false;
    }
    const auto at = line.find(kMark);
    if (at == std::string::npos) return false;
    const std::string rest = line.substr(at + kMark.size());
    if (rest == name || rest.starts_with(name + ' ')) {
      mark.text = rest.size() > name.size() ? rest.substr(name.size() + 1) : std::string();
      return true;
    }
    mark.output.clear();
    return false;
  };
  take_until(wanted, limit, "its mark \"" + name + '"');
  return mark;
}

std::string Guest::wait_for_line(const std::string& text, std::chrono::seconds limit) {
  std::string found;
  take_until(
      [&](const std::string& line) {
        if (line.find(text) == std::string::npos) return false;
        found = line;
        return true;
      },
      limit, "the line \"" + text + '"');
  return found;
}

void Guest::wait_for_end(std::chrono::seconds limit) {
  const auto deadline = Clock::now() + limit;
  while (listen()) {
    if (Clock::now() > deadline) give_up("did not end");
    std::this_thread::sleep_for(20ms);
  }
}

void Guest::answer(const std::string& line) {
  if (!line_.valid()) line_ = connect("line");
  must(write_all(line_.get(), as_byte_span(line + '\n'), "the guest's second serial line"));
}

void Guest::command_machine(const std::string& command) {
  constexpr std::string_view kPrompt = "(qemu) ";
  const UniqueFd monitor = connect("monitor");
  const auto wait_for_prompt = [&] {
    std::string output;
    while (!output.ends_with(kPrompt)) {
      pollfd watched{.fd = monitor.get(), .events = POLLIN, .revents = 0};
      char bytes[256];
      const ssize_t count =
          ::poll(&watched, 1, 30'000) == 1 ? ::read(monitor.get(), bytes, sizeof bytes) : ssize_t{0};
      if (count <= 0) give_up("did not take the command '" + command + "'");
      output.append(bytes, static_cast<size_t>(count));
    }
  };
  wait_for_prompt();
  must(write_all(monitor.get(), as_byte_span(command + '\n'), "QEMU's monitor"));
  wait_for_prompt();
}

std::vector<std::byte> Guest::read_memory(uint64_t address, size_t size) const {
  const UniqueFd memory = must(open_file(in_folder("memory"), O_RDONLY));
  std::vector<std::byte> bytes(size);
  must(pread_exact(memory.get(), address, bytes, "the guest's memory"));
  return bytes;
}

void Guest::write_memory(uint64_t address, ByteSpan bytes) const {
  const UniqueFd memory = must(open_file(in_folder("memory"), O_WRONLY));
  must(pwrite_all(memory.get(), address, bytes, "the guest's memory"));
}

std::string Guest::console() const {
  return read_text(in_folder("console"), 64_MiB).value_or("") +
         read_text(in_folder("line.log"), 64_MiB).value_or("");
}

fs::path Guest::fetch(const std::string& folder) {
  const fs::path fetched = folder_.path() / "fetched";
  fs::create_directory(fetched);
  must(rehearse::extract_folder(in_folder("disk.img"), folder, fetched.string()));
  return fetched / fs::path(folder).filename();
}

}  // namespace lifeboat::test
