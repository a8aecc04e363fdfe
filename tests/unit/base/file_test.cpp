// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/base/file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "src/base/sys.h"
#include "tests/support/faults.h"
#include "tests/support/pages.h"
#include "tests/support/results.h"

namespace lifeboat {
namespace {

namespace fs = std::filesystem;
using test::code_of;
using test::FaultInjection;

class File : public testing::Test {
 protected:
  [[nodiscard]] std::string path(const char* name) const { return temp_.path() / name; }
  [[nodiscard]] std::string with_text(const char* name, std::string_view text) const {
    std::ofstream(path(name), std::ios::binary) << text;
    return path(name);
  }
  [[nodiscard]] size_t entries() const {
    return static_cast<size_t>(std::distance(fs::directory_iterator(temp_.path()), fs::directory_iterator()));
  }
  TempDir temp_ = TempDir::create("file-test").value();
};

bool is_open(int fd) {
  return ::fcntl(fd, F_GETFD) != -1;
}

TEST_F(File, DescriptorClosesItselfOnce) {
  UniqueFd first = open_file(with_text("a", "x"), O_RDONLY).value();
  const int number = first.get();
  {
    UniqueFd second = std::move(first);
    EXPECT_EQ(second.get(), number);
    EXPECT_FALSE(first.valid());  // NOLINT(bugprone-use-after-move): what a move leaves is tested
    UniqueFd& same = second;
    second = std::move(same);
    EXPECT_TRUE(is_open(number));
  }
  EXPECT_FALSE(is_open(number));
}

TEST_F(File, OpenIsCloseOnExecAndNamesWhatIsMissing) {
  const UniqueFd fd = open_file(with_text("a", "x"), O_RDONLY).value();
  EXPECT_NE(::fcntl(fd.get(), F_GETFD) & FD_CLOEXEC, 0);
  const auto missing = open_file(path("none"), O_RDONLY);
  EXPECT_EQ(code_of(missing), ErrorCode::not_found);
  EXPECT_NE(missing.error().message.find(path("none")), std::string::npos);
}

TEST_F(File, ExactReadEndsWhereTheFileDoes) {
  const UniqueFd fd = open_file(with_text("a", "0123456789"), O_RDONLY).value();
  std::array<std::byte, 4> out{};
  ASSERT_TRUE(pread_exact(fd.get(), 6, out, "a"));
  EXPECT_EQ(as_text(out), "6789");
  EXPECT_EQ(code_of(pread_exact(fd.get(), 7, out, "a")), ErrorCode::truncated);
  EXPECT_EQ(code_of(pread_exact(fd.get(), 10, out, "a")), ErrorCode::truncated);
  EXPECT_EQ(code_of(pread_exact(fd.get(), 1000, out, "a")), ErrorCode::truncated);
  EXPECT_EQ(code_of(pread_exact(fd.get(), ~uint64_t{0}, out, "a")), ErrorCode::io);
  EXPECT_TRUE(pread_exact(fd.get(), 1000, {}, "nothing asked for"));
}

TEST_F(File, ShortReadReportsHowMuchThereWas) {
  const UniqueFd fd = open_file(with_text("a", "0123456789"), O_RDONLY).value();
  std::array<std::byte, 4> out{};
  EXPECT_EQ(pread_some(fd.get(), 0, out, "a").value(), 4u);
  EXPECT_EQ(pread_some(fd.get(), 7, out, "a").value(), 3u);
  EXPECT_EQ(pread_some(fd.get(), 10, out, "a").value(), 0u);
}

// A pipe takes and gives less than asked for, which a whole write must not mind.
TEST_F(File, WriteGoesOnAfterAShortOne) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  UniqueFd reader(ends[0]), writer(ends[1]);
  const auto bytes = test::noise(1, 300'000);
  const pid_t child = ::fork();
  if (child == 0) ::_exit(write_all(writer.get(), bytes, "pipe") ? 0 : 1);
  writer.reset();
  std::vector<std::byte> got(bytes.size() + 1);
  size_t size = 0;
  for (ssize_t count = 1; count > 0; size += static_cast<size_t>(count)) {
    count = ::read(reader.get(), got.data() + size, got.size() - size);
    ASSERT_GE(count, 0);
  }
  got.resize(size);
  EXPECT_EQ(got, bytes);
}

TEST_F(File, WritesAtAnOffsetLeaveTheRest) {
  const UniqueFd fd = open_file(with_text("a", "0123456789"), O_RDWR).value();
  ASSERT_TRUE(pwrite_all(fd.get(), 4, as_byte_span("xy"), "a"));
  ASSERT_TRUE(pwrite_all(fd.get(), 12, as_byte_span("z"), "a"));
  EXPECT_EQ(read_text(path("a")).value(), std::string("0123xy6789\0\0z", 13));
  EXPECT_EQ(file_size(fd.get(), "a").value(), 13u);
}

TEST_F(File, SizeOfSomethingElseThanAFileIsAMistake) {
  const UniqueFd folder = open_file(temp_.path(), O_RDONLY | O_DIRECTORY).value();
  EXPECT_EQ(code_of(file_size(folder.get(), "folder")), ErrorCode::usage);
  EXPECT_EQ(code_of(file_size(-1, "closed")), ErrorCode::io);
}

TEST_F(File, ReadFileKeepsToItsLimit) {
  const auto name = with_text("a", "0123456789");
  EXPECT_EQ(read_text(name, 10).value(), "0123456789");
  EXPECT_EQ(code_of(read_file(name, 9)), ErrorCode::unsupported);
  EXPECT_TRUE(read_file(with_text("empty", ""))->empty());
  EXPECT_EQ(code_of(read_file("/dev/zero", 1 << 20)), ErrorCode::unsupported) << "must not read for ever";
  EXPECT_FALSE(read_text("/proc/version")->empty()) << "a pseudo file has size 0";
}

TEST_F(File, FirstLineComesWithoutItsEnd) {
  EXPECT_EQ(read_line(with_text("a", "one\ntwo\n")), "one");
  EXPECT_EQ(read_line(with_text("b", "no end")), "no end");
  EXPECT_EQ(read_line(with_text("c", "")), "");
  EXPECT_EQ(read_line(path("none")), std::nullopt);
}

TEST_F(File, AtomicWriteReplacesAndSetsTheMode) {
  const auto name = with_text("a", "old");
  ASSERT_TRUE(write_file_atomically(name, as_byte_span("new"), 0640));
  EXPECT_EQ(read_text(name).value(), "new");
  struct stat status{};
  ASSERT_EQ(::stat(name.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0640u);
  EXPECT_EQ(entries(), 1u);
}

TEST_F(File, AtomicWriteThatFailsLeavesTheOldFileAlone) {
  const auto name = with_text("a", "old");
  for (const auto kind : {sys::Call::write, sys::Call::fsync, sys::Call::rename}) {
    const FaultInjection fault(kind, 0, ENOSPC);
    EXPECT_EQ(code_of(write_file_atomically(name, as_byte_span("new"), 0600)), ErrorCode::no_space);
    EXPECT_TRUE(fault.fired());
    EXPECT_EQ(read_text(name).value(), "old");
    EXPECT_EQ(entries(), 1u) << "the unfinished file must go";
  }
}

TEST_F(File, FaultHookReachesEveryCall) {
  const UniqueFd fd = open_file(with_text("a", "0123456789"), O_RDWR).value();
  std::array<std::byte, 4> out{};
  const auto with_fault = [&](sys::Call kind, auto look, auto work) {
    const FaultInjection fault(kind, 0, EIO);
    const auto seen = look(work());
    EXPECT_TRUE(fault.fired());
    return seen;
  };
  const auto code = [&](sys::Call kind, auto work) {
    return with_fault(kind, [](const auto& result) { return code_of(result); }, work);
  };
  const auto status = [&](sys::Call kind, auto work) {
    return with_fault(kind, [](int result) { return result; }, work);
  };
  EXPECT_EQ(code(sys::Call::open, [&] { return open_file(path("a"), O_RDONLY); }), ErrorCode::io);
  EXPECT_EQ(code(sys::Call::read, [&] { return read_file(path("a")); }), ErrorCode::io);
  EXPECT_EQ(code(sys::Call::pread, [&] { return pread_exact(fd.get(), 0, out, "a"); }), ErrorCode::io);
  EXPECT_EQ(code(sys::Call::write, [&] { return write_all(fd.get(), out, "a"); }), ErrorCode::io);
  EXPECT_EQ(code(sys::Call::pwrite, [&] { return pwrite_all(fd.get(), 0, out, "a"); }), ErrorCode::io);
  EXPECT_EQ(code(sys::Call::fsync, [&] { return sync_file(fd.get(), "a"); }), ErrorCode::io);
  EXPECT_EQ(status(sys::Call::ftruncate, [&] { return sys::ftruncate(fd.get(), 0); }), -1);
  EXPECT_EQ(status(sys::Call::mkdir, [&] { return sys::mkdirat(AT_FDCWD, path("d").c_str(), 0700); }), -1);
  EXPECT_FALSE(fs::exists(path("d")));
  EXPECT_EQ(read_text(path("a")).value(), "0123456789") << "a failed call must not have done its work";
}

TEST_F(File, FaultHookCountsTheNthCall) {
  const UniqueFd fd = open_file(path("a"), O_RDWR | O_CREAT, 0600).value();
  const FaultInjection fault(sys::Call::pwrite, 1, ENOSPC);
  EXPECT_TRUE(pwrite_all(fd.get(), 0, as_byte_span("a"), "a"));
  EXPECT_EQ(code_of(pwrite_all(fd.get(), 1, as_byte_span("b"), "a")), ErrorCode::no_space);
  EXPECT_TRUE(pwrite_all(fd.get(), 2, as_byte_span("c"), "a"));
}

TEST_F(File, ASmallFileInAFolderIsReadWithoutFollowingOrWaiting) {
  const UniqueFd folder = open_file(temp_.path(), O_RDONLY | O_DIRECTORY).value();
  const std::string whole = with_text("whole", "text\n");
  EXPECT_EQ(read_text_at(folder.get(), "whole", 5).value(), "text\n");
  EXPECT_EQ(code_of(read_text_at(folder.get(), "whole", 4)), ErrorCode::unsupported);
  EXPECT_EQ(code_of(read_text_at(folder.get(), "none")), ErrorCode::not_found);
  fs::create_symlink(whole, path("link"));
  ASSERT_EQ(::mkfifo(path("fifo").c_str(), 0600), 0);
  for (const char* name : {"link", "fifo", "."}) EXPECT_FALSE(read_text_at(folder.get(), name)) << name;
}

TEST(TempDirectory, IsPrivateAndGoesWithAllThatIsInIt) {
  fs::path path;
  {
    const auto temp = TempDir::create("temp-test").value();
    path = temp.path();
    EXPECT_EQ(fs::status(path).permissions(), fs::perms::owner_all);
    fs::create_directories(path / "a" / "b");
    std::ofstream(path / "a" / "b" / "file") << "x";
  }
  EXPECT_FALSE(fs::exists(path));
}

TEST(TempDirectory, LivesBelowTheParentAndMoves) {
  const auto parent = TempDir::create("temp-test").value();
  fs::path path;
  {
    TempDir first = TempDir::create("inner", parent.path().string()).value();
    path = first.path();
    EXPECT_EQ(path.parent_path(), parent.path());
    const TempDir second = std::move(first);
    EXPECT_TRUE(fs::exists(path));
  }
  EXPECT_FALSE(fs::exists(path));
  EXPECT_EQ(code_of(TempDir::create("x", "/no/such/folder")), ErrorCode::not_found);
}

}  // namespace
}  // namespace lifeboat
