# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# For tests of gates: a copy of the checkout where a fault can be planted, and what the gate must say then.
set -euo pipefail
checkout=$(readlink -f "$(dirname "${BASH_SOURCE[0]}")/../../..")
work=$(mktemp -d "${TMPDIR:-/tmp}/lifeboat-gate.XXXXXX")
trap 'rm -rf "$work"' EXIT

# The copy, a repository of its own: $copy.
copy=$work/checkout
copy_checkout() {
  mkdir "$copy"
  (cd "$checkout" && git ls-files -z --cached --others --exclude-standard |
    { while IFS= read -r -d '' file; do [ ! -e "$file" ] || printf '%s\0' "$file"; done; } |
    tar -c --null --files-from=-) | tar -x -C "$copy"
  git -C "$copy" init -q
  commit_all
}

commit_all() {
  git -C "$copy" add -A
  git -C "$copy" -c user.name=test -c user.email=test@lifeboat.invalid commit -q --allow-empty -m "a step"
}

# passes COMMAND...: the gate has nothing to say.
passes() {
  "$@" >"$work/output" 2>&1 && return
  echo "fails without a fault: $*" >&2
  cat "$work/output" >&2
  exit 1
}

# finds REGEX COMMAND...: the gate fails, and says what REGEX matches.
finds() {
  local regex=$1
  shift
  if "$@" >"$work/output" 2>&1; then
    echo "passes over a fault: $*" >&2
  elif grep -Eq -- "$regex" "$work/output"; then
    return
  else
    echo "fails, but does not say '$regex': $*" >&2
  fi
  cat "$work/output" >&2
  exit 1
}
