# Read by ctest itself: the tests of the fuzz build, when it was made.
set(fuzz_tests "${CMAKE_CURRENT_LIST_DIR}/../../build/fuzz/tests/fuzz/CTestTestfile.cmake")
if(EXISTS "${fuzz_tests}")
  include("${fuzz_tests}")
endif()
