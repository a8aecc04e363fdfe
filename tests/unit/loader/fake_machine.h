// SPDX-License-Identifier: GPL-2.0-or-later
// A machine made of files: /sys and /proc with 256 MiB reserved, nothing loaded, everything allowed; and a
// kernel and an initramfs to load. kexec_file_load answers what the test says.
#pragma once

#include <cerrno>
#include <filesystem>
#include <functional>
#include <string>

#include "base/file.h"
#include "base/sys.h"
#include "loader/crash_load.h"
#include "tests/support/bzimage_builder.h"

namespace lifeboat::test {

class FakeMachine {
 public:
  FakeMachine() {
    put_sys("kernel/kexec_crash_loaded", "0\n");
    put_sys("kernel/kexec_loaded", "0\n");
    put_sys("kernel/kexec_crash_size", "268435456\n");
    put_proc("iomem", "00100000-7fffffff : System RAM\n  20000000-2fffffff : Crash kernel\n");
    put_proc("self/status", "Name:\tx\nCapEff:\t000001ffffffffff\n");
    put_proc("sys/kernel/kexec_load_disabled", "0\n");
    put_kernel({});
    put("initramfs", "070701 and so on");
  }
  ~FakeMachine() { sys::set_fault_hook({}); }
  FakeMachine(const FakeMachine&) = delete;
  FakeMachine& operator=(const FakeMachine&) = delete;

  void put(const std::string& name, std::string_view text) const {
    const std::filesystem::path path = temp_.path() / name;
    std::filesystem::create_directories(path.parent_path());
    write_file_atomically(path, as_byte_span(text), 0600).value();
  }
  void put_sys(const std::string& name, std::string_view text) const { put("sys/" + name, text); }
  void put_proc(const std::string& name, std::string_view text) const { put("proc/" + name, text); }
  void put_kernel(const BzImageFields& fields) const { put("kernel", as_text(build_bzimage(fields))); }
  void remove(const std::string& name) const { std::filesystem::remove_all(temp_.path() / name); }

  [[nodiscard]] std::string path(const std::string& name) const { return temp_.path() / name; }
  [[nodiscard]] SystemPaths paths() const { return {.sys = path("sys"), .proc = path("proc")}; }
  [[nodiscard]] LoadRequest request() const {
    return {.kernel = path("kernel"), .initramfs = path("initramfs"), .command_line = "console=ttyS0"};
  }

  // What kexec_file_load answers, and what it does to the machine. Any call that a test did not expect fails.
  void on_load(std::function<int()> answer) {
    sys::set_fault_hook([this, answer = std::move(answer)](sys::Call call) {
      if (call != sys::Call::kexec_file_load) return 0;
      ++calls;
      return answer();
    });
  }
  int calls = 0;

 private:
  TempDir temp_ = TempDir::create("machine-test").value();
};

}  // namespace lifeboat::test
