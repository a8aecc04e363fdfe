// SPDX-License-Identifier: GPL-2.0-or-later
// A machine made of files: /sys and /proc with 256 MiB reserved, nothing loaded, everything allowed; and a
// kernel and an initramfs to load. kexec_file_load answers what the test sets.
#pragma once

#include <cerrno>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "loader/load.h"
#include "src/base/file.h"
#include "src/base/kexec_observer.h"
#include "src/base/sys.h"
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
  ~FakeMachine() {
    sys::set_fault_hook({});
    sys::set_kexec_file_observer({});
  }
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
  // What kexec_load needs to know besides: two CPUs, VMCOREINFO, the kernel's mapping.
  void put_notes() const {
    for (const char* cpu : {"cpu0", "cpu1"}) {
      const std::string folder = std::string("devices/system/cpu/") + cpu;
      put_sys(folder + "/crash_notes", cpu[3] == '0' ? "2f801000\n" : "2f901000\n");
      put_sys(folder + "/crash_notes_size", "352\n");
    }
    put_sys("devices/system/cpu/cpufreq/x", "");
    put_sys("kernel/vmcoreinfo", "2f7f0000 1024\n");
    put_proc("kallsyms", "0000000000000000 A fixed_percpu_data\nffffffff81000000 T _text\n");
    put_proc("cmdline", "BOOT_IMAGE=/vmlinuz console=ttyS1\n");
    put_proc("cpuinfo", "processor\t: 0\nflags\t\t: fpu lm\n");
  }
  void remove(const std::string& name) const { std::filesystem::remove_all(temp_.path() / name); }

  [[nodiscard]] std::string path(const std::string& name) const { return temp_.path() / name; }
  [[nodiscard]] SystemPaths paths() const {
    return {.sys = path("sys"), .proc = path("proc"), .iomem = {}, .run = temp_.path(), .root = temp_.path()};
  }
  [[nodiscard]] LoadRequest request() const {
    return {.initramfs = {path("initramfs")}, .command_line = "console=ttyS0"};
  }

  // What kexec_file_load, or kexec_load, answers, and what it does to the machine. No real one is ever
  // called.
  void on_load(std::function<int()> answer) {
    on_file_ = std::move(answer);
    watch();
  }
  void on_segments(std::function<int()> answer) {
    on_segments_ = std::move(answer);
    watch();
  }
  // A kernel that answers as a real one does: `about_file` is what it finds wrong with the kernel file (an
  // errno, 0: nothing). A load for a crash frees the old image before it looks; a load without an initramfs
  // that it can read fails after that (kernel/kexec_file.c).
  void behave(std::function<int()> about_file) {
    about_file_ = std::move(about_file);
    on_load([this] {
      const sys::KexecFileArguments& asked = asked_.back();
      const bool crash = (asked.flags & kOnCrash) != 0;
      const char* const loaded = crash ? "kernel/kexec_crash_loaded" : "kernel/kexec_loaded";
      if ((asked.flags & kUnload) != 0) {
        put_sys(loaded, "0\n");
        return sys::kPretend;
      }
      if (crash) put_sys(loaded, "0\n");
      if (const int error = about_file_(); error != 0) return error;
      if (asked.initrd_fd < 0 && (asked.flags & kNoInitramfs) == 0) return EBADF;
      put_sys(loaded, "1\n");
      return sys::kPretend;
    });
  }
  // The arguments of each kexec_file_load, and its flags (include/uapi/linux/kexec.h).
  enum Flag : unsigned long { kUnload = 1, kOnCrash = 2, kNoInitramfs = 4 };
  [[nodiscard]] const std::vector<sys::KexecFileArguments>& asked() const { return asked_; }
  void forget_calls() {
    calls = segment_calls = 0;
    asked_.clear();
  }
  int calls = 0;          // of kexec_file_load
  int segment_calls = 0;  // of kexec_load

 private:
  void watch() {
    sys::set_kexec_file_observer(
        [this](const sys::KexecFileArguments& arguments) { asked_.push_back(arguments); });
    sys::set_fault_hook([this](sys::Call call) {
      if (call == sys::Call::kexec_file_load) {
        ++calls;
        return on_file_();
      }
      if (call == sys::Call::kexec_load) {
        ++segment_calls;
        return on_segments_();
      }
      return 0;
    });
  }
  std::vector<sys::KexecFileArguments> asked_;
  std::function<int()> about_file_ = [] { return 0; };
  std::function<int()> on_file_ = [] { return ENOTSUP; };
  std::function<int()> on_segments_ = [] { return ENOTSUP; };
  TempDir temp_ = TempDir::create("machine-test").value();
};

}  // namespace lifeboat::test
