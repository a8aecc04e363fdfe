# What is installed where, and the packages made of it: lifeboat, and lifeboat-kexec with the command kexec alone, since that
# one cannot be on a machine together with kexec-tools. `cpack` in the build folder makes .deb and .rpm; ./dev package
# makes them the same byte for byte from the same commit.
include(GNUInstallDirs)
set(packaging ${PROJECT_SOURCE_DIR}/packaging)
set(scripts OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)

# Manual pages, compressed as both distributions want them; -n: no time in it.
find_program(SCDOC scdoc REQUIRED)
set(manuals)
foreach(page lifeboat.8 lifeboat.conf.5 lifeboat-init.8 kexec.8)
  set(source ${PROJECT_SOURCE_DIR}/docs/man/${page}.scd)
  set(manual ${PROJECT_BINARY_DIR}/man/${page}.gz)
  add_custom_command(OUTPUT ${manual} DEPENDS ${source} VERBATIM
    COMMAND sh -c "SOURCE_DATE_EPOCH=0 ${SCDOC} <${source} | gzip -9n >${manual}")
  list(APPEND manuals ${manual})
  string(REGEX REPLACE ".*\\.([0-9])$" "\\1" section ${page})
  set(component lifeboat)
  if(page STREQUAL kexec.8)
    set(component kexec)
  endif()
  install(FILES ${manual} DESTINATION ${CMAKE_INSTALL_DATADIR}/man/man${section} COMPONENT ${component})
endforeach()
file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/man)
add_custom_target(manuals ALL DEPENDS ${manuals})

# The configuration is in /etc whatever the prefix is.
install(FILES conf/lifeboat.conf DESTINATION /etc COMPONENT lifeboat)
install(DIRECTORY DESTINATION /etc/lifeboat.conf.d COMPONENT lifeboat)
# lifeboat-load.service may write there, and nowhere else.
install(DIRECTORY DESTINATION /var/lib/lifeboat COMPONENT lifeboat)
install(FILES conf/60-lifeboat-sysctl.conf DESTINATION /etc/sysctl.d RENAME 60-lifeboat.conf COMPONENT lifeboat)
install(FILES conf/60-lifeboat.rules DESTINATION lib/udev/rules.d COMPONENT lifeboat)
install(DIRECTORY units/ DESTINATION lib/systemd/system COMPONENT lifeboat FILES_MATCHING PATTERN "*.service" PATTERN "*.path")
install(FILES conf/hooks/kernel-changed DESTINATION lib/lifeboat PERMISSIONS ${scripts} COMPONENT lifeboat)
install(FILES conf/hooks/95-lifeboat.install DESTINATION lib/kernel/install.d PERMISSIONS ${scripts} COMPONENT lifeboat)
install(FILES conf/completions/lifeboat.bash DESTINATION share/bash-completion/completions RENAME lifeboat COMPONENT lifeboat)
# Each distribution's zsh looks into a folder of its own.
install(FILES conf/completions/_lifeboat DESTINATION share/zsh/vendor-completions COMPONENT debian)
install(FILES conf/completions/_lifeboat DESTINATION share/zsh/site-functions COMPONENT rpm EXCLUDE_FROM_ALL)
install(DIRECTORY docs/ DESTINATION share/doc/lifeboat COMPONENT lifeboat FILES_MATCHING PATTERN "*.md" PATTERN man EXCLUDE
  PATTERN benchmarks EXCLUDE)

# Debian's way to tell of a kernel's installation. The others have kernel-install alone. Papers are for packages only.
install(FILES conf/hooks/kernel-postinst DESTINATION /etc/kernel/postinst.d RENAME zz-lifeboat PERMISSIONS ${scripts} COMPONENT debian)
install(FILES conf/hooks/kernel-postrm DESTINATION /etc/kernel/postrm.d RENAME zz-lifeboat PERMISSIONS ${scripts} COMPONENT debian)
set(changelog ${PROJECT_BINARY_DIR}/man/changelog.Debian.gz)
add_custom_command(OUTPUT ${changelog} DEPENDS ${packaging}/debian/changelog VERBATIM
  COMMAND sh -c "gzip -9nc ${packaging}/debian/changelog >${changelog}")
add_custom_target(changelog ALL DEPENDS ${changelog})
foreach(package lifeboat lifeboat-kexec)
  set(component debian)
  if(package STREQUAL lifeboat-kexec)
    set(component debian_kexec)
  endif()
  install(FILES ${packaging}/debian/copyright ${changelog} DESTINATION share/doc/${package} COMPONENT ${component}
    EXCLUDE_FROM_ALL)
  install(FILES ${packaging}/${package}.lintian DESTINATION share/lintian/overrides RENAME ${package} COMPONENT ${component}
    EXCLUDE_FROM_ALL)
endforeach()
install(FILES LICENSE DESTINATION share/licenses/lifeboat COMPONENT rpm EXCLUDE_FROM_ALL)
install(FILES LICENSE DESTINATION share/licenses/lifeboat-kexec COMPONENT rpm_kexec EXCLUDE_FROM_ALL)

set(CPACK_PACKAGE_NAME lifeboat)
set(CPACK_PACKAGE_VENDOR lifeboat)
set(CPACK_PACKAGE_CONTACT "The lifeboat developers <lifeboat@lifeboat.invalid>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "crash dumps for Linux that you can rely on")
set(CPACK_PACKAGE_DESCRIPTION_FILE ${packaging}/description.txt)
set(CPACK_PACKAGE_DIRECTORY ${PROJECT_BINARY_DIR}/packages)
set(CPACK_PROJECT_CONFIG_FILE ${packaging}/cpack.cmake)  # what differs between .deb and .rpm
set(CPACK_GENERATOR DEB RPM)
set(CPACK_SET_DESTDIR ON)
set(CPACK_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_RPM_PACKAGE_RELOCATABLE OFF)
set(CPACK_COMPONENTS_GROUPING ONE_PER_GROUP)
set(CPACK_LIFEBOAT_PACKAGING ${packaging})
include(CPack)
cpack_add_component_group(main)
cpack_add_component_group(command)
foreach(component lifeboat debian rpm)
  cpack_add_component(${component} GROUP main)
endforeach()
foreach(component kexec debian_kexec rpm_kexec)
  cpack_add_component(${component} GROUP command)
endforeach()
