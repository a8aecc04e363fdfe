// SPDX-License-Identifier: GPL-2.0-or-later
// As much of a kernel module as depmod reads: it goes by another name too, as ext4 does by ext3.
__attribute__((section(".modinfo"), used)) static const char alias[] = "alias=fake3";
