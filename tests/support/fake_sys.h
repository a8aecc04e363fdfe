// SPDX-License-Identifier: GPL-2.0-or-later
// A /sys with block devices and what they hang on, made of files.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "src/base/file.h"

namespace lifeboat::test {

class FakeSys {
 public:
  [[nodiscard]] std::filesystem::path path() const { return std::filesystem::canonical(folder_.path()); }
  // Paths are below /sys/devices.
  [[nodiscard]] std::filesystem::path device(const std::string& name) const {
    return path() / "devices" / name;
  }
  void put(const std::string& name, std::string_view text) const {
    std::filesystem::create_directories((path() / name).parent_path());
    write_file_atomically((path() / name).string(), as_byte_span(text), 0600).value();
  }
  void folder(const std::string& name) const { std::filesystem::create_directories(path() / name); }
  // A block device with this number.
  void block(const std::string& name, const std::string& number) const {
    const std::string kernel_name = std::filesystem::path(name).filename();
    put("devices/" + name + "/uevent", "DEVNAME=" + kernel_name + "\n");
    put("devices/" + name + "/ro", "0\n");
    folder("dev/block");
    std::filesystem::remove(path() / "dev/block" / number);
    std::filesystem::create_symlink(device(name), path() / "dev/block" / number);
  }
  void partition(const std::string& name, const std::string& number) const {
    block(name, number);
    put("devices/" + name + "/partition", "1\n");
  }
  // The driver that is bound to a device, a module or built in (then the kernel makes no link to it).
  void bind(const std::string& name, const std::string& module) const {
    bind_built_in(name, module);
    folder("module/" + module);
    const auto link = path() / "bus/drivers" / module / "module";
    if (!std::filesystem::is_symlink(link)) std::filesystem::create_symlink(path() / "module" / module, link);
  }
  void bind_built_in(const std::string& name, const std::string& driver) const {
    folder("bus/drivers/" + driver);
    folder("devices/" + name);
    std::filesystem::remove(device(name) / "driver");
    std::filesystem::create_symlink(path() / "bus/drivers" / driver, device(name) / "driver");
  }
  // `name` consists of `other`, among others.
  void stack(const std::string& name, const std::string& other) const {
    folder("devices/" + name + "/slaves");
    std::filesystem::create_symlink(device(other),
                                    device(name) / "slaves" / std::filesystem::path(other).filename());
  }
  // A controller of the NVMe subsystem 0, on a PCI device of its own.
  void nvme_controller(const std::string& pci, const std::string& name,
                       const std::string& driver = "nvme") const {
    bind("pci0000:00/" + pci, driver);
    link_controller("pci0000:00/" + pci + "/nvme/" + name, name, "pcie");
  }
  // The same over a network.
  void fabrics_controller(const std::string& name, const std::string& transport) const {
    link_controller("virtual/nvme-fabrics/ctl/" + name, name, transport);
  }

 private:
  void link_controller(const std::string& at, const std::string& name, const std::string& transport) const {
    put("devices/" + at + "/transport", transport + "\n");
    const std::string subsystem = "virtual/nvme-subsystem/nvme-subsys0";
    folder("devices/" + subsystem);
    std::filesystem::create_symlink(device(at), device(subsystem) / name);
  }

  TempDir folder_ = TempDir::create("fake-sys").value();
};

}  // namespace lifeboat::test
