# Compiler and linker flags shared by every target of ours, collected in one interface target.
add_library(alidade_flags INTERFACE)
target_compile_options(
  alidade_flags
  INTERFACE -Wall -Wextra -Wshadow -Wconversion -Wsign-conversion -Wnon-virtual-dtor -Wold-style-cast
            -Werror=unused-result -fno-omit-frame-pointer -fstack-protector-strong)
# The baseline is x86-64-v2; wider instruction sets are chosen at run time by the kernels in `vec`.
if(CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
  target_compile_options(alidade_flags INTERFACE -march=x86-64-v2)
endif()
if(ALIDADE_WERROR)
  target_compile_options(alidade_flags INTERFACE -Werror)
endif()
# At -O3 gcc 12 takes the inactive members of a std::variant for uninitialised reads; -O2 and clang do not.
target_compile_options(
  alidade_flags INTERFACE $<$<AND:$<CONFIG:Release>,$<CXX_COMPILER_ID:GNU>>:-Wno-maybe-uninitialized>)
if(ALIDADE_FAILPOINTS)
  target_compile_definitions(alidade_flags INTERFACE ALIDADE_FAILPOINTS=1)
endif()
if(ALIDADE_THREAD_SAFETY)
  target_compile_options(alidade_flags INTERFACE -Wthread-safety)
endif()
if(ALIDADE_SANITIZE)
  target_compile_options(alidade_flags INTERFACE -fsanitize=${ALIDADE_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(alidade_flags INTERFACE -fsanitize=${ALIDADE_SANITIZE})
  if(ALIDADE_SANITIZE MATCHES "address")
    # gcc 12 takes the states of std::regex for uninitialised where it instruments them.
    target_compile_options(alidade_flags INTERFACE -Wno-maybe-uninitialized)
  endif()
  if(ALIDADE_SANITIZE STREQUAL "thread")
    # g++ warns that its TSan does not model atomic_thread_fence; it appears in library headers only.
    target_compile_options(alidade_flags INTERFACE -Wno-tsan)
    # Otherwise the loader gives our instrumented copies of inline functions (std::vector, std::shared_ptr, ...) to the
    # packaged libraries too, whose atomics TSan does not see: it would judge code that it cannot understand.
    target_link_options(alidade_flags INTERFACE
                        -Wl,--version-script=${PROJECT_SOURCE_DIR}/src/cmake/sanitized_symbols.map)
  endif()
else()
  target_compile_definitions(alidade_flags INTERFACE $<$<CONFIG:Release,RelWithDebInfo>:_FORTIFY_SOURCE=2>)
endif()
find_program(ALIDADE_MOLD mold)
if(ALIDADE_MOLD)
  # gcc 12 knows mold; linking gRPC statically tested binaries is several times faster with it.
  target_link_options(alidade_flags INTERFACE -fuse-ld=mold)
endif()
find_program(ALIDADE_CCACHE ccache)
if(ALIDADE_CCACHE)
  set(CMAKE_C_COMPILER_LAUNCHER ${ALIDADE_CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${ALIDADE_CCACHE})
endif()
