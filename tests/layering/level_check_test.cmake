# Gate 1 of the module walls: alidade_add_module refuses dependencies that do not point downwards.
#
#   cmake -DMODULE_FILE=<AlidadeModule.cmake> -DSCRATCH=<directory> -P level_check_test.cmake
# With CASE_NAME and CASE_ARGS it plays one case: in a script no library can be made, so a case that passes the
# level check goes on to the refusal of add_library.
cmake_minimum_required(VERSION 3.25)

if(DEFINED CASE_NAME)
  set(PROJECT_SOURCE_DIR ${SCRATCH})
  set(PROJECT_BINARY_DIR ${SCRATCH})
  include(${MODULE_FILE})
  separate_arguments(args UNIX_COMMAND "${CASE_ARGS}")
  alidade_add_module(${CASE_NAME} ${args})
  return()
endif()

# expect(<module> "<arguments>" "<regular expression of the error>")
function(expect name args expected)
  execute_process(
    COMMAND ${CMAKE_COMMAND} -DMODULE_FILE=${MODULE_FILE} -DSCRATCH=${SCRATCH} -DCASE_NAME=${name}
            "-DCASE_ARGS=${args}" -P ${CMAKE_CURRENT_LIST_FILE}
    RESULT_VARIABLE result
    OUTPUT_VARIABLE output
    ERROR_VARIABLE output)
  string(REGEX REPLACE "[ \n]+" " " output "${output}")
  if(result EQUAL 0 OR NOT output MATCHES "${expected}")
    message(FATAL_ERROR "${name} ${args}: expected an error like '${expected}', got: ${output}")
  endif()
  message(STATUS "${name} ${args}: as expected")
endfunction()

file(MAKE_DIRECTORY ${SCRATCH})
set(passed "add_library command is not scriptable")

expect(index "SOURCES a.cc DEPS common segment" "layering: 'index' may not depend on 'segment'")
expect(filter "SOURCES a.cc PRIVATE_DEPS engine" "layering: 'filter' may not depend on 'engine'")
expect(filter "SOURCES a.cc DEPS common index" "layering: 'filter' may not depend on 'index'")
expect(server "SOURCES a.cc DEPS cli" "layering: 'server' may not depend on 'cli'")
expect(common "SOURCES a.cc DEPS common" "layering: 'common' may not depend on 'common'")
expect(query "SOURCES a.cc DEPS toolbox" "layering: 'query' may not depend on 'toolbox'")
expect(toolbox "SOURCES a.cc" "layering: module 'toolbox' is unknown")
expect(query "stray.cc" "layering: module 'query' is unknown or has stray arguments: stray.cc")

expect(query "SOURCES a.cc DEPS common index filter segment" "${passed}")
expect(api "SOURCES a.cc PRIVATE_DEPS engine" "${passed}")
