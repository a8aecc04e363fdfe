// SPDX-License-Identifier: GPL-2.0-or-later
#include "guest_disks.h"

#include <sstream>

#include "base/file.h"
#include "base/process.h"

namespace lifeboat::test {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

std::vector<Addition> files_below(const fs::path& folder, const fs::path& guest) {
  std::vector<Addition> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_directory() && !entry.is_symlink()) continue;
    files.push_back({guest / entry.path().lexically_relative(folder), entry.path()});
  }
  return files;
}

Result<std::string> debugfs(const std::string& image, const fs::path& script, const std::string& commands) {
  TRY_VOID(write_file_atomically(script, as_byte_span(commands), 0600));
  return TRY(run_process({"debugfs", "-w", "-f", script, image}, 120s)).text;
}

// debugfs exits 0 whatever happened, so what was written is read again.
Result<> add_files(const std::string& image, const fs::path& work, const std::vector<Addition>& files) {
  std::string commands;
  std::string checks;
  for (const auto& file : files) {
    fs::path folder;
    for (const auto& part : file.guest.parent_path().relative_path()) {
      folder /= part;
      commands += fmt::format("mkdir /{}\n", folder.string());
    }
    commands += fmt::format("rm {}\n", file.guest.string());
    if (fs::is_symlink(file.host)) {
      commands += fmt::format("symlink {} {}\n", file.guest.string(), fs::read_symlink(file.host).string());
    } else {
      commands += fmt::format("write {} {}\n", file.host.string(), file.guest.string());
    }
    checks += fmt::format("stat {}\n", file.guest.string());
  }
  TRY_VOID(debugfs(image, work / "debugfs", commands));
  const std::string found = TRY(debugfs(image, work / "debugfs", checks));
  if (found.find("not found") == std::string::npos) return {};
  return fail(ErrorCode::io, "debugfs could not put all files into {}: {}", image, found);
}

Result<> run_checked(const std::vector<std::string>& argv) {
  const auto output = TRY(run_process(argv, 300s));
  if (output.status == 0) return {};
  return fail(ErrorCode::io, "{} failed: {}", argv[0], output.text);
}

// Moves the root's /boot to an image of its own.
Result<> split_boot(const std::string& root, const std::string& boot, const fs::path& work) {
  TRY_VOID(run_checked({"debugfs", "-R", fmt::format("rdump /boot {}", work.string()), root}));
  std::string removals;
  for (const auto& file : files_below(work / "boot", "/boot")) removals += "rm " + file.guest.string() + "\n";
  if (removals.empty()) return fail(ErrorCode::not_found, "{} has nothing in /boot", root);
  TRY_VOID(run_checked({"mke2fs", "-q", "-t", "ext4", "-d", work / "boot", boot, "512M"}));
  TRY_VOID(debugfs(root, work / "debugfs", removals));
  const std::string fstab =
      "/dev/vda / ext4 errors=remount-ro 0 1\n"
      "/dev/vdb /boot ext4 defaults 0 2\n";
  TRY_VOID(write_file_atomically(work / "fstab", as_byte_span(fstab), 0644));
  return add_files(root, work, {{"/etc/fstab", work / "fstab"}});
}

}  // namespace

std::vector<Addition> built_programs() {
  auto files = files_below(LIFEBOAT_SYSTEMD_TESTS "/root-with-kexec", "/");
  for (const auto& unit : files_below(LIFEBOAT_UNITS, "/usr/lib/systemd/system")) files.push_back(unit);
  files.push_back({"/usr/sbin/lifeboat", LIFEBOAT_BIN "/lifeboat"});
  return files;
}

Result<DebianRoot> DebianRoot::open(const fs::path& folder) {
  DebianRoot root{.folder = folder, .releases = {}};
  std::istringstream releases(TRY(read_text(folder / "releases")));
  for (std::string release; std::getline(releases, release);) root.releases.push_back(release);
  if (!fs::exists(root.image())) return fail(ErrorCode::not_found, "{} is not there", root.image());
  return root;
}

Result<GuestDisks> GuestDisks::create(const DebianRoot& root, BootFolder boot,
                                      const std::vector<Addition>& more, const fs::path& folder) {
  const auto work = TRY(TempDir::create("disks", folder));
  GuestDisks disks;
  disks.images_.push_back(folder / "root.img");
  TRY_VOID(run_checked({"cp", "--sparse=always", root.image(), disks.images_[0]}));
  auto additions = files_below(LIFEBOAT_SYSTEMD_TESTS "/root", "/");
  additions.insert(additions.end(), more.begin(), more.end());
  TRY_VOID(add_files(disks.images_[0], work.path(), additions));
  if (boot == BootFolder::own_disk) {
    disks.images_.push_back(folder / "boot.img");
    TRY_VOID(split_boot(disks.images_[0], disks.images_[1], work.path()));
  }
  return disks;
}

Result<> GuestDisks::check() const {
  for (const auto& image : images_) {
    const auto output = TRY(run_process({"e2fsck", "-fn", image}, 300s));
    // Told to change nothing, e2fsck passes over a journal and says so, and may still exit 0.
    if (output.status != 0 || output.text.find("journal recovery") != std::string::npos) {
      return fail(ErrorCode::corrupt, "{} was not left clean: {}", image, output.text);
    }
  }
  return {};
}

}  // namespace lifeboat::test
