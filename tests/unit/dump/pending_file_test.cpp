// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/dump/pending_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "src/base/log.h"
#include "src/base/sys.h"
#include "src/dump/dump_mark.h"
#include "tests/support/kdump_builder.h"
#include "tests/support/results.h"

namespace lifeboat {
namespace {

namespace fs = std::filesystem;
using test::code_of;
using testing::HasSubstr;

class PendingName : public testing::Test {
 protected:
  void SetUp() override {
    temp_.emplace(TempDir::create("pending-test").value());
    root_ = open_file(temp_->path(), O_RDONLY | O_DIRECTORY).value();
  }
  void TearDown() override { sys::set_fault_hook({}); }
  [[nodiscard]] fs::path path(const char* name) const { return temp_->path() / name; }
  [[nodiscard]] std::string content(const char* name) const { return read_text(path(name)).value(); }

  std::optional<TempDir> temp_;
  UniqueFd root_;
};

TEST_F(PendingName, PublishedFileIsPrivateAndHasItsName) {
  auto file = PendingFile::create(root_.get(), "vmcore.incomplete", "vmcore");
  ASSERT_TRUE(file);
  ASSERT_TRUE(write_all(file->fd(), as_byte_span("whole"), "vmcore"));
  EXPECT_FALSE(fs::exists(path("vmcore")));
  ASSERT_TRUE(file->publish());
  EXPECT_EQ(content("vmcore"), "whole");
  EXPECT_FALSE(fs::exists(path("vmcore.incomplete")));
  EXPECT_EQ(fs::status(path("vmcore")).permissions(), fs::perms::owner_read | fs::perms::owner_write);
}

TEST_F(PendingName, ExistingFilesAreNotTouched) {
  for (const char* taken : {"vmcore", "vmcore.incomplete"}) {
    ASSERT_TRUE(write_file_atomically(path(taken), as_byte_span("older"), 0600));
    const auto file = PendingFile::create(root_.get(), "vmcore.incomplete", "vmcore");
    ASSERT_FALSE(file);
    EXPECT_EQ(content(taken), "older");
    fs::remove(path(taken));
  }
}

TEST_F(PendingName, FileThatAppearsMeanwhileIsNotReplaced) {
  auto file = PendingFile::create(root_.get(), "vmcore.incomplete", "vmcore").value();
  ASSERT_TRUE(write_file_atomically(path("vmcore"), as_byte_span("somebody else's"), 0600));
  EXPECT_FALSE(file.publish());
  EXPECT_EQ(content("vmcore"), "somebody else's");
  EXPECT_TRUE(fs::exists(path("vmcore.incomplete")));
}

TEST_F(PendingName, SymbolicLinksAreNotFollowed) {
  ASSERT_TRUE(write_file_atomically(path("victim"), as_byte_span("safe"), 0600));
  fs::create_symlink(path("victim"), path("vmcore.incomplete"));
  EXPECT_FALSE(PendingFile::create(root_.get(), "vmcore.incomplete", "vmcore"));
  EXPECT_EQ(content("victim"), "safe");
}

TEST_F(PendingName, EachFailingSyncOrRenameLeavesTheIncompleteName) {
  for (const auto failing : {sys::Call::fsync, sys::Call::rename}) {
    auto file = PendingFile::create(root_.get(), "vmcore.incomplete", "vmcore").value();
    sys::set_fault_hook([failing](sys::Call call) { return call == failing ? EIO : 0; });
    const auto published = file.publish();
    sys::set_fault_hook({});
    ASSERT_FALSE(published);
    EXPECT_EQ(published.error().sys_errno, EIO);
    EXPECT_TRUE(fs::exists(path("vmcore.incomplete")));
    EXPECT_FALSE(fs::exists(path("vmcore")));
    file.discard();
  }
}

// A dump is published by its own word alone, whatever its writer believes.
class PendingDump : public PendingName {
 protected:
  PendingFile pending(uint32_t status) {
    auto file = PendingFile::create(root_.get(), "vmcore.incomplete", "vmcore").value();
    const auto bytes = test::KdumpBuilder(8)
                           .zero_page(1)
                           .patch_header([status](kdump::Header& header) { header.status |= status; })
                           .build();
    EXPECT_TRUE(write_all(file.fd(), bytes, "vmcore"));
    return file;
  }
  [[nodiscard]] DumpMark mark_of(const char* name) const {
    return read_dump_mark(open_file(path(name), O_RDONLY).value().get(), name).value();
  }
};

TEST_F(PendingDump, ThatIsMarkedIncompleteIsNotPublished) {
  auto file = pending(kdump::kStatusIncomplete);
  EXPECT_EQ(code_of(file.publish()), ErrorCode::lost);
  EXPECT_FALSE(fs::exists(path("vmcore")));
  EXPECT_EQ(mark_of("vmcore.incomplete"), DumpMark::incomplete);
}

TEST_F(PendingDump, ThatCouldNotBePublishedIsMarkedAgain) {
  bool fired = true;
  for (int nth = 0; fired; ++nth) {
    auto file = pending(0);
    fired = false;
    int calls = 0;
    sys::set_fault_hook([&](sys::Call) {
      const bool hit = calls++ == nth;
      fired |= hit;
      return hit ? EIO : 0;
    });
    const auto published = file.publish();
    sys::set_fault_hook({});
    EXPECT_EQ(published.has_value(), !fired) << nth;
    EXPECT_EQ(fs::exists(path("vmcore")), !fired) << nth;
    if (!fired) break;
    EXPECT_EQ(mark_of("vmcore.incomplete"), DumpMark::incomplete) << nth;
    file.discard();
  }
  EXPECT_EQ(mark_of("vmcore"), DumpMark::whole);
}

TEST_F(PendingDump, WhoseNameIsTakenMeanwhileIsMarkedAgain) {
  auto file = pending(0);
  ASSERT_TRUE(write_file_atomically(path("vmcore"), as_byte_span("somebody else's"), 0600));
  EXPECT_FALSE(file.publish());
  EXPECT_EQ(mark_of("vmcore.incomplete"), DumpMark::incomplete);
  EXPECT_EQ(content("vmcore"), "somebody else's");
}

TEST_F(PendingName, WhatCannotBeDiscardedIsReported) {
  std::vector<std::string> messages;
  log::set_sink([&](log::Level, std::string_view text) { messages.emplace_back(text); });
  auto file = PendingFile::create(root_.get(), "vmcore.incomplete", "vmcore").value();
  sys::set_fault_hook([](sys::Call call) { return call == sys::Call::unlink ? EIO : 0; });
  file.discard();
  log::set_sink({});
  EXPECT_THAT(messages, testing::ElementsAre(HasSubstr("cannot remove vmcore.incomplete")));
}

}  // namespace
}  // namespace lifeboat
