#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# usage: debian-root.sh FOLDER
# Builds FOLDER/root.img: an ext4 image of a small Debian with systemd and two kernels, for tests that reboot a whole
# system. FOLDER/kernels gets the files that QEMU boots first, and the releases, oldest first, in FOLDER/releases.
# Needs root (debootstrap, chroot), debootstrap and e2fsprogs; packages come from the suites that this machine uses.
#
# What differs from a Debian that the installer leaves, all of it for speed under software emulation:
#   - no recommended packages, no network, no documentation, no password (and no login);
#   - the initramfs holds the drivers of the test machine's disk only (MODULES=list) and is packed with lz4;
#   - periodic jobs, login prompts and some drivers are masked (below).
set -euo pipefail

folder=$1
SUITE=bookworm
KERNELS=(linux-image-amd64 linux-image-6.12-amd64)
PACKAGES=(systemd systemd-sysv udev dbus kmod e2fsprogs initramfs-tools lz4)
# kexec(8), and the libraries of lifeboat.
PACKAGES+=(kexec-tools libboost-program-options1.74.0 libarchive13 libkmod2 libblkid1 libelf1 libdw1 libfmt9 liblz4-1
  liblzma5 liblzo2-2 libsnappy1v5 libzstd1 zlib1g)
MASKED=(apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service fstrim.timer
  systemd-tmpfiles-clean.timer systemd-pstore.service getty@tty1.service serial-getty@ttyS0.service
  # drivers of what the test machine does not have
  modprobe@configfs.service modprobe@dm_mod.service modprobe@drm.service modprobe@fuse.service modprobe@loop.service
  systemd-update-utmp.service systemd-update-utmp-runlevel.service
  # Debian's own: these would load a kernel, and jump into it, at a plain reboot
  kexec.service kexec-load.service)

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }
retry() {
  local try
  for try in 1 2 3; do
    "$@" && return
    say "failed ($try of 3): $*"
    sleep $((try * 5))
  done
  return 1
}

site=$(apt-get indextargets --format '$(SITE) $(CODENAME)' | awk -v suite=$SUITE '$2 == suite { print $1; exit }')
[ -n "$site" ] || { say "apt knows no site of $SUITE: run apt-get update"; exit 1; }

mkdir -p "$folder"
work=$(mktemp -d "$folder/.new.XXXXXX")
# debootstrap leaves /proc mounted in the root when it is interrupted.
clean_up() {
  umount -q "$work/root/proc" 2>/dev/null || true
  rm -rf --one-file-system "$work"
}
trap clean_up EXIT
root=$work/root

say "debootstrap $SUITE from $site"
retry debootstrap --variant=minbase "$SUITE" "$root" "$site" >"$work/log" 2>&1 || { tail -n 20 "$work/log" >&2; exit 1; }

# The same suites as this machine's, so that the kernels are those that ./dev unpacks for the other tests.
apt-get indextargets --format 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $(SITE) $(CODENAME) $(COMPONENT)' \
  'Created-By: Packages' | grep -E " $SUITE(-updates|-security)? " | sort -u >"$root/etc/apt/sources.list"
cat >"$root/etc/dpkg/dpkg.cfg.d/test-root" <<'CONF'
force-unsafe-io
path-exclude=/usr/share/doc/*
path-exclude=/usr/share/man/*
path-exclude=/usr/share/locale/*
CONF
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod 755 "$root/usr/sbin/policy-rc.d"
mkdir -p "$root/etc/initramfs-tools/conf.d"
cat >"$root/etc/initramfs-tools/conf.d/test-root" <<'CONF'
MODULES=list
COMPRESS=lz4
BUSYBOX=n
FSTYPE=ext4
CONF
printf '%s\n' virtio_pci virtio_blk ext4 >"$root/etc/initramfs-tools/modules"

in_root() { chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive LC_ALL=C "$@"; }
say "installing ${PACKAGES[*]} ${KERNELS[*]}"
echo 'kexec-tools kexec-tools/load_kexec boolean false' | in_root debconf-set-selections
{
  retry in_root apt-get -qq update &&
    retry in_root apt-get -qq -y --no-install-recommends install "${PACKAGES[@]}" &&
    retry in_root apt-get -qq -y --no-install-recommends install "${KERNELS[@]}" &&
    in_root apt-get clean
} >"$work/log" 2>&1 || { tail -n 20 "$work/log" >&2; exit 1; }
rm -rf "$root"/var/lib/apt/lists/* "$root/usr/sbin/policy-rc.d"

in_root systemctl mask "${MASKED[@]}" >/dev/null 2>&1
echo '/dev/vda / ext4 errors=remount-ro 0 1' >"$root/etc/fstab"
echo lifeboat-test >"$root/etc/hostname"
: >"$root/etc/machine-id"

mkdir "$work/kernels"
for kernel in "$root"/boot/vmlinuz-*; do
  release=${kernel##*/vmlinuz-}
  cp "$kernel" "$root/boot/initrd.img-$release" "$work/kernels/"
  echo "$release"
done | sort -V >"$work/releases"

say "making the image"
mke2fs -q -t ext4 -L root -d "$root" "$work/root.img" 3G
chmod -R a+rX "$work/kernels"
rm -rf "$folder/kernels"
mv "$work/kernels" "$work/releases" "$folder/"
cp "$0" "$folder/recipe"
mv "$work/root.img" "$folder/root.img"  # last: it says that all is there
