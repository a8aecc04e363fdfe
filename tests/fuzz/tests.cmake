# Read by ctest itself: the tests of the fuzz build, when it was made.
foreach(folder fuzz unit)
  set(built "${CMAKE_CURRENT_LIST_DIR}/../../build/fuzz/tests/${folder}")
  if(EXISTS "${built}/CTestTestfile.cmake")
    subdirs("${built}")
  endif()
endforeach()
