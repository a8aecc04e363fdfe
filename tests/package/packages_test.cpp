// SPDX-License-Identifier: GPL-2.0-or-later
// The packages that cpack makes of this build: what is in them, what lintian reports, and that they are
// always the same.
#include <gtest/gtest.h>

#include <sstream>
#include <thread>

#include "tests/support/programs.h"

namespace lifeboat::test {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

// All packages, made into a folder of their own.
class Packages : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = std::make_unique<TempDir>(*TempDir::create("packages"));
    make(folder_->path());
  }
  static void TearDownTestSuite() { folder_.reset(); }

  static void make(const fs::path& folder) {
    const std::string config = std::string(LIFEBOAT_BUILD) + "/CPackConfig.cmake";
    const auto output =
        run({"env", "SOURCE_DATE_EPOCH=1764000000", "cpack", "--config", config, "-B", folder});
    EXPECT_EQ(output.status, 0) << output.text;
  }
  static std::vector<fs::path> files(const fs::path& folder) {
    std::vector<fs::path> found;
    for (const auto& entry : fs::directory_iterator(folder)) {
      if (entry.is_regular_file()) found.push_back(entry.path().filename());
    }
    std::ranges::sort(found);
    return found;
  }
  static fs::path package(const std::string& prefix) {
    for (const auto& name : files(folder_->path())) {
      if (name.string().starts_with(prefix)) return folder_->path() / name;
    }
    ADD_FAILURE() << "there is no package " << prefix;
    return {};
  }

  static std::unique_ptr<TempDir> folder_;
};
std::unique_ptr<TempDir> Packages::folder_;

TEST_F(Packages, are_always_the_same) {
  const TempDir again = *TempDir::create("packages");
  make(again.path());
  const auto names = files(folder_->path());
  EXPECT_EQ(names.size(), 4u);
  EXPECT_EQ(files(again.path()), names);
  for (const auto& name : names) {
    EXPECT_EQ(run({"cmp", folder_->path() / name, again.path() / name}).status, 0) << name;
  }
}

TEST_F(Packages, please_lintian) {
  const auto output = run({"lintian", "--allow-root", "--no-cfg", "--fail-on", "error,warning",
                           "--tag-display-limit", "0", package("lifeboat_"), package("lifeboat-kexec_")});
  EXPECT_EQ(output.status, 0) << output.text;
}

TEST_F(Packages, have_the_files_that_they_should) {
  const std::string deb = run({"dpkg-deb", "--contents", package("lifeboat_")}).text;
  const std::string rpm = run({"rpm", "-qpl", package("lifeboat-0")}).text;
  for (const char* path : {"/etc/lifeboat.conf",
                           "/etc/lifeboat.conf.d",
                           "/etc/sysctl.d/60-lifeboat.conf",
                           "/var/lib/lifeboat",
                           "/usr/sbin/lifeboat",
                           "/usr/lib/lifeboat/lifeboat-init",
                           "/usr/lib/lifeboat/lifeboat-rehearsal-guest",
                           "/usr/lib/lifeboat/kernel-changed",
                           "/usr/lib/kernel/install.d/95-lifeboat.install",
                           "/usr/lib/systemd/system/lifeboat-load.service",
                           "/usr/lib/systemd/system/lifeboat-collect.service",
                           "/usr/lib/systemd/system/lifeboat-capture.service",
                           "/usr/lib/systemd/system/lifeboat-reload.path",
                           "/usr/lib/systemd/system/lifeboat-reload.service",
                           "/usr/lib/systemd/system/kexec-load@.service",
                           "/usr/lib/systemd/system/kexec-load-early@.service",
                           "/usr/lib/udev/rules.d/60-lifeboat.rules",
                           "/usr/share/man/man8/lifeboat.8.gz",
                           "/usr/share/man/man8/lifeboat-init.8.gz",
                           "/usr/share/man/man5/lifeboat.conf.5.gz",
                           "/usr/share/bash-completion/completions/lifeboat",
                           "/usr/share/doc/lifeboat/install.md"}) {
    EXPECT_THAT(deb, HasSubstr(std::string(" .") + path));
    EXPECT_THAT(rpm, HasSubstr(std::string(path) + "\n"));
  }
  EXPECT_THAT(deb, HasSubstr("/etc/kernel/postinst.d/zz-lifeboat"));
  EXPECT_THAT(rpm, Not(HasSubstr("/etc/kernel/")));
  // Where zsh of each looks.
  EXPECT_THAT(deb, HasSubstr(" ./usr/share/zsh/vendor-completions/_lifeboat\n"));
  EXPECT_THAT(deb, Not(HasSubstr("site-functions")));
  EXPECT_THAT(rpm, HasSubstr("/usr/share/zsh/site-functions/_lifeboat\n"));
  EXPECT_THAT(rpm, Not(HasSubstr("vendor-completions")));
  // The command kexec is kexec-tools' on machines that have it.
  EXPECT_THAT(deb, Not(HasSubstr("/kexec\n")));
  EXPECT_THAT(deb, Not(HasSubstr("/kexec ->")));
  EXPECT_THAT(rpm, Not(HasSubstr("/sbin/kexec")));
  EXPECT_THAT(run({"dpkg-deb", "--contents", package("lifeboat-kexec_")}).text,
              HasSubstr("./usr/sbin/kexec -> lifeboat\n"));
  EXPECT_THAT(run({"rpm", "-qpl", package("lifeboat-kexec-0")}).text, HasSubstr("/usr/sbin/kexec\n"));
}

// Folders that belong to others would be conflicts.
TEST_F(Packages, do_not_claim_what_is_not_theirs) {
  std::istringstream list(run({"rpm", "-qpl", package("lifeboat-0")}).text);
  for (std::string path; std::getline(list, path);) {
    EXPECT_TRUE(path.find("lifeboat") != std::string::npos || path.find("kexec-load") != std::string::npos ||
                path.find("/.build-id") != std::string::npos)
        << path;
  }
}

// The names of both Debian 12 and 13: a library whose package is called otherwise there would shut out one of
// them.
TEST_F(Packages, depend_on_what_both_debians_have) {
  const std::string depends = run({"dpkg-deb", "--field", package("lifeboat_"), "Depends"}).text;
  EXPECT_THAT(depends, HasSubstr("libelf1 "));
  for (const char* name : {"libboost", "libfmt", "libspdlog", "libarchive", "libbz2", "t64"}) {
    EXPECT_THAT(depends, Not(HasSubstr(name)));
  }
}

TEST_F(Packages, declare_their_conflicts) {
  EXPECT_EQ(run({"dpkg-deb", "--field", package("lifeboat_"), "Conflicts"}).text, "kdump-tools\n");
  for (const char* field : {"Conflicts", "Replaces", "Provides"}) {
    EXPECT_EQ(run({"dpkg-deb", "--field", package("lifeboat-kexec_"), field}).text, "kexec-tools\n");
  }
}

// In few words first, each of itself.
TEST_F(Packages, describe_themselves) {
  const auto deb = [](const std::string& name) {
    return run({"dpkg-deb", "--field", package(name), "Description"}).text;
  };
  const auto rpm = [](const std::string& name) {
    return run({"rpm", "-qp", "--queryformat", "%{SUMMARY}\n%{DESCRIPTION}\n", package(name)}).text;
  };
  for (const std::string& text : {deb("lifeboat_"), rpm("lifeboat-0")}) {
    EXPECT_THAT(text, StartsWith("crash dumps for Linux that you can rely on\n"));
    EXPECT_THAT(text, HasSubstr("lifeboat loads a capture kernel"));
  }
  for (const std::string& text : {deb("lifeboat-kexec_"), rpm("lifeboat-kexec-0")}) {
    EXPECT_THAT(text, StartsWith("command kexec, by lifeboat\n"));
    EXPECT_THAT(text, HasSubstr("a link to lifeboat"));
    EXPECT_THAT(text, Not(HasSubstr("crash dumps")));
    EXPECT_THAT(text, Not(HasSubstr("capture kernel")));
  }
}

// What an operator changes in /etc survives an upgrade.
TEST_F(Packages, mark_all_of_etc_as_configuration) {
  const auto control = run({"dpkg-deb", "--info", package("lifeboat_"), "conffiles"});
  std::istringstream files(run({"dpkg-deb", "--contents", package("lifeboat_")}).text);
  for (std::string line; std::getline(files, line);) {
    const auto at = line.find(" ./etc/");
    if (line.starts_with('-') && at != std::string::npos) {
      EXPECT_THAT(control.text, HasSubstr(line.substr(at + 2) + "\n"));
    }
  }
}

}  // namespace
}  // namespace lifeboat::test
