# Reading the headers is most of the work, and is then done once for several sources. Names in the
# anonymous namespaces of one folder must differ for it, also from those within its functions. Off:
# each source has a command of its own, as clang-tidy needs it, and proves that its header stands
# alone.
option(SALVOR_UNITY "compile several sources of a folder as one" ON)
set(CMAKE_UNITY_BUILD ${SALVOR_UNITY})
set(CMAKE_UNITY_BUILD_BATCH_SIZE 12)

add_library(salvor_options INTERFACE)
target_compile_options(salvor_options INTERFACE -Wall -Wextra -Wconversion -Wshadow -Werror)
target_include_directories(salvor_options INTERFACE ${PROJECT_SOURCE_DIR}/src)
target_link_libraries(salvor_options INTERFACE Threads::Threads fmt::fmt)
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
  # GCC's flow analysis warns of overlaps and overflows that can't be, in the standard library's
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

# salvor_add_test(NAME PROGRAM LABELS label... TIMEOUT seconds [SHARDS n] [ALONE pattern])
# Tests of GoogleTest for ctest. SHARDS: as so many tests, NAME_1 and so on, that run at the same
# time; each label helps to find them. ALONE: those whose name matches measure time, and run when
# nothing else does.
function(salvor_add_test name program)
  cmake_parse_arguments(arg "" "SHARDS;ALONE;TIMEOUT" "LABELS" ${ARGN})
  if(SALVOR_SANITIZE)
    math(EXPR arg_TIMEOUT "3 * ${arg_TIMEOUT}")
  endif()
  set(filter "")
  if(arg_ALONE)
    set(filter "--gtest_filter=-${arg_ALONE}")
    add_test(NAME ${name}_alone COMMAND ${program} --gtest_filter=${arg_ALONE})
    set_tests_properties(${name}_alone PROPERTIES TIMEOUT ${arg_TIMEOUT} LABELS "${arg_LABELS}"
                         RUN_SERIAL ON)
  endif()
  if(NOT arg_SHARDS)
    set(arg_SHARDS 1)
  endif()
  foreach(shard RANGE 1 ${arg_SHARDS})
    set(test ${name})
    if(arg_SHARDS GREATER 1)
      set(test ${name}_${shard})
    endif()
    math(EXPR index "${shard} - 1")
    add_test(NAME ${test} COMMAND ${program} ${filter})
    set_tests_properties(${test} PROPERTIES TIMEOUT ${arg_TIMEOUT} LABELS "${arg_LABELS}"
                         ENVIRONMENT "GTEST_TOTAL_SHARDS=${arg_SHARDS};GTEST_SHARD_INDEX=${index}")
  endforeach()
endfunction()

# salvor_module(NAME [USES module...] [LIBRARIES target...] [SHARDS n] [ALONE pattern])
# One folder of src/: a static library of its *.cc, and a test program of its *_test.cc.
# USES is the whole list of folders whose headers it may include; tools/check_layers.py reads it.
# SHARDS, ALONE: see salvor_add_test().
function(salvor_module name)
  cmake_parse_arguments(arg "" "SHARDS;ALONE" "USES;LIBRARIES" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS *.cc)
  set(tests ${sources})
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  list(FILTER sources EXCLUDE REGEX "_test\\.cc$")
  list(FILTER sources EXCLUDE REGEX "/main\\.cc$")
  add_library(salvor_${name} STATIC ${sources})
  target_link_libraries(salvor_${name} PUBLIC salvor_options)
  foreach(used ${arg_USES})
    target_link_libraries(salvor_${name} PUBLIC salvor_${used})
  endforeach()
  target_link_libraries(salvor_${name} PRIVATE ${arg_LIBRARIES})
  if(tests AND SALVOR_TESTS)
    add_executable(${name}_test ${tests})
    target_link_libraries(${name}_test salvor_${name} salvor_testing GTest::gtest_main
                          GTest::gmock)
    target_compile_definitions(${name}_test PRIVATE SALVOR_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
    salvor_is_test(${name}_test)
    salvor_add_test(${name} ${name}_test LABELS unit ${name} TIMEOUT 600 SHARDS ${arg_SHARDS}
                    ALONE ${arg_ALONE})
  endif()
endfunction()
