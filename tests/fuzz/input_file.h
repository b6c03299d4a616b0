// Input files: for decoders that want a path.
#pragma once

#include <unistd.h>

#include <string>
#include <string_view>

#include "fuzz_driver.h"
#include "support/scratch_directory.h"

namespace alidade::fuzz {

// A directory of this process, made when first asked for.
inline const ScratchDirectory& Inputs() {
  static const ScratchDirectory directory;
  return directory;
}

// Puts the bytes into a new file `name` of it; says its path. An old one is removed before: a file
// that is cut and written again is flushed by the file system when it is closed, which takes more
// time than all the rest.
inline std::string PutInput(const std::string& name, std::string_view bytes) {
  const std::string path = Inputs().Path(name);
  ::unlink(path.c_str());
  PutBytes(path, bytes);
  return path;
}

}  // namespace alidade::fuzz
