# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034 # ./dev reads the variables
# What ./dev fetches and installs: packages, kernels that are unpacked and never installed, and the newest peers.

CACHE=${LIFEBOAT_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/lifeboat}

BUILD_PACKAGES=(
  g++ cmake ninja-build pkg-config ccache
  libelf-dev libdw-dev libboost-program-options-dev libspdlog-dev libfmt-dev nlohmann-json3-dev
  libzstd-dev zlib1g-dev libdeflate-dev liblzo2-dev libsnappy-dev liblzma-dev libbz2-dev liblz4-dev libkmod-dev libblkid-dev libmount-dev
  libxxhash-dev
  libgtest-dev libgmock-dev libkdumpfile-dev scdoc git ca-certificates
)
CLANG_PACKAGES=(clang-19 libclang-rt-19-dev)
# Programs that the unit tests run: they make file systems, unpack archives, index modules.
UNIT_TEST_PACKAGES=(binutils btrfs-progs cpio e2fsprogs kmod)
VM_PACKAGES=(qemu-system-x86 e2fsprogs kmod)
# For the tests that boot guests of their own making: busybox, firmware, the stub of unified kernel images, a whole Debian,
# a kernel module.
VM_TEST_PACKAGES=(busybox-static ovmf systemd-boot-efi gzip xz-utils debootstrap make gcc-12)
# To make the packages, and to check what is in them.
PACKAGE_PACKAGES=(dpkg-dev rpm)
PACKAGE_TEST_PACKAGES=(lintian man-db groff systemd zsh)
PEER_PACKAGES=(crash)
# For ./dev bench alone: without it the build leaves micro_bench out.
BENCH_PACKAGES=(libbenchmark-dev)
# What looks at the sources.
GATE_PACKAGES=(clang-format-19 clang-tidy-19 shellcheck python3)

say() { printf '\n== %s\n' "$*" >&2; }
die() { printf 'dev: %s\n' "$*" >&2; exit 1; }

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    die "needs root for: $*  (run as root, or install sudo)"
  fi
}

# What the environment says of proxies, for env(1): neither sudo nor `env -i` keeps it.
PROXY_VARIABLES=()
for name in http_proxy https_proxy ftp_proxy all_proxy no_proxy HTTP_PROXY HTTPS_PROXY FTP_PROXY ALL_PROXY NO_PROXY; do
  if [ -n "${!name:-}" ]; then PROXY_VARIABLES+=("$name=${!name}"); fi
done
unset name

# A package server that stumbles is asked again.
retry() {
  local try
  for try in 1 2 3; do
    "$@" && return
    say "failed ($try of 3): $*"
    sleep $((try * 5))
  done
  return 1
}

lists_updated=
update_lists() {
  [ -n "$lists_updated" ] && return
  retry as_root apt-get -qq update
  lists_updated=yes
}

install_packages() {
  local missing=() package
  for package in "$@"; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return
  say "installing ${missing[*]}"
  update_lists
  retry as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install "${missing[@]}" \
    >/dev/null
}

# Compiled once, whatever checkout it is for: no path of the checkout is in what ccache compares. The last three are what
# precompiled headers need: without INODECACHE all 150 MB of them are read again for every file that uses them; PCH_EXTSUM:
# tools/cmake/Lifeboat.cmake.
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=yes CCACHE_SLOPPINESS=pch_defines,time_macros CCACHE_INODECACHE=yes
export CCACHE_PCH_EXTSUM=yes

configure() {
  local preset=$1
  shift
  cmake --preset "$preset" -DCMAKE_C_COMPILER_LAUNCHER=ccache -DCMAKE_CXX_COMPILER_LAUNCHER=ccache "$@" >/dev/null
}

# What this machine's own suite has no package for comes from another suite of the same site, by a package state of its
# own, so that the system's is not touched. SUITE empty: this machine's own.
apt_of() {
  local suite=$1 command=$2 state=$CACHE/apt/$1
  shift 2
  if [ -z "$suite" ]; then
    "$command" -qq -o APT::Sandbox::User=root "$@"
  else
    "$command" -qq -o APT::Sandbox::User=root -o Debug::NoLocking=1 -o Dir::State::Lists="$state/lists" \
      -o Dir::Etc::sourcelist="$state/sources.list" -o Dir::Etc::sourceparts=- -o Dir::Cache::pkgcache= \
      -o Dir::Cache::srcpkgcache= "$@"
  fi
}

# shellcheck disable=SC2016 # apt's and awk's variables
own_site() { apt-get indextargets --format '$(SITE) $(CODENAME)' | awk '$2 == "bookworm" { print $1; exit }'; }

update_suite() {
  local suite=$1 state=$CACHE/apt/$1 site
  [ -n "$suite" ] || { update_lists; return; }
  site=$(own_site)
  [ -n "$site" ] || { update_lists; site=$(own_site); }
  [ -n "$site" ] || die "no package site is configured for this suite"
  mkdir -p "$state/lists/partial"
  echo "deb $site $suite main" >"$state/sources.list"
  retry apt_of "$suite" apt-get update
}

# download SUITE PACKAGE...: their .debs into the current folder. A package may have left the site since the lists were
# read.
download() {
  local suite=$1
  shift
  apt_of "$suite" apt-get download "$@" || { update_suite "$suite" && retry apt_of "$suite" apt-get download "$@"; }
}

OWN_KERNELS=(6.1 6.12)
OTHER_KERNELS=(5.10 7.2 7.3) # only ./dev test --all
# Where each kernel is: "SUITE METAPACKAGE". The suites move on; what a suite's metapackage leads to is taken.
kernel_source() {
  case $1 in
    5.10) echo "bullseye linux-image-amd64" ;;
    6.1) echo " linux-image-amd64" ;;
    6.12) echo " linux-image-6.12-amd64" ;;
    7.2) echo "sid linux-image-amd64" ;;
    7.3) echo "trixie-backports linux-image-amd64" ;;
    *) die "no kernel $1 is known" ;;
  esac
}

# depends_on SUITE PACKAGE REGEX: the packages it depends on whose names match.
depends_on() {
  { apt_of "$1" apt-cache depends "$2" 2>/dev/null || true; } |
    awk -v regex="$3" '$1 == "Depends:" && $2 ~ regex { print $2 }'
}

# Unpacks Debian's kernel into $CACHE/kernels/VERSION: vmlinuz, config, modules, package (its name).
prepare_kernel() {
  local version=$1 folder=$CACHE/kernels/$1 source suite metapackage package parts work file
  [ -e "$folder/package" ] && return
  say "fetching Debian's kernel $version"
  source=$(kernel_source "$version")
  suite=${source%% *} metapackage=${source#* }
  # The real package behind a metapackage: linux-image-amd64 -> linux-image-6.1.0-56-amd64.
  package=$(depends_on "$suite" "$metapackage" '^linux-image-[0-9]')
  [ -n "$package" ] || { update_suite "$suite" && package=$(depends_on "$suite" "$metapackage" '^linux-image-[0-9]'); }
  [ -n "$package" ] || die "apt knows no kernel $version"
  case $package in
    "linux-image-$version"[.-]*) ;;
    *) say "${suite:-this suite} has $package by now: it stands for $version" ;;
  esac
  mkdir -p "$CACHE/kernels"
  work=$(mktemp -d "$CACHE/kernels/.new.XXXXXX")
  # Newer ones are split: the image package holds nothing.
  parts=$(depends_on "$suite" "$package" '^linux-(base|binary|modules)-[0-9]')
  # shellcheck disable=SC2086 # a list of names
  (cd "$work" && download "$suite" "$package" $parts && for deb in ./*.deb; do dpkg -x "$deb" .; done && rm ./*.deb)
  # Newer ones keep modules under usr/lib, where depmod -b does not look, and kernel and configuration beside them.
  [ -e "$work/lib" ] || ln -s usr/lib "$work/lib"
  local release=${package#linux-image-}
  /sbin/depmod -b "$work" "$release"
  for file in vmlinuz config; do
    if [ -e "$work/boot/$file-$release" ]; then
      ln -s "boot/$file-$release" "$work/$file"
    else
      ln -s "lib/modules/$release/$file" "$work/$file"
    fi
  done
  ln -s "lib/modules/$release" "$work/modules"
  echo "$package" >"$work/package"
  rm -rf "$folder"
  mv "$work" "$folder"
}

# The vmlinux with debug information of an unpacked kernel, for crash and drgn: $CACHE/kernels/VERSION/vmlinux.
prepare_debug_kernel() {
  local folder=$CACHE/kernels/$1 package work
  [ -e "$folder/vmlinux" ] && return
  package=$(cat "$folder/package")
  say "fetching $package-dbg"
  work=$(mktemp -d "$CACHE/kernels/.new.XXXXXX")
  (
    cd "$work" || exit
    download "" "$package-dbg"
    # It is the first file; the rest, ten times as long, need not be expanded.
    { dpkg --fsys-tarfile ./*.deb 2>/dev/null || true; } |
      tar -x --occurrence=1 "./usr/lib/debug/boot/vmlinux-${package#linux-image-}"
    mv usr/lib/debug/boot/vmlinux-* "$folder/vmlinux.new"
  )
  rm -rf "$work"
  mv "$folder/vmlinux.new" "$folder/vmlinux"
}

# What a module for an unpacked kernel is built with: $CACHE/kernels/VERSION/headers/build, as make -C takes it. Only for the
# kernels of this machine's own suite: others want another compiler.
prepare_kernel_headers() {
  local folder=$CACHE/kernels/$1 package parts work build
  [ -e "$folder/headers/build" ] && return
  package=$(sed 's/^linux-image-/linux-headers-/' "$folder/package")
  say "fetching $package"
  parts=$(depends_on "" "$package" '^linux-(headers|kbuild|compiler)-')
  [ -n "$parts" ] || { update_lists && parts=$(depends_on "" "$package" '^linux-(headers|kbuild|compiler)-'); }
  work=$(mktemp -d "$CACHE/kernels/.new.XXXXXX")
  # shellcheck disable=SC2086 # a list of names
  (cd "$work" && download "" "$package" $parts && for deb in ./*.deb; do dpkg -x "$deb" .; done && rm ./*.deb)
  build=usr/src/$package
  # They are used where they lie, not where the package would put them.
  # shellcheck disable=SC2016 # make's variables
  sed -i 's|^include /usr/src/|include $(dir $(lastword $(MAKEFILE_LIST)))../|' "$work/$build/Makefile"
  # With it the build would want pahole, to give the module types (BTF) of its own.
  rm -f "$work/$build/vmlinux"
  ln -s "$build" "$work/build"
  rm -rf "$folder/headers"
  mv "$work" "$folder/headers"
}

suite_of_debian() {
  case $1 in
    12) echo bookworm ;;
    13) echo trixie ;;
    *) die "no Debian $1 is known" ;;
  esac
}

# A Debian to build in, as a folder to chroot into: $CACHE/debian-13-build.
prepare_build_root() {
  local number=$1 folder=$CACHE/debian-$1-build
  [ -d "$folder/root" ] && cat tools/debian-build-root.sh tools/debian-suite.sh | cmp -s - "$folder/recipe" && return
  say "making a Debian $number to build in"
  update_lists
  as_root env "${PROXY_VARIABLES[@]}" tools/debian-build-root.sh "$(suite_of_debian "$number")" "$folder"
}

# A whole Debian with systemd, as a disk image: $CACHE/debian-{12,13}. Rebuilt when its recipe changes.
prepare_debian_root() {
  local number=$1 folder=$CACHE/debian-$1 suite
  suite=$(suite_of_debian "$number")
  [ -e "$folder/root.img" ] && cmp -s tools/debian-root.sh "$folder/recipe" && return
  say "building a Debian $number with systemd for the tests"
  update_lists
  as_root tools/debian-root.sh "$suite" "$folder"
}

# The newest peers, from Debian's unstable suite, unpacked beside their own C library and run through its loader, so that
# the system is not touched: $CACHE/peers/{makedumpfile,crash,kexec,drgn}.
PEER_PROGRAMS=(bin/makedumpfile bin/crash sbin/kexec bin/drgn)
PEER_SOURCES=(makedumpfile crash kexec-tools python3-drgn)

# Their packages and all that these depend on, whatever it is called this month.
peer_closure() {
  apt_of sid apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces \
    --no-enhances "${PEER_SOURCES[@]}" | grep -E '^[a-z0-9]' | sort -u
}

# write_peer_start FILE PROGRAM: a script that runs PROGRAM, by the C library (and the Python) unpacked with it.
write_peer_start() {
  local program=$2
  case $program in
    bin/drgn) program="bin/python3\" -I \"\$root/usr/bin/drgn" ;;
  esac
  cat >"$1" <<END
#!/bin/sh
root=\$(dirname "\$(readlink -f "\$0")")/root
exec "\$root/usr/lib64/ld-linux-x86-64.so.2" --library-path "\$root/usr/lib/x86_64-linux-gnu" "\$root/usr/$program" "\$@"
END
  chmod 755 "$1"
}

prepare_peers() {
  local work deb program
  [ "$(cat "$CACHE/peers/ready" 2>/dev/null)" = "${PEER_SOURCES[*]}" ] && return
  say "fetching the newest makedumpfile, crash, kexec-tools and drgn"
  update_suite sid
  mkdir -p "$CACHE"
  work=$(mktemp -d "$CACHE/.peers.XXXXXX")
  mkdir "$work/debs" "$work/root"
  # shellcheck disable=SC2046 # a list of names
  (cd "$work/debs" && download sid $(peer_closure))
  for deb in "$work"/debs/*.deb; do dpkg -x "$deb" "$work/root"; done
  rm -rf "$work/debs"
  for program in "${PEER_PROGRAMS[@]}"; do write_peer_start "$work/${program#*/}" "$program"; done
  echo "${PEER_SOURCES[*]}" >"$work/ready"
  rm -rf "$CACHE/peers"
  mv "$work" "$CACHE/peers"
}
