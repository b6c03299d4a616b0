#include "schema_flags.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <optional>
#include <string_view>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace alidade {

void AddSchemaFlags(CLI::App& command, SchemaFlags& flags) {
  command.add_option("--field", flags.field, "Name of the vector field")->capture_default_str();
  command.add_option("--metric", flags.metric, "cosine, dot or l2")
      ->check(CLI::IsMember({"cosine", "dot", "l2"}))
      ->capture_default_str();
  command
      .add_option(
          "--storage-type", flags.storage_type, "Stored numbers: float32, float16 or bfloat16")
      ->check(CLI::IsMember({"float32", "float16", "bfloat16"}))
      ->capture_default_str();
  command.add_option("--index", flags.index, "auto, flat, hnsw or ivf")
      ->check(CLI::IsMember({"auto", "flat", "hnsw", "ivf"}))
      ->capture_default_str();
  command.add_option("--m", flags.m, "HNSW: links per node (0: the server's default)");
  command.add_option("--ef-construction", flags.ef_construction, "HNSW: candidates while building");
  command.add_option("--nlist", flags.nlist, "IVF: lists");
  command.add_option("--hnsw-codes", flags.hnsw_codes, "HNSW: auto, none, int8, int4 or bit1")
      ->check(CLI::IsMember({"auto", "none", "int8", "int4", "bit1"}))
      ->capture_default_str();
  command.add_option("--codes", flags.codes, "IVF: flat, sq8, sq4 or pq")
      ->check(CLI::IsMember({"flat", "sq8", "sq4", "pq"}))
      ->capture_default_str();
  command.add_option("--pq-m", flags.pq_m, "IVF with pq: bytes per vector");
}

namespace {

alidade::v1::HnswCodes HnswCodesFor(const std::string& name) {
  return name == "none"   ? alidade::v1::HNSW_CODES_NONE
         : name == "int8" ? alidade::v1::HNSW_CODES_INT8
         : name == "int4" ? alidade::v1::HNSW_CODES_INT4
         : name == "bit1" ? alidade::v1::HNSW_CODES_BIT1
                          : alidade::v1::HNSW_CODES_AUTO;
}

std::string HnswCodesText(alidade::v1::HnswCodes codes) {
  return codes == alidade::v1::HNSW_CODES_NONE   ? "none"
         : codes == alidade::v1::HNSW_CODES_INT8 ? "int8"
         : codes == alidade::v1::HNSW_CODES_INT4 ? "int4"
         : codes == alidade::v1::HNSW_CODES_BIT1 ? "bit1"
                                                 : "auto";
}

alidade::v1::IvfCodes IvfCodesFor(const std::string& name) {
  return name == "pq"    ? alidade::v1::IVF_CODES_PQ
         : name == "sq8" ? alidade::v1::IVF_CODES_SQ8
         : name == "sq4" ? alidade::v1::IVF_CODES_SQ4
                         : alidade::v1::IVF_CODES_FLAT;
}

std::string IvfCodesText(alidade::v1::IvfCodes codes) {
  return codes == alidade::v1::IVF_CODES_PQ    ? "pq"
         : codes == alidade::v1::IVF_CODES_SQ8 ? "sq8"
         : codes == alidade::v1::IVF_CODES_SQ4 ? "sq4"
                                               : "flat";
}

// Nothing if the text is not NAME:DIM or NAME:DIM:METRIC.
std::optional<alidade::v1::MultiVectorField> MultiVectorFieldFor(const std::string& text) {
  const size_t first = text.find(':');
  if (first == std::string::npos) {
    return std::nullopt;
  }
  const size_t second = std::min(text.find(':', first + 1), text.size());
  const std::string metric = second == text.size() ? "cosine" : text.substr(second + 1);
  uint32_t dimension = 0;
  const char* const end = text.data() + second;
  const auto [stop, error] = std::from_chars(text.data() + first + 1, end, dimension);
  if (error != std::errc() || stop != end || (metric != "cosine" && metric != "dot")) {
    return std::nullopt;
  }
  alidade::v1::MultiVectorField field;
  field.set_name(text.substr(0, first));
  field.set_dimension(dimension);
  field.set_metric(metric == "dot" ? alidade::v1::METRIC_DOT : alidade::v1::METRIC_COSINE);
  return field;
}

// Nothing if the text is not KEY:TYPE or KEY:TYPE:tenant.
std::optional<alidade::v1::PayloadIndex> PayloadIndexFor(std::string text) {
  constexpr std::string_view kTenant = ":tenant";
  alidade::v1::PayloadIndex index;
  if (text.ends_with(kTenant)) {
    index.set_tenant(true);
    text.resize(text.size() - kTenant.size());
  }
  const size_t colon = text.rfind(':');
  if (colon == std::string::npos || colon == 0) {
    return std::nullopt;
  }
  index.set_key(text.substr(0, colon));
  index.set_type(PayloadIndexTypeFor(text.substr(colon + 1)));
  if (index.type() == alidade::v1::PAYLOAD_INDEX_TYPE_UNSPECIFIED) {
    return std::nullopt;
  }
  return index;
}

}  // namespace

alidade::v1::VectorField VectorFieldFor(const SchemaFlags& flags, uint32_t dim) {
  alidade::v1::VectorField field;
  field.set_name(flags.field);
  field.set_dimension(dim);
  field.set_metric(flags.metric == "l2"    ? alidade::v1::METRIC_L2
                   : flags.metric == "dot" ? alidade::v1::METRIC_DOT
                                           : alidade::v1::METRIC_COSINE);
  if (flags.storage_type != "float32") {
    field.set_storage_type(flags.storage_type == "float16" ? alidade::v1::STORAGE_TYPE_FLOAT16
                                                           : alidade::v1::STORAGE_TYPE_BFLOAT16);
  }
  auto& index = *field.mutable_index();
  if (flags.index == "flat") {
    index.mutable_flat();
  } else if (flags.index == "hnsw") {
    index.mutable_hnsw()->set_m(flags.m);
    index.mutable_hnsw()->set_ef_construction(flags.ef_construction);
    index.mutable_hnsw()->set_codes(HnswCodesFor(flags.hnsw_codes));
  } else if (flags.index == "ivf") {
    index.mutable_ivf()->set_nlist(flags.nlist);
    index.mutable_ivf()->set_pq_m(flags.pq_m);
    index.mutable_ivf()->set_codes(IvfCodesFor(flags.codes));
  } else {
    index.mutable_automatic();
  }
  return field;
}

void AddPayloadIndexFlag(CLI::App& command, SchemaFlags& flags) {
  command
      .add_option("--payload-index",
                  flags.payload_indexes,
                  "KEY:TYPE of an index over a payload key of a new collection, e.g. lang:keyword, "
                  "or KEY:TYPE:tenant; may be repeated")
      ->check([](const std::string& text) -> std::string {
        if (!PayloadIndexFor(text).has_value()) {
          return fmt::format("\"{}\" is not KEY:TYPE or KEY:TYPE:tenant with a type of {}",
                             text,
                             fmt::join(PayloadIndexTypeNames(), ", "));
        }
        return {};
      });
}

alidade::v1::PayloadIndexType PayloadIndexTypeFor(const std::string& name) {
  for (int type = alidade::v1::PayloadIndexType_MIN; type <= alidade::v1::PayloadIndexType_MAX;
       ++type) {
    if (PayloadIndexTypeText(static_cast<alidade::v1::PayloadIndexType>(type)) == name) {
      return static_cast<alidade::v1::PayloadIndexType>(type);
    }
  }
  return alidade::v1::PAYLOAD_INDEX_TYPE_UNSPECIFIED;
}

std::string PayloadIndexTypeText(alidade::v1::PayloadIndexType type) {
  constexpr std::string_view kPrefix = "PAYLOAD_INDEX_TYPE_";
  std::string text = alidade::v1::PayloadIndexType_Name(type).substr(kPrefix.size());
  for (char& letter : text) {
    letter = static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
  }
  return text;
}

std::vector<std::string> PayloadIndexTypeNames() {
  std::vector<std::string> names;
  for (int type = alidade::v1::PAYLOAD_INDEX_TYPE_UNSPECIFIED + 1;
       type <= alidade::v1::PayloadIndexType_MAX;
       ++type) {
    names.push_back(PayloadIndexTypeText(static_cast<alidade::v1::PayloadIndexType>(type)));
  }
  return names;
}

void AddFurtherFieldFlags(CLI::App& command, SchemaFlags& flags) {
  command
      .add_option("--sparse-field",
                  flags.sparse_fields,
                  "NAME of a sparse field of a new collection, or NAME:idf; may be repeated")
      ->check([](const std::string& text) -> std::string {
        const size_t colon = text.find(':');
        return colon == std::string::npos || text.substr(colon) == ":idf"
                   ? std::string()
                   : fmt::format("\"{}\" is neither NAME nor NAME:idf", text);
      });
  command
      .add_option("--multi-vector-field",
                  flags.multi_vector_fields,
                  "NAME:DIM of a multi-vector field of a new collection, under cosine, or "
                  "NAME:DIM:dot; may be repeated")
      ->check([](const std::string& text) -> std::string {
        return MultiVectorFieldFor(text).has_value()
                   ? std::string()
                   : fmt::format(
                         "\"{}\" is neither NAME:DIM nor NAME:DIM:METRIC with a metric of "
                         "cosine, dot",
                         text);
      });
}

void FillSchema(const SchemaFlags& flags, uint32_t dim, alidade::v1::Collection& collection) {
  if (dim > 0) {
    *collection.add_vector_fields() = VectorFieldFor(flags, dim);
  }
  for (const std::string& text : flags.sparse_fields) {
    const size_t colon = text.find(':');
    alidade::v1::SparseVectorField& field = *collection.add_sparse_fields();
    field.set_name(text.substr(0, colon));
    field.set_modifier(colon == std::string::npos ? alidade::v1::SPARSE_MODIFIER_NONE
                                                  : alidade::v1::SPARSE_MODIFIER_IDF);
  }
  for (const std::string& text : flags.multi_vector_fields) {
    if (auto field = MultiVectorFieldFor(text); field.has_value()) {
      *collection.add_multi_vector_fields() = *std::move(field);
    }
  }
  for (const std::string& text : flags.payload_indexes) {
    if (auto index = PayloadIndexFor(text); index.has_value()) {
      *collection.add_payload_indexes() = *std::move(index);
    }
  }
}

grpc::Status CreateCollection(const ConnectionOptions& connection,
                              const std::string& name,
                              const SchemaFlags& flags,
                              uint32_t dim) {
  alidade::v1::CreateCollectionRequest request;
  request.mutable_collection()->set_name(name);
  FillSchema(flags, dim, *request.mutable_collection());
  request.set_allow_existing(true);
  alidade::v1::CreateCollectionResponse response;
  grpc::ClientContext context;
  SetDeadline(context, connection);
  return alidade::v1::CollectionService::NewStub(Connect(connection))
      ->CreateCollection(&context, request, &response);
}

std::string MetricName(alidade::v1::Metric metric) {
  return metric == alidade::v1::METRIC_L2    ? "l2"
         : metric == alidade::v1::METRIC_DOT ? "dot"
                                             : "cosine";
}

std::string StorageTypeText(alidade::v1::StorageType type) {
  return type == alidade::v1::STORAGE_TYPE_FLOAT16    ? "float16"
         : type == alidade::v1::STORAGE_TYPE_BFLOAT16 ? "bfloat16"
                                                      : "float32";
}

std::string IndexText(const alidade::v1::IndexSpec& spec) {
  if (spec.has_hnsw()) {
    return fmt::format("hnsw m={} ef_construction={} codes={}",
                       spec.hnsw().m(),
                       spec.hnsw().ef_construction(),
                       HnswCodesText(spec.hnsw().codes()));
  }
  if (spec.has_ivf()) {
    return fmt::format(
        "ivf nlist={} codes={}", spec.ivf().nlist(), IvfCodesText(spec.ivf().codes()));
  }
  return spec.has_flat() ? "flat" : "auto";
}

}  // namespace alidade
