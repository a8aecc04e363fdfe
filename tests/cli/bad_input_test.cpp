// SPDX-License-Identifier: GPL-2.0-or-later
// Input that is not what it should be: a clear error, the right exit code, and nothing that exists is harmed.
#include <gtest/gtest.h>

#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "support/programs.h"

namespace lifeboat::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

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
  EXPECT_EQ(run_lifeboat({"rehearse", "--kernel", "/x"}).status, 2);
}

TEST_F(BadInput, help_is_there_for_every_command) {
  for (const std::string command : {"status", "build", "load", "unload", "capture", "rehearse", "verify", "inspect"}) {
    const auto output = run_lifeboat({command, "--help"});
    EXPECT_EQ(output.status, 0) << command;
    EXPECT_THAT(output.text, HasSubstr("usage: lifeboat " + command));
  }
}

struct BadDump {
  const char* what;
  std::string bytes;
  const char* message;
};

TEST_F(BadInput, files_that_are_no_dumps) {
  std::string arm_elf(64, '\0');
  arm_elf.replace(0, 8, std::string("\x7f" "ELF\2\1\1\0", 8));
  arm_elf[16] = 4;                    // ET_CORE
  arm_elf[18] = static_cast<char>(183);  // EM_AARCH64
  arm_elf[20] = 1;
  arm_elf[52] = 64;
  const BadDump cases[] = {
      {"empty", "", "empty"},
      {"text", "hello, this is no dump at all\n", "not a dump"},
      {"arm64", arm_elf, "aarch64"},
      {"cut ELF header", std::string("\x7f" "ELF\2\1\1\0", 8), ""},
      {"cut KDUMP header", "KDUMP   \6\0\0\0", ""},
      {"cut flattened header", std::string("makedumpfile\0\0\0\0", 16), ""},
  };
  for (const auto& [what, bytes, message] : cases) {
    const std::string file = write("dump", bytes);
    for (const std::vector<std::string>& command :
         {std::vector<std::string>{"verify", file}, {"inspect", file, "sys"}, {"inspect", file, "log"},
          {"capture", file, path("out")}}) {
      const auto output = run_lifeboat(command);
      EXPECT_EQ(output.status, 1) << what << ": " << command[0] << ": " << output.text;
      EXPECT_THAT(output.text, AllOf(HasSubstr("lifeboat: error: "), HasSubstr(file), HasSubstr(message))) << what;
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
  for (const std::string kernel : {text, std::string("/bin/true"), write("none", ""), path("missing")}) {
    const auto load = run_lifeboat({"load", kernel, "--crash", "--initrd", text});
    EXPECT_EQ(load.status, 1) << load.text;
    EXPECT_THAT(load.text, HasSubstr(kernel));
    const auto rehearse = run_lifeboat({"rehearse", "--kernel", kernel, "--modules", modules, "-o", path("out")});
    EXPECT_EQ(rehearse.status, 1) << rehearse.text;
    EXPECT_THAT(rehearse.text, HasSubstr(kernel));
  }
  EXPECT_THAT(run_lifeboat({"load", "/bin/true", "--crash", "--initrd", text}).text, HasSubstr("an ELF file"));
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
  const auto output = run_lifeboat({"rehearse", "--kernel", "/bin/true", "--modules", "/", "-o", path("out")});
  EXPECT_EQ(output.status, 2) << output.text;
  EXPECT_EQ(text_of(path("out/precious")), "data");
}

TEST_F(BadInput, a_rehearsal_without_qemu) {
  ASSERT_EQ(::setenv("PATH", path("empty").c_str(), 1), 0);
  const auto output = run_lifeboat({"rehearse", "--kernel", "/bin/true", "--modules", "/", "-o", path("out")});
  ASSERT_EQ(::setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin", 1), 0);
  EXPECT_EQ(output.status, 1);
  EXPECT_THAT(output.text, HasSubstr("QEMU"));
}

TEST_F(BadInput, status_of_a_machine_that_is_not_armed) {
  const auto output = run_lifeboat({"status", "--json"});
  const auto status = nlohmann::json::parse(output.text);
  EXPECT_EQ(output.status, status["armed"].get<bool>() ? 0 : 3);
}

}  // namespace
}  // namespace lifeboat::test
