// SchemaFlags: a collection with one vector field, told by flags.
#pragma once

#include <cstdint>
#include <string>

#include "alidade/common/status.h"

#include "connection.h"

namespace alidade {

struct SchemaFlags {
  std::string field = "vector";
  std::string metric = "cosine";
  std::string index = "auto";
  uint32_t m = 0;
  uint32_t ef_construction = 0;
  std::string hnsw_codes = "auto";
  uint32_t nlist = 0;
  std::string codes = "flat";
  uint32_t pq_m = 0;
};

// --field, --metric, --index and its parameters.
void AddSchemaFlags(CLI::App& command, SchemaFlags& flags);

alidade::v1::VectorField VectorFieldFor(const SchemaFlags& flags, uint32_t dim);

// Makes the collection; one of this name with the same vector field is fine.
grpc::Status CreateCollection(const ConnectionOptions& connection,
                              const std::string& name,
                              const SchemaFlags& flags,
                              uint32_t dim);

// "cosine", "dot", "l2".
std::string MetricName(alidade::v1::Metric metric);
// "hnsw m=16 ef_construction=200 codes=auto"
std::string IndexText(const alidade::v1::IndexSpec& spec);

}  // namespace alidade
