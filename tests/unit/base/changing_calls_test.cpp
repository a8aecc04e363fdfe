// SPDX-License-Identifier: GPL-2.0-or-later
// Every call that changes something outside the process goes through base/sys.h, where a test can make it
// fail. This looks for others in the sources.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "src/base/file.h"
#include "tests/support/sanitized.h"

namespace lifeboat {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr const char* kFolders[] = {"src", "capture", "loader"};

struct Exception {
  const char* file;
  const char* call;
  const char* reason;
};
// What only concerns a process of our own (kill, prctl, setrlimit, posix_spawn, execve, sendto) is not looked
// for. The purgatory (C, no system calls: it runs between two kernels) is not either.
constexpr Exception kExceptions[] = {
    {"src/base/confine.cpp", "syscall",
     "capset, of this process alone: the C library has no function for it"},
    {"capture/run/supervise.cpp", "write",
     "a pipe of our own, by time: a test counts the writes of the work"},
    {"src/base/log_sinks.cpp", "write", "a message about a failing call is not to fail by it, too"},
};

// Comments and texts may name a call.
std::string code_of_line(const std::string& line) {
  if (line.starts_with("#include")) return {};
  static const std::regex text(R"("(\\.|[^"\\])*")");
  const std::string code = std::regex_replace(line, text, "\"\"");
  return code.substr(0, code.find("//"));
}

// The calls in one line of a source.
std::vector<std::string> changing_calls(const std::string& line) {
  // Those that nothing else is called like.
  static const std::regex own_names(
      R"((^|[^\w.>:])(?:::)?(openat2?|creat|mkostemps?|mkstemps?|mkdtemp|mkdirat|mknod|mknodat|mkfifo|mkfifoat|unlinkat|)"
      R"(unlink|rmdir|renameat2?|linkat|symlinkat|symlink|ftruncate|fallocate|posix_fallocate|copy_file_range|)"
      R"(sendfile|splice|syncfs|fsync|fdatasync|sync_file_range|fchown|fchownat|lchown|chown|fchmod|fchmodat|)"
      R"(chmod|utimensat|futimens|f?l?setxattr|pwritev?2?|writev|fopen|fdopen|fwrite|umount2?|pivot_root|chroot|)"
      R"(fsopen|fsconfig|fsmount|move_mount|open_tree|mount_setattr|swapon|swapoff|sethostname|settimeofday|)"
      R"(clock_settime|init_module|finit_module|delete_module|syscall|vfork)\s*\()");
  // Those that a member function may be called like: only as the system's.
  static const std::regex shared_names(
      R"((^|[^\w>])::(open|write|truncate|rename|remove|link|mkdir|mount|umount|sync|ioctl|reboot|fork|clone)\s*\()");
  static const std::regex library(
      R"(()((?:fs|filesystem)::(?:create_\w+|remove|remove_all|rename|copy|copy_file|permissions|resize_file|)"
      R"(last_write_time)\b|\b(?:std::)?o?fstream\b|std::(?:remove|rename)\b))");
  const std::string code = code_of_line(line);
  std::vector<std::string> calls;
  for (const auto* expression : {&own_names, &shared_names, &library}) {
    for (std::sregex_iterator at(code.begin(), code.end(), *expression), end; at != end; ++at)
      calls.push_back((*at)[2]);
  }
  return calls;
}

bool is_excepted(const std::string& file, const std::string& call) {
  return std::ranges::any_of(kExceptions, [&](const Exception& exception) {
    return file == exception.file && call == exception.call;
  });
}

TEST(ChangingCalls, AreFoundInALine) {
  EXPECT_THAT(changing_calls("  ::unlink(path.c_str());"), ElementsAre("unlink"));
  EXPECT_THAT(changing_calls("  if (unlinkat(fd, name, 0) != 0 && errno"), ElementsAre("unlinkat"));
  EXPECT_THAT(changing_calls("  ::sync(); ::reboot(command);"), ElementsAre("sync", "reboot"));
  EXPECT_THAT(changing_calls("UniqueFd file(::mkostemp(pattern.data(), O_CLOEXEC));"),
              ElementsAre("mkostemp"));
  EXPECT_THAT(changing_calls("fs::rename(a, b, error);"), ElementsAre("fs::rename"));
  EXPECT_THAT(changing_calls("std::filesystem::remove_all(p);"), ElementsAre("filesystem::remove_all"));
  EXPECT_THAT(changing_calls("std::ofstream out(path);"), ElementsAre("std::ofstream"));
  EXPECT_THAT(changing_calls("return ::syscall(SYS_kexec_load, 0);"), ElementsAre("syscall"));
}

TEST(ChangingCalls, AreNotFoundWhereThereAreNone) {
  for (const char* line :
       {"sys::unlinkat(fd, name)", "Dump::open(path)", "core.open(file)", "// ::unlink(path)",
        "TRY_VOID(write(0, x))", "fmt::print(\"::unlink(x)\")", "remove(line.kernel, kNotReused);",
        "fs::exists(path)", "sys::sync();", "std::filesystem::path(path)", "#include <fstream>",
        "sys::mount(a, b)", "child->fork()"})
    EXPECT_THAT(changing_calls(line), IsEmpty()) << line;
}

TEST(ChangingCalls, GoThroughTheInterface) {
  if (test::kSanitized)
    GTEST_SKIP() << "half a minute of regular expressions over all sources; done without sanitizers";
  std::vector<std::string> found;
  size_t files = 0;
  std::set<std::string> used;
  for (const char* folder : kFolders) {
    for (const auto& entry : fs::recursive_directory_iterator(fs::path(LIFEBOAT_SOURCE) / folder)) {
      const std::string extension = entry.path().extension();
      const std::string file = fs::relative(entry.path(), LIFEBOAT_SOURCE);
      if ((extension != ".cpp" && extension != ".h") || file == "src/base/sys.cpp" ||
          file == "src/base/sys.h")
        continue;
      ++files;
      const std::string text = read_text(entry.path()).value();
      int number = 0;
      for (size_t begin = 0; begin < text.size(); ++number) {
        const size_t end = std::min(text.find('\n', begin), text.size());
        for (const auto& call : changing_calls(text.substr(begin, end - begin))) {
          used.insert(fmt::format("{} {}", file, call));
          if (!is_excepted(file, call)) found.push_back(fmt::format("{}:{}: {}", file, number + 1, call));
        }
        begin = end + 1;
      }
    }
  }
  EXPECT_GT(files, 200U);
  EXPECT_THAT(found, IsEmpty()) << "use base/sys.h, base/folders.h or base/file.h";
  for (const auto& [file, call, reason] : kExceptions)
    EXPECT_TRUE(used.contains(fmt::format("{} {}", file, call))) << "an exception that nothing needs";
}

}  // namespace
}  // namespace lifeboat
