#!/bin/busybox sh
# shellcheck shell=dash
# SPDX-License-Identifier: GPL-2.0-or-later
# PID 1 of every kernel that a guest of the kexec tests boots, the first and those that come after it. It mounts the
# disk and does what the test's script there says. What the test waits for is a line that begins with "TEST: ".
/bin/busybox mkdir -p /proc /sys /dev /disk /tmp /run /lib64
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sys /sys
/bin/busybox mount -t devtmpfs dev /dev
/bin/busybox --install -s /bin
export PATH=/disk/bin:/bin LD_LIBRARY_PATH=/disk/lib
exec </dev/null >/dev/console 2>&1

# mark NAME [TEXT]: reports to the test how far the guest is.
mark() { echo "TEST: $*"; }

# run NAME COMMAND...: runs it; its output line by line, then the mark NAME with its exit status.
run() {
  run_name=$1
  shift
  "$@" >/tmp/out 2>&1
  run_status=$?
  sed 's/^/OUT: /' /tmp/out
  mark "$run_name" "$run_status"
  return $run_status
}

# show NAME FILE: the contents of a file of one line, as a mark.
show() { mark "$1" "$(cat "$2" 2>&1)"; }

# The kernel's word on what is loaded; newer ones have it in another folder.
loaded() { show "$1" /sys/kernel/kexec_loaded; }
crash_loaded() { show "$1" /sys/kernel/kexec_crash_loaded; }

# Goes on when the test says so; the line that it sent is in $answer.
# shellcheck disable=SC2034 # test.sh reads it
wait_for_test() {
  exec 3</dev/ttyS1 # before the mark: opening it empties it
  mark "$1"
  read -r answer <&3
  exec 3<&-
}

# Returns when the console has written everything: what it has not when the kernel dies is lost. (busybox' stty, like
# everybody's, sets a terminal only when its output is out; this one is set as it was.)
drain() { stty -F /dev/console opost; }

crash_now() {
  sync
  mark crashing
  drain
  echo 1 >/proc/sys/kernel/sysrq
  echo c >/proc/sysrq-trigger
}

# In a capture kernel: saves the dump and its log.
capture_now() {
  mkdir -p /disk/dump
  run capture lifeboat capture /proc/vmcore /disk/dump/vmcore --level 31
}

# enter STAGE COMMAND...: into the kernel that is loaded.
enter() {
  mark entering
  sync
  drain
  "$@"
  mark not-entered $?
  finish
}

finish() {
  mark end
  sync
  umount /disk
  drain
  poweroff -f
}

# Later messages of the kernel would break into the lines of this script.
dmesg -n 1
mark init "$(uname -r) $(cat /proc/cmdline)"
ln -s /disk/lib/ld-linux-x86-64.so.2 /lib64/
folder=/modules/$(uname -r)
while read -r module; do
  insmod "$folder/$module" || mark "no-module $module"
done <"$folder/order"
for _ in $(seq 60); do
  [ -b /dev/vda ] && break
  sleep 1
done
mount -t ext4 /dev/vda /disk || mark no-disk
# The number of this kernel in the chain, from its command line.
# shellcheck disable=SC2034 # test.sh reads it
stage=$(sed -n 's/.*test\.stage=\([0-9]*\).*/\1/p' /proc/cmdline)
cp /disk/test.sh /test.sh # so that the disk can be unmounted
# shellcheck source=/dev/null # each test writes its own
. /test.sh
finish
