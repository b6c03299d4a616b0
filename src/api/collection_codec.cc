#include "collection_codec.h"

#include <algorithm>
#include <utility>

#include "alidade/index/index_spec.h"

#include "field_codec.h"
#include "field_path.h"
#include "point_codec.h"
#include "text_codec.h"

namespace alidade {
namespace {

Status CheckDescription(const std::string& description, const FieldPath& path) {
  if (description.size() > kDescriptionBytesMax) {
    return FieldError(
        path.ToString(), "has {} bytes, the limit is {}", description.size(), kDescriptionBytesMax);
  }
  return OkStatus();
}

StatusOr<std::map<std::string, std::string>> DecodeLabels(const v1::Collection& in,
                                                          const FieldPath& path) {
  if (in.labels().size() > kLabelsMax) {
    return FieldError(
        path.ToString(), "has {} entries, the limit is {}", in.labels().size(), kLabelsMax);
  }
  std::map<std::string, std::string> labels;
  for (const auto& [key, value] : in.labels()) {
    if (key.empty() || key.size() > kLabelKeyBytesMax || value.size() > kLabelValueBytesMax) {
      return FieldError(path.Key(key).ToString(),
                        "a key has 1..{} bytes and a value at most {}",
                        kLabelKeyBytesMax,
                        kLabelValueBytesMax);
    }
    labels[key] = value;
  }
  return labels;
}

Status CheckDefaults(const v1::SearchDefaults& in, const Limits& limits, const FieldPath& path) {
  if (in.ef() > limits.ef_max) {
    return FieldError(
        path.Field("ef").ToString(), "is {}, the limit is {}", in.ef(), limits.ef_max);
  }
  if (in.nprobe() > limits.nprobe_max) {
    return FieldError(
        path.Field("nprobe").ToString(), "is {}, the limit is {}", in.nprobe(), limits.nprobe_max);
  }
  return OkStatus();
}

// New index specs by field name; the fields given must be as they are otherwise.
Status DecodeIndexUpdates(const v1::Collection& in,
                          const CollectionInfo& current,
                          CollectionUpdate& out) {
  const FieldPath collection("collection");
  const FieldPath list = collection.Field("vector_fields");
  for (int i = 0; i < in.vector_fields_size(); ++i) {
    const v1::VectorField& given = in.vector_fields(i);
    const FieldPath path = list.At(static_cast<size_t>(i));
    const auto& fields = current.config.fields;
    const auto found = std::find_if(fields.begin(), fields.end(), [&given](const VectorField& f) {
      return f.name == given.name();
    });
    if (found == fields.end()) {
      return FieldError(
          path.Field("name").ToString(), "there is no vector field \"{}\"", given.name());
    }
    const bool same_dim = given.dimension() == 0 || given.dimension() == found->dim;
    const bool same_metric =
        given.metric() == v1::METRIC_UNSPECIFIED || given.metric() == EncodeMetric(found->metric);
    const bool same_element =
        given.storage_type() == v1::STORAGE_TYPE_UNSPECIFIED ||
        static_cast<int>(given.storage_type()) == static_cast<int>(found->element);
    if (!same_dim || !same_metric || !same_element) {
      return FieldError(
          path.ToString(),
          "the dimension, the metric and the storage type of a field cannot be changed");
    }
    ALIDADE_ASSIGN_OR_RETURN(const IndexSpec spec,
                             DecodeIndexSpec(given.index(), found->dim, path.Field("index")));
    if (!out.indexes.emplace(given.name(), spec).second) {
      return FieldError(
          path.Field("name").ToString(), "\"{}\" is given a second time", given.name());
    }
  }
  return OkStatus();
}

StatusOr<PayloadIndexSpec> DecodePayloadIndex(const v1::PayloadIndex& in, const FieldPath& path) {
  PayloadIndexSpec spec;
  ALIDADE_RETURN_IF_ERROR(CheckKey(in.key(), path.Field("key")));
  spec.key = in.key();
  // The numbers of the wire are those of the disk.
  static_assert(static_cast<int>(PayloadIndexType::kKeyword) == v1::PAYLOAD_INDEX_TYPE_KEYWORD &&
                static_cast<int>(PayloadIndexType::kInteger) == v1::PAYLOAD_INDEX_TYPE_INTEGER &&
                static_cast<int>(PayloadIndexType::kFloat) == v1::PAYLOAD_INDEX_TYPE_FLOAT &&
                static_cast<int>(PayloadIndexType::kBool) == v1::PAYLOAD_INDEX_TYPE_BOOL &&
                static_cast<int>(PayloadIndexType::kDatetime) == v1::PAYLOAD_INDEX_TYPE_DATETIME &&
                static_cast<int>(PayloadIndexType::kUuid) == v1::PAYLOAD_INDEX_TYPE_UUID &&
                static_cast<int>(PayloadIndexType::kGeo) == v1::PAYLOAD_INDEX_TYPE_GEO &&
                static_cast<int>(PayloadIndexType::kText) == v1::PAYLOAD_INDEX_TYPE_TEXT &&
                v1::PayloadIndexType_MAX == v1::PAYLOAD_INDEX_TYPE_TEXT);
  spec.type = static_cast<PayloadIndexType>(in.type());
  if (!v1::PayloadIndexType_IsValid(in.type()) || in.type() == v1::PAYLOAD_INDEX_TYPE_UNSPECIFIED) {
    return FieldError(
        path.Field("type").ToString(),
        "is {}; one of KEYWORD, INTEGER, FLOAT, BOOL, DATETIME, UUID, GEO, TEXT is required",
        static_cast<int>(in.type()));
  }
  if (spec.type == PayloadIndexType::kText) {
    ALIDADE_ASSIGN_OR_RETURN(spec.text.analyzer,
                             DecodeTextAnalyzer(in.analyzer(), path.Field("analyzer")));
    ALIDADE_RETURN_IF_ERROR(
        ValidateAnalyzer(spec.text.analyzer, path.Field("analyzer").ToString()));
    spec.text.bm25.k1 = in.bm25().has_k1() ? in.bm25().k1() : spec.text.bm25.k1;
    spec.text.bm25.b = in.bm25().has_b() ? in.bm25().b() : spec.text.bm25.b;
    ALIDADE_RETURN_IF_ERROR(ValidateBm25(spec.text.bm25, path.Field("bm25").ToString()));
  } else if (in.has_analyzer() || in.has_bm25()) {
    return FieldError(path.Field(in.has_analyzer() ? "analyzer" : "bm25").ToString(),
                      "is of no meaning for an index of type {}",
                      PayloadIndexTypeName(spec.type));
  }
  spec.tenant = in.tenant();
  if (spec.tenant && !MayBeTenant(spec.type)) {
    return FieldError(path.Field("tenant").ToString(),
                      "is of no meaning for an index of type {}; KEYWORD, UUID and INTEGER are "
                      "allowed",
                      PayloadIndexTypeName(spec.type));
  }
  return spec;
}

Status DecodePayloadIndexes(const v1::Collection& in,
                            const FieldPath& path,
                            CollectionConfig& config) {
  if (in.payload_indexes_size() > static_cast<int>(kPayloadIndexesMax)) {
    return FieldError(path.ToString(),
                      "has {} indexes, the limit is {}",
                      in.payload_indexes_size(),
                      kPayloadIndexesMax);
  }
  for (int i = 0; i < in.payload_indexes_size(); ++i) {
    const FieldPath at = path.At(static_cast<size_t>(i));
    ALIDADE_ASSIGN_OR_RETURN(PayloadIndexSpec spec, DecodePayloadIndex(in.payload_indexes(i), at));
    const bool again = std::ranges::any_of(config.payload_indexes, [&](const auto& other) {
      return other.key == spec.key && other.type == spec.type;
    });
    if (again) {
      return FieldError(at.ToString(), "is given a second time");
    }
    if (spec.tenant && FindTenantIndex(config.payload_indexes) != nullptr) {
      return FieldError(at.Field("tenant").ToString(), "is set of a second index");
    }
    config.payload_indexes.push_back(std::move(spec));
  }
  return OkStatus();
}

}  // namespace

StatusOr<CollectionConfig> DecodeCreateCollection(const v1::CreateCollectionRequest& in,
                                                  const Limits& limits) {
  const v1::Collection& source = in.collection();
  const FieldPath path("collection");
  CollectionConfig config;
  ALIDADE_RETURN_IF_ERROR(CheckName(source.name(), path.Field("name")));
  config.name = source.name();
  ALIDADE_RETURN_IF_ERROR(CheckDescription(source.description(), path.Field("description")));
  config.description = source.description();
  ALIDADE_ASSIGN_OR_RETURN(config.labels, DecodeLabels(source, path.Field("labels")));
  ALIDADE_RETURN_IF_ERROR(
      CheckDefaults(source.search_defaults(), limits, path.Field("search_defaults")));
  config.default_ef = source.search_defaults().ef();
  config.default_nprobe = source.search_defaults().nprobe();

  ALIDADE_RETURN_IF_ERROR(DecodeFields(source, limits, path, config));
  ALIDADE_RETURN_IF_ERROR(DecodePayloadIndexes(source, path.Field("payload_indexes"), config));
  return config;
}

StatusOr<PayloadIndexChange> DecodePayloadIndexChange(const std::string& collection,
                                                      const v1::PayloadIndex& index,
                                                      const FieldPath& path) {
  ALIDADE_RETURN_IF_ERROR(CheckName(collection, FieldPath("collection")));
  ALIDADE_ASSIGN_OR_RETURN(const PayloadIndexSpec spec, DecodePayloadIndex(index, path));
  PayloadIndexChange change;
  change.collection = collection;
  change.key = spec.key;
  change.type = spec.type;
  change.text = spec.text;
  change.tenant = spec.tenant;
  return change;
}

StatusOr<CollectionUpdate> DecodeUpdateCollection(const v1::UpdateCollectionRequest& in,
                                                  const CollectionInfo& current,
                                                  const Limits& limits) {
  const v1::Collection& source = in.collection();
  const FieldPath path("collection");
  const FieldPath defaults = path.Field("search_defaults");
  CollectionUpdate update;
  update.name = current.config.name;
  if (in.update_mask().paths().empty()) {
    return FieldError("update_mask", "is empty");
  }
  for (const std::string& name : in.update_mask().paths()) {
    if (name == "description") {
      ALIDADE_RETURN_IF_ERROR(CheckDescription(source.description(), path.Field("description")));
      update.description = source.description();
    } else if (name == "labels") {
      ALIDADE_ASSIGN_OR_RETURN(update.labels, DecodeLabels(source, path.Field("labels")));
    } else if (name == "vector_fields") {
      update.indexes.clear();
      ALIDADE_RETURN_IF_ERROR(DecodeIndexUpdates(source, current, update));
    } else if (name == "search_defaults" || name == "search_defaults.ef" ||
               name == "search_defaults.nprobe") {
      ALIDADE_RETURN_IF_ERROR(CheckDefaults(source.search_defaults(), limits, defaults));
      if (name != "search_defaults.nprobe") {
        update.default_ef = source.search_defaults().ef();
      }
      if (name != "search_defaults.ef") {
        update.default_nprobe = source.search_defaults().nprobe();
      }
    } else {
      return FieldError(
          "update_mask",
          "\"{}\" cannot be changed; description, labels, search_defaults and vector_fields can",
          name);
    }
  }
  return update;
}

StatusOr<std::vector<AliasAction>> DecodeUpdateAliases(const v1::UpdateAliasesRequest& in) {
  const FieldPath list("actions");
  if (in.actions().empty() || in.actions_size() > kAliasActionsMax) {
    return FieldError(
        list.ToString(), "has {} actions; 1..{} are allowed", in.actions_size(), kAliasActionsMax);
  }
  std::vector<AliasAction> actions;
  for (int i = 0; i < in.actions_size(); ++i) {
    const FieldPath path = list.At(static_cast<size_t>(i));
    const v1::AliasAction& action = in.actions(i);
    switch (action.action_case()) {
      case v1::AliasAction::kSet: {
        const FieldPath set = path.Field("set");
        ALIDADE_RETURN_IF_ERROR(CheckName(action.set().name(), set.Field("name")));
        ALIDADE_RETURN_IF_ERROR(CheckName(action.set().collection(), set.Field("collection")));
        actions.push_back({action.set().name(), action.set().collection()});
        break;
      }
      case v1::AliasAction::kRemove:
        ALIDADE_RETURN_IF_ERROR(CheckName(action.remove(), path.Field("remove")));
        actions.push_back({action.remove(), ""});
        break;
      case v1::AliasAction::ACTION_NOT_SET:
        return FieldError(path.ToString(), "has neither `set` nor `remove`");
    }
  }
  return actions;
}

void EncodeCollection(const CollectionInfo& in, v1::Collection& out) {
  out.set_name(in.config.name);
  out.set_id(in.id.value());
  EncodeFields(in.config, out);
  out.set_description(in.config.description);
  for (const auto& [key, value] : in.config.labels) {
    (*out.mutable_labels())[key] = value;
  }
  out.mutable_search_defaults()->set_ef(in.config.default_ef);
  out.mutable_search_defaults()->set_nprobe(in.config.default_nprobe);
  for (const PayloadIndexSpec& index : in.config.payload_indexes) {
    v1::PayloadIndex& encoded = *out.add_payload_indexes();
    encoded.set_key(index.key);
    encoded.set_type(static_cast<v1::PayloadIndexType>(index.type));
    encoded.set_tenant(index.tenant);
    if (index.type == PayloadIndexType::kText) {
      EncodeTextAnalyzer(index.text.analyzer, *encoded.mutable_analyzer());
      encoded.mutable_bm25()->set_k1(index.text.bm25.k1);
      encoded.mutable_bm25()->set_b(index.text.bm25.b);
    }
  }
  for (const std::string& alias : in.aliases) {
    out.add_aliases(alias);
  }
  out.set_point_count(in.points);
  out.set_seq(in.seq.value());
}

}  // namespace alidade
