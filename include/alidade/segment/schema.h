// Schema: the vector fields, sparse fields and payload indexes of a collection, as every layer from
// segment upwards sees them.
#pragma once

#include <bit>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "alidade/common/limits.h"
#include "alidade/common/types.h"
#include "alidade/filter/payload_index_spec.h"
#include "alidade/index/index_spec.h"
#include "alidade/vec/element.h"
#include "alidade/vec/metric.h"

namespace alidade {

struct VectorField {
  FieldId id;
  std::string name;
  uint32_t dim = 0;
  Metric metric = Metric::kCosine;
  IndexSpec index;
  ElementType element = ElementType::kFloat32;

  size_t vector_bytes() const { return dim * ElementBytes(element); }
  friend bool operator==(const VectorField&, const VectorField&) = default;
};

// Of a sparse vector for each point; ranked by dot product.
struct SparseField {
  FieldId id;
  std::string name;
  bool idf = false;  // weights of a query are multiplied by the rarity of their dimensions

  friend bool operator==(const SparseField&, const SparseField&) = default;
};

// Of several vectors for each point, which rank what another search found (vec/multi_vector.h).
// Only the store has them: a segment knows no more than which rows have some.
struct MultiVectorField {
  FieldId id;
  std::string name;
  uint32_t dim = 0;
  Metric metric = Metric::kCosine;  // or kDot

  friend bool operator==(const MultiVectorField&, const MultiVectorField&) = default;
};

// Chosen: more would be collections of their own.
inline constexpr uint32_t kSparseFieldsMax = 8;
inline constexpr uint32_t kMultiVectorFieldsMax = 8;

// Position of a field in Schema::fields; what arrays inside a segment are indexed by.
using FieldIndex = size_t;
// The same in Schema::sparse_fields.
using SparseIndex = size_t;

// A field of any kind.
struct FieldRef {
  enum class Kind : uint8_t { kDense, kSparse, kMultiVector };
  Kind kind = Kind::kDense;
  size_t index = 0;  // in the list of its kind

  friend bool operator==(const FieldRef&, const FieldRef&) = default;
};

// Which fields a row has a vector in, as bits (on disk): dense ones first, then sparse ones, then
// multi-vector ones.
inline constexpr uint32_t kSparseBitsBegin = kVectorFieldsMax;
inline constexpr uint32_t kMultiBitsBegin = kSparseBitsBegin + kSparseFieldsMax;
static_assert(kMultiBitsBegin + kMultiVectorFieldsMax <= 32);

constexpr uint32_t VectorBit(FieldRef field) {
  const uint32_t begin = field.kind == FieldRef::Kind::kDense    ? 0
                         : field.kind == FieldRef::Kind::kSparse ? kSparseBitsBegin
                                                                 : kMultiBitsBegin;
  return uint32_t{1} << (begin + field.index);
}
// What of them Segment::multi_vectors says.
constexpr uint8_t MultiVectorsOf(uint32_t bits) {
  return static_cast<uint8_t>(bits >> kMultiBitsBegin);
}
// The field that the lowest bit set stands for. Requires: one is set.
constexpr FieldRef FieldOfLowestBit(uint32_t bits) {
  const auto bit = static_cast<uint32_t>(std::countr_zero(bits));
  return bit < kSparseBitsBegin  ? FieldRef{FieldRef::Kind::kDense, bit}
         : bit < kMultiBitsBegin ? FieldRef{FieldRef::Kind::kSparse, bit - kSparseBitsBegin}
                                 : FieldRef{FieldRef::Kind::kMultiVector, bit - kMultiBitsBegin};
}

// Fields are only ever added, at the end: older segments then have no vectors of the new ones.
struct Schema {
  std::vector<VectorField> fields;
  std::vector<PayloadIndexSpec> payload_indexes = {};  // in the order of their ids
  // Names and ids are different among the fields of all kinds.
  std::vector<SparseField> sparse_fields = {};
  std::vector<MultiVectorField> multi_vector_fields = {};

  std::optional<FieldIndex> FindField(std::string_view name) const {
    for (FieldIndex i = 0; i < fields.size(); ++i) {
      if (fields[i].name == name) {
        return i;
      }
    }
    return std::nullopt;
  }
  std::optional<SparseIndex> FindSparseField(std::string_view name) const {
    for (SparseIndex i = 0; i < sparse_fields.size(); ++i) {
      if (sparse_fields[i].name == name) {
        return i;
      }
    }
    return std::nullopt;
  }
  std::optional<size_t> FindMultiVectorField(std::string_view name) const {
    for (size_t i = 0; i < multi_vector_fields.size(); ++i) {
      if (multi_vector_fields[i].name == name) {
        return i;
      }
    }
    return std::nullopt;
  }
  std::optional<FieldRef> FindAnyField(std::string_view name) const {
    if (const auto dense = FindField(name); dense.has_value()) {
      return FieldRef{FieldRef::Kind::kDense, *dense};
    }
    if (const auto sparse = FindSparseField(name); sparse.has_value()) {
      return FieldRef{FieldRef::Kind::kSparse, *sparse};
    }
    if (const auto multi = FindMultiVectorField(name); multi.has_value()) {
      return FieldRef{FieldRef::Kind::kMultiVector, *multi};
    }
    return std::nullopt;
  }
  // Dense fields first, then sparse ones, then multi-vector ones.
  std::vector<std::string_view> FieldNames() const {
    std::vector<std::string_view> names;
    names.reserve(fields.size() + sparse_fields.size() + multi_vector_fields.size());
    for (const VectorField& field : fields) {
      names.emplace_back(field.name);
    }
    for (const SparseField& field : sparse_fields) {
      names.emplace_back(field.name);
    }
    for (const MultiVectorField& field : multi_vector_fields) {
      names.emplace_back(field.name);
    }
    return names;
  }
  // VectorBit of each of them.
  uint32_t MultiVectorBits() const {
    return ((uint32_t{1} << multi_vector_fields.size()) - 1) << kMultiBitsBegin;
  }
  FieldId IdOf(FieldRef field) const {
    switch (field.kind) {
      case FieldRef::Kind::kDense:
        return fields[field.index].id;
      case FieldRef::Kind::kSparse:
        return sparse_fields[field.index].id;
      case FieldRef::Kind::kMultiVector:
        break;
    }
    return multi_vector_fields[field.index].id;
  }

  friend bool operator==(const Schema&, const Schema&) = default;
};

}  // namespace alidade
