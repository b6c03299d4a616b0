#include "field_lookup.h"

#include <optional>

namespace alidade {

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
    std::string names;
    for (const VectorField& field : schema.fields) {
      names += (names.empty() ? "" : ", ") + field.name;
    }
    return FieldError(path, "there is no vector field \"{}\"; there are: {}", name, names);
  }
  return *found;
}

StatusOr<std::vector<FieldIndex>> FindFields(const Schema& schema,
                                             const std::vector<std::string>& names) {
  std::vector<FieldIndex> fields;
  for (const std::string& name : names) {
    ALIDADE_ASSIGN_OR_RETURN(const FieldIndex field,
                             FindFieldOrError(schema, name, "with_vectors"));
    fields.push_back(field);
  }
  return fields;
}

}  // namespace alidade
