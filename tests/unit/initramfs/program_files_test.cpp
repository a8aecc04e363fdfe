// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/initramfs/program_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/base/file.h"

namespace lifeboat {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;

class ProgramFiles : public testing::Test {
 protected:
  std::string write(const std::string& name, std::string_view text, mode_t mode = 0755) const {
    const std::string path = folder_.path() / name;
    EXPECT_TRUE(write_file_atomically(path, as_byte_span(text), mode));
    return path;
  }
  TempDir folder_ = TempDir::create("program-test").value();
};

TEST_F(ProgramFiles, OfAProgramAreItsLoaderAndLibraries) {
  const auto files = program_files("/bin/sh");
  ASSERT_TRUE(files) << files.error().to_string();
  EXPECT_EQ(files->front(), "/bin/sh");
  EXPECT_THAT(*files, Contains(HasSubstr("/ld-linux")));
  EXPECT_THAT(*files, Contains(EndsWith("/libc.so.6")));
  for (const auto& file : *files) EXPECT_TRUE(std::filesystem::exists(file)) << file;
}

TEST_F(ProgramFiles, OfAScriptAreItsInterpreters) {
  const std::string script = write("script", "#! /bin/sh -e\necho\n");
  const auto files = program_files(script);
  ASSERT_TRUE(files);
  EXPECT_EQ(files->front(), script);
  EXPECT_EQ((*files)[1], "/bin/sh");
  EXPECT_THAT(*files, Contains(EndsWith("/libc.so.6")));
}

TEST_F(ProgramFiles, OfAPlainFileIsItself) {
  const std::string file = write("data", "#!/bin/sh\n", 0644);
  EXPECT_THAT(program_files(file).value(), ElementsAre(file));
}

TEST_F(ProgramFiles, WhatIsMissingIsNamed) {
  EXPECT_EQ(program_files("/no/such/program").error().code, ErrorCode::not_found);
  EXPECT_THAT(program_files(write("script", "#!/no/such/shell\n")).error().message,
              HasSubstr("the interpreter of " + (folder_.path() / "script").string()));
  EXPECT_FALSE(program_files(write("relative", "#!sh\n")));
  EXPECT_FALSE(program_files(folder_.path()));
}

TEST_F(ProgramFiles, AScriptThatInterpretsItselfEnds) {
  const std::string path = folder_.path() / "self";
  EXPECT_THAT(program_files(write("self", "#!" + path + "\n")).value(), ElementsAre(path));
}

}  // namespace
}  // namespace lifeboat
