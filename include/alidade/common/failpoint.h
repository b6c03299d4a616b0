// Failpoints and mutants: places where a test build can be killed, delayed, failed or deliberately
// broken.
//
// Compiled in only with the CMake option ALIDADE_FAILPOINTS; nothing of it is in a release.
//   ALIDADE_FAILPOINTS="commit.after_write=kill@3;seal.before_rename=sleep:50;merge.before_publish=error"
//   kill = SIGKILL to ourselves, exit = _exit(3), sleep:N = N milliseconds, error = the call site's
//   error path;
//   @n = only at the n-th hit (default: every hit).
//   ALIDADE_MUTANTS="no_sync,no_checksum" switches deliberate mistakes on, which the crash tests
//   must catch.
#pragma once

#include "alidade/common/status.h"

#if ALIDADE_FAILPOINTS

namespace alidade {

// Acts as the environment says. Returns an error only for the action `error`.
Status HitFailpoint(const char* name);
bool MutantEnabled(const char* name);

}  // namespace alidade

// In a function that returns Status or StatusOr.
#define ALIDADE_FAILPOINT(name) ALIDADE_RETURN_IF_ERROR(::alidade::HitFailpoint(name))
// Where no status can be returned: the action `error` is ignored.
#define ALIDADE_FAILPOINT_VOID(name) ::alidade::HitFailpoint(name).IgnoreError()
#define ALIDADE_MUTANT(name) ::alidade::MutantEnabled(name)

#else

#define ALIDADE_FAILPOINT(name) \
  do {                          \
  } while (false)
#define ALIDADE_FAILPOINT_VOID(name) \
  do {                               \
  } while (false)
#define ALIDADE_MUTANT(name) false

#endif
