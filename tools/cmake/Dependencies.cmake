# External libraries as imported targets. `ext::NAME` is the shared library of the system and
# `ext::NAME_static` its archive, for lifeboat-init, which must run with nothing else around it.
function(lifeboat_external name)
  cmake_parse_arguments(ARG "" "HEADER" "LIBS" ${ARGN})
  find_path(LIFEBOAT_${name}_INCLUDE ${ARG_HEADER} REQUIRED)
  add_library(ext_${name} INTERFACE)
  target_include_directories(ext_${name} SYSTEM INTERFACE ${LIFEBOAT_${name}_INCLUDE})
  target_link_libraries(ext_${name} INTERFACE ${ARG_LIBS})
  add_library(ext::${name} ALIAS ext_${name})
endfunction()

lifeboat_external(elf HEADER gelf.h LIBS elf z)
lifeboat_external(dw HEADER elfutils/libdwfl.h LIBS dw elf)
lifeboat_external(zstd HEADER zstd.h LIBS zstd)
lifeboat_external(zlib HEADER zlib.h LIBS z)
# The archive: not every distribution of the .rpm installs it, and it is small.
lifeboat_external(deflate HEADER libdeflate.h LIBS -l:libdeflate.a)
lifeboat_external(lzo HEADER lzo/lzo1x.h LIBS lzo2)
lifeboat_external(snappy HEADER snappy-c.h LIBS snappy)
lifeboat_external(lzma HEADER lzma.h LIBS lzma)
# The archive: its soname is Debian's own (libbz2.so.1.0), and the .rpm is for others.
lifeboat_external(bz2 HEADER bzlib.h LIBS -l:libbz2.a)
lifeboat_external(lz4 HEADER lz4frame.h LIBS lz4)
lifeboat_external(mount HEADER libmount/libmount.h LIBS mount)
lifeboat_external(kmod HEADER libkmod.h LIBS kmod)
lifeboat_external(blkid HEADER blkid/blkid.h LIBS blkid)
lifeboat_external(xxhash HEADER xxhash.h LIBS xxhash)
