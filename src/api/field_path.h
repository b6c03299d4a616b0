// FieldPath: where in a request message a decoder is, for error messages such as
// rows.points[3].vectors["v"].
//
// Threads:  immutable. Made on the stack per level, turned into text only when there is an error.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace alidade {

// A path refers to its parent and to the text it was made with; both must outlive it.
class FieldPath {
 public:
  // The request itself: the empty path.
  FieldPath() = default;
  explicit FieldPath(std::string_view name) : kind_(Kind::kField), name_(name) {}

  // One step down: a field of a message, an element of a list, an entry of a map.
  FieldPath Field(std::string_view name) const { return FieldPath(this, Kind::kField, name, 0); }
  FieldPath At(size_t index) const { return FieldPath(this, Kind::kIndex, {}, index); }
  FieldPath Key(std::string_view key) const { return FieldPath(this, Kind::kKey, key, 0); }

  std::string ToString() const;

 private:
  enum class Kind { kRoot, kField, kIndex, kKey };
  FieldPath(const FieldPath* parent, Kind kind, std::string_view name, size_t index)
      : parent_(parent), kind_(kind), name_(name), index_(index) {}
  void AppendTo(std::string& out) const;

  const FieldPath* parent_ = nullptr;
  Kind kind_ = Kind::kRoot;
  std::string_view name_;
  size_t index_ = 0;
};

}  // namespace alidade
