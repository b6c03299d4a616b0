#include "collection_codec.h"

#include <algorithm>
#include <utility>

#include "alidade/index/index_spec.h"

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

StatusOr<Metric> DecodeMetric(v1::Metric in, const FieldPath& path) {
  switch (in) {
    case v1::METRIC_COSINE:
      return Metric::kCosine;
    case v1::METRIC_DOT:
      return Metric::kDot;
    case v1::METRIC_L2:
      return Metric::kL2;
    case v1::METRIC_UNSPECIFIED:
      return FieldError(path.ToString(), "is missing");
    default:
      return FieldError(path.ToString(), "{} is not known to this server", static_cast<int>(in));
  }
}

static_assert(static_cast<int>(CodesSetting::kAuto) == v1::HNSW_CODES_AUTO &&
              static_cast<int>(CodesSetting::kNone) == v1::HNSW_CODES_NONE &&
              static_cast<int>(CodesSetting::kInt8) == v1::HNSW_CODES_INT8 &&
              static_cast<int>(CodesSetting::kInt4) == v1::HNSW_CODES_INT4 &&
              static_cast<int>(CodesSetting::kBit1) == v1::HNSW_CODES_BIT1);

v1::Metric EncodeMetric(Metric in) {
  switch (in) {
    case Metric::kCosine:
      return v1::METRIC_COSINE;
    case Metric::kDot:
      return v1::METRIC_DOT;
    case Metric::kL2:
      return v1::METRIC_L2;
  }
  return v1::METRIC_UNSPECIFIED;
}

StatusOr<IndexSpec> DecodeIndexSpec(const v1::IndexSpec& in, uint32_t dim, const FieldPath& path) {
  IndexSpec spec;
  switch (in.kind_case()) {
    case v1::IndexSpec::kFlat:
      spec.kind = IndexKind::kFlat;
      break;
    case v1::IndexSpec::kHnsw:
      spec.kind = IndexKind::kHnsw;
      spec.hnsw_m = in.hnsw().m() != 0 ? in.hnsw().m() : spec.hnsw_m;
      spec.hnsw_ef_construction = in.hnsw().ef_construction() != 0 ? in.hnsw().ef_construction()
                                                                   : spec.hnsw_ef_construction;
      if (in.hnsw().codes() != v1::HNSW_CODES_UNSPECIFIED) {
        if (!v1::HnswCodes_IsValid(in.hnsw().codes())) {
          return FieldError(path.Field("hnsw").Field("codes").ToString(),
                            "{} is not known to this server",
                            static_cast<int>(in.hnsw().codes()));
        }
        spec.codes = static_cast<CodesSetting>(in.hnsw().codes());
      }
      break;
    case v1::IndexSpec::kIvf:
      spec.kind = IndexKind::kIvf;
      spec.ivf_nlist = in.ivf().nlist();
      spec.ivf_pq_m = in.ivf().pq_m();
      if (in.ivf().codes() != v1::IVF_CODES_UNSPECIFIED) {
        if (!v1::IvfCodes_IsValid(in.ivf().codes())) {
          return FieldError(path.Field("ivf").Field("codes").ToString(),
                            "{} is not known to this server",
                            static_cast<int>(in.ivf().codes()));
        }
        spec.ivf_codes = static_cast<IvfCodes>(in.ivf().codes());
      }
      break;
    case v1::IndexSpec::kAutomatic:
    case v1::IndexSpec::KIND_NOT_SET:
      spec.kind = IndexKind::kAuto;
      break;
  }
  ALIDADE_RETURN_IF_ERROR(ValidateIndexSpec(spec, dim, path.ToString()));
  return spec;
}

void EncodeIndexSpec(const IndexSpec& in, v1::IndexSpec& out) {
  switch (in.kind) {
    case IndexKind::kFlat:
      out.mutable_flat();
      break;
    case IndexKind::kHnsw:
      out.mutable_hnsw()->set_m(in.hnsw_m);
      out.mutable_hnsw()->set_ef_construction(in.hnsw_ef_construction);
      out.mutable_hnsw()->set_codes(static_cast<v1::HnswCodes>(in.codes));
      break;
    case IndexKind::kIvf:
      out.mutable_ivf()->set_nlist(in.ivf_nlist);
      out.mutable_ivf()->set_pq_m(in.ivf_pq_m);
      out.mutable_ivf()->set_codes(static_cast<v1::IvfCodes>(in.ivf_codes));
      break;
    case IndexKind::kAuto:
      out.mutable_automatic();
      break;
  }
}

StatusOr<VectorField> DecodeVectorField(const v1::VectorField& in,
                                        const Limits& limits,
                                        const FieldPath& path) {
  VectorField field;
  ALIDADE_RETURN_IF_ERROR(CheckName(in.name(), path.Field("name")));
  field.name = in.name();
  if (in.dimension() == 0 || in.dimension() > limits.dimension_max) {
    return FieldError(path.Field("dimension").ToString(),
                      "is {}; 1..{} are allowed",
                      in.dimension(),
                      limits.dimension_max);
  }
  field.dim = in.dimension();
  ALIDADE_ASSIGN_OR_RETURN(field.metric, DecodeMetric(in.metric(), path.Field("metric")));
  ALIDADE_ASSIGN_OR_RETURN(field.index,
                           DecodeIndexSpec(in.index(), field.dim, path.Field("index")));
  return field;
}

StatusOr<SparseField> DecodeSparseField(const v1::SparseVectorField& in, const FieldPath& path) {
  SparseField field;
  ALIDADE_RETURN_IF_ERROR(CheckName(in.name(), path.Field("name")));
  field.name = in.name();
  switch (in.modifier()) {
    case v1::SPARSE_MODIFIER_UNSPECIFIED:
    case v1::SPARSE_MODIFIER_NONE:
      return field;
    case v1::SPARSE_MODIFIER_IDF:
      field.idf = true;
      return field;
    default:
      return FieldError(path.Field("modifier").ToString(),
                        "{} is not known to this server",
                        static_cast<int>(in.modifier()));
  }
}

// Behind the vector fields, which are in the configuration already.
Status DecodeSparseFields(const v1::Collection& in,
                          const FieldPath& path,
                          CollectionConfig& config) {
  if (in.sparse_fields_size() > static_cast<int>(kSparseFieldsMax)) {
    return FieldError(path.ToString(),
                      "has {} fields, the limit is {}",
                      in.sparse_fields_size(),
                      kSparseFieldsMax);
  }
  for (int i = 0; i < in.sparse_fields_size(); ++i) {
    const FieldPath at = path.At(static_cast<size_t>(i));
    ALIDADE_ASSIGN_OR_RETURN(SparseField field, DecodeSparseField(in.sparse_fields(i), at));
    if (config.schema().FindAnyField(field.name).has_value()) {
      return FieldError(at.Field("name").ToString(), "\"{}\" is given a second time", field.name);
    }
    config.sparse_fields.push_back(std::move(field));
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
    if (!same_dim || !same_metric) {
      return FieldError(path.ToString(),
                        "the dimension and the metric of a field cannot be changed");
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

  const FieldPath list = path.Field("vector_fields");
  const auto count = static_cast<uint32_t>(source.vector_fields_size());
  if ((count == 0 && source.sparse_fields().empty()) || count > kVectorFieldsMax) {
    return FieldError(list.ToString(),
                      "has {} fields; 1..{} are allowed, none only beside sparse fields",
                      count,
                      kVectorFieldsMax);
  }
  for (uint32_t i = 0; i < count; ++i) {
    const FieldPath at = list.At(i);
    ALIDADE_ASSIGN_OR_RETURN(
        VectorField field,
        DecodeVectorField(source.vector_fields(static_cast<int>(i)), limits, at));
    for (const VectorField& other : config.fields) {
      if (other.name == field.name) {
        return FieldError(at.Field("name").ToString(), "\"{}\" is given a second time", field.name);
      }
    }
    config.fields.push_back(std::move(field));
  }
  ALIDADE_RETURN_IF_ERROR(DecodeSparseFields(source, path.Field("sparse_fields"), config));
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

bool SameVectorFields(const CollectionConfig& a, const CollectionConfig& b) {
  return std::equal(a.fields.begin(),
                    a.fields.end(),
                    b.fields.begin(),
                    b.fields.end(),
                    [](const VectorField& x, const VectorField& y) {
                      return x.name == y.name && x.dim == y.dim && x.metric == y.metric &&
                             x.index == y.index;
                    }) &&
         std::ranges::equal(a.sparse_fields, b.sparse_fields, [](const auto& x, const auto& y) {
           return x.name == y.name && x.idf == y.idf;
         });
}

void EncodeCollection(const CollectionInfo& in, v1::Collection& out) {
  out.set_name(in.config.name);
  out.set_id(in.id.value());
  for (const VectorField& field : in.config.fields) {
    v1::VectorField& encoded = *out.add_vector_fields();
    encoded.set_name(field.name);
    encoded.set_dimension(field.dim);
    encoded.set_metric(EncodeMetric(field.metric));
    EncodeIndexSpec(field.index, *encoded.mutable_index());
  }
  for (const SparseField& field : in.config.sparse_fields) {
    v1::SparseVectorField& encoded = *out.add_sparse_fields();
    encoded.set_name(field.name);
    encoded.set_modifier(field.idf ? v1::SPARSE_MODIFIER_IDF : v1::SPARSE_MODIFIER_NONE);
  }
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
