// SPDX-License-Identifier: GPL-2.0-or-later
// What several of the other programs have in common: command lines of makedumpfile, parameters of the capture
// kernel, options of kexec, actions, hooks. Each adds what it finds to the draft.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "src/migration/draft.h"

namespace lifeboat::migration {

// The words between white space: none of these programs interprets quotes within a value.
std::vector<std::string> words_of(std::string_view value);

// Whether options that are absent mean makedumpfile's own defaults: then its level is 0, and it compresses
// nothing.
enum class Absent { default_of_makedumpfile, kept };
// Options of makedumpfile(8), each noted by itself.
void translate_makedumpfile(Draft& draft, const Setting& from, const std::vector<std::string>& options,
                            Absent absent);

// Parameters that were added to the capture kernel's command line, and names of those that were removed.
void translate_append(Draft& draft, const Setting& from);
void translate_remove(Draft& draft, const Setting& from);
// Options of kexec(8) for the load.
void translate_kexec_options(Draft& draft, const Setting& from);

// "/boot/vmlinuz-VERSION"; empty: the running kernel's, as without the setting.
void translate_kernel(Draft& draft, const Setting& from, const std::string& path);
// Names of kernel modules; paths of programs and files.
void translate_modules(Draft& draft, const Setting& from);
void translate_files(Draft& draft, const Setting& from);
// A program that runs before or after the dump; `reason`: how it works differently.
void translate_hook(Draft& draft, const Setting& from, std::string_view key, std::string_view reason);

}  // namespace lifeboat::migration
