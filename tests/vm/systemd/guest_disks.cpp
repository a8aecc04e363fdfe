// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/vm/systemd/guest_disks.h"

#include <sstream>

#include "src/base/file.h"
#include "src/base/process.h"

namespace lifeboat::test {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

Result<std::string> debugfs(const std::string& image, const fs::path& script, const std::string& commands) {
  TRY_VOID(write_file_atomically(script, as_byte_span(commands), 0600));
  return TRY(run_process({"debugfs", "-w", "-f", script, image}, 600s)).text;
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
  const auto output = TRY(run_process(argv, 600s));
  if (output.status == 0) return {};
  return fail(ErrorCode::io, "{} failed: {}", argv[0], output.text);
}

// Moves what the root has in that folder to an image of its own. The folders themselves stay, empty.
Result<> split(const std::string& root, const OwnDisk& own, const std::string& image, const fs::path& work) {
  const fs::path moved = work / "own";
  const fs::path files = moved / fs::path(own.folder).filename();
  fs::create_directories(moved);
  TRY_VOID(run_checked({"debugfs", "-R", fmt::format("rdump {} {}", own.folder, moved.string()), root}));
  fs::create_directories(files);  // a folder that the root does not have
  std::string commands;
  for (const auto& file : files_below(files, own.folder)) commands += "rm " + file.guest.string() + "\n";
  fs::path parent;
  for (const auto& part : fs::path(own.folder).relative_path()) {
    parent /= part;
    commands += fmt::format("mkdir /{}\n", parent.string());
  }
  TRY_VOID(run_checked({"mke2fs", "-q", "-t", "ext4", "-d", files, image, own.size}));
  TRY_VOID(debugfs(root, work / "debugfs", commands));
  fs::remove_all(moved);
  return {};
}

}  // namespace

std::vector<Addition> files_below(const fs::path& folder, const fs::path& guest) {
  std::vector<Addition> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_directory() && !entry.is_symlink()) continue;
    files.push_back({guest / entry.path().lexically_relative(folder), entry.path()});
  }
  return files;
}

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

Result<GuestDisks> GuestDisks::create(const DebianRoot& root, const std::vector<OwnDisk>& own,
                                      const std::vector<Addition>& more, const fs::path& folder) {
  const auto work = TRY(TempDir::create("disks", folder));
  GuestDisks disks;
  disks.images_.push_back(folder / "root.img");
  TRY_VOID(run_checked({"cp", "--sparse=always", root.image(), disks.images_[0]}));
  std::string fstab = "/dev/vda / ext4 errors=remount-ro 0 1\n";
  for (const auto& disk : own) {
    const size_t number = disks.images_.size();
    disks.images_.push_back(folder / fmt::format("disk{}.img", number));
    if (disk.folder.empty()) {
      TRY_VOID(run_checked({"truncate", "-s", disk.size, disks.images_.back()}));
      continue;
    }
    TRY_VOID(split(disks.images_[0], disk, disks.images_.back(), work.path()));
    fstab += fmt::format("/dev/vd{:c} {} ext4 {} 0 2\n", static_cast<char>('a' + number), disk.folder,
                         disk.options);
  }
  TRY_VOID(write_file_atomically(work.path() / "fstab", as_byte_span(fstab), 0644));
  auto additions = files_below(LIFEBOAT_SYSTEMD_TESTS "/root", "/");
  additions.push_back({"/etc/fstab", work.path() / "fstab"});
  additions.insert(additions.end(), more.begin(), more.end());
  TRY_VOID(add_files(disks.images_[0], work.path(), additions));
  return disks;
}

Result<> GuestDisks::check() const {
  for (const auto& image : images_) {
    const auto output = TRY(run_process({"e2fsck", "-fn", image}, 600s));
    // With -n, e2fsck skips a journal with a message, and may still exit 0.
    if (output.status != 0 || output.text.find("journal recovery") != std::string::npos) {
      return fail(ErrorCode::corrupt, "{} was not left clean: {}", image, output.text);
    }
  }
  return {};
}

}  // namespace lifeboat::test
