// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/initramfs/cpio.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <chrono>
#include <climits>

#include "src/base/file.h"
#include "src/base/process.h"
#include "src/base/size.h"
#include "tests/support/results.h"

namespace lifeboat {
namespace {

using test::code_of;
using testing::HasSubstr;
using testing::MatchesRegex;

using Bytes = std::vector<std::byte>;

// What the kernel's parser reads of a header, written out: init/initramfs.c, parse_header().
std::string header(unsigned inode, unsigned mode, unsigned links, unsigned size, unsigned major,
                   unsigned minor, unsigned name_size) {
  return fmt::format("070701{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}",
                     inode, mode, 0, 0, links, 0, size, 0, 0, major, minor, name_size, 0);
}

std::string trailer() {
  return header(0, 0, 1, 0, 0, 0, 11) + "TRAILER!!!" + std::string(4, '\0');
}

std::string text(const Bytes& bytes) {
  return std::string(as_text(bytes));
}

TEST(Cpio, IsWrittenToTheByte) {
  CpioWriter cpio;
  ASSERT_TRUE(cpio.folder("dev"));
  ASSERT_TRUE(cpio.character_device("dev/console", 5, 1));
  ASSERT_TRUE(cpio.file("init", 0755, as_byte_span("hello")));
  using namespace std::literals;
  // 110 bytes of header and the name end at a multiple of 4, and so do the contents.
  EXPECT_EQ(text(cpio.finish()), header(1, 0040755, 2, 0, 0, 0, 4) + "dev\0\0\0"s +
                                     header(2, 0020600, 1, 0, 5, 1, 12) + "dev/console\0\0\0"s +
                                     header(3, 0100755, 1, 5, 0, 0, 5) + "init\0\0hello\0\0\0"s + trailer());
}

TEST(Cpio, IsTheSameForTheSameInputs) {
  const auto build = [] {
    CpioWriter cpio;
    EXPECT_TRUE(cpio.folder("a"));
    EXPECT_TRUE(cpio.file("a/b", 0644, as_byte_span("contents")));
    return cpio.finish();
  };
  EXPECT_EQ(build(), build());
}

// Names and contents of all lengths to the alignment and back: what was written is read.
TEST(Cpio, PadsNamesAndContents) {
  CpioWriter cpio;
  for (size_t length = 1; length <= 9; ++length)
    ASSERT_TRUE(cpio.file(std::string(length, 'n'), 0600, as_byte_span(std::string(length - 1, 'c'))));
  const Bytes archive = cpio.finish();
  EXPECT_EQ(archive.size() % 4, 0U);
  CpioReader reader(archive);
  for (size_t length = 1; length <= 9; ++length) {
    const auto entry = reader.next().value();
    ASSERT_TRUE(entry);
    EXPECT_EQ(entry->name, std::string(length, 'n'));
    EXPECT_EQ(entry->mode, mode_t{S_IFREG | 0600});
    EXPECT_EQ(as_text(entry->contents), std::string(length - 1, 'c'));
  }
  EXPECT_FALSE(reader.next().value());
}

TEST(Cpio, NamesThatTheKernelWouldSkipAreRefused) {
  CpioWriter cpio;
  for (const auto& name :
       {std::string(), std::string("TRAILER!!!"), std::string(PATH_MAX, 'x'), std::string("a\0b", 3)})
    EXPECT_EQ(code_of(cpio.file(name, 0600, {})), ErrorCode::usage) << name.size();
  EXPECT_TRUE(cpio.file(std::string(PATH_MAX - 1, 'x'), 0600, {}));
}

TEST(Cpio, ContentsOf4GibAreRefused) {
  // Address space only: nothing of it is read.
  constexpr size_t kSize = size_t{4} << 30;
  void* memory = ::mmap(nullptr, kSize, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  CpioWriter cpio;
  EXPECT_EQ(code_of(cpio.file("large", 0600, {static_cast<const std::byte*>(memory), kSize})),
            ErrorCode::unsupported);
  ::munmap(memory, kSize);
  EXPECT_EQ(text(cpio.finish()), trailer()) << "nothing of it is in the archive";
}

TEST(CpioReader, EveryTruncationIsRefused) {
  CpioWriter cpio;
  ASSERT_TRUE(cpio.file("name", 0600, as_byte_span("contents")));
  const Bytes archive = cpio.finish();
  // The last bytes are padding.
  for (size_t size = 0; size + 4 < archive.size(); ++size) {
    CpioReader reader(ByteSpan(archive).first(size));
    auto entry = reader.next();
    if (entry) entry = reader.next();
    EXPECT_EQ(code_of(entry), ErrorCode::truncated) << size;
  }
}

TEST(CpioReader, DamagedHeadersAreRefused) {
  CpioWriter cpio;
  ASSERT_TRUE(cpio.file("name", 0600, as_byte_span("contents")));
  const Bytes archive = cpio.finish();
  const auto with = [&archive](size_t at, std::string_view part) {
    Bytes damaged = archive;
    std::ranges::copy(as_byte_span(part), damaged.begin() + static_cast<ptrdiff_t>(at));
    return code_of(CpioReader(damaged).next());
  };
  EXPECT_EQ(with(0, "070707"), ErrorCode::corrupt) << "the old format";
  EXPECT_EQ(with(0, "070702"), std::nullopt) << "with checksums";
  EXPECT_EQ(with(6 + 6 * 8, "ffffffff"), ErrorCode::truncated) << "size of the contents";
  EXPECT_EQ(with(6 + 11 * 8, "ffffffff"), ErrorCode::truncated) << "size of the name";
  for (const size_t field : {1, 6, 11})
    for (const char* digits : {"0000000g", "-0000001", "       1", "        "})
      EXPECT_EQ(with(6 + field * 8, digits), ErrorCode::corrupt) << field << " " << digits;
}

// By another program: cpio(1).
class CpioTool : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(find_program("cpio")) << "install cpio (./dev test does)"; }
  [[nodiscard]] std::string path(const char* name) const { return (folder_.path() / name).string(); }
  static std::string cpio(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "cpio");
    const auto output = run_process(arguments, std::chrono::minutes(1));
    EXPECT_TRUE(output) << test::why(output);
    EXPECT_EQ(output->status, 0) << output->text;
    return output->text;
  }
  TempDir folder_ = TempDir::create("cpio-test").value();
};

TEST_F(CpioTool, UnpacksTheArchive) {
  CpioWriter cpio_writer;
  const std::string large(100'001, 'x');
  ASSERT_TRUE(cpio_writer.folder("a"));
  ASSERT_TRUE(cpio_writer.folder("a/with space"));
  ASSERT_TRUE(cpio_writer.file("a/with space/large", 0640, as_byte_span(large)));
  ASSERT_TRUE(cpio_writer.file("a/empty", 0600, {}));
  ASSERT_TRUE(cpio_writer.file("a/\xc3\xa4", 0755, as_byte_span("x")));
  ASSERT_TRUE(write_file_atomically(path("archive"), cpio_writer.finish(), 0600));
  cpio({"-i", "-d", "-m", "--quiet", "-D", folder_.path(), "-F", path("archive")});
  EXPECT_EQ(read_text(path("a/with space/large"), 1_MiB).value(), large);
  EXPECT_EQ(read_text(path("a/empty")).value(), "");
  EXPECT_EQ(read_text(path("a/\xc3\xa4")).value(), "x");
  struct stat status{};
  ASSERT_EQ(::stat(path("a/with space/large").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0640U);
  EXPECT_EQ(status.st_mtime, 0);
}

TEST_F(CpioTool, ListsModesOwnersAndDevices) {
  CpioWriter cpio_writer;
  ASSERT_TRUE(cpio_writer.folder("dev"));
  ASSERT_TRUE(cpio_writer.character_device("dev/console", 5, 1));
  ASSERT_TRUE(cpio_writer.file("init", 0755, as_byte_span("abc")));
  ASSERT_TRUE(write_file_atomically(path("archive"), cpio_writer.finish(), 0600));
  const std::string list = cpio({"-i", "-t", "-v", "-n", "--quiet", "-F", path("archive")});
  EXPECT_THAT(list, MatchesRegex("drwxr-xr-x +2 0 +0 +0 Jan +1 +1970 dev\n"
                                 "crw------- +1 0 +0 +5, +1 Jan +1 +1970 dev/console\n"
                                 "-rwxr-xr-x +1 0 +0 +3 Jan +1 +1970 init\n"));
}

TEST_F(CpioTool, ReadsTheTrailer) {
  CpioWriter cpio_writer;
  ASSERT_TRUE(write_file_atomically(path("archive"), cpio_writer.finish(), 0600));
  EXPECT_EQ(cpio({"-i", "-t", "--quiet", "-F", path("archive")}), "");
}

}  // namespace
}  // namespace lifeboat
