// SPDX-License-Identifier: GPL-2.0-or-later
// The small text files that boot loaders read: an entry of the Boot Loader Specification, type 1
// (loader/entries/*.conf), systemd-boot's loader.conf, os-release. The first two
// have one form: a key, white space, the rest of the line. The files are not trusted: nothing here fails,
// invalid lines are left out.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lifeboat {

// Larger files are not read: an entry has some 500 bytes.
constexpr size_t kLargestBootEntryFile = size_t{64} << 10;

// Key and value of every line, in their order; comments and lines without a value are left out.
std::vector<std::pair<std::string, std::string>> parse_key_lines(std::string_view text);

// NAME=VALUE lines, the values' quotes taken off: os-release, .profile. The last of a name counts.
std::map<std::string, std::string> parse_assignments(std::string_view text);

struct BootEntryFile {
  std::string title;
  std::string version;
  std::string machine_id;
  std::string sort_key;
  std::string architecture;  // EFI's name for it (MachineNames::efi)
  // Paths relative to the root of the boot partition, as they are written.
  std::string kernel;  // "linux" in the file, which is a macro here
  std::string efi;
  std::string uki;
  std::string uki_url;  // not a path: an URL, or ":NAME" beside what the boot loader was loaded from
  std::string profile;  // a number, as it is written
  std::vector<std::string> extra;  // one path a line
  std::vector<std::string> initrd;
  std::optional<std::string> options;  // all such lines, joined with a space
  std::string devicetree;
  std::string devicetree_overlay;  // paths with spaces between them

  // GRUB expands $NAME in `initrd` and `options` from its environment block; an unknown name becomes empty.
  static BootEntryFile parse(std::string_view text, const std::map<std::string, std::string>& variables = {});
};

// "linux+3-1.conf" is "linux.conf" with 3 tries left, 1 made (Boot Loader Specification, "Boot counting").
struct BootFileName {
  std::string id;  // without the counters
  std::optional<unsigned> tries_left;

  static BootFileName parse(std::string_view name);
};

// `path` below `root`, however many ".." it has; EFI's backslashes are slashes.
std::string path_below(const std::string& root, std::string_view path);

}  // namespace lifeboat
