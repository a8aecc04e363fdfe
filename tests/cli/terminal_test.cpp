// SPDX-License-Identifier: GPL-2.0-or-later
// What a hostile dump does to the terminal of the person who looks at it: nothing.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <termios.h>
#include <unistd.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "tests/support/fake_system.h"
#include "tests/support/programs.h"
#include "tests/support/usual_page_size.h"

namespace lifeboat::test {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;

// To the line's begin, clear the screen, C1 as UTF-8 and as it is, from right to left.
constexpr std::string_view kHostile = "\r\x1b[2J\xc2\x9b\x9b\xe2\x80\xae";

// The program's output on a terminal that changes nothing of it.
std::string on_terminal(const std::vector<std::string>& arguments) {
  const UniqueFd master(::posix_openpt(O_RDWR | O_NOCTTY));
  if (!master.valid() || ::grantpt(master.get()) != 0 || ::unlockpt(master.get()) != 0) return "no terminal";
  UniqueFd slave(::open(::ptsname(master.get()), O_RDWR | O_NOCTTY | O_CLOEXEC));
  termios mode{};
  ::tcgetattr(slave.get(), &mode);
  ::cfmakeraw(&mode);
  ::tcsetattr(slave.get(), TCSANOW, &mode);
  std::vector<std::string> argv = arguments;
  argv.insert(argv.begin(), lifeboat_program());
  auto child = ChildProcess::start(argv, {.stdout_fd = slave.get(), .stderr_fd = slave.get()});
  if (!child) return "not started";
  slave = UniqueFd();
  std::string output;
  char buffer[4096];
  // EIO: nobody has the terminal open any more.
  for (ssize_t count = 0; (count = ::read(master.get(), buffer, sizeof buffer)) > 0;)
    output.append(buffer, static_cast<size_t>(count));
  EXPECT_EQ(child->wait(10s), 0) << output;
  return output;
}

void expect_harmless(const std::string& output) {
  for (const char c : output) {
    const auto byte = static_cast<uint8_t>(c);
    if (byte == '\n' || (byte >= 0x20 && byte != 0x7f)) continue;
    ADD_FAILURE() << fmt::format("byte {:#x}", byte);
    break;
  }
  for (const std::string_view bytes : {"\xc2\x9b", "\x9b\\", "\xe2\x80\xae"})
    EXPECT_THAT(output, Not(HasSubstr(bytes)));
}

class Terminal : public ::testing::Test {
 protected:
  void SetUp() override {
    ::setenv("NO_COLOR", "1", 1);
    const std::string hostile(kHostile);
    FakeKernel& fake = system_.fake;
    fake.set_log({{1, 1'000'000'000, 0, 6, 0, "a line\r\nof a device" + hostile + "\r"},
                  {2, 2'000'000'000, 0, 1, 0, "Kernel panic - not syncing: " + hostile}});
    fake.set_utsname({"Linux", "node" + hostile, "6.12.0-fake", "#1 " + hostile, "x86_64", "(none)"});
    for (const auto& [pid, address] : system_.tasks) fake.write(address + fake_task::kComm, bytes(hostile));
    for (const auto& [name, address] : system_.modules)
      fake.write(address + fake_module::kName, bytes(hostile));
    text_ = fake.allocate(kPageSize);
    fake.write(text_, bytes(hostile));
    for (const auto& [name, address] : system_.caches) fake.write64(address + fake_cache::kName, text_);
    fake.write64(system_.zones + fake_zone::kName, text_);
    path_ = folder_.path() / "vmcore";
    fake.write_elf(path_);
  }
  void TearDown() override { ::unsetenv("NO_COLOR"); }
  static ByteSpan bytes(const std::string& text) { return as_byte_span(text); }
  [[nodiscard]] std::vector<std::string> inspect(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"inspect", path_});
    return arguments;
  }

  FakeSystem system_;
  TempDir folder_ = TempDir::create("terminal-test").value();
  std::string path_;
  uint64_t text_ = 0;
};

TEST_F(Terminal, NoViewOfADumpCommandsIt) {
  const std::string address = fmt::format("{:#x}", text_);
  const std::vector<std::vector<std::string>> views = {{"report"},
                                                       {"log"},
                                                       {"log", "-T"},
                                                       {"log", "--caller"},
                                                       {"ps", "--threads"},
                                                       {"ps", "--tree"},
                                                       {"mod"},
                                                       {"sys"},
                                                       {"mem"},
                                                       {"bt", "-a"},
                                                       {"read", address},
                                                       {"read", address, "--as", "string"},
                                                       {"sym", "panic"},
                                                       {"search", "--string", "not syncing"}};
  for (const auto& view : views) {
    SCOPED_TRACE(view.front());
    const std::string output = on_terminal(inspect(view));
    EXPECT_FALSE(output.empty());
    expect_harmless(output);
    auto as_json = view;
    as_json.emplace_back("--json");
    const std::string document = on_terminal(inspect(as_json));
    expect_harmless(document);
  }
}

// Escaped in the document, and so the same when it is read.
TEST_F(Terminal, JsonKeepsTheTextAsItIs) {
  const auto output = run_lifeboat(inspect({"log", "--json"}));
  const auto log = nlohmann::json::parse(output.text);
  EXPECT_THAT(log.at(0).at("text").get<std::string>(),
              HasSubstr("of a device\r\x1b[2J\xc2\x9b\xef\xbf\xbd\xe2\x80\xae"));
  EXPECT_THAT(output.text, Not(HasSubstr("\xc2\x9b")));
}

// As dmesg does: what goes on to another program keeps what C calls a space, and the text's direction.
TEST_F(Terminal, APipeGetsTheLogAsDmesgPrintsIt) {
  const auto output = run_lifeboat(inspect({"log"}));
  EXPECT_THAT(output.text,
              HasSubstr("] a line\r\n               of a device\r\\x1b[2J\\xc2\\x9b\\x9b\xe2\x80\xae\r\n"));
  const std::string terminal = on_terminal(inspect({"log"}));
  EXPECT_THAT(terminal,
              HasSubstr("] a line\n               of a device\\x0d\\x1b[2J\\xc2\\x9b\\x9b\\xe2\\x80\\xae\n"));
}

}  // namespace
}  // namespace lifeboat::test
