// SPDX-License-Identifier: GPL-2.0-or-later
// The system calls of a load, with their flags. The kernel has one lock for both kinds of image and never
// waits for it: while another program loads (EBUSY), the call is repeated, for at most `limit`. Each function
// returns 0 or the errno.
#pragma once

#include <chrono>
#include <string>

#include "loader/plan.h"
#include "src/image/kernel_file.h"

namespace lifeboat {

struct FileToLoad {
  int kernel_fd;
  int initramfs_fd = -1;  // -1: none
  std::string command_line;
};
int call_file_load(const FileToLoad& file, bool crash, std::chrono::milliseconds limit);

// Asks whether kexec_file_load(2) accepts this kernel file, its signature above all, and changes nothing. 0:
// it does. A load for a crash cannot ask that: it frees the old image first. So this is a load for a reboot
// with an initramfs that cannot be read. The kernel looks at it after format and signature of the kernel file
// (kimage_file_prepare_segments() in kernel/kexec_file.c), and a load for a reboot that fails frees nothing,
// not even the image of an earlier one. Uses up one of kernel.kexec_load_limit_reboot.
// `loaded`: set when the kernel has loaded it all the same, which none is known to do.
int ask_about_file(int kernel_fd, std::chrono::milliseconds limit, bool& loaded);

int call_segment_load(const LoadPlan& plan, bool crash, std::chrono::milliseconds limit);

int call_unload(bool crash, std::chrono::milliseconds limit);

}  // namespace lifeboat
