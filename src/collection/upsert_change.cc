// Path: upsert 4/7 (from collection/write_operation.cc), and 6/7 (to segment/delta.cc)
#include "upsert_change.h"

#include <cmath>
#include <unordered_map>
#include <utility>

#include "alidade/vec/vector_matrix.h"

#include "expected_seqs.h"
#include "field_lookup.h"

namespace alidade {
namespace {

// The values as the field stores them. float32: as they are; else rounded, into `encoded`.
std::string_view Encoded(std::span<const float> values, ElementType element, std::string& encoded) {
  if (element == ElementType::kFloat32) {
    return {reinterpret_cast<const char*>(values.data()), values.size_bytes()};
  }
  encoded = EncodeElements(values, element);
  return encoded;
}

// What rounding leaves must be a vector too.
Status ValidateRounded(std::span<const float> values,
                       const VectorField& field,
                       const std::string& path) {
  const std::string encoded = EncodeElements(values, field.element);
  std::vector<float> rounded(values.size());
  ToFloats(encoded.data(), field.element, rounded.data(), rounded.size());
  for (size_t i = 0; i < rounded.size(); ++i) {
    if (!std::isfinite(rounded[i])) {
      return WithReason(FieldError(fmt::format("{}[{}]", path, i),
                                   "is {}, too large for {}",
                                   values[i],
                                   ElementTypeName(field.element)),
                        "VECTOR_NOT_REPRESENTABLE");
    }
  }
  return ValidateVector(rounded, field.metric, path);
}

}  // namespace

Status UpsertChange::CheckPoint(const std::vector<FieldIndex>& fields,
                                const Schema& schema,
                                size_t index) const {
  const UpsertPoint& point = request_.points[index];
  for (size_t i = 0; i < point.vectors.size(); ++i) {
    if (point.vectors[i].empty()) {
      continue;
    }
    const VectorField& field = schema.fields[fields[i]];
    const std::string path = fmt::format("points[{}].vectors[\"{}\"]", index, field.name);
    if (point.vectors[i].size() != field.dim) {
      return FieldError(
          path, "has {} dimensions, the field has {}", point.vectors[i].size(), field.dim);
    }
    ALIDADE_RETURN_IF_ERROR(ValidateVector(point.vectors[i], field.metric, path));
    if (field.element != ElementType::kFloat32) {
      ALIDADE_RETURN_IF_ERROR(ValidateRounded(point.vectors[i], field, path));
    }
  }
  for (const auto& [name, vector] : point.sparse_vectors) {
    ALIDADE_RETURN_IF_ERROR(
        FindSparseFieldOrError(
            schema, name, fmt::format("points[{}].sparse_vectors[\"{}\"]", index, name))
            .status());
  }
  for (const auto& [name, vector] : point.multi_vectors) {
    const std::string path = fmt::format("points[{}].multi_vectors[\"{}\"]", index, name);
    ALIDADE_ASSIGN_OR_RETURN(const size_t field, FindMultiVectorFieldOrError(schema, name, path));
    const MultiVectorField& spec = schema.multi_vector_fields[field];
    ALIDADE_RETURN_IF_ERROR(
        ValidateMultiVector(WithRows(vector, spec.dim), spec.dim, spec.metric, path));
  }
  return OkStatus();
}

Status UpsertChange::LoadEncoded(const Schema& schema, const UpsertPoint& point, Row& row) {
  row.sparse.resize(schema.sparse_fields.size());
  for (const auto& [name, vector] : point.sparse_vectors) {
    ALIDADE_ASSIGN_OR_RETURN(const SparseIndex field, FindSparseFieldOrError(schema, name, name));
    row.sparse[field] = EncodeSparseVector(vector);
  }
  row.multi.resize(schema.multi_vector_fields.size());
  for (const auto& [name, vector] : point.multi_vectors) {
    ALIDADE_ASSIGN_OR_RETURN(const size_t field, FindMultiVectorFieldOrError(schema, name, name));
    row.multi[field] = EncodeMultiVector(WithRows(vector, schema.multi_vector_fields[field].dim));
  }
  return OkStatus();
}

Status UpsertChange::Load(const Schema& schema, bool fingerprint) {
  std::vector<FieldIndex> fields;
  for (const std::string& name : request_.field_names) {
    ALIDADE_ASSIGN_OR_RETURN(
        const FieldIndex field,
        FindFieldOrError(schema, name, fmt::format("field_names[\"{}\"]", name)));
    fields.push_back(field);
  }
  std::unordered_map<std::string, size_t> newest;
  for (size_t i = 0; i < request_.points.size(); ++i) {
    ALIDADE_RETURN_IF_ERROR(CheckPoint(fields, schema, i));
    const PointId& id = request_.points[i].id;
    const bool fresh = newest.insert_or_assign(id.Encode(), i).second;
    if (!fresh && !request_.if_seqs.empty()) {
      return RepeatedId(id, i);
    }
  }
  rows_.reserve(newest.size());
  for (size_t i = 0; i < request_.points.size(); ++i) {
    const UpsertPoint& point = request_.points[i];
    std::string encoded = point.id.Encode();
    if (newest[encoded] != i) {
      continue;
    }
    Row row;
    row.index = i;
    row.encoded_id = std::move(encoded);
    row.payload = &point.payload;
    row.vectors.resize(schema.fields.size());
    row.rounded.resize(schema.fields.size());
    bytes_ += row.encoded_id.size() + point.payload.size();
    for (size_t k = 0; k < point.vectors.size(); ++k) {
      const FieldIndex field = fields[k];
      row.vectors[field] =
          Encoded(point.vectors[k], schema.fields[field].element, row.rounded[field]);
      bytes_ += row.vectors[field].size();
    }
    ALIDADE_RETURN_IF_ERROR(LoadEncoded(schema, point, row));
    for (const auto* list : {&row.sparse, &row.multi}) {
      for (const std::string& vector : *list) {
        bytes_ += vector.size();
      }
    }
    rows_.push_back(std::move(row));
  }
  if (fingerprint) {
    Fingerprint();
  }
  return OkStatus();
}

void UpsertChange::Fingerprint() {
  Hasher128 hasher;
  for (const Row& row : rows_) {
    AddPart(hasher, row.encoded_id);
    AddPart(hasher, *row.payload);
    for (const std::string_view vector : row.vectors) {
      AddPart(hasher, vector);
    }
    for (const auto* list : {&row.sparse, &row.multi}) {
      for (const std::string& vector : *list) {
        AddPart(hasher, vector);
      }
    }
  }
  // An upsert without conditions has the fingerprint that it had before there were any.
  if (request_.mode != UpsertMode::kUpsert) {
    AddPart(hasher, request_.mode == UpsertMode::kInsertOnly ? "insert only" : "update only");
  }
  AddExpectedSeqs(hasher, request_.if_seqs);
  fingerprint_ = hasher.Finish().low ^ collection().id().value();
}

Status UpsertChange::Prepare(CommitContext& context) {
  Collection& c = collection();
  ALIDADE_RETURN_IF_ERROR(c.AdmitBytes(bytes_));
  std::vector<std::string> ids;
  ids.reserve(rows_.size());
  for (const Row& row : rows_) {
    ids.push_back(row.encoded_id);
  }
  std::vector<std::optional<CurrentPoint>> current;
  ALIDADE_RETURN_IF_ERROR(c.ResolveIds(ids, current));
  const std::vector<FieldId> field_ids = c.FieldIds();
  for (size_t i = 0; i < rows_.size(); ++i) {
    Row& row = rows_[i];
    if (!request_.if_seqs.empty()) {
      ALIDADE_RETURN_IF_ERROR(CheckExpectedSeq(
          request_.if_seqs[row.index], current[i], request_.points[row.index].id, row.index));
    }
    row.skipped = request_.mode == UpsertMode::kInsertOnly   ? current[i].has_value()
                  : request_.mode == UpsertMode::kUpdateOnly ? !current[i].has_value()
                                                             : false;
    if (row.skipped) {
      ++skipped_;
      continue;
    }
    if (const std::optional<CurrentPoint>& replaced = current[i]; replaced.has_value()) {
      row.replaces = replaced->row;
    }
    PrepareRow(context, field_ids, row);
  }
  return OkStatus();
}

void UpsertChange::PrepareRow(CommitContext& context,
                              const std::vector<FieldId>& field_ids,
                              Row& row) {
  Collection& c = collection();
  row.number = c.next_row_;
  c.next_row_ = c.next_row_.Next();
  CurrentPoint made{.row = row.number, .seq = context.seq, .payload = row.payload};
  for (FieldIndex field = 0; field < row.vectors.size(); ++field) {
    if (!row.vectors[field].empty()) {
      context.batch.PutVector(c.space(), row.number, {field_ids[field], row.vectors[field]});
      made.vectors |= VectorBit({FieldRef::Kind::kDense, field});
    }
  }
  for (SparseIndex field = 0; field < row.sparse.size(); ++field) {
    if (!row.sparse[field].empty()) {
      context.batch.PutVector(
          c.space(), row.number, {c.schema_.sparse_fields[field].id, row.sparse[field]});
      made.vectors |= VectorBit({FieldRef::Kind::kSparse, field});
    }
  }
  for (size_t field = 0; field < row.multi.size(); ++field) {
    if (!row.multi[field].empty()) {
      context.batch.PutVector(
          c.space(), row.number, {c.schema_.multi_vector_fields[field].id, row.multi[field]});
      made.vectors |= VectorBit({FieldRef::Kind::kMultiVector, field});
    }
  }
  row.present = made.vectors;
  context.batch.PutRow(c.space(),
                       row.number,
                       {.encoded_id = row.encoded_id,
                        .seq = context.seq,
                        .payload = *row.payload,
                        .vectors = made.vectors});
  context.batch.PutId(c.space(), row.encoded_id, {row.number, context.seq});
  if (row.replaces.has_value()) {
    context.batch.DeleteRow(c.space(), *row.replaces, field_ids);
    context.batch.PutTombstone(c.space(), *row.replaces, context.seq);
  } else {
    ++c.live_rows_;
  }
  c.pending_.Set(row.encoded_id, made);
}

void UpsertChange::Apply(SeqNo seq) {
  for (const Row& row : rows_) {
    if (row.skipped) {
      continue;
    }
    collection().AppendRow({.row = row.number,
                            .encoded_id = row.encoded_id,
                            .payload = *row.payload,
                            .vectors = row.vectors,
                            .sparse = {row.sparse.begin(), row.sparse.end()},
                            .multi_vectors = MultiVectorsOf(row.present)});
    if (row.replaces.has_value()) {
      collection().MarkRowDeleted(*row.replaces, seq);
    }
  }
}

}  // namespace alidade
