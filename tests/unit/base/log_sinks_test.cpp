// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/base/log_sinks.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>

#include "src/base/log.h"
#include "tests/support/results.h"

namespace lifeboat::log {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::string_view kHostile = "\r\x1b[2J\x9b\xe2\x80\xae";

// Descriptor 2 is another file as long as this lives.
class StderrIs {
 public:
  explicit StderrIs(int fd) : before_(::dup(STDERR_FILENO)) {
    if (fd >= 0) {
      ::dup2(fd, STDERR_FILENO);
    } else {
      ::close(STDERR_FILENO);
    }
  }
  StderrIs(const StderrIs&) = delete;
  StderrIs& operator=(const StderrIs&) = delete;
  ~StderrIs() { ::dup2(before_.get(), STDERR_FILENO); }

 private:
  UniqueFd before_;
};

class LogSinks : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* name : {"NO_COLOR", "JOURNAL_STREAM"}) ::unsetenv(name);
    ::setenv("TERM", "linux", 1);
    set_level(Level::debug);
  }
  void TearDown() override {
    for (const char* name : {"NO_COLOR", "JOURNAL_STREAM"}) ::unsetenv(name);
    set_sink(nullptr);
    set_level(Level::info);
  }
  [[nodiscard]] std::string path(const char* name) const { return (folder_.path() / name).string(); }
  [[nodiscard]] UniqueFd create(const char* name) const {
    return UniqueFd(::open(path(name).c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  }
  static void all_levels() {
    debug("detail");
    info("{} pages", 3);
    warning("slow");
    error("lost");
  }
  // What the messages become on standard error.
  std::string on_stderr(std::string_view program, void (*messages)()) {
    const UniqueFd file = create("stderr");
    const StderrIs stderr_is(file.get());
    set_sinks({stderr_sink(program)});
    messages();
    return read_text(path("stderr")).value();
  }
  TempDir folder_ = TempDir::create("log-sinks-test").value();
};

// A terminal that changes nothing of the output, which is one line; the test reads it from `master`.
struct Terminal {
  Terminal() : master(::posix_openpt(O_RDWR | O_NOCTTY)) {
    EXPECT_EQ(::grantpt(master.get()), 0);
    EXPECT_EQ(::unlockpt(master.get()), 0);
    slave = UniqueFd(::open(::ptsname(master.get()), O_RDWR | O_NOCTTY | O_CLOEXEC));
    termios mode{};
    ::tcgetattr(slave.get(), &mode);
    ::cfmakeraw(&mode);
    ::tcsetattr(slave.get(), TCSANOW, &mode);
  }
  std::string print(void (*messages)()) {
    {
      const StderrIs stderr_is(slave.get());
      set_sinks({stderr_sink("lifeboat")});
      messages();
    }
    // A terminal hands it over in pieces.
    std::string text;
    std::array<char, 4096> buffer;
    while (!text.ends_with('\n')) {
      const ssize_t count = ::read(master.get(), buffer.data(), buffer.size());
      if (count <= 0) break;
      text.append(buffer.data(), static_cast<size_t>(count));
    }
    return text;
  }
  UniqueFd master, slave;
};

TEST_F(LogSinks, OnStandardErrorALevelHasItsName) {
  EXPECT_EQ(on_stderr("lifeboat", all_levels),
            "lifeboat: detail\nlifeboat: 3 pages\nlifeboat: warning: slow\nlifeboat: error: lost\n");
}

TEST_F(LogSinks, TheProgramHasItsOwnName) {
  EXPECT_EQ(on_stderr("kexec", [] { error("lost"); }), "kexec: error: lost\n");
}

TEST_F(LogSinks, LinesStayLinesAndNothingControlsATerminal) {
  EXPECT_EQ(on_stderr("lifeboat", [] { error("{}\nfix: run it\r", kHostile); }),
            "lifeboat: error: \\x0d\\x1b[2J\\x9b\\xe2\\x80\\xae\nfix: run it\n");
  EXPECT_EQ(read_text(path("stderr")).value().find('\x1b'), std::string::npos);
}

TEST_F(LogSinks, AnEmptyMessageIsALine) {
  EXPECT_EQ(on_stderr("lifeboat", [] { info(""); }), "lifeboat: \n");
}

// Only the level's name is coloured, and what is quoted is not a colour.
TEST_F(LogSinks, OnATerminalTheNameIsColoured) {
  Terminal terminal;
  const std::string text = terminal.print([] { error("lost \x1b[2J"); });
  EXPECT_THAT(text, testing::StartsWith("lifeboat: \x1b["));
  EXPECT_THAT(text, HasSubstr("error:\x1b[m lost \\x1b[2J\n"));
  EXPECT_EQ(terminal.print([] { info("3 pages"); }), "lifeboat: 3 pages\n");
}

TEST_F(LogSinks, NoColourWhereNoneIsWanted) {
  Terminal terminal;
  ::setenv("NO_COLOR", "1", 1);
  EXPECT_EQ(terminal.print([] { error("lost"); }), "lifeboat: error: lost\n");
  ::setenv("NO_COLOR", "", 1);  // as if it were not set
  EXPECT_THAT(terminal.print([] { error("lost"); }), HasSubstr("\x1b["));
  ::unsetenv("NO_COLOR");
  ::setenv("TERM", "dumb", 1);
  EXPECT_EQ(terminal.print([] { error("lost"); }), "lifeboat: error: lost\n");
}

class Journal : public LogSinks {
 protected:
  // Says that this file is the journal.
  void set_journal(const char* name) {
    const UniqueFd file = create(name);
    struct stat status{};
    ASSERT_EQ(::fstat(file.get(), &status), 0);
    ::setenv("JOURNAL_STREAM", fmt::format("{}:{}", status.st_dev, status.st_ino).c_str(), 1);
  }
};

TEST_F(Journal, HasTheLevelOfEachLine) {
  set_journal("stderr");
  EXPECT_EQ(
      on_stderr("lifeboat",
                [] {
                  all_levels();
                  error("two\nlines");
                }),
      "<7>lifeboat: detail\n<6>lifeboat: 3 pages\n<4>lifeboat: warning: slow\n<3>lifeboat: error: lost\n"
      "<3>lifeboat: error: two\n<3>lines\n");
}

// A program whose output was redirected still has the variable.
TEST_F(Journal, IsNotAnotherFile) {
  set_journal("other");
  EXPECT_EQ(on_stderr("lifeboat", [] { error("lost"); }), "lifeboat: error: lost\n");
  for (const char* stream : {"", "nonsense", "1:2:3"}) {
    ::setenv("JOURNAL_STREAM", stream, 1);
    EXPECT_FALSE(stderr_is_journal()) << stream;
  }
}

TEST_F(LogSinks, AFileIsTruncatedAndItsOwnersAlone) {
  ASSERT_TRUE(write_file_atomically(path("log"), as_byte_span("of another run"), 0644));
  std::filesystem::remove(path("log"));
  for (int run = 0; run < 2; ++run) {
    const auto sink = file_sink(path("log"));
    ASSERT_TRUE(sink) << test::why(sink);
    set_sinks({*sink});
    all_levels();
    warning("{}", kHostile);
  }
  EXPECT_EQ(read_text(path("log")).value(),
            "lifeboat: detail\nlifeboat: 3 pages\nlifeboat: warning: slow\nlifeboat: error: lost\n"
            "lifeboat: warning: \\x0d\\x1b[2J\\x9b\\xe2\\x80\\xae\n");
  EXPECT_EQ(std::filesystem::status(path("log")).permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

TEST_F(LogSinks, AFileThatIsALinkOrInNoFolderIsRefused) {
  std::filesystem::create_symlink(path("elsewhere"), path("link"));
  EXPECT_FALSE(file_sink(path("link")));
  EXPECT_FALSE(std::filesystem::exists(path("elsewhere")));
  EXPECT_EQ(test::code_of(file_sink(path("missing/log"))), ErrorCode::not_found);
}

// The supervised steps of a capture are children that log too.
TEST_F(LogSinks, AForkedChildAppends) {
  set_sinks({file_sink(path("log")).value()});
  info("before");
  const pid_t child = ::fork();
  if (child == 0) {
    info("child");
    ::_exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  info("after");
  EXPECT_EQ(read_text(path("log")).value(), "lifeboat: before\nlifeboat: child\nlifeboat: after\n");
}

// A full disk, a descriptor that is closed: the others get the message, and the work goes on.
TEST_F(LogSinks, ASinkThatFailsLosesOnlyItsOwn) {
  set_sinks({console_sink(UniqueFd(::open("/dev/full", O_WRONLY | O_CLOEXEC))), console_sink(UniqueFd()),
             file_sink("/dev/full").value(), file_sink(path("log")).value()});
  all_levels();
  EXPECT_EQ(read_text(path("log")).value(),
            "lifeboat: detail\nlifeboat: 3 pages\nlifeboat: warning: slow\nlifeboat: error: lost\n");
}

TEST_F(LogSinks, AStandardErrorThatFailsIsNoFailure) {
  const UniqueFd full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
  constexpr int kClosed = -1;
  for (const int fd : {full.get(), kClosed}) {
    const auto file = file_sink(path("log")).value();
    const StderrIs stderr_is(fd);
    set_sinks({stderr_sink("lifeboat"), file});
    error("lost");
    EXPECT_EQ(read_text(path("log")).value(), "lifeboat: error: lost\n");
  }
}

// A console that is stopped takes nothing; one that goes on takes what comes then.
TEST_F(LogSinks, AStoppedConsoleDoesNotStopTheProgram) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_NONBLOCK | O_CLOEXEC), 0);
  const UniqueFd reader(ends[0]);
  const std::string full(1 << 20, 'x');
  while (::write(ends[1], full.data(), full.size()) > 0) continue;
  set_sinks({console_sink(UniqueFd(ends[1]))});
  info("nobody reads this");
  std::string buffer(2 << 20, '\0');
  while (::read(reader.get(), buffer.data(), buffer.size()) > 0) continue;
  info("goes on");
  const ssize_t count = ::read(reader.get(), buffer.data(), buffer.size());
  ASSERT_GT(count, 0);
  EXPECT_EQ(buffer.substr(0, static_cast<size_t>(count)), "lifeboat: goes on\n");
}

// /dev/kmsg makes a record of each write, and so does a socket of packets.
class KernelLog : public LogSinks {
 protected:
  void SetUp() override {
    LogSinks::SetUp();
    std::array<int, 2> ends{};
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()), 0);
    reader_ = UniqueFd(ends[0]);
    writer_ = UniqueFd(ends[1]);
  }
  std::vector<std::string> records() {
    std::vector<std::string> all;
    std::array<char, 4096> buffer;
    for (ssize_t count = 0; (count = ::read(reader_.get(), buffer.data(), buffer.size())) > 0;)
      all.emplace_back(buffer.data(), static_cast<size_t>(count));
    return all;
  }
  UniqueFd reader_, writer_;
};

TEST_F(KernelLog, HasTheLevels) {
  set_sinks({kernel_log_sink(std::move(writer_), 0)});
  all_levels();
  EXPECT_THAT(records(), ElementsAre("<7>lifeboat: detail\n", "<6>lifeboat: 3 pages\n",
                                     "<4>lifeboat: warning: slow\n", "<3>lifeboat: error: lost\n"));
}

TEST_F(KernelLog, HasNothingThatTheConsoleWouldPrint) {
  set_sinks({kernel_log_sink(std::move(writer_), 5)});
  all_levels();
  EXPECT_THAT(records(), ElementsAre("<7>lifeboat: detail\n", "<6>lifeboat: 3 pages\n",
                                     "<5>lifeboat: warning: slow\n", "<5>lifeboat: error: lost\n"));
}

// The console level may be 15 (ignore_loglevel): there are no such levels of messages.
TEST_F(KernelLog, HasNoLevelBeyondTheLast) {
  set_sinks({kernel_log_sink(std::move(writer_), 15)});
  error("lost");
  EXPECT_THAT(records(), ElementsAre("<7>lifeboat: error: lost\n"));
}

TEST_F(KernelLog, HasARecordForEachLineAndNoneTooLong) {
  set_sinks({kernel_log_sink(std::move(writer_), 0)});
  error("one\n<0>two{}\n{}", kHostile, std::string(5000, 'x'));
  EXPECT_THAT(records(),
              ElementsAre("<3>lifeboat: error: one\n", "<3><0>two\\x0d\\x1b[2J\\x9b\\xe2\\x80\\xae\n",
                          "<3>" + std::string(900, 'x') + "\n"));
}

}  // namespace
}  // namespace lifeboat::log
