# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# bash completion for lifeboat(8). It reads the help of the installed program, so it is always up to date.

_lifeboat_commands() { lifeboat --help 2>/dev/null | sed -n 's/^  \([a-z][a-z-]*\) .*/\1/p'; }

# "-h [ --help ]   show this help": both names.
_lifeboat_options() {
  lifeboat "$1" --help 2>/dev/null |
    sed -n -e 's/^  \(-[a-zA-Z]\) \[ \(--[a-z0-9-]*\) \].*/\1\n\2/p' -e 's/^  \(--[a-z0-9-]*\).*/\1/p'
}

_lifeboat() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} command=${COMP_WORDS[1]}
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    mapfile -t COMPREPLY < <(compgen -W "$(_lifeboat_commands) --help --version" -- "$current")
    return
  fi
  case $previous in
    --syscall) mapfile -t COMPREPLY < <(compgen -W "auto file segments" -- "$current"); return ;;
    --compress) mapfile -t COMPREPLY < <(compgen -W "none zlib lzo snappy zstd auto" -- "$current"); return ;;
    --boot-loader) mapfile -t COMPREPLY < <(compgen -W "grub bls systemd-boot proxmox-boot-tool kernelstub rpm-ostree sdbootutil uki extlinux raspberry-pi flash-kernel zipl refind limine" -- "$current"); return ;;
    --min-free) mapfile -t COMPREPLY < <(compgen -W "dump" -- "$current"); return ;;
    --accel) mapfile -t COMPREPLY < <(compgen -W "auto kvm tcg" -- "$current"); return ;;
    --format) mapfile -t COMPREPLY < <(compgen -W "kdump" -- "$current"); return ;;
    --final) mapfile -t COMPREPLY < <(compgen -W "reboot poweroff halt shell" -- "$current"); return ;;
    --kernel)
      if [ "$command" = build ]; then
        mapfile -t COMPREPLY < <(compgen -W "$(ls /lib/modules 2>/dev/null)" -- "$current")
        return
      fi
      ;;
  esac
  case $current in
    -*) mapfile -t COMPREPLY < <(compgen -W "$(_lifeboat_options "$command")" -- "$current"); return ;;
  esac
  case $command:$COMP_CWORD in
    config:2) mapfile -t COMPREPLY < <(compgen -W "check show import" -- "$current") ;;
    reserve:2) mapfile -t COMPREPLY < <(compgen -W "show estimate set shrink" -- "$current") ;;
    reserve:3) [ "$previous" != set ] || mapfile -t COMPREPLY < <(compgen -W "auto none again" -- "$current") ;;
    inspect:3) mapfile -t COMPREPLY < <(compgen -W "report log bt ps mod sys mem sym type read search" -- "$current") ;;
    *) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$current") ;;
  esac
}

complete -F _lifeboat lifeboat
