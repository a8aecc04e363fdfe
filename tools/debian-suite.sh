# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Where a Debian of another suite comes from: the site that this machine's apt uses. For the scripts that make roots of them.

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }

# A site that stumbles is asked again.
retry() {
  local try
  for try in 1 2 3; do
    "$@" && return
    say "failed ($try of 3): $*"
    sleep $((try * 5))
  done
  return 1
}

# sources_of SUITE: the lines of its sources.list. This machine's own suites with the other name in place of its own, so that
# kernels are those that ./dev unpacks for the other tests.
sources_of() {
  local suite=$1 own
  own=$(. /etc/os-release && echo "$VERSION_CODENAME")
  # shellcheck disable=SC2016 # apt's variables
  apt-get indextargets --format 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $(SITE) $(CODENAME) $(COMPONENT)' \
    'Created-By: Packages' | grep -E " $own(-updates|-security)? " | sed "s/ $own\\b/ $suite/" | sort -u
}

# site_of SUITE: what debootstrap takes, from the same lines on standard input.
site_of() { awk -v suite="$1" '$4 == suite { print $3; exit }'; }
