// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/rehearse/qemu.h"

#include <array>

#include "src/base/file.h"
#include "src/base/size.h"

namespace lifeboat::rehearse {
namespace {

using namespace std::chrono_literals;

// A comma in a value of QEMU's options is written twice.
std::string escape_commas(const std::string& text) {
  std::string out;
  for (const char c : text) out += c == ',' ? std::string(",,") : std::string(1, c);
  return out;
}

}  // namespace

std::string_view accelerator_name(Accelerator accelerator) {
  return accelerator == Accelerator::kvm ? "kvm" : "tcg";
}

Result<std::string> find_qemu() {
  if (auto qemu = find_program("qemu-system-x86_64")) return *std::move(qemu);
  return std::unexpected(
      Error(ErrorCode::not_found, "a rehearsal needs QEMU, and qemu-system-x86_64 is not installed")
          .hint("install it (Debian: apt install qemu-system-x86)"));
}

std::vector<std::string> qemu_arguments(const std::string& qemu, const VirtualMachine& machine) {
  std::string model = machine.cpu_model;
  if (model.empty()) model = machine.accelerator == Accelerator::kvm ? "host" : "max";
  const auto serial = [](const std::string& path) { return "file:" + escape_commas(path); };
  std::string accelerator(accelerator_name(machine.accelerator));
  if (machine.one_thread) accelerator += ",thread=single";
  std::vector<std::string> arguments = {
      qemu,
      "-nodefaults",
      "-no-user-config",
      "-no-reboot",
      "-display",
      "none",
      "-machine",
      "q35",
      "-accel",
      accelerator,
      "-cpu",
      model,
      "-smp",
      fmt::format("{}", machine.cpus),
      "-m",
      fmt::format("{}M", machine.memory / 1_MiB),
      "-kernel",
      machine.kernel,
      "-initrd",
      machine.initramfs,
      "-append",
      machine.command_line,
      "-serial",
      serial(machine.guest_console),
  };
  const auto add = [&](std::initializer_list<std::string> more) { arguments.insert(arguments.end(), more); };
  if (!machine.capture_console.empty()) add({"-serial", serial(machine.capture_console)});
  // The image must survive QEMU, not a crash of the host: no need to sync the host's disk.
  if (!machine.disk.empty())
    add({"-drive",
         fmt::format("if=none,id=disk,format=raw,cache=unsafe,werror=report,file={}",
                     escape_commas(machine.disk)),
         "-device", "virtio-blk-pci,drive=disk"});
  arguments.insert(arguments.end(), machine.extra_arguments.begin(), machine.extra_arguments.end());
  return arguments;
}

Result<bool> accelerator_works(const std::string& qemu, Accelerator accelerator, const std::string& folder) {
  // mov al, 0x10; out 0xf4, al; then halt for ever. The device at port 0xf4 ends QEMU with status 2 * 0x10
  // + 1.
  constexpr std::array<uint8_t, 8> kCode = {0xb0, 0x10, 0xe6, 0xf4, 0xfa, 0xf4, 0xeb, 0xfd};
  constexpr int kProved = 33;
  std::vector<std::byte> sector(512);
  for (size_t i = 0; i < kCode.size(); ++i) sector[i] = static_cast<std::byte>(kCode[i]);
  sector[510] = std::byte{0x55};
  sector[511] = std::byte{0xaa};
  const std::string image = folder + "/probe.img";
  TRY_VOID(write_file_atomically(image, sector, 0600));
  const auto output = run_process({qemu, "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none",
                                   "-machine", fmt::format("pc,accel={}", accelerator_name(accelerator)),
                                   "-cpu", accelerator == Accelerator::kvm ? "host" : "max", "-m", "16M",
                                   "-drive", fmt::format("if=ide,format=raw,file={}", escape_commas(image)),
                                   "-device", "isa-debug-exit,iobase=0xf4,iosize=0x04"},
                                  accelerator == Accelerator::kvm ? 10s : 60s);
  if (!output && output.error().code != ErrorCode::timeout) return std::unexpected(output.error());
  return output && output->status == kProved;
}

}  // namespace lifeboat::rehearse
