// SPDX-License-Identifier: GPL-2.0-or-later
// A made-up kernel whose code is that of the fixture, moved as KASLR would.
#include "src/debuginfo/kernel_debug_info.h"

#include <elf.h>

#include <nlohmann/json.hpp>

#include "src/inspect/named_stacks.h"
#include "src/inspect/report_text.h"
#include "tests/support/kallsyms_builder.h"
#include "tests/unit/debuginfo/fixtures.h"

namespace lifeboat::test {
namespace {

using inspect::SourcePlace;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class Lines : public testing::Test {
 protected:
  void SetUp() override {
    const DebugFile file = DebugFile::open(fixture("program"), EM_X86_64).value();
    auto symbols = sample_symbols(fake_);
    // One that lies where start_kernel() of the fixture is.
    const auto start = std::ranges::find_if(symbols, [](const Symbol& symbol) {
      return symbol.type == 'T' && symbol.name != "_stext" && symbol.address > 0xffffffff80000000;
    });
    ASSERT_NE(start, symbols.end());
    start->name = "start_kernel";
    offset_ = start->address - address_of(file, "start_kernel");
    address_ = address_of(file, "at_innermost") + offset_;
    put_kallsyms(fake_, symbols);
    fake_.set_key("KERNELOFFSET", fmt::format("{:x}", offset_));
    fake_.set_key("BUILD-ID", format_build_id(file.build_id()));
    options_.debug_folder = temp_.path() / "debug";
    options_.system_root = temp_.path() / "root";
  }
  void open() {
    fake_.write_elf(temp_.path() / "dump");
    session_.emplace(inspect::Session::open(temp_.path() / "dump").value());
    session_->set_debug_info(kernel_debug_info(*session_, options_));
  }
  const std::vector<SourcePlace>& places() {
    if (!session_) open();
    return session_->debug_info()->at(address_);
  }
  [[nodiscard]] const std::vector<std::string>& notes() const { return session_->debug_info()->notes(); }
  void expect_lines() {
    EXPECT_THAT(places(), ElementsAre(SourcePlace{"innermost", "init/main.c", line_of("line of innermost")},
                                      SourcePlace{"middle", "init/main.c", line_of("line of middle")},
                                      SourcePlace{"outer", "init/main.c", line_of("line of outer")}));
  }
  void put(const std::string& from, const std::string& to) {
    const auto path = temp_.path() / to;
    std::filesystem::create_directories(path.parent_path());
    std::filesystem::copy_file(fixture(from), path);
  }

  TempDir temp_ = TempDir::create("debug-info-test").value();
  FakeKernel fake_;
  uint64_t offset_ = 0, address_ = 0;
  DebugInfoOptions options_;
  std::optional<inspect::Session> session_;
};

TEST_F(Lines, of_the_file_given) {
  options_.vmlinux = fixture("program");
  expect_lines();
  EXPECT_THAT(notes(), IsEmpty());
  EXPECT_THAT(session_->debug_info()->at(0), IsEmpty());
  EXPECT_THAT(session_->debug_info()->at(~uint64_t{0}), IsEmpty());
}

TEST_F(Lines, of_another_kernels_file_are_refused) {
  options_.vmlinux = fixture("program4");
  EXPECT_THAT(places(), IsEmpty());
  const auto other = DebugFile::open(fixture("program4"), EM_X86_64).value();
  EXPECT_THAT(notes(),
              ElementsAre(AllOf(HasSubstr("another kernel"), HasSubstr(format_build_id(other.build_id())),
                                HasSubstr(std::string(fake_.parsed().value("BUILD-ID").value())))));
}

TEST_F(Lines, of_a_file_without_build_id_are_refused) {
  objcopy({"--remove-section=.note.gnu.build-id"}, fixture("program"), temp_.path() / "vmlinux");
  options_.vmlinux = temp_.path() / "vmlinux";
  EXPECT_THAT(places(), IsEmpty());
  EXPECT_THAT(notes(), ElementsAre(HasSubstr("missing")));
}

TEST_F(Lines, of_a_file_that_cannot_be_checked_come_with_a_note) {
  fake_.remove_key("BUILD-ID");
  options_.vmlinux = fixture("program");
  expect_lines();
  EXPECT_THAT(notes(), ElementsAre(HasSubstr("cannot verify that")));
}

TEST_F(Lines, of_a_file_that_is_not_there) {
  options_.vmlinux = temp_.path() / "nowhere";
  EXPECT_THAT(places(), IsEmpty());
  EXPECT_THAT(notes(), ElementsAre(HasSubstr("nowhere")));
  EXPECT_THAT(places(), IsEmpty());
  EXPECT_EQ(notes().size(), 1u);
}

TEST_F(Lines, of_a_stripped_file) {
  objcopy({"--strip-debug"}, fixture("program"), temp_.path() / "vmlinux");
  options_.vmlinux = temp_.path() / "vmlinux";
  EXPECT_THAT(places(), IsEmpty());
  EXPECT_THAT(notes(), ElementsAre(HasSubstr("no debug information")));
}

TEST_F(Lines, of_the_file_that_is_found) {
  // Passed over: another kernel of the same release, and one without debug information.
  put("program4", "debug/boot/vmlinux-6.12.0-fake");
  std::filesystem::create_directories(temp_.path() / "debug/lib/modules/6.12.0-fake");
  objcopy({"--strip-debug"}, fixture("program"), temp_.path() / "debug/lib/modules/6.12.0-fake/vmlinux");
  put("program", "root/boot/vmlinux-6.12.0-fake");
  expect_lines();
  EXPECT_THAT(notes(), IsEmpty());
}

TEST_F(Lines, nothing_is_found_and_nothing_reported) {
  put("program4", "debug/boot/vmlinux-6.12.0-fake");
  EXPECT_THAT(places(), IsEmpty());
  EXPECT_THAT(notes(), IsEmpty());
}

TEST_F(Lines, an_offset_that_is_no_number) {
  fake_.set_key("KERNELOFFSET", "far");
  options_.vmlinux = fixture("program");
  EXPECT_THAT(places(), IsEmpty());
  EXPECT_THAT(notes(), ElementsAre(HasSubstr("KERNELOFFSET")));
}

TEST_F(Lines, are_shown_in_frames) {
  options_.vmlinux = fixture("program");
  open();
  const auto interrupted = inspect::name_address(*session_, address_, false);
  EXPECT_EQ(interrupted.file, "init/main.c");
  EXPECT_EQ(interrupted.line, line_of("line of outer"));
  ASSERT_EQ(interrupted.inlined.size(), 2u);
  const std::string text = inspect::frames_text({interrupted}, 1, inspect::Style(false));
  EXPECT_THAT(text, HasSubstr(fmt::format("      innermost (inlined) at init/main.c:{}\n"
                                          "      middle (inlined) at init/main.c:{}\n  #0  ",
                                          line_of("line of innermost"), line_of("line of middle"))));
  EXPECT_THAT(text, HasSubstr(fmt::format(" at init/main.c:{}\n", line_of("line of outer"))));
  const auto json = inspect::stack_json({.frames = {interrupted}});
  const auto& frame = json["frames"][0];
  EXPECT_EQ(frame["file"], "init/main.c");
  EXPECT_EQ(frame["line"], line_of("line of outer"));
  ASSERT_EQ(frame["inlined"].size(), 2u);
  EXPECT_EQ(frame["inlined"][0]["function"], "innermost");
  EXPECT_EQ(frame["inlined"][1]["line"], line_of("line of middle"));
  // Behind a call: the instruction before counts.
  EXPECT_EQ(inspect::name_address(*session_, address_ + 1, true).inlined, interrupted.inlined);
  // The name does not depend on it.
  session_->set_debug_info(nullptr);
  const auto bare = inspect::name_address(*session_, address_, false);
  EXPECT_EQ(bare.to_string(), interrupted.to_string());
  EXPECT_EQ(bare.file, "");
}

}  // namespace
}  // namespace lifeboat::test
