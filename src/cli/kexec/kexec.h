// SPDX-License-Identifier: GPL-2.0-or-later
// The program called as `kexec`: kexec(8) of kexec-tools, so that scripts, systemd and tutorials work
// unchanged. docs/kexec-options.md lists every option and what it does here.
#pragma once

namespace lifeboat::cli {

// Returns an exit code of kexec-tools, not of lifeboat.
int run_kexec(int argc, char** argv);

}  // namespace lifeboat::cli
