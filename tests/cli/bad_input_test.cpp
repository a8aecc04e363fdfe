// SPDX-License-Identifier: GPL-2.0-or-later
// Input that is not what it should be: a clear error, the right exit code, and nothing that exists is harmed.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <functional>
#include <nlohmann/json.hpp>

#include "src/rehearse/qemu.h"
#include "tests/support/elf_builder.h"
#include "tests/support/programs.h"

namespace lifeboat::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class BadInput : public ::testing::Test {
 protected:
  void SetUp() override {
    auto folder = TempDir::create("lifeboat-cli");
    ASSERT_TRUE(folder);
    folder_.emplace(*std::move(folder));
  }
  [[nodiscard]] std::string path(const std::string& name) const { return (folder_->path() / name).string(); }
  std::string write(const std::string& name, std::string_view text) const {
    EXPECT_TRUE(write_file_atomically(path(name), as_byte_span(text), 0600));
    return path(name);
  }
  std::optional<TempDir> folder_;
};

TEST_F(BadInput, exit_codes_of_wrong_usage) {
  EXPECT_EQ(run_lifeboat({}).status, 2);
  EXPECT_EQ(run_lifeboat({"dance"}).status, 2);
  EXPECT_EQ(run_lifeboat({"verify"}).status, 2);
  EXPECT_EQ(run_lifeboat({"capture", "a", "b", "c"}).status, 2);
  EXPECT_EQ(run_lifeboat({"capture", "a", "b", "--level", "32"}).status, 2);
  EXPECT_EQ(run_lifeboat({"capture", "a", "b", "--compress", "rar"}).status, 2);
  EXPECT_EQ(run_lifeboat({"inspect", "a", "poetry"}).status, 2);
  // Debug information has source lines, which only some views show.
  EXPECT_EQ(run_lifeboat({"inspect", "a", "ps", "--vmlinux", "b"}).status, 2);
  EXPECT_EQ(run_lifeboat({"inspect", "a", "log", "--debug-dir", "b"}).status, 2);
  EXPECT_EQ(run_lifeboat({"rehearse", "--kernel", "/x"}).status, 2);
  EXPECT_EQ(run_lifeboat({"rehearse", "--capture-cpus", "0"}).status, 2);
  EXPECT_EQ(run_lifeboat({"rehearse", "--capture-cpus", "255"}).status, 2);
  for (const char* numbers : {"1,1", "1,,2", "1,", "two", ""})
    EXPECT_EQ(run_lifeboat({"rehearse", "--capture-cpus", numbers}).status, 2) << numbers;
  EXPECT_EQ(run_lifeboat({"rehearse", "--cpus", "0"}).status, 2);
  const auto cpus = run_lifeboat({"rehearse", "--capture-cpus", "4", "--cpus", "4"});
  EXPECT_EQ(cpus.status, 2);
  EXPECT_THAT(cpus.text, HasSubstr("a guest of at least 5 CPUs"));
  // Only what leads to the configured targets is waited for.
  EXPECT_EQ(run_lifeboat({"load", "/x", "--wait", "5"}).status, 2);
  EXPECT_EQ(run_lifeboat({"load", "--crash", "--initrd", "/x", "--wait", "5"}).status, 2);
  EXPECT_EQ(run_lifeboat({"collect", "--store", "/x", "--wait", "5"}).status, 2);
}

TEST_F(BadInput, an_unknown_name_is_answered_with_the_known_ones) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
      {{"chekc"}, "'check'"},
      {{"dance"}, "use one of: status, check"},
      {{"config", "chekc"}, "'check'"},
      {{"reserve", "shrnk"}, "'shrink'"},
      {{"reserve", "bogus"}, "use one of: show, estimate"},
      {{"inspect", "a", "logs"}, "'log'"},
      {{"inspect", "a", "poetry"}, "use one of: report, log"}};
  for (const auto& [arguments, hint] : cases) {
    const auto output = run_lifeboat(arguments);
    EXPECT_EQ(output.status, 2) << output.text;
    EXPECT_THAT(output.text, HasSubstr(hint));
  }
}

TEST_F(BadInput, options_of_another_action_are_not_passed_over) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
      {{"reserve", "show", "--undo"}, "'reserve set'"},
      {{"reserve", "--dry-run"}, "'reserve set'"},
      {{"reserve", "estimate", "--root", "/"}, "'reserve set'"},
      {{"reserve", "shrink", "1G", "--boot-loader", "grub"}, "'reserve set'"},
      {{"reserve", "show", "--force"}, "'reserve set', 'reserve shrink'"},
      {{"reserve", "--kernel", "a"}, "'reserve estimate'"},
      {{"reserve", "set", "256M", "--undo"}, "--undo takes no SIZE"},
      {{"inspect", "a", "ps", "--count", "3"}, "'inspect read', 'inspect search'"}};
  for (const auto& [arguments, words] : cases) {
    const auto output = run_lifeboat(arguments);
    EXPECT_EQ(output.status, 2) << output.text;
    EXPECT_THAT(output.text, HasSubstr(words));
  }
}

// What the caller did is right; what it meets is not.
TEST_F(BadInput, the_state_of_the_machine_is_no_wrong_usage) {
  const std::string config = write("conf", "[target]\ndevice = /dev/null\n");
  const auto build = run_lifeboat({"build", "--config", config, "-o", path("image")});
  EXPECT_EQ(build.status, 1);
  EXPECT_THAT(build.text, HasSubstr("/dev/null is not a block device"));
  if (run_lifeboat({"status"}).status != 3) GTEST_SKIP() << "this machine is armed";
  const auto rehearsal = run_lifeboat({"rehearse", "--real"});
  EXPECT_EQ(rehearsal.status, 1);
  EXPECT_THAT(rehearsal.text, HasSubstr("not armed"));
}

TEST_F(BadInput, an_answer_that_cannot_be_written_is_a_failure) {
  for (const std::string arguments : {"--help", "--version", "help", "list --help", "status --json"}) {
    const auto output = run({"sh", "-c", lifeboat_program() + " " + arguments + " >/dev/full"});
    EXPECT_EQ(output.status, 1) << arguments;
    EXPECT_THAT(output.text, HasSubstr("cannot write to the standard output"));
  }
}

TEST_F(BadInput, a_missing_vmcore_and_a_missing_argument_have_a_fix) {
  if (::access("/proc/vmcore", F_OK) == 0) GTEST_SKIP() << "this is a capture kernel";
  EXPECT_THAT(run_lifeboat({"capture", "/proc/vmcore", path("k")}).text,
              AllOf(HasSubstr("No such file"), HasSubstr("fix: give a dump file")));
  EXPECT_THAT(run_lifeboat({"verify"}).text, HasSubstr("fix: use: lifeboat verify "));
}

TEST_F(BadInput, help_is_there_for_every_command) {
  for (const std::string command :
       {"status", "build", "load", "unload", "capture", "rehearse", "verify", "inspect"}) {
    const auto output = run_lifeboat({command, "--help"});
    EXPECT_EQ(output.status, 0) << command;
    EXPECT_THAT(output.text, HasSubstr("usage: lifeboat " + command));
  }
}

TEST_F(BadInput, a_reservation_that_no_machine_can_give_is_refused) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root sees the addresses of memory";
  const auto much = run_lifeboat({"reserve", "set", "900T", "--dry-run"});
  EXPECT_EQ(much.status, 2) << much.text;
  EXPECT_THAT(much.text, AllOf(HasSubstr("crashkernel=900T: this machine has"), HasSubstr("fix:")));
  const auto place = run_lifeboat({"reserve", "set", "256M@0x1", "--dry-run"});
  EXPECT_EQ(place.status, 2) << place.text;
  EXPECT_THAT(place.text, HasSubstr("0x1 is not a multiple of 16 MiB"));
}

TEST_F(BadInput, a_configuration_that_is_a_fifo_is_not_waited_for) {
  ASSERT_EQ(::mkfifo(path("fifo").c_str(), 0600), 0);
  const auto output = run_lifeboat({"config", "check", "--config", path("fifo")});
  EXPECT_EQ(output.status, 1) << output.text;
  EXPECT_THAT(output.text, HasSubstr("is not a file"));
}

TEST_F(BadInput, a_source_that_is_none_costs_no_folder_in_a_store) {
  const auto output = run_lifeboat({"capture", path("nothing"), "--store-folder", path("store")});
  EXPECT_EQ(output.status, 1) << output.text;
  EXPECT_THAT(output.text, HasSubstr(path("nothing")));
  EXPECT_FALSE(std::filesystem::exists(path("store")));
}

TEST_F(BadInput, what_a_configuration_names_and_is_not_there_is_reported) {
  const std::string config = write("conf", "[capture]\nhook_before = /nonexistent\n");
  const auto text = run_lifeboat({"config", "check", "--config", config});
  EXPECT_EQ(text.status, 0) << text.text;
  EXPECT_THAT(text.text, HasSubstr("[capture] hook_before: /nonexistent: No such file"));
}

struct BadDump {
  const char* what;
  std::string bytes;
  const char* message;
};

TEST_F(BadInput, files_that_are_no_dumps) {
  const BadDump cases[] = {
      {"empty", "", "empty"},
      {"text", "hello, this is no dump at all\n", "not a dump"},
      {"cut ELF header",
       std::string("\x7f"
                   "ELF\2\1\1\0",
                   8),
       ""},
      {"cut KDUMP header", std::string("KDUMP   \6\0\0\0", 12), ""},
      {"cut flattened header", std::string("makedumpfile\0\0\0\0", 16), ""},
  };
  for (const auto& [what, bytes, message] : cases) {
    const std::string file = write("dump", bytes);
    for (const std::vector<std::string>& command : {std::vector<std::string>{"verify", file},
                                                    {"inspect", file, "sys"},
                                                    {"inspect", file, "log"},
                                                    {"capture", file, path("out")}}) {
      const auto output = run_lifeboat(command);
      EXPECT_EQ(output.status, 1) << what << ": " << command[0] << ": " << output.text;
      EXPECT_THAT(output.text, AllOf(HasSubstr("lifeboat: error: "), HasSubstr(file), HasSubstr(message)))
          << what;
    }
    EXPECT_FALSE(std::filesystem::exists(path("out"))) << what;
    EXPECT_FALSE(std::filesystem::exists(path("out.incomplete"))) << what;
  }
}

TEST_F(BadInput, a_dump_that_does_not_exist) {
  const auto output = run_lifeboat({"verify", path("nothing")});
  EXPECT_EQ(output.status, 1);
  EXPECT_THAT(output.text, HasSubstr("No such file or directory"));
}

TEST_F(BadInput, kernels_that_are_none) {
  const std::string text = write("kernel", "#!/bin/sh\necho I am no kernel\n");
  const auto modules = path("modules");
  for (const std::string& kernel : {text, std::string("/bin/true"), write("none", ""), path("missing")}) {
    const auto load = run_lifeboat({"load", kernel, "--crash", "--initrd", text});
    EXPECT_EQ(load.status, 1) << load.text;
    EXPECT_THAT(load.text, HasSubstr(kernel));
    // Without QEMU a rehearsal says only that (a_rehearsal_without_qemu).
    if (!rehearse::find_qemu()) continue;
    const auto rehearse =
        run_lifeboat({"rehearse", "--kernel", kernel, "--modules", modules, "-o", path("out")});
    EXPECT_EQ(rehearse.status, 1) << rehearse.text;
    EXPECT_THAT(rehearse.text, HasSubstr(kernel));
  }
  EXPECT_THAT(run_lifeboat({"load", "/bin/true", "--crash", "--initrd", text}).text,
              HasSubstr("an ELF file"));
}

TEST_F(BadInput, a_rehearsal_without_the_modules_it_needs) {
  std::filesystem::create_directory(path("modules"));
  const auto output = run_lifeboat({"rehearse", "--kernel", cache() / "kernels/6.12/vmlinuz", "--modules",
                                    path("modules"), "-o", path("out")});
  if (!std::filesystem::exists(cache() / "kernels/6.12/vmlinuz")) GTEST_SKIP() << "no kernel was fetched";
  EXPECT_EQ(output.status, 1);
  EXPECT_THAT(output.text, AllOf(HasSubstr("modules.dep"), HasSubstr("depmod")));
}

TEST_F(BadInput, a_rehearsal_overwrites_nothing) {
  std::filesystem::create_directory(path("out"));
  write("out/precious", "data");
  const auto output =
      run_lifeboat({"rehearse", "--kernel", "/bin/true", "--modules", "/", "-o", path("out")});
  EXPECT_EQ(output.status, 2) << output.text;
  EXPECT_EQ(text_of(path("out/precious")), "data");
}

TEST_F(BadInput, a_rehearsal_without_qemu) {
  ASSERT_EQ(::setenv("PATH", path("empty").c_str(), 1), 0);
  const auto output =
      run_lifeboat({"rehearse", "--kernel", "/bin/true", "--modules", "/", "-o", path("out")});
  ASSERT_EQ(::setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin", 1), 0);
  EXPECT_EQ(output.status, 1);
  EXPECT_THAT(output.text, HasSubstr("QEMU"));
}

// A vmcore of a megabyte in which no two pages are alike.
std::string some_vmcore(const std::function<void(ElfBuilder&)>& change) {
  std::vector<std::byte> memory(uint64_t{1} << 20);
  uint32_t state = 1;
  for (auto& byte : memory) {
    state = state * 1664525 + 1013904223;
    byte = static_cast<std::byte>(state >> 24);
  }
  ElfBuilder elf;
  change(elf);
  elf.load(0x100000, memory);
  return std::string(as_text(elf.build()));
}

TEST_F(BadInput, a_vmcore_without_vmcoreinfo) {
  const std::string without = write("without", some_vmcore([](ElfBuilder&) {}));
  const std::string garbled = write("garbled", some_vmcore([](ElfBuilder& elf) {
                                      elf.vmcoreinfo("OSRELEASE=6.1.0\nSYMBOL(mem_section)=zz\n\xff\xfe");
                                    }));
  for (const auto& file : {without, garbled}) {
    // It cannot be filtered, and the error has a fix.
    const auto capture = run_lifeboat({"capture", file, path("out")});
    EXPECT_EQ(capture.status, 1) << capture.text;
    EXPECT_THAT(capture.text, HasSubstr("--level 1"));
    EXPECT_FALSE(std::filesystem::exists(path("out")));
    EXPECT_EQ(run_lifeboat({"inspect", file, "log"}).status, 1);
    // What the container holds is shown all the same.
    EXPECT_EQ(run_lifeboat({"inspect", file, "sys"}).status, 0);
    EXPECT_EQ(run_lifeboat({"verify", file}).status, 0);
    // Whole, without a filter.
    const auto whole = run_lifeboat({"capture", file, path("out"), "--level", "0"});
    EXPECT_EQ(whole.status, 0) << whole.text;
    EXPECT_EQ(run_lifeboat({"verify", path("out")}).status, 0);
    std::filesystem::remove(path("out"));
  }
}

TEST_F(BadInput, states_that_no_task_has) {
  const std::string file = write("dump", some_vmcore([](ElfBuilder&) {}));
  for (const std::string states : {"", "Q", "RQ"})
    EXPECT_EQ(run_lifeboat({"inspect", file, "ps", "--state", states}).status, 2) << states;
}

// Its container is read; what its memory holds is not.
TEST_F(BadInput, a_vmcore_of_another_architecture) {
  const std::string file = write(
      "arm", some_vmcore([](ElfBuilder& elf) {
        elf.machine(EM_AARCH64).vmcoreinfo("OSRELEASE=6.1.0-arm64\nPAGESIZE=65536\nCRASHTIME=1795423348\n");
      }));
  for (const std::vector<std::string>& command : {std::vector<std::string>{"inspect", file},
                                                  {"inspect", file, "sys"},
                                                  {"inspect", file, "log"},
                                                  {"capture", file, path("out")},
                                                  {"capture", file, path("out"), "--level", "31,0"}}) {
    const auto output = run_lifeboat(command);
    EXPECT_EQ(output.status, 1) << command[0] << ": " << output.text;
    EXPECT_THAT(output.text,
                AllOf(HasSubstr("lifeboat: error: "), HasSubstr(file), HasSubstr("(aarch64)"),
                      HasSubstr("its kernel is 6.1.0-arm64, which crashed at 2026-11-23T08:42:28Z")));
    EXPECT_FALSE(std::filesystem::exists(path("out")));
    EXPECT_FALSE(std::filesystem::exists(path("out.incomplete")));
  }
  EXPECT_EQ(run_lifeboat({"verify", file}).status, 0);
  const auto whole = run_lifeboat({"capture", file, path("out"), "--level", "1"});
  EXPECT_EQ(whole.status, 0) << whole.text;
  EXPECT_EQ(run_lifeboat({"verify", path("out")}).status, 0);
  EXPECT_THAT(run_lifeboat({"inspect", path("out"), "log"}).text,
              AllOf(HasSubstr("(aarch64)"), HasSubstr("its kernel is 6.1.0-arm64")));
}

TEST_F(BadInput, a_vmcore_whose_page_size_is_unknown) {
  const std::string file = write("arm", some_vmcore([](ElfBuilder& elf) { elf.machine(EM_AARCH64); }));
  for (const std::vector<std::string>& command : {std::vector<std::string>{"verify", file},
                                                  {"inspect", file, "sys"},
                                                  {"capture", file, path("out"), "--level", "0"}}) {
    const auto output = run_lifeboat(command);
    EXPECT_EQ(output.status, 1) << command[0] << ": " << output.text;
    EXPECT_THAT(output.text, AllOf(HasSubstr(file), HasSubstr("page size"), HasSubstr("VMCOREINFO")));
  }
}

TEST_F(BadInput, a_vmcore_that_is_cut_off) {
  std::string bytes = some_vmcore([](ElfBuilder&) {});
  const std::string cut = write("cut", bytes.substr(0, bytes.size() / 2));
  EXPECT_EQ(run_lifeboat({"verify", cut}).status, 3);
  const auto capture = run_lifeboat({"capture", cut, path("out"), "--level", "0"});
  EXPECT_EQ(capture.status, 1);
  EXPECT_THAT(capture.text, HasSubstr("could not be read"));
  EXPECT_FALSE(std::filesystem::exists(path("out")));
  // What was there is saved, and marked incomplete.
  EXPECT_EQ(run_lifeboat({"verify", path("out.incomplete")}).status, 3);
}

TEST_F(BadInput, a_place_in_memory_that_no_machine_has) {
  const std::string far =
      write("far", some_vmcore([](ElfBuilder& elf) {
              elf.load(uint64_t{0xfffffff00000}, std::vector<std::byte>(4096, std::byte{7}));
            }));
  const auto capture = run_lifeboat({"capture", far, path("out"), "--level", "0"}, std::chrono::seconds(20));
  EXPECT_EQ(capture.status, 0) << capture.text;
  // Only what there is takes room.
  struct stat status{};
  ASSERT_EQ(::stat(path("out").c_str(), &status), 0);
  EXPECT_LT(status.st_blocks * 512, 4 << 20);
}

TEST_F(BadInput, a_fifo_is_not_waited_for) {
  ASSERT_EQ(::mkfifo(path("fifo").c_str(), 0600), 0);
  for (const std::string command : {"verify", "inspect"}) {
    const auto output = run_lifeboat({command, path("fifo")}, std::chrono::seconds(10));
    EXPECT_EQ(output.status, 1);
    EXPECT_THAT(output.text, HasSubstr("neither a file nor a block device"));
  }
}

TEST_F(BadInput, a_kernel_with_the_modules_of_another) {
  const auto kernels = cache() / "kernels";
  if (!std::filesystem::exists(kernels / "6.1/package")) GTEST_SKIP() << "no kernel was fetched";
  const auto output = run_lifeboat({"rehearse", "--kernel", kernels / "6.12/vmlinuz", "--modules",
                                    std::filesystem::canonical(kernels / "6.1/modules"), "-o", path("out")});
  EXPECT_EQ(output.status, 1);
  EXPECT_THAT(output.text, AllOf(HasSubstr("the modules are for the kernel 6.1"), HasSubstr("not for 6.12")));
}

TEST_F(BadInput, nothing_that_exists_is_overwritten) {
  const std::string source = write("source", some_vmcore([](ElfBuilder&) {}));
  for (const std::string name : {"out", "out.incomplete"}) {
    write(name, "precious");
    const auto output = run_lifeboat({"capture", source, path("out"), "--level", "0"});
    EXPECT_NE(output.status, 0);
    EXPECT_THAT(output.text, HasSubstr("exists"));
    EXPECT_EQ(text_of(path(name)), "precious");
    std::filesystem::remove(path(name));
  }
}

TEST_F(BadInput, a_target_that_is_full_or_read_only) {
  const std::string source = write("source", some_vmcore([](ElfBuilder&) {}));
  std::filesystem::create_directory(path("target"));
  // A file system of its own, in a mount namespace of its own.
  const auto capture_onto = [&](const std::string& options) {
    const std::string script = "mount -t tmpfs -o " + options +
                               " tmpfs \"$1\" && \"$2\" capture \"$3\" \"$1/out\" --level 0; " +
                               "status=$?; ls -A \"$1\"; exit $status";
    return run({"unshare", "--mount", "--map-root-user", "sh", "-c", script, "sh", path("target"),
                lifeboat_program(), source});
  };
  const auto full = capture_onto("size=256k");
  EXPECT_EQ(full.status, 1) << full.text;
  EXPECT_THAT(full.text, AllOf(HasSubstr("No space left on device"), HasSubstr("fix:")));
  const auto read_only = capture_onto("ro");
  EXPECT_EQ(read_only.status, 1) << read_only.text;
  EXPECT_THAT(read_only.text, HasSubstr("Read-only file system"));
}

TEST_F(BadInput, status_of_a_machine_that_is_not_armed) {
  const auto output = run_lifeboat({"status", "--json"});
  const auto status = nlohmann::json::parse(output.text);
  EXPECT_EQ(output.status, status["armed"].get<bool>() ? 0 : 3);
}

}  // namespace
}  // namespace lifeboat::test
