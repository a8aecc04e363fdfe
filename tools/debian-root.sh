#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# usage: debian-root.sh SUITE FOLDER
# Builds FOLDER/root.img: an ext4 image of a small Debian (bookworm or trixie) with systemd, for tests that reboot a
# whole system; and FOLDER/grub.img, a disk of GRUB alone, which boots by BIOS what root.img's /boot/grub/grub.cfg says.
# FOLDER/kernels gets the files that QEMU may boot without it, and the releases, oldest first, in FOLDER/releases.
# FOLDER/packages gets .debs that a test may put on the machine's disk, which has no network: a folder each for what is
# installed there by one command, all that it needs and the root has not.
# Needs root (debootstrap, chroot), debootstrap and e2fsprogs; packages come from the site
# that this machine uses.
#
# What differs from a Debian that the installer leaves, all of it for speed under software emulation:
#   - no recommended packages, no network, no documentation, no password (and no login);
#   - the initramfs holds the drivers of the test machine's disk only (MODULES=list) and is packed with lz4;
#   - the root file system is a whole disk, and GRUB lies on a disk of its own;
#   - periodic jobs, login prompts and some drivers are masked (below).
set -euo pipefail

suite=$1
folder=$2
case $suite in
  bookworm) KERNELS=(linux-image-amd64 linux-image-6.12-amd64) ;;
  trixie) KERNELS=(linux-image-amd64) ;;
  *) echo "debian-root.sh: no recipe for the suite '$suite'" >&2; exit 2 ;;
esac
PACKAGES=(systemd systemd-sysv udev dbus kmod e2fsprogs initramfs-tools lz4 grub2-common grub-pc-bin)
# kexec(8), and the libraries of lifeboat, by the names that both suites know.
PACKAGES+=(kexec-tools libblkid1 libbz2-1.0 libdw1 libelf1 libkmod2 liblz4-1 liblzma5 liblzo2-2 libmount1 libsnappy1v5 libstdc++6
  libxxhash0 libzstd1 zlib1g)
# Packages of FOLDER/packages besides the newest kernel's own.
EXTRA=(rpm systemd-boot dosfstools fdisk)
MASKED=(apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service fstrim.timer
  systemd-tmpfiles-clean.timer systemd-pstore.service getty@tty1.service serial-getty@ttyS0.service
  # drivers of what the test machine does not have
  modprobe@configfs.service modprobe@dm_mod.service modprobe@drm.service modprobe@fuse.service modprobe@loop.service
  systemd-update-utmp.service systemd-update-utmp-runlevel.service
  # Debian's own: these would load a kernel, and jump into it, at a plain reboot
  kexec.service kexec-load.service)

# shellcheck source=tools/debian-suite.sh
source "$(dirname "$(readlink -f "$0")")/debian-suite.sh"
sources=$(sources_of "$suite")
site=$(site_of "$suite" <<<"$sources")
[ -n "$site" ] || { say "apt knows no site of this machine's suite: run apt-get update"; exit 1; }

mkdir -p "$folder"
work=$(mktemp -d "$folder/.new.XXXXXX")
# debootstrap leaves /proc mounted in the root when it is interrupted.
clean_up() {
  umount -q "$work/root/proc" 2>/dev/null || true
  rm -rf --one-file-system "$work"
}
trap clean_up EXIT
root=$work/root

say "debootstrap $suite from $site"
retry debootstrap --variant=minbase "$suite" "$root" "$site" >"$work/log" 2>&1 || { tail -n 20 "$work/log" >&2; exit 1; }

echo "$sources" >"$root/etc/apt/sources.list"
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
    in_root apt-get clean &&
    retry in_root apt-get -qq -y --no-install-recommends install "${KERNELS[@]}"
} >"$work/log" 2>&1 || { tail -n 20 "$work/log" >&2; exit 1; }

# keep_packages NAME: what apt has just fetched.
keep_packages() {
  mkdir -p "$work/packages/$1"
  mv "$root"/var/cache/apt/archives/*.deb "$work/packages/$1/"
}
say "fetching ${EXTRA[*]}"
keep_packages kernels
for package in "${EXTRA[@]}"; do
  retry in_root apt-get -qq -y --no-install-recommends --download-only install "$package" >"$work/log" 2>&1 ||
    { tail -n 20 "$work/log" >&2; exit 1; }
  keep_packages "$package"
done
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

# GRUB as its installer leaves it, but for the way to it: its first stages on a disk of their own, which look for the rest
# by the label. The first configuration is written here; update-grub writes the next in the machine.
say "setting up GRUB"
mkdir -p "$root/boot/grub/i386-pc"
cp "$root"/usr/lib/grub/i386-pc/*.mod "$root"/usr/lib/grub/i386-pc/*.lst "$root/boot/grub/i386-pc/"
parameters="console=ttyS0 mitigations=off systemd.show_status=true TERM=dumb"
cat >"$root/etc/default/grub" <<CONF
GRUB_DEFAULT=0
GRUB_TIMEOUT=0
GRUB_TERMINAL=console
GRUB_CMDLINE_LINUX_DEFAULT=""
GRUB_CMDLINE_LINUX="$parameters"
GRUB_DISABLE_OS_PROBER=true
CONF
newest=$(tail -n 1 "$work/releases")
cat >"$root/boot/grub/grub.cfg" <<CONF
linux /boot/vmlinuz-$newest root=/dev/vda ro $parameters
initrd /boot/initrd.img-$newest
boot
CONF
cat >"$root/tmp/early.cfg" <<'CONF'
search --no-floppy --label root --set root
set prefix=($root)/boot/grub
CONF
in_root grub-mkimage -O i386-pc -p /boot/grub -c /tmp/early.cfg -o /tmp/core.img biosdisk ext2 search search_label normal linux
# boot.img reads the second sector, where core.img begins.
cat "$root/usr/lib/grub/i386-pc/boot.img" "$root/tmp/core.img" >"$work/grub.img"
truncate -s 1M "$work/grub.img"
rm "$root/tmp/early.cfg" "$root/tmp/core.img"

say "making the image"
mke2fs -q -t ext4 -L root -d "$root" "$work/root.img" 3G
chmod -R a+rX "$work/kernels" "$work/packages"
rm -rf "$folder/kernels" "$folder/packages"
mv "$work/kernels" "$work/packages" "$work/releases" "$work/grub.img" "$folder/"
cp "$0" "$folder/recipe"
mv "$work/root.img" "$folder/root.img"  # last: it says that all is there
