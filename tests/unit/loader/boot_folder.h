// SPDX-License-Identifier: GPL-2.0-or-later
// A made-up /boot and /efi in a folder of their own, for tests of boot entries.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "loader/entries/boot_entry.h"
#include "src/base/file.h"
#include "tests/support/bzimage_builder.h"
#include "tests/support/uki_builder.h"

namespace lifeboat::test {

class BootFolder : public testing::Test {
 protected:
  [[nodiscard]] std::string path(const std::string& name) const { return folder_.path() / name; }
  [[nodiscard]] BootPaths paths() const {
    return {.roots = {path("efi"), path("boot"), path("none")}, .sys = path("sys"), .proc = path("proc")};
  }
  void put(const std::string& name, std::string_view text) const {
    std::filesystem::create_directories(std::filesystem::path(path(name)).parent_path());
    write_file_atomically(path(name), as_byte_span(text), 0600).value();
  }
  void put_kernel(const std::string& name) const { put(name, as_text(build_bzimage())); }
  void put_uki(const std::string& name,
               const std::vector<UkiSection>& sections = usual_uki_sections()) const {
    put(name, as_text(build_uki({.sections = sections})));
  }
  // The first entry; one without a kernel when there is none.
  BootEntry only() {
    skipped_.clear();
    auto entries = find_boot_entries(paths(), &skipped_);
    return entries.empty() ? BootEntry{} : std::move(entries.front());
  }
  std::vector<std::string> skipped_;

 private:
  TempDir folder_ = TempDir::create("boot-folder-test").value();
};

}  // namespace lifeboat::test
