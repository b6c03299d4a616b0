// Parts of points between the wire and the domain: ids, vectors, selectors, receipts, whole points.
//
// Threads:  pure functions.
#pragma once

#include <span>
#include <string>
#include <vector>

#include <google/protobuf/repeated_field.h>

#include "alidade/v1/points.pb.h"

#include "alidade/collection/requests.h"
#include "alidade/common/limits.h"
#include "alidade/common/status.h"

#include "field_path.h"

namespace alidade {

// Most keys in one selector (chosen). A key is as long as in a filter at most.
inline constexpr int kSelectorKeysMax = 1024;

// Names of collections, aliases and vector fields: ^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$.
Status CheckName(std::string_view name, const FieldPath& path);

StatusOr<PointId> DecodePointId(const v1::PointId& in, const FieldPath& path);
// 1..limits.batch_rows_max ids.
StatusOr<std::vector<PointId>> DecodePointIds(
    const google::protobuf::RepeatedPtrField<v1::PointId>& in,
    const Limits& limits,
    const FieldPath& path);

// The elements, as they lie in the message: valid as long as `in`. Never empty. Whether they suit
// the field (dimension, finite, not all zero) is for the collection to check.
StatusOr<std::span<const float>> DecodeVector(const v1::Vector& in, const FieldPath& path);

// 1..kSparseValuesMax entries. Whether there is such a field is for the collection to check.
StatusOr<SparseVector> DecodeSparse(const v1::SparseVector& in, const FieldPath& path);

// Of rows of equal lengths; packed ones have no number of rows yet. The rest is for the collection
// to check.
StatusOr<MultiVector> DecodeMulti(const v1::MultiVector& in, const FieldPath& path);

// One for each of `points`, or none.
StatusOr<std::vector<SeqNo>> DecodeIfSeqs(const google::protobuf::RepeatedField<uint64_t>& in,
                                          size_t points,
                                          const FieldPath& path);

StatusOr<Durability> DecodeDurability(v1::Durability in, Durability default_durability);
StatusOr<WriteOptions> DecodeWriteOptions(const std::string& request_id,
                                          v1::Durability durability,
                                          Durability default_durability);

// A payload key: a dotted path of 1..kFilterKeyBytesMax bytes.
Status CheckKey(std::string_view key, const FieldPath& path);
// Payload keys: 1..kSelectorKeysMax dotted paths.
StatusOr<std::vector<std::string>> DecodeKeys(
    const google::protobuf::RepeatedPtrField<std::string>& in, const FieldPath& path);

// `present` is false if the message has no selector: everything is selected.
StatusOr<PayloadSelector> DecodePayloadSelector(bool present,
                                                const v1::PayloadSelector& in,
                                                const FieldPath& path);
// Field names, each valid, none twice; or just "*", which stays as it is.
StatusOr<std::vector<std::string>> DecodeWithVectors(
    const google::protobuf::RepeatedPtrField<std::string>& in);

void EncodePointId(const PointId& in, v1::PointId& out);
void EncodeVector(const std::vector<float>& in, v1::Vector& out);
void EncodeSparse(const SparseVector& in, v1::SparseVector& out);
void EncodeMulti(const MultiVector& in, v1::MultiVector& out);
void EncodeReceipt(const WriteReceipt& in, v1::WriteReceipt& out);
void EncodePoint(const Point& in, v1::Point& out);

}  // namespace alidade
