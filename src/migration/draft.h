// SPDX-License-Identifier: GPL-2.0-or-later
// A configuration of lifeboat in the making, and what became of each setting of the other program.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "src/config/config.h"

namespace lifeboat::migration {

// What became of one setting of another program.
enum class Fate {
  taken,    // it is in the configuration
  same,     // it needs no setting: lifeboat does so by itself, or it has no meaning for lifeboat
  changed,  // it is in the configuration, and works differently there
  by_hand,  // it is not a setting of lifeboat.conf: a command or a file of the system does it
  missing,  // it has no equivalent yet, or is not understood
};
std::string_view fate_name(Fate fate);

// One setting of the other program, as it was read.
struct Setting {
  std::string file;  // as it is called on that system: "/etc/kdump.conf"
  unsigned line = 0;
  std::string name, value;
};

// A setting may have several: each option of a command is one.
struct ImportedSetting {
  std::string file;
  unsigned line = 0;
  std::string setting;  // "path /var/crash", printable, without passwords
  Fate fate = Fate::missing;
  std::string key;     // "[dump] level"; several: "[dump] level, [dump] compression"; empty: none
  std::string reason;  // one clause; empty: there is nothing to add
};

class Draft {
 public:
  // Sets a key of lifeboat.conf; `reason` makes it `changed`. A value or key that lifeboat.conf does not
  // accept makes the setting `missing`, with the reason. A key with one value keeps the last.
  void set(const Setting& from, std::string_view section, std::string_view key, const std::string& value,
           std::string_view reason = {});
  // Sets a further key by the setting that was recorded last, which stays one: its `key` names both.
  void set_also(const Setting& from, std::string_view section, std::string_view key,
                const std::string& value);
  // Adds a [target], in the order of the calls.
  void add_target(const Setting& from, const config::TargetEntry& target, std::string_view reason = {});
  void note(const Setting& from, Fate fate, std::string_view reason);

  [[nodiscard]] const std::vector<ImportedSetting>& settings() const { return settings_; }
  [[nodiscard]] bool has(std::string_view section, std::string_view key) const;
  // lifeboat.conf, with comments that say where each value is from, and what is missing.
  [[nodiscard]] std::string to_text() const;

 private:
  // The key's error; it is not set then.
  Result<> put(const Setting& from, std::string_view section, std::string_view key, const std::string& value);
  struct Value {
    std::string section, key, value, from;
    bool several = false;
  };
  struct DraftTarget {
    config::TargetEntry entry;
    std::string from;
  };
  void record(const Setting& from, Fate fate, std::string key, std::string_view reason);

  std::vector<DraftTarget> targets_;
  std::vector<Value> values_;
  std::vector<ImportedSetting> settings_;
};

// "NAME VALUE" or NAME="VALUE" for a terminal or a comment, without passwords.
std::string shown_setting(const Setting& setting);

}  // namespace lifeboat::migration
