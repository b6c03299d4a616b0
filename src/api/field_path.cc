#include "field_path.h"

namespace alidade {
namespace {

// Keys come from clients: a longer one is cut in the message (chosen).
constexpr size_t kKeyBytesShown = 64;

}  // namespace

std::string FieldPath::ToString() const {
  std::string out;
  AppendTo(out);
  return out;
}

void FieldPath::AppendTo(std::string& out) const {
  if (parent_ != nullptr) {
    parent_->AppendTo(out);
  }
  switch (kind_) {
    case Kind::kRoot:
      break;
    case Kind::kField:
      if (!out.empty()) {
        out += '.';
      }
      out += name_;
      break;
    case Kind::kIndex:
      out += '[' + std::to_string(index_) + ']';
      break;
    case Kind::kKey:
      out += "[\"";
      out += name_.substr(0, kKeyBytesShown);
      out += name_.size() > kKeyBytesShown ? "...\"]" : "\"]";
      break;
  }
}

}  // namespace alidade
