#include "field_lookup.h"

#include <optional>

#include <fmt/ranges.h>

namespace alidade {
namespace {

Status NoSuchField(const Schema& schema,
                   const std::string& kind,
                   const std::string& name,
                   const std::string& path) {
  return FieldError(path,
                    "there is no {} field \"{}\"; there are: {}",
                    kind,
                    name,
                    fmt::join(schema.FieldNames(), ", "));
}

}  // namespace

StatusOr<FieldIndex> FindFieldOrError(const Schema& schema,
                                      const std::string& name,
                                      const std::string& path) {
  if (name.empty()) {
    if (schema.fields.size() == 1) {
      return FieldIndex{0};
    }
    return FieldError(path, "must name one of the {} vector fields", schema.fields.size());
  }
  const std::optional<FieldIndex> found = schema.FindField(name);
  if (!found.has_value()) {
    return schema.FindAnyField(name).has_value()
               ? FieldError(path,
                            "\"{}\" is a {} field",
                            name,
                            schema.FindSparseField(name).has_value() ? "sparse" : "multi-vector")
               : NoSuchField(schema, "vector", name, path);
  }
  return *found;
}

StatusOr<SparseIndex> FindSparseFieldOrError(const Schema& schema,
                                             const std::string& name,
                                             const std::string& path) {
  if (name.empty()) {
    if (schema.sparse_fields.size() == 1) {
      return SparseIndex{0};
    }
    return FieldError(path, "must name one of the {} sparse fields", schema.sparse_fields.size());
  }
  const std::optional<SparseIndex> found = schema.FindSparseField(name);
  if (!found.has_value()) {
    return schema.FindAnyField(name).has_value()
               ? FieldError(path, "\"{}\" is no sparse field", name)
               : NoSuchField(schema, "sparse", name, path);
  }
  return *found;
}

StatusOr<size_t> FindMultiVectorFieldOrError(const Schema& schema,
                                             const std::string& name,
                                             const std::string& path) {
  if (name.empty()) {
    if (schema.multi_vector_fields.size() == 1) {
      return size_t{0};
    }
    return FieldError(
        path, "must name one of the {} multi-vector fields", schema.multi_vector_fields.size());
  }
  const std::optional<size_t> found = schema.FindMultiVectorField(name);
  if (!found.has_value()) {
    return schema.FindAnyField(name).has_value()
               ? FieldError(path, "\"{}\" is no multi-vector field", name)
               : NoSuchField(schema, "multi-vector", name, path);
  }
  return *found;
}

StatusOr<std::vector<FieldRef>> FindFields(const Schema& schema,
                                           const std::vector<std::string>& names) {
  std::vector<FieldRef> fields;
  for (const std::string& name : names) {
    const std::optional<FieldRef> field = schema.FindAnyField(name);
    if (!field.has_value()) {
      return NoSuchField(schema, "vector", name, "with_vectors");
    }
    fields.push_back(*field);
  }
  return fields;
}

}  // namespace alidade
