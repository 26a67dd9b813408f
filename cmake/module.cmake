add_library(salvor_options INTERFACE)
target_compile_options(salvor_options INTERFACE -Wall -Wextra -Wconversion -Wshadow -Werror)
target_include_directories(salvor_options INTERFACE ${PROJECT_SOURCE_DIR}/src)
target_link_libraries(salvor_options INTERFACE Threads::Threads fmt::fmt)
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
  # GCC 12's flow analysis warns of overlaps and overflows that can't be, in the standard library's
  # own strings and vectors (its bugs 105651, 105329). Clang and the sanitizers keep watch instead.
  target_compile_options(salvor_options INTERFACE -Wno-restrict -Wno-array-bounds
                         -Wno-stringop-overflow -Wno-stringop-overread)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL Clang)
  target_compile_options(salvor_options INTERFACE -Wthread-safety)
endif()
if(SALVOR_SANITIZE)
  target_compile_options(salvor_options INTERFACE -fsanitize=${SALVOR_SANITIZE}
                         -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(salvor_options INTERFACE -fsanitize=${SALVOR_SANITIZE})
endif()
if(SALVOR_FUZZ)
  # Coverage in every module; the fuzz targets themselves bring libFuzzer's main.
  target_compile_options(salvor_options INTERFACE -fsanitize=fuzzer-no-link)
endif()

# salvor_is_test(TARGET): tests are compiled once and run once, so the compiler need not take pains.
function(salvor_is_test target)
  target_compile_options(${target} PRIVATE $<$<CONFIG:Release>:-O0>)
endfunction()

# salvor_module(NAME [USES module...] [LIBRARIES target...])
# One folder of src/: a static library of its *.cc, and a test program of its *_test.cc.
# USES is the whole list of folders whose headers it may include; tools/check_layers.py reads it.
function(salvor_module name)
  cmake_parse_arguments(arg "" "" "USES;LIBRARIES" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS *.cc)
  set(tests ${sources})
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  list(FILTER sources EXCLUDE REGEX "_test\\.cc$")
  list(FILTER sources EXCLUDE REGEX "/main\\.cc$")
  add_library(salvor_${name} STATIC ${sources})
  set_property(GLOBAL APPEND PROPERTY SALVOR_MODULES salvor_${name})
  target_link_libraries(salvor_${name} PUBLIC salvor_options)
  foreach(used ${arg_USES})
    target_link_libraries(salvor_${name} PUBLIC salvor_${used})
  endforeach()
  target_link_libraries(salvor_${name} PRIVATE ${arg_LIBRARIES})
  if(tests)
    add_executable(${name}_test ${tests})
    target_link_libraries(${name}_test salvor_${name} salvor_testing GTest::gtest_main
                          GTest::gmock)
    salvor_is_test(${name}_test)
    add_test(NAME ${name} COMMAND ${name}_test)
    set_tests_properties(${name} PROPERTIES TIMEOUT 600 LABELS unit)
  endif()
endfunction()
