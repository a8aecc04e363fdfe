// SPDX-License-Identifier: GPL-2.0-or-later
// The settings of another crash dump tool as a configuration of lifeboat. Its files are parsed, never
// executed; nothing is written.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/error.h"
#include "src/migration/draft.h"
#include "src/migration/kdump_utils.h"

namespace lifeboat::migration {

enum class SourceKind {
  kdump_conf,   // /etc/kdump.conf
  sysconfig,    // /etc/sysconfig/kdump
  kdump_tools,  // /etc/default/kdump-tools
};

struct SourceText {
  SourceKind kind = SourceKind::kdump_conf;
  std::string file;  // as messages name it
  std::string text;
};

struct Imported {
  std::vector<std::string> files;         // that were read
  std::vector<ImportedSetting> settings;  // line by line
  std::string text;                       // lifeboat.conf

  // Whether every setting has an equivalent, or needs none.
  [[nodiscard]] bool complete() const;
};

// The result is checked: lifeboat's own reader accepts it.
Result<Imported> import_texts(std::span<const SourceText> sources, const HookFolders& hooks);

struct ImportRequest {
  std::string root = "/";
  std::vector<std::string> files;  // empty: those that are installed below `root`
};
// `not_found`: there is no such file. `usage`: files of two tools are there, and none was named.
Result<Imported> import_settings(const ImportRequest& request);

}  // namespace lifeboat::migration
