#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# usage: debian-build-root.sh SUITE FOLDER
# FOLDER/root: a minimal Debian of that suite, with nothing but apt, its sources and what it needs for a site with https, to
# build in: what a build needs, the checkout's own ./dev installs there (tests/debian/build). Needs root and debootstrap;
# packages come from the site that this machine uses. FOLDER/recipe: this script and the one it reads.
set -euo pipefail

suite=$1
folder=$2
tools=$(dirname "$(readlink -f "$0")")
# shellcheck source=tools/debian-suite.sh
source "$tools/debian-suite.sh"
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

say "debootstrap $suite from $site"
retry debootstrap --variant=minbase --include=ca-certificates "$suite" "$work/root" "$site" >"$work/log" 2>&1 ||
  { tail -n 20 "$work/log" >&2; exit 1; }
echo "$sources" >"$work/root/etc/apt/sources.list"
echo force-unsafe-io >"$work/root/etc/dpkg/dpkg.cfg.d/build-root"
# No package starts a service.
printf '#!/bin/sh\nexit 101\n' >"$work/root/usr/sbin/policy-rc.d"
chmod 755 "$work/root/usr/sbin/policy-rc.d"
rm -rf "$folder/root"
cat "$tools/debian-build-root.sh" "$tools/debian-suite.sh" >"$folder/recipe"
mv "$work/root" "$folder/root"  # last: it says that all is there
