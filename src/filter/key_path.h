// KeyPath: a dotted path, ready to be looked up in many encoded objects.
//
// Threads:  immutable.
// Source:   the same answer as PayloadView::Find, sooner: most keys are told apart by their length
//           or first byte, and keys beyond the path's place in byte order are not looked at.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "alidade/common/payload_codec.h"

namespace alidade {

class KeyPath {
 public:
  explicit KeyPath(std::string path)
      : path_(std::move(path)), dotted_(path_.find('.') != std::string::npos) {}

  std::optional<ValueView> Find(std::string_view object) const;

 private:
  std::string path_;
  bool dotted_;
};

}  // namespace alidade
