#include "field_codec.h"

#include <algorithm>
#include <utility>

#include "alidade/index/index_spec.h"

#include "point_codec.h"

namespace alidade {
namespace {

static_assert(static_cast<int>(CodesSetting::kAuto) == v1::HNSW_CODES_AUTO &&
              static_cast<int>(CodesSetting::kNone) == v1::HNSW_CODES_NONE &&
              static_cast<int>(CodesSetting::kInt8) == v1::HNSW_CODES_INT8 &&
              static_cast<int>(CodesSetting::kInt4) == v1::HNSW_CODES_INT4 &&
              static_cast<int>(CodesSetting::kBit1) == v1::HNSW_CODES_BIT1);

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

}  // namespace

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

StatusOr<ElementType> DecodeElement(int in, const FieldPath& path) {
  // The numbers of the wire are those of the disk.
  static_assert(static_cast<int>(ElementType::kFloat32) == v1::STORAGE_TYPE_FLOAT32 &&
                static_cast<int>(ElementType::kFloat16) == v1::STORAGE_TYPE_FLOAT16 &&
                static_cast<int>(ElementType::kBfloat16) == v1::STORAGE_TYPE_BFLOAT16 &&
                v1::StorageType_MAX == v1::STORAGE_TYPE_BFLOAT16);
  if (in == v1::STORAGE_TYPE_UNSPECIFIED) {
    return ElementType::kFloat32;
  }
  if (!v1::StorageType_IsValid(in)) {
    return FieldError(path.ToString(), "{} is not known to this server", in);
  }
  return static_cast<ElementType>(in);
}

namespace {

Status CheckDimension(uint32_t dimension, const Limits& limits, const FieldPath& path) {
  return dimension != 0 && dimension <= limits.dimension_max
             ? OkStatus()
             : FieldError(path.Field("dimension").ToString(),
                          "is {}; 1..{} are allowed",
                          dimension,
                          limits.dimension_max);
}

// No field of any kind that was decoded so far has the name.
Status CheckNew(const std::string& name, const CollectionConfig& config, const FieldPath& path) {
  return config.schema().FindAnyField(name).has_value()
             ? FieldError(path.Field("name").ToString(), "\"{}\" is given a second time", name)
             : OkStatus();
}

StatusOr<VectorField> DecodeVectorField(const v1::VectorField& in,
                                        const Limits& limits,
                                        const FieldPath& path) {
  VectorField field;
  ALIDADE_RETURN_IF_ERROR(CheckName(in.name(), path.Field("name")));
  field.name = in.name();
  ALIDADE_RETURN_IF_ERROR(CheckDimension(in.dimension(), limits, path));
  field.dim = in.dimension();
  ALIDADE_ASSIGN_OR_RETURN(field.metric, DecodeMetric(in.metric(), path.Field("metric")));
  ALIDADE_ASSIGN_OR_RETURN(field.index,
                           DecodeIndexSpec(in.index(), field.dim, path.Field("index")));
  ALIDADE_ASSIGN_OR_RETURN(field.element,
                           DecodeElement(in.storage_type(), path.Field("storage_type")));
  return field;
}

// At least one, unless there are sparse fields.
Status DecodeVectorFields(const v1::Collection& source,
                          const Limits& limits,
                          const FieldPath& path,
                          CollectionConfig& config) {
  const auto count = static_cast<uint32_t>(source.vector_fields_size());
  if ((count == 0 && source.sparse_fields().empty()) || count > kVectorFieldsMax) {
    return FieldError(path.ToString(),
                      "has {} fields; 1..{} are allowed, none only beside sparse fields",
                      count,
                      kVectorFieldsMax);
  }
  for (uint32_t i = 0; i < count; ++i) {
    const FieldPath at = path.At(i);
    ALIDADE_ASSIGN_OR_RETURN(
        VectorField field,
        DecodeVectorField(source.vector_fields(static_cast<int>(i)), limits, at));
    ALIDADE_RETURN_IF_ERROR(CheckNew(field.name, config, at));
    config.fields.push_back(std::move(field));
  }
  return OkStatus();
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
    ALIDADE_RETURN_IF_ERROR(CheckNew(field.name, config, at));
    config.sparse_fields.push_back(std::move(field));
  }
  return OkStatus();
}

StatusOr<MultiVectorField> DecodeMultiVectorField(const v1::MultiVectorField& in,
                                                  const Limits& limits,
                                                  const FieldPath& path) {
  MultiVectorField field;
  ALIDADE_RETURN_IF_ERROR(CheckName(in.name(), path.Field("name")));
  field.name = in.name();
  ALIDADE_RETURN_IF_ERROR(CheckDimension(in.dimension(), limits, path));
  field.dim = in.dimension();
  ALIDADE_ASSIGN_OR_RETURN(field.metric, DecodeMetric(in.metric(), path.Field("metric")));
  if (field.metric == Metric::kL2) {
    return FieldError(path.Field("metric").ToString(), "is L2; COSINE and DOT are allowed");
  }
  return field;
}

// Behind the vector and sparse fields, which are in the configuration already.
Status DecodeMultiVectorFields(const v1::Collection& in,
                               const Limits& limits,
                               const FieldPath& path,
                               CollectionConfig& config) {
  if (in.multi_vector_fields_size() > static_cast<int>(kMultiVectorFieldsMax)) {
    return FieldError(path.ToString(),
                      "has {} fields, the limit is {}",
                      in.multi_vector_fields_size(),
                      kMultiVectorFieldsMax);
  }
  for (int i = 0; i < in.multi_vector_fields_size(); ++i) {
    const FieldPath at = path.At(static_cast<size_t>(i));
    ALIDADE_ASSIGN_OR_RETURN(MultiVectorField field,
                             DecodeMultiVectorField(in.multi_vector_fields(i), limits, at));
    ALIDADE_RETURN_IF_ERROR(CheckNew(field.name, config, at));
    config.multi_vector_fields.push_back(std::move(field));
  }
  return OkStatus();
}

}  // namespace

Status DecodeFields(const v1::Collection& in,
                    const Limits& limits,
                    const FieldPath& path,
                    CollectionConfig& config) {
  ALIDADE_RETURN_IF_ERROR(DecodeVectorFields(in, limits, path.Field("vector_fields"), config));
  ALIDADE_RETURN_IF_ERROR(DecodeSparseFields(in, path.Field("sparse_fields"), config));
  return DecodeMultiVectorFields(in, limits, path.Field("multi_vector_fields"), config);
}

void EncodeFields(const CollectionConfig& in, v1::Collection& out) {
  for (const VectorField& field : in.fields) {
    v1::VectorField& encoded = *out.add_vector_fields();
    encoded.set_name(field.name);
    encoded.set_dimension(field.dim);
    encoded.set_metric(EncodeMetric(field.metric));
    EncodeIndexSpec(field.index, *encoded.mutable_index());
    encoded.set_storage_type(static_cast<v1::StorageType>(field.element));
  }
  for (const SparseField& field : in.sparse_fields) {
    v1::SparseVectorField& encoded = *out.add_sparse_fields();
    encoded.set_name(field.name);
    encoded.set_modifier(field.idf ? v1::SPARSE_MODIFIER_IDF : v1::SPARSE_MODIFIER_NONE);
  }
  for (const MultiVectorField& field : in.multi_vector_fields) {
    v1::MultiVectorField& encoded = *out.add_multi_vector_fields();
    encoded.set_name(field.name);
    encoded.set_dimension(field.dim);
    encoded.set_metric(EncodeMetric(field.metric));
  }
}

bool SameVectorFields(const CollectionConfig& a, const CollectionConfig& b) {
  return std::equal(a.fields.begin(),
                    a.fields.end(),
                    b.fields.begin(),
                    b.fields.end(),
                    [](const VectorField& x, const VectorField& y) {
                      return x.name == y.name && x.dim == y.dim && x.metric == y.metric &&
                             x.index == y.index && x.element == y.element;
                    }) &&
         std::ranges::equal(
             a.sparse_fields,
             b.sparse_fields,
             [](const auto& x, const auto& y) { return x.name == y.name && x.idf == y.idf; }) &&
         std::ranges::equal(
             a.multi_vector_fields, b.multi_vector_fields, [](const auto& x, const auto& y) {
               return x.name == y.name && x.dim == y.dim && x.metric == y.metric;
             });
}

}  // namespace alidade
