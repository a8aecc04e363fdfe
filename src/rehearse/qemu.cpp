// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/rehearse/qemu.h"

#include "src/base/file.h"
#include "src/base/size.h"
#include "src/rehearse/guest_hardware.h"

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
  const GuestHardware& hardware = guest_hardware();
  if (auto qemu = find_program(std::string(hardware.qemu))) return *std::move(qemu);
  return std::unexpected(Error(ErrorCode::not_found,
                               fmt::format("a rehearsal needs QEMU, and {} is not installed", hardware.qemu))
                             .hint(fmt::format("install it (Debian: apt install {})", hardware.package)));
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
      std::string(guest_hardware().machine),
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
  const std::string image = folder + "/probe.img";
  const AcceleratorProbe probe = accelerator_probe(escape_commas(image));
  TRY_VOID(write_file_atomically(image, probe.program, 0600));
  std::vector<std::string> arguments = {
      qemu,
      "-nodefaults",
      "-no-user-config",
      "-no-reboot",
      "-display",
      "none",
      "-machine",
      fmt::format("{},accel={}", probe.machine, accelerator_name(accelerator)),
      "-cpu",
      accelerator == Accelerator::kvm ? "host" : "max",
      "-m",
      "16M"};
  arguments.insert(arguments.end(), probe.arguments.begin(), probe.arguments.end());
  const auto output = run_process(arguments, accelerator == Accelerator::kvm ? 10s : 60s);
  if (!output && output.error().code != ErrorCode::timeout) return std::unexpected(output.error());
  return output && output->status == probe.proved;
}

}  // namespace lifeboat::rehearse
