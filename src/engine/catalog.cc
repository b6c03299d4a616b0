#include "catalog.h"

#include <set>
#include <vector>

#include "alidade/common/nearest_name.h"

namespace alidade {
namespace {

constexpr size_t kNearEdits = 3;
constexpr size_t kLabelsMax = 64;
constexpr size_t kTextBytesMax = 4'096;

bool IsWordCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

}  // namespace

std::shared_ptr<Collection> Catalog::Find(const std::string& name) const {
  const auto alias = aliases.find(name);
  const auto found = collections.find(alias == aliases.end() ? name : alias->second);
  return found == collections.end() ? nullptr : found->second;
}

Status NoSuchCollection(const Catalog& catalog, const std::string& name) {
  std::vector<std::string> names;
  names.reserve(catalog.collections.size());
  for (const auto& [existing, collection] : catalog.collections) {
    names.push_back(existing);
  }
  const std::string nearest = NearestName(name, names, kNearEdits);
  return WithReason(NotFound("there is no collection \"{}\"{}",
                             name,
                             nearest.empty() ? "" : "; did you mean \"" + nearest + "\"?"),
                    "COLLECTION_NOT_FOUND");
}

Status ValidateName(const std::string& name, const std::string& path) {
  if (name.empty() || name.size() > kNameBytesMax) {
    return FieldError(path, "has {} bytes, 1 to {} are allowed", name.size(), kNameBytesMax);
  }
  for (const char& c : name) {
    if (!IsWordCharacter(c) && (&c == name.data() || (c != '_' && c != '-'))) {
      return FieldError(path,
                        "may have letters, digits, '_' and '-' only, and starts with a letter or "
                        "digit: \"{}\"",
                        name);
    }
  }
  return OkStatus();
}

namespace {

// Not yet among `names`, to which it is added.
Status ValidateNewName(const std::string& name,
                       const std::string& path,
                       std::set<std::string>& names) {
  ALIDADE_RETURN_IF_ERROR(ValidateName(name, path));
  return names.insert(name).second ? OkStatus() : FieldError(path, "\"{}\" is there twice", name);
}

Status ValidateDimension(uint32_t dim, const Limits& limits, const std::string& path) {
  return dim >= 1 && dim <= limits.dimension_max
             ? OkStatus()
             : FieldError(path, "is {}, 1 to {} are allowed", dim, limits.dimension_max);
}

// `names` are those of the fields before, and get these.
Status ValidateSparseFields(const CollectionConfig& config, std::set<std::string>& names) {
  if (config.sparse_fields.size() > kSparseFieldsMax) {
    return FieldError("sparse_fields",
                      "has {} entries, {} are allowed",
                      config.sparse_fields.size(),
                      kSparseFieldsMax);
  }
  for (size_t i = 0; i < config.sparse_fields.size(); ++i) {
    const std::string& name = config.sparse_fields[i].name;
    const std::string path = fmt::format("sparse_fields[{}].name", i);
    ALIDADE_RETURN_IF_ERROR(ValidateNewName(name, path, names));
  }
  return OkStatus();
}

Status ValidateMultiVectorFields(const CollectionConfig& config,
                                 const Limits& limits,
                                 std::set<std::string>& names) {
  if (config.multi_vector_fields.size() > kMultiVectorFieldsMax) {
    return FieldError("multi_vector_fields",
                      "has {} entries, {} are allowed",
                      config.multi_vector_fields.size(),
                      kMultiVectorFieldsMax);
  }
  for (size_t i = 0; i < config.multi_vector_fields.size(); ++i) {
    const MultiVectorField& field = config.multi_vector_fields[i];
    const std::string path = fmt::format("multi_vector_fields[{}]", i);
    ALIDADE_RETURN_IF_ERROR(ValidateNewName(field.name, path + ".name", names));
    ALIDADE_RETURN_IF_ERROR(ValidateDimension(field.dim, limits, path + ".dimension"));
    if (field.metric != Metric::kCosine && field.metric != Metric::kDot) {
      return FieldError(
          path + ".metric", "is {}, cosine and dot are allowed", MetricName(field.metric));
    }
  }
  return OkStatus();
}

}  // namespace

Status ValidateConfig(const CollectionConfig& config, const Limits& limits) {
  ALIDADE_RETURN_IF_ERROR(ValidateName(config.name, "name"));
  if (config.description.size() > kTextBytesMax) {
    return FieldError("description", "is longer than {} bytes", kTextBytesMax);
  }
  if (config.labels.size() > kLabelsMax) {
    return FieldError("labels", "has {} entries, {} are allowed", config.labels.size(), kLabelsMax);
  }
  for (const auto& [key, value] : config.labels) {
    if (key.empty() || key.size() > kNameBytesMax || value.size() > kTextBytesMax) {
      return FieldError("labels", "the label \"{}\" is empty or too long", key.substr(0, 64));
    }
  }
  if ((config.fields.empty() && config.sparse_fields.empty()) ||
      config.fields.size() > kVectorFieldsMax) {
    return FieldError("vector_fields",
                      "has {} entries, 1 to {} are allowed, none only beside sparse fields",
                      config.fields.size(),
                      kVectorFieldsMax);
  }
  if (config.default_ef > limits.ef_max) {
    return FieldError(
        "default_ef", "is {}, at most {} is allowed", config.default_ef, limits.ef_max);
  }
  if (config.default_nprobe > limits.nprobe_max) {
    return FieldError(
        "default_nprobe", "is {}, at most {} is allowed", config.default_nprobe, limits.nprobe_max);
  }
  std::set<std::string> names;
  for (size_t i = 0; i < config.fields.size(); ++i) {
    const VectorField& field = config.fields[i];
    const std::string path = fmt::format("vector_fields[{}]", i);
    ALIDADE_RETURN_IF_ERROR(ValidateNewName(field.name, path + ".name", names));
    ALIDADE_RETURN_IF_ERROR(ValidateDimension(field.dim, limits, path + ".dimension"));
    ALIDADE_RETURN_IF_ERROR(ValidateIndexSpec(field.index, field.dim, path + ".index"));
  }
  ALIDADE_RETURN_IF_ERROR(ValidateSparseFields(config, names));
  return ValidateMultiVectorFields(config, limits, names);
}

}  // namespace alidade
