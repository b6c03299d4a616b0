// Strong integer types of the domain: two kinds of number cannot be mixed up.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>

#include <fmt/format.h>

namespace alidade {

// An integer with a meaning; explicit in, `.value()` out, ordered, hashable, printable with fmt.
template <typename Tag, typename T>
class Strong {
 public:
  constexpr Strong() = default;
  constexpr explicit Strong(T value) : value_(value) {}
  constexpr T value() const { return value_; }
  constexpr Strong Next() const { return Strong(static_cast<T>(value_ + 1)); }
  friend constexpr auto operator<=>(Strong, Strong) = default;

 private:
  T value_ = 0;
};

// Position in the server's history of accepted write batches; 0 means "before the first".
using SeqNo = Strong<struct SeqNoTag, uint64_t>;
using CollectionId = Strong<struct CollectionIdTag, uint32_t>;
using ShardId = Strong<struct ShardIdTag, uint16_t>;
using FieldId = Strong<struct FieldIdTag, uint16_t>;
using PayloadIndexId = Strong<struct PayloadIndexIdTag, uint16_t>;
using SegmentId = Strong<struct SegmentIdTag, uint64_t>;
// Number of one stored version of a point within a collection; rises, never reused.
using RowNo = Strong<struct RowNoTag, uint64_t>;

// Position of a row inside one segment or delta, and of a vector inside one field's matrix. Plain
// integers: they index arrays in the hottest loops.
using RowId = uint32_t;
using Slot = uint32_t;

}  // namespace alidade

template <typename Tag, typename T>
struct std::hash<alidade::Strong<Tag, T>> {
  size_t operator()(alidade::Strong<Tag, T> x) const noexcept { return std::hash<T>()(x.value()); }
};

template <typename Tag, typename T>
struct fmt::formatter<alidade::Strong<Tag, T>> : fmt::formatter<T> {
  template <typename Context>
  auto format(alidade::Strong<Tag, T> x, Context& context) const {
    return fmt::formatter<T>::format(x.value(), context);
  }
};
