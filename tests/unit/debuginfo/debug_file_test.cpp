// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/debuginfo/debug_file.h"

#include <elf.h>
#include <sys/stat.h>

#include <map>
#include <random>

#include "tests/unit/debuginfo/fixtures.h"

namespace lifeboat::test {
namespace {

using inspect::SourcePlace;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class DebugFiles : public testing::Test {
 protected:
  [[nodiscard]] std::string path(const std::string& name = "file") const { return temp_.path() / name; }
  // A copy with other bytes.
  std::string write(const std::vector<std::byte>& bytes) {
    const auto file = open_file(path(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    EXPECT_TRUE(file && write_all(file->get(), bytes, path()));
    return path();
  }
  static DebugFile open(const std::string& path) { return DebugFile::open(path, EM_X86_64).value(); }

  TempDir temp_ = TempDir::create("debug-file-test").value();
};

std::vector<std::string> texts(const std::vector<SourcePlace>& places) {
  std::vector<std::string> list;
  for (const auto& place : places)
    list.push_back(fmt::format("{} {}:{}", place.function, place.file, place.line));
  return list;
}
std::string text(const std::string& function, const std::string& remark) {
  return fmt::format("{} fixture/init/main.c:{}", function, line_of(remark));
}

void expect_places(const DebugFile& file) {
  const auto checked = file.check_debug_info();
  ASSERT_TRUE(checked) << why(checked);
  EXPECT_THAT(*checked, IsEmpty());
  EXPECT_THAT(texts(file.places(address_of(file, "at_innermost"))),
              ElementsAre(text("innermost", "line of innermost"), text("middle", "line of middle"),
                          text("outer", "line of outer")));
  EXPECT_THAT(texts(file.places(address_of(file, "at_outer"))),
              ElementsAre(text("outer", "plain line of outer")));
  EXPECT_THAT(texts(file.places(address_of(file, "at_other"))), ElementsAre(text("other", "line of other")));
}

TEST_F(DebugFiles, lines_and_inlined_functions) {
  for (const std::string name : {"program", "program4"}) {
    SCOPED_TRACE(name);
    const DebugFile file = open(fixture(name));
    EXPECT_FALSE(file.relocatable());
    EXPECT_EQ(file.build_id().size(), 20u);
    EXPECT_EQ(format_build_id(file.build_id()).size(), 40u);
    expect_places(file);
  }
}

TEST_F(DebugFiles, an_object_file_is_laid_out) {
  const DebugFile file = open(fixture("object.o"));
  EXPECT_TRUE(file.relocatable());
  EXPECT_EQ(file.build_id().size(), 20u);
  expect_places(file);
}

std::multimap<std::string, uint64_t> symbols_of(const std::string& file) {
  const auto output = run_process({"nm", file}, std::chrono::seconds(30)).value();
  std::multimap<std::string, uint64_t> symbols;
  std::istringstream lines(output.text);
  std::string address, type, name;
  while (lines >> address >> type >> name) symbols.emplace(name, std::stoull(address, nullptr, 16));
  return symbols;
}

TEST_F(DebugFiles, types_of_variables) {
  const DebugFile file = open(fixture("program"));
  const auto symbols = symbols_of(fixture("program"));
  const auto type_of = [&](const std::string& name) {
    return file.variable_type(name, symbols.find(name)->second).value_or("unknown");
  };
  EXPECT_EQ(type_of("sink"), "int");
  EXPECT_EQ(type_of("pairs"), "struct pair [4]");
  EXPECT_EQ(type_of("chosen"), "struct pair *");
  EXPECT_EQ(type_of("word"), "word_t");
  EXPECT_EQ(type_of("colour"), "enum colour");
  EXPECT_EQ(type_of("anything"), "void *[2]");
  EXPECT_EQ(type_of("matrix"), "int [2][3]");
  EXPECT_EQ(type_of("text"), "char [5]");
  EXPECT_EQ(type_of("nameless"), "unknown");
  EXPECT_EQ(type_of("handler"), "unknown");
  EXPECT_EQ(type_of("row"), "unknown");
  EXPECT_EQ(type_of("outer"), "unknown");
  // Static variables of one name are distinguished by their addresses.
  std::vector<std::string> twins;
  const auto [first, last] = symbols.equal_range("twin_data");
  for (auto twin = first; twin != last; ++twin)
    twins.push_back(file.variable_type("twin_data", twin->second).value_or("unknown"));
  EXPECT_THAT(twins, testing::UnorderedElementsAre("struct pair", "long int"));
  EXPECT_FALSE(file.variable_type("sink", symbols.find("word")->second));
  EXPECT_FALSE(file.variable_type("sink", 0));
}

TEST_F(DebugFiles, addresses_of_no_code) {
  const DebugFile file = open(fixture("program"));
  for (const uint64_t address : {uint64_t{0}, uint64_t{1}, uint64_t{0xffffffff81000000}, ~uint64_t{0}})
    EXPECT_THAT(file.places(address), IsEmpty()) << address;
}

TEST_F(DebugFiles, compressed_sections) {
  for (const std::string name : {"program", "object.o"}) {
    objcopy({"--compress-debug-sections=zlib-gabi"}, fixture(name), path());
    expect_places(open(path()));
  }
}

TEST_F(DebugFiles, split_off_from_the_program) {
  objcopy({"--only-keep-debug"}, fixture("program"), path());
  const DebugFile file = open(path());
  EXPECT_EQ(file.build_id(), open(fixture("program")).build_id());
  expect_places(file);
}

TEST_F(DebugFiles, without_debug_information) {
  objcopy({"--strip-debug"}, fixture("program"), path());
  const DebugFile stripped = open(path());
  const auto checked = stripped.check_debug_info();
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().code, ErrorCode::not_found);
  EXPECT_THAT(checked.error().message, HasSubstr("no usable debug information"));
  EXPECT_THAT(stripped.places(address_of(stripped, "outer")), IsEmpty());

  objcopy({"--remove-section=.debug_info"}, fixture("program"), path());
  const DebugFile headless = open(path());
  ASSERT_FALSE(headless.check_debug_info());
  EXPECT_EQ(headless.check_debug_info().error().code, ErrorCode::not_found);
  EXPECT_THAT(headless.places(address_of(headless, "outer")), IsEmpty());
}

TEST_F(DebugFiles, without_one_of_the_other_sections) {
  for (const std::string section : {".debug_abbrev", ".debug_line", ".debug_str", ".debug_line_str",
                                    ".debug_aranges", ".debug_rnglists", ".symtab"}) {
    SCOPED_TRACE(section);
    const uint64_t address = address_of(open(fixture("program")), "at_innermost");
    objcopy({"--remove-section=" + section}, fixture("program"), path());
    const auto file = DebugFile::open(path(), EM_X86_64);
    if (!file) continue;
    (void)file->check_debug_info();
    for (const auto& place : file->places(address)) EXPECT_LE(place.line, line_of("line of other"));
  }
}

// dwz moves what files have in common to another one.
TEST_F(DebugFiles, supplementary_file_missing) {
  std::string link = "common.debug";
  link += '\0';
  link += std::string(20, '\x12');
  ASSERT_TRUE(write_file_atomically(path("link"), as_byte_span(link), 0600));
  objcopy({"--add-section=.gnu_debugaltlink=" + path("link")}, fixture("program"), path());
  const DebugFile file = open(path());
  const auto warnings = file.check_debug_info();
  ASSERT_TRUE(warnings) << why(warnings);
  EXPECT_THAT(*warnings, ElementsAre(HasSubstr("common.debug")));
  EXPECT_EQ(file.places(address_of(file, "at_innermost")).size(), 3u);
}

TEST_F(DebugFiles, split_dwarf_with_and_without_its_other_half) {
  // The half is looked for beside the file.
  std::filesystem::path half;
  for (const auto& entry : std::filesystem::directory_iterator(LIFEBOAT_FIXTURES))
    if (entry.path().extension() == ".dwo") half = entry.path();
  ASSERT_FALSE(half.empty());
  std::filesystem::copy_file(fixture("split"), path());
  const DebugFile alone = open(path());
  EXPECT_THAT(texts(alone.places(address_of(alone, "at_innermost"))),
              ElementsAre(text("", "line of innermost")));
  std::filesystem::copy_file(half, temp_.path() / half.filename());
  expect_places(open(path()));
}

TEST_F(DebugFiles, what_is_no_debug_file) {
  EXPECT_EQ(DebugFile::open(path(), EM_X86_64).error().code, ErrorCode::not_found);
  EXPECT_EQ(DebugFile::open(temp_.path(), EM_X86_64).error().code, ErrorCode::unsupported);
  ASSERT_EQ(mkfifo(path("fifo").c_str(), 0600), 0);
  EXPECT_EQ(DebugFile::open(path("fifo"), EM_X86_64).error().code, ErrorCode::unsupported);
  EXPECT_EQ(DebugFile::open(write({}), EM_X86_64).error().code, ErrorCode::unsupported);
  const std::string text = "#!/bin/sh\n";
  const auto bytes = as_byte_span(text);
  EXPECT_EQ(DebugFile::open(write({bytes.begin(), bytes.end()}), EM_X86_64).error().code,
            ErrorCode::unsupported);
  EXPECT_THAT(DebugFile::open(path(), EM_X86_64).error().message, HasSubstr("not an ELF file"));
  auto other = read_file(fixture("program")).value();
  other.at(18) = std::byte{183};  // e_machine: EM_AARCH64
  EXPECT_THAT(DebugFile::open(write(other), EM_X86_64).error().message, HasSubstr("another architecture"));
}

TEST_F(DebugFiles, cut_off_anywhere) {
  const auto whole = read_file(fixture("program")).value();
  for (size_t size = 4; size < whole.size(); size += size < 128 ? 1 : 397) {
    const auto file =
        DebugFile::open(write({whole.begin(), whole.begin() + static_cast<ptrdiff_t>(size)}), EM_X86_64);
    ASSERT_FALSE(file) << size;
    EXPECT_EQ(file.error().code, ErrorCode::truncated) << size;
  }
}

// Any answer will do, but there must be one.
TEST_F(DebugFiles, damaged_anywhere) {
  std::mt19937 random(4);
  for (const std::string name : {"program", "object.o"}) {
    const auto whole = read_file(fixture(name)).value();
    const uint64_t address = address_of(open(fixture(name)), "at_innermost");
    const uint64_t pairs = symbols_of(fixture(name)).find("pairs")->second;
    for (int round = 0; round < 300; ++round) {
      auto damaged = whole;
      for (int count = 0; count < 8; ++count)
        damaged.at(random() % damaged.size()) = static_cast<std::byte>(random());
      const auto file = DebugFile::open(write(damaged), EM_X86_64);
      if (!file) continue;
      (void)file->check_debug_info();
      EXPECT_LE(file->places(address).size(), 70u);
      (void)file->variable_type("pairs", pairs);
      file->visit_functions([&file](std::string_view, uint64_t at, size_t section) {
        (void)file->places(at);
        (void)file->section(section);
      });
    }
  }
}

}  // namespace
}  // namespace lifeboat::test
