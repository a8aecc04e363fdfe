# SPDX-License-Identifier: GPL-2.0-or-later
# What ./dev fetches and installs: packages, kernels that are unpacked and never installed, and the newest peers.

CACHE=${LIFEBOAT_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/lifeboat}

BUILD_PACKAGES=(
  g++ cmake ninja-build pkg-config ccache
  libelf-dev libboost-program-options-dev libspdlog-dev libfmt-dev nlohmann-json3-dev
  libzstd-dev zlib1g-dev liblzo2-dev libsnappy-dev liblzma-dev libarchive-dev libkmod-dev libblkid-dev
  libgtest-dev libgmock-dev libkdumpfile-dev git ca-certificates
)
CLANG_PACKAGES=(clang-19 libclang-rt-19-dev)
VM_PACKAGES=(qemu-system-x86 e2fsprogs kmod)
PEER_PACKAGES=(crash)

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

configure() {
  local preset=$1
  shift
  cmake --preset "$preset" -DCMAKE_C_COMPILER_LAUNCHER=ccache -DCMAKE_CXX_COMPILER_LAUNCHER=ccache "$@" >/dev/null
}

# download PACKAGE: its .deb into the current folder.
download() { retry apt-get -qq -o APT::Sandbox::User=root download "$1"; }

# The real package behind a metapackage: linux-image-amd64 -> linux-image-6.1.0-56-amd64.
kernel_package() {
  apt-cache depends "$1" | awk '$1 == "Depends:" && $2 ~ /^linux-image-[0-9]/ { print $2; exit }'
}

kernel_metapackage() {
  case $1 in
    6.1) echo linux-image-amd64 ;;
    6.12) echo linux-image-6.12-amd64 ;;
    *) die "no kernel $1 is known" ;;
  esac
}

# Unpacks Debian's kernel into $CACHE/kernels/VERSION: vmlinuz, config, modules, package (its name).
prepare_kernel() {
  local version=$1 folder=$CACHE/kernels/$1 package work
  [ -e "$folder/package" ] && return
  say "fetching Debian's kernel $version"
  apt-cache show "$(kernel_metapackage "$version")" >/dev/null 2>&1 || update_lists
  package=$(kernel_package "$(kernel_metapackage "$version")")
  [ -n "$package" ] || die "apt knows no kernel $version"
  mkdir -p "$CACHE/kernels"
  work=$(mktemp -d "$CACHE/kernels/.new.XXXXXX")
  # The package may have left the server since the lists were read.
  (cd "$work" && { download "$package" || { update_lists && download "$package"; }; } && dpkg -x ./*.deb . && rm ./*.deb)
  local release=${package#linux-image-}
  /sbin/depmod -b "$work" "$release"
  ln -s "boot/vmlinuz-$release" "$work/vmlinuz"
  ln -s "boot/config-$release" "$work/config"
  ln -s "lib/modules/$release" "$work/modules"
  echo "$package" >"$work/package"
  rm -rf "$folder"
  mv "$work" "$folder"
}

# The vmlinux with debug information of an unpacked kernel, for crash: $CACHE/kernels/VERSION/vmlinux.
prepare_debug_kernel() {
  local folder=$CACHE/kernels/$1 package work
  [ -e "$folder/vmlinux" ] && return
  package=$(cat "$folder/package")
  say "fetching $package-dbg"
  work=$(mktemp -d "$CACHE/kernels/.new.XXXXXX")
  (
    cd "$work"
    download "$package-dbg"
    dpkg --fsys-tarfile ./*.deb | tar -x "./usr/lib/debug/boot/vmlinux-${package#linux-image-}"
    mv usr/lib/debug/boot/vmlinux-* "$folder/vmlinux.new"
  )
  rm -rf "$work"
  mv "$folder/vmlinux.new" "$folder/vmlinux"
}

# The newest peers, from Debian's unstable suite, unpacked beside their own C library and run through its loader, so that
# the system is not touched: $CACHE/peers/{makedumpfile,crash}.
PEER_CLOSURE=(makedumpfile crash libc6 libdw1t64 libelf1t64 liblzo2-2 libzstd1 zlib1g libbz2-1.0 liblzma5 libgcc-s1
  libgmp10 libmpfr6 libncursesw6 libsnappy1v5 libstdc++6 libtinfo6 libreadline8t64)

apt_unstable() {
  local command=$1 state=$CACHE/peers/.apt
  shift
  "$command" -qq -o APT::Sandbox::User=root -o Dir::State::Lists="$state/lists" -o Dir::Etc::sourcelist="$state/sources.list" \
    -o Dir::Etc::sourceparts=- -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= "$@"
}

prepare_peers() {
  [ -e "$CACHE/peers/ready" ] && return
  say "fetching the newest makedumpfile and crash"
  local state=$CACHE/peers/.apt site package program
  rm -rf "$CACHE/peers"
  mkdir -p "$state/lists/partial" "$CACHE/peers/root"
  # The site that this machine already uses for its own suite.
  site=$(apt-get indextargets --format '$(SITE) $(CODENAME)' | awk '$2 == "bookworm" { print $1; exit }')
  [ -n "$site" ] || { update_lists; site=$(apt-get indextargets --format '$(SITE) $(CODENAME)' | awk '$2 == "bookworm" { print $1; exit }'); }
  [ -n "$site" ] || die "no package site is configured for this suite"
  echo "deb $site sid main" >"$state/sources.list"
  retry apt_unstable apt-get update
  mkdir "$state/debs"
  for package in "${PEER_CLOSURE[@]}"; do
    (cd "$state/debs" && retry apt_unstable apt-get download "$package")
  done
  for package in "$state"/debs/*.deb; do dpkg -x "$package" "$CACHE/peers/root"; done
  for program in makedumpfile crash; do
    cat >"$CACHE/peers/$program" <<END
#!/bin/sh
root=\$(dirname "\$(readlink -f "\$0")")/root
exec "\$root/usr/lib64/ld-linux-x86-64.so.2" --library-path "\$root/usr/lib/x86_64-linux-gnu" "\$root/usr/bin/$program" "\$@"
END
    chmod 755 "$CACHE/peers/$program"
  done
  rm -rf "$state/debs"
  touch "$CACHE/peers/ready"
}
