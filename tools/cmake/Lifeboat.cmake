# What every library of the project is compiled with: lifeboat_flags. What it has besides the sanitizers is in
# lifeboat_plain_flags, for who wants other ones (tools/cmake/ThreadSanitizer.cmake).
add_library(lifeboat_plain_flags INTERFACE)
target_compile_options(lifeboat_plain_flags INTERFACE
  -Wall -Wextra -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wimplicit-fallthrough
  -Wno-missing-field-initializers
  # std::stable_sort of libstdc++ 12 calls what it has deprecated itself; g++ warns of ours.
  $<$<COMPILE_LANG_AND_ID:CXX,Clang>:-Wno-deprecated-declarations>
  # lifeboat-init keeps only what it calls (--gc-sections); tests keep all.
  $<$<NOT:$<BOOL:$<TARGET_PROPERTY:LIFEBOAT_TEST_CODE>>>:-ffunction-sections>
  $<$<NOT:$<BOOL:$<TARGET_PROPERTY:LIFEBOAT_TEST_CODE>>>:-fdata-sections>
  -fstack-protector-strong)
# g++ collects its garbage far too often with precompiled headers in its heap: a twelfth of its time, for a tenth more memory.
target_compile_options(lifeboat_plain_flags INTERFACE
  "$<$<COMPILE_LANG_AND_ID:CXX,GNU>:SHELL:--param ggc-min-heapsize=1000000>")
# ccache may bring back precompiled headers that are older than what they were made of.
if(CMAKE_CXX_COMPILER_ID STREQUAL Clang)
  target_compile_options(lifeboat_plain_flags INTERFACE "$<$<COMPILE_LANGUAGE:CXX>:SHELL:-Xclang -fno-pch-timestamp>")
endif()
# For who builds it with another compiler, whose warnings nobody here has seen.
option(LIFEBOAT_WERROR "A warning is an error" ON)
if(LIFEBOAT_WERROR)
  target_compile_options(lifeboat_plain_flags INTERFACE -Werror)
endif()
target_compile_definitions(lifeboat_plain_flags INTERFACE
  _FILE_OFFSET_BITS=64 SPDLOG_FMT_EXTERNAL=1
  $<$<CONFIG:RelWithDebInfo>:_FORTIFY_SOURCE=2> _GLIBCXX_ASSERTIONS)
target_include_directories(lifeboat_plain_flags INTERFACE ${PROJECT_SOURCE_DIR})
# Names of places in our own messages and assertions do not depend on where the checkout lies.
target_compile_options(lifeboat_plain_flags INTERFACE -ffile-prefix-map=${PROJECT_SOURCE_DIR}/=)
add_library(lifeboat_flags INTERFACE)
target_link_libraries(lifeboat_flags INTERFACE lifeboat_plain_flags)
if(LIFEBOAT_FUZZ)
  target_compile_options(lifeboat_flags INTERFACE -fsanitize=fuzzer-no-link,address,undefined
    -fno-sanitize-recover=undefined)
  target_link_options(lifeboat_flags INTERFACE -fsanitize=address,undefined)
endif()

# Without CMake's second option, -Xclang -include with the whole path of the header, which ccache compares as it is.
if(CMAKE_CXX_COMPILER_ID STREQUAL Clang)
  set(CMAKE_CXX_COMPILE_OPTIONS_USE_PCH -include-pch <PCH_FILE>)
endif()

# Clang writes the paths of the checkout into precompiled headers, so ccache would take those of another checkout for different
# ones. It compares this sum instead (CCACHE_PCH_EXTSUM): of the headers' text.
function(lifeboat_sum_of_headers set)
  if(NOT CMAKE_CXX_COMPILER_ID STREQUAL Clang)
    return()
  endif()
  set(text)
  foreach(header ${ARGN})
    string(APPEND text "#include ${header}\n")
  endforeach()
  file(WRITE ${PROJECT_BINARY_DIR}/headers/${set}.hpp "${text}")
  execute_process(
    COMMAND ${CMAKE_CXX_COMPILER} -std=gnu++${CMAKE_CXX_STANDARD} -E -P -x c++ ${PROJECT_BINARY_DIR}/headers/${set}.hpp
    OUTPUT_VARIABLE preprocessed COMMAND_ERROR_IS_FATAL ANY)
  string(SHA256 sum "${preprocessed}")
  file(WRITE ${CMAKE_CURRENT_BINARY_DIR}/CMakeFiles/headers_${set}.dir/cmake_pch.hxx.pch.sum ${sum})
endfunction()

# Headers that most files need are parsed once (a third of the build's time is parsing). Only others' headers are in these
# sets, never our own: a file must still include what it uses, and a change of ours must not compile everything.
# lifeboat_headers(SET [DEPS targets...] HEADERS headers...) makes a set, lifeboat_use_headers(TARGET SET) uses it.
function(lifeboat_headers set)
  cmake_parse_arguments(ARG "" "" "DEPS;HEADERS" ${ARGN})
  file(WRITE ${PROJECT_BINARY_DIR}/headers/${set}.cpp.new "// Carries the precompiled headers '${set}'.\n")
  file(COPY_FILE ${PROJECT_BINARY_DIR}/headers/${set}.cpp.new ${PROJECT_BINARY_DIR}/headers/${set}.cpp ONLY_IF_DIFFERENT)
  add_library(headers_${set} OBJECT ${PROJECT_BINARY_DIR}/headers/${set}.cpp)
  target_link_libraries(headers_${set} PRIVATE lifeboat_flags ${ARG_DEPS})
  target_precompile_headers(headers_${set} PRIVATE ${ARG_HEADERS})
  lifeboat_sum_of_headers(${set} ${ARG_HEADERS})
endfunction()
function(lifeboat_use_headers target set)
  target_precompile_headers(${target} REUSE_FROM headers_${set})
endfunction()

set(standard_headers <algorithm> <array> <chrono> <cstdint> <cstring> <expected> <filesystem> <functional> <limits> <map>
  <memory> <optional> <ranges> <span> <string> <string_view> <vector> <fmt/format.h>)
lifeboat_headers(standard HEADERS ${standard_headers})
# For what parses arguments and prints: it needs no more optimization, and compiles in a quarter of the time. The headers are
# compiled as their users are; g++ 14 takes no others.
add_library(lifeboat_light_flags INTERFACE)
target_compile_options(lifeboat_light_flags INTERFACE $<$<CONFIG:RelWithDebInfo>:-O1>)
lifeboat_headers(json DEPS lifeboat_light_flags HEADERS ${standard_headers} <nlohmann/json.hpp>)

# lifeboat_library(NAME [FOLDERS sub...] [PUBLIC targets...] [PRIVATE targets...]): lifeboat::NAME, the static library of the
# folder: all its .cpp files, and those of the subfolders named (architectures). PUBLIC: what its headers include.
function(lifeboat_library name)
  cmake_parse_arguments(ARG "" "" "FOLDERS;PUBLIC;PRIVATE" ${ARGN})
  set(patterns "*.cpp")
  foreach(folder ${ARG_FOLDERS})
    list(APPEND patterns "${folder}/*.cpp")
  endforeach()
  file(GLOB sources CONFIGURE_DEPENDS ${patterns})
  add_library(lifeboat_${name} STATIC ${sources})
  add_library(lifeboat::${name} ALIAS lifeboat_${name})
  lifeboat_use_headers(lifeboat_${name} standard)
  target_link_libraries(lifeboat_${name} PUBLIC lifeboat_flags ${ARG_PUBLIC} PRIVATE ${ARG_PRIVATE})
endfunction()

# lifeboat_static_program(NAME source... LIBRARIES targets...): a program that is alone in an initramfs.
function(lifeboat_static_program name)
  cmake_parse_arguments(ARG "" "" "LIBRARIES" ${ARGN})
  add_executable(${name} ${ARG_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PRIVATE ${ARG_LIBRARIES})
  if(NOT LIFEBOAT_FUZZ)
    target_link_options(${name} PRIVATE -static -Wl,--gc-sections)
    # Every byte of it lies in scarce memory: what debuggers want goes into a file beside it.
    add_custom_command(TARGET ${name} POST_BUILD
      COMMAND ${CMAKE_OBJCOPY} --only-keep-debug $<TARGET_FILE:${name}> $<TARGET_FILE:${name}>.debug
      COMMAND ${CMAKE_OBJCOPY} --strip-all --add-gnu-debuglink=$<TARGET_FILE:${name}>.debug $<TARGET_FILE:${name}>)
  endif()
  install(TARGETS ${name} RUNTIME DESTINATION lib/lifeboat COMPONENT lifeboat)
endfunction()
