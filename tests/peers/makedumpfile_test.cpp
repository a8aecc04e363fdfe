// SPDX-License-Identifier: GPL-2.0-or-later
// The newest makedumpfile and lifeboat on the same vmcore: the same pages kept, the same contents, the same
// log; and what one writes the other reads.
#include "tests/peers/peers.h"

namespace lifeboat::test {
namespace {

class Makedumpfile : public ::testing::Test {
 protected:
  void SetUp() override {
    auto folder = TempDir::create("lifeboat-peers");
    ASSERT_TRUE(folder) << folder.error().to_string();
    folder_.emplace(*std::move(folder));
  }
  [[nodiscard]] std::string path(const std::string& name) const { return (folder_->path() / name).string(); }
  [[nodiscard]] static std::string vmcore() { return rehearsal() / "vmcore.elf"; }

  std::string theirs(const std::string& name, std::vector<std::string> options) {
    options.insert(options.begin(), peer_program("makedumpfile"));
    options.insert(options.end(), {vmcore(), path(name)});
    const auto output = run(options);
    EXPECT_EQ(output.status, 0) << output.text;
    return path(name);
  }
  std::string ours(const std::string& name, std::vector<std::string> options) {
    options.insert(options.begin(), {"capture", vmcore(), path(name)});
    const auto output = run_lifeboat(options);
    EXPECT_EQ(output.status, 0) << output.text;
    return path(name);
  }

  std::optional<TempDir> folder_;
};

class Level : public Makedumpfile, public ::testing::WithParamInterface<int> {};

TEST_P(Level, keeps_the_same_pages) {
  const std::string level = std::to_string(GetParam());
  const auto their_dump = open_dump(theirs("theirs", {"-l", "-d", level}));
  const auto our_dump = open_dump(ours("ours", {"--compress", "lzo", "--level", level}));
  ASSERT_TRUE(their_dump && our_dump);
  const Difference difference = compare(*our_dump, *their_dump);
  EXPECT_EQ(difference.only_first, 0u)
      << "kept by us alone, e.g. " << ::testing::PrintToString(difference.examples);
  EXPECT_EQ(difference.only_second, 0u)
      << "kept by them alone, e.g. " << ::testing::PrintToString(difference.examples);
  EXPECT_EQ(difference.contents, 0u) << ::testing::PrintToString(difference.examples);
  EXPECT_GT(difference.compared, 1000u);
}

INSTANTIATE_TEST_SUITE_P(All, Level, ::testing::Values(0, 1, 2, 4, 8, 16, 31));

TEST_F(Makedumpfile, every_codec_of_ours_gives_the_pages_of_the_vmcore) {
  const auto source = open_dump(vmcore());
  for (const std::string codec : {"none", "zlib", "zlib:9", "lzo", "snappy", "zstd", "zstd:-5"}) {
    const std::string file = ours(codec, {"--compress", codec, "--level", "31"});
    EXPECT_EQ(run_lifeboat({"verify", file}).status, 0) << codec;
    const auto dump = open_dump(file);
    ASSERT_TRUE(source && dump);
    const Difference difference = compare(*dump, *source);
    EXPECT_EQ(difference.only_first, 0u) << codec;  // only_second: what the filter left out
    EXPECT_EQ(difference.contents, 0u) << codec;
    std::filesystem::remove(file);
  }
}

TEST_F(Makedumpfile, every_codec_of_theirs_is_read) {
  const auto source = open_dump(vmcore());
  for (const std::string codec : {"-c", "-l", "-p", "-z"}) {
    const std::string file = theirs("theirs" + codec, {codec, "-d", "31"});
    const auto verify = run_lifeboat({"verify", file});
    EXPECT_EQ(verify.status, 0) << codec << verify.text;
    const auto dump = open_dump(file);
    ASSERT_TRUE(source && dump);
    const Difference difference = compare(*dump, *source);
    EXPECT_EQ(difference.only_first + difference.contents, 0u) << codec;
    std::filesystem::remove(file);
  }
}

TEST_F(Makedumpfile, reads_our_dump_as_its_source) {
  const std::string file = ours("ours", {"--level", "0"});
  const auto output = run({peer_program("makedumpfile"), "-l", "-d", "31", file, path("again")});
  EXPECT_EQ(output.status, 0) << output.text;
  const auto direct = open_dump(theirs("direct", {"-l", "-d", "31"}));
  const auto again = open_dump(path("again"));
  ASSERT_TRUE(direct && again);
  const Difference difference = compare(*direct, *again);
  EXPECT_EQ(difference.only_first + difference.only_second + difference.contents, 0u);
}

// But snappy, which Debian's is built without; libkdumpfile reads it (unit.CodecReaders).
TEST_F(Makedumpfile, reads_every_codec_of_ours) {
  const auto direct = open_dump(theirs("direct", {"-l", "-d", "31"}));
  for (const std::string codec : {"none", "zlib", "lzo", "zstd", "zstd:-5"}) {
    const std::string file = ours(codec, {"--compress", codec, "--level", "31"});
    const auto output = run({peer_program("makedumpfile"), "-l", "-d", "31", file, path("again")});
    EXPECT_EQ(output.status, 0) << codec << output.text;
    const auto again = open_dump(path("again"));
    ASSERT_TRUE(direct && again);
    const Difference difference = compare(*direct, *again);
    EXPECT_EQ(difference.only_first + difference.only_second + difference.contents, 0u) << codec;
    std::filesystem::remove(file);
    std::filesystem::remove(path("again"));
  }
}

TEST_F(Makedumpfile, prints_the_same_log) {
  const auto output =
      run({peer_program("makedumpfile"), "--dump-dmesg", (rehearsal() / "vmcore").string(), path("log")});
  ASSERT_EQ(output.status, 0) << output.text;
  // It prints the caller of each record wherever the kernel records it.
  const auto log = run_lifeboat({"inspect", rehearsal() / "vmcore", "log", "--caller"});
  EXPECT_EQ(log.text, text_of(path("log")));
}

TEST_F(Makedumpfile, its_other_formats_are_read) {
  // An ELF file that leaves pages out.
  const std::string elf = theirs("elf", {"-E", "-d", "31"});
  EXPECT_EQ(run_lifeboat({"verify", elf}).status, 0);
  const std::string saved_log = text_of(rehearsal() / "vmcore-dmesg.txt");
  EXPECT_EQ(run_lifeboat({"inspect", elf, "log"}).text, saved_log);

  // The flattened form goes to standard output.
  const auto flat = open_file(path("flat"), O_WRONLY | O_CREAT, 0600);
  ASSERT_TRUE(flat);
  auto process = ChildProcess::start({peer_program("makedumpfile"), "-F", "-l", "-d", "31", vmcore()},
                                     {.stdout_fd = flat->get()});
  ASSERT_TRUE(process);
  ASSERT_EQ(process->wait(std::chrono::minutes(2)), 0);
  EXPECT_EQ(run_lifeboat({"verify", path("flat")}).status, 0);
  EXPECT_EQ(run_lifeboat({"inspect", path("flat"), "log"}).text, saved_log);
  const auto inside = open_dump(path("flat"));
  const auto plain = open_dump(theirs("plain", {"-l", "-d", "31"}));
  ASSERT_TRUE(inside && plain);
  const Difference difference = compare(*inside, *plain);
  EXPECT_EQ(difference.only_first + difference.only_second + difference.contents, 0u);
}

TEST_F(Makedumpfile, our_dump_is_not_larger) {
  const auto their_size = std::filesystem::file_size(theirs("theirs", {"-z", "-d", "31"}));
  const auto our_size = std::filesystem::file_size(ours("ours", {"--compress", "zstd", "--level", "31"}));
  RecordProperty("ratio", std::to_string(static_cast<double>(our_size) / static_cast<double>(their_size)));
  EXPECT_LE(our_size, their_size);
}

}  // namespace
}  // namespace lifeboat::test
