# What differs between the packages for Debian and for the others; read by cpack once for each generator.
set(scripts ${CPACK_LIFEBOAT_PACKAGING})
file(READ ${CPACK_PACKAGE_DESCRIPTION_FILE} main_description)
set(command_summary "command kexec, by lifeboat")
set(command_description "/usr/sbin/kexec, a link to lifeboat, which takes the options of kexec(8) with
their meanings and exit codes. It takes the place of kexec-tools.
")
if(CPACK_GENERATOR STREQUAL DEB)
  set(CPACK_COMPONENTS_ALL lifeboat debian kexec debian_kexec)
  set(CPACK_DEB_COMPONENT_INSTALL ON)
  set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
  set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
  set(CPACK_DEBIAN_PACKAGE_SECTION admin)
  set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
  set(CPACK_DEBIAN_COMPRESSION_TYPE xz)

  set(CPACK_DEBIAN_MAIN_PACKAGE_NAME lifeboat)
  set(CPACK_DEBIAN_MAIN_PACKAGE_SHLIBDEPS ON)
  set(CPACK_DEBIAN_MAIN_PACKAGE_SUGGESTS "lifeboat-kexec, qemu-system-x86, crash")
  # Two cannot arm one reservation.
  set(CPACK_DEBIAN_MAIN_PACKAGE_CONFLICTS kdump-tools)
  set(CPACK_DEBIAN_MAIN_PACKAGE_CONTROL_EXTRA
    ${scripts}/debian/postinst ${scripts}/debian/prerm ${scripts}/debian/postrm ${scripts}/debian/conffiles)
  set(CPACK_DEBIAN_MAIN_PACKAGE_CONTROL_STRICT_PERMISSION ON)

  set(CPACK_DEBIAN_COMMAND_PACKAGE_NAME lifeboat-kexec)
  set(CPACK_DEBIAN_COMMAND_PACKAGE_DEPENDS "lifeboat (= ${CPACK_PACKAGE_VERSION}-1)")
  set(CPACK_DEBIAN_COMMAND_PACKAGE_CONFLICTS kexec-tools)
  set(CPACK_DEBIAN_COMMAND_PACKAGE_REPLACES kexec-tools)
  set(CPACK_DEBIAN_COMMAND_PACKAGE_PROVIDES kexec-tools)
  set(CPACK_DEBIAN_COMMAND_PACKAGE_CONTROL_EXTRA ${scripts}/debian-kexec/postinst)
  set(CPACK_DEBIAN_COMMAND_PACKAGE_CONTROL_STRICT_PERMISSION ON)
  # The first line is the short one. A summary for all would be put in front of both.
  set(CPACK_DEBIAN_MAIN_DESCRIPTION "${CPACK_PACKAGE_DESCRIPTION_SUMMARY}\n${main_description}")
  set(CPACK_DEBIAN_COMMAND_DESCRIPTION "${command_summary}\n${command_description}")
  unset(CPACK_PACKAGE_DESCRIPTION_SUMMARY)
elseif(CPACK_GENERATOR STREQUAL RPM)
  set(CPACK_COMPONENTS_ALL lifeboat rpm kexec rpm_kexec)
  set(CPACK_RPM_COMPONENT_INSTALL ON)
  set(CPACK_RPM_FILE_NAME RPM-DEFAULT)
  set(CPACK_RPM_PACKAGE_RELEASE 1)
  set(CPACK_RPM_PACKAGE_LICENSE GPL-2.0-or-later)
  set(CPACK_RPM_PACKAGE_GROUP "System Environment/Base")
  # The same commit gives the same bytes; and nothing that Debian's rpm would do to the files.
  set(CPACK_RPM_SPEC_MORE_DEFINE "%global _buildhost localhost
%global use_source_date_epoch_as_buildtime 1
%global clamp_mtime_to_source_date_epoch 1
%global debug_package %{nil}
%global __brp_compress %{nil}
%global __os_install_post %{nil}")

  set(CPACK_RPM_MAIN_PACKAGE_NAME lifeboat)
  set(CPACK_RPM_MAIN_FILE_NAME "lifeboat-${CPACK_PACKAGE_VERSION}-1.x86_64.rpm")
  set(CPACK_RPM_MAIN_PACKAGE_AUTOREQPROV " yes")
  # Two cannot arm one reservation. Where there is no kdump-utils yet, kexec-tools has that unit; without it there is
  # nothing against kexec-tools.
  set(CPACK_RPM_MAIN_PACKAGE_CONFLICTS "kdump-utils, /usr/lib/systemd/system/kdump.service")
  set(CPACK_RPM_MAIN_POST_INSTALL_SCRIPT_FILE ${scripts}/rpm/post)
  set(CPACK_RPM_MAIN_PRE_UNINSTALL_SCRIPT_FILE ${scripts}/rpm/preun)
  set(CPACK_RPM_MAIN_POST_UNINSTALL_SCRIPT_FILE ${scripts}/rpm/postun)
  set(CPACK_RPM_MAIN_USER_FILELIST "%config(noreplace) /etc/lifeboat.conf" "%config(noreplace) /etc/sysctl.d/60-lifeboat.conf")

  set(CPACK_RPM_COMMAND_PACKAGE_NAME lifeboat-kexec)
  set(CPACK_RPM_COMMAND_FILE_NAME "lifeboat-kexec-${CPACK_PACKAGE_VERSION}-1.x86_64.rpm")
  set(CPACK_RPM_COMMAND_PACKAGE_REQUIRES "lifeboat = ${CPACK_PACKAGE_VERSION}-1")
  set(CPACK_RPM_COMMAND_PACKAGE_CONFLICTS kexec-tools)
  set(CPACK_RPM_COMMAND_PACKAGE_PROVIDES kexec-tools)
  set(CPACK_RPM_COMMAND_PACKAGE_SUMMARY "${command_summary}")
  set(CPACK_RPM_COMMAND_PACKAGE_DESCRIPTION "${command_description}")
  set(CPACK_RPM_EXCLUDE_FROM_AUTO_FILELIST_ADDITION /etc /etc/sysctl.d /usr/lib/systemd /usr/lib/systemd/system
    /usr/lib/udev /usr/lib/udev/rules.d /usr/lib/kernel /usr/lib/kernel/install.d /usr/share/bash-completion
    /usr/share/bash-completion/completions /usr/share/zsh /usr/share/zsh/site-functions /usr/share/licenses /usr/sbin /usr/share/man
    /usr/share/man/man5 /usr/share/man/man8 /var /var/lib)
endif()
