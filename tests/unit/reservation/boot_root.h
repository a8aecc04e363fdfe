// SPDX-License-Identifier: GPL-2.0-or-later
// A root folder of the test's own, with the files of a boot loader.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <string_view>

#include "src/base/file.h"
#include "src/base/sys.h"
#include "src/reservation/setting.h"

namespace lifeboat::reservation {

class BootRoot : public testing::Test {
 protected:
  ~BootRoot() override { sys::set_fault_hook({}); }
  [[nodiscard]] std::string root() const { return folder_.path(); }
  [[nodiscard]] std::string path(const std::string& name) const { return folder_.path() / name; }
  void put(const std::string& name, std::string_view text) const {
    std::filesystem::create_directories(std::filesystem::path(path(name)).parent_path());
    ASSERT_TRUE(write_file_atomically(path(name), as_byte_span(text), 0640));
  }
  [[nodiscard]] std::string text(const std::string& name) const {
    return read_text(path(name)).value_or("(none)");
  }
  // An EFI variable of the Boot Loader Interface: four bytes of attributes, then UTF-16.
  void put_loader_variable(const std::string& name, std::string_view value) const {
    std::string bytes(4, '\x06');
    for (const char c : value) bytes += {c, '\0'};
    bytes += std::string(2, '\0');
    put("sys/firmware/efi/efivars/" + name + "-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f", bytes);
  }
  enum class Foreign { refused, overruled };
  // Plans and carries out; the error of the first that fails.
  [[nodiscard]] Result<Setting> set(const std::string& value, Foreign foreign = Foreign::refused) const {
    auto setting = plan_setting({.root = root(), .value = value, .force = foreign == Foreign::overruled});
    if (!setting) return setting;
    auto done = carry_out(*setting);
    if (!done) return std::unexpected(std::move(done).error());
    return setting;
  }
  TempDir folder_ = TempDir::create("boot-root").value();
};

}  // namespace lifeboat::reservation
