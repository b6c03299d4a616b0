// SchemaFlags: a collection with one vector field, and fields of other kinds, told by flags.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "alidade/common/status.h"

#include "connection.h"

namespace alidade {

struct SchemaFlags {
  std::string field = "vector";
  std::string metric = "cosine";
  std::string storage_type = "float32";
  std::string index = "auto";
  uint32_t m = 0;
  uint32_t ef_construction = 0;
  std::string hnsw_codes = "auto";
  uint32_t nlist = 0;
  std::string codes = "flat";
  uint32_t pq_m = 0;
  std::vector<std::string> payload_indexes;      // KEY:TYPE or KEY:TYPE:tenant
  std::vector<std::string> sparse_fields;        // NAME or NAME:idf
  std::vector<std::string> multi_vector_fields;  // NAME:DIM or NAME:DIM:METRIC
};

// --field, --metric, --storage-type, --index and its parameters.
void AddSchemaFlags(CLI::App& command, SchemaFlags& flags);

// --payload-index KEY:TYPE[:tenant], any number of times.
void AddPayloadIndexFlag(CLI::App& command, SchemaFlags& flags);

// --sparse-field NAME[:idf] and --multi-vector-field NAME:DIM[:METRIC], any number of times.
void AddFurtherFieldFlags(CLI::App& command, SchemaFlags& flags);

// "keyword", "integer", ...; UNSPECIFIED for another word.
alidade::v1::PayloadIndexType PayloadIndexTypeFor(const std::string& name);
std::string PayloadIndexTypeText(alidade::v1::PayloadIndexType type);
// The types' names, for help and messages.
std::vector<std::string> PayloadIndexTypeNames();

alidade::v1::VectorField VectorFieldFor(const SchemaFlags& flags, uint32_t dim);

// The vector field (none if dim is 0), the fields of other kinds and payload indexes.
void FillSchema(const SchemaFlags& flags, uint32_t dim, alidade::v1::Collection& collection);

// Makes the collection; one of this name with the same vector field is fine.
grpc::Status CreateCollection(const ConnectionOptions& connection,
                              const std::string& name,
                              const SchemaFlags& flags,
                              uint32_t dim);

// "cosine", "dot", "l2".
std::string MetricName(alidade::v1::Metric metric);
std::string StorageTypeText(alidade::v1::StorageType type);
// "hnsw m=16 ef_construction=200 codes=auto"
std::string IndexText(const alidade::v1::IndexSpec& spec);

}  // namespace alidade
