// Codes with the body they lie in, and graphs that are built and walked by them.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "alidade/index/vector_codes.h"

#include "support/built_index.h"

namespace alidade {

// Move-only; the bodies are too long to move with their object.
struct Coded {
  std::string codes_body;
  std::string graph_body;
  std::unique_ptr<VectorCodes> codes;  // null: none
  std::unique_ptr<VectorIndex> index;  // null: codes only
};

inline StatusOr<Coded> MakeCodes(CodesSetting setting, const VectorMatrix& matrix) {
  Coded coded;
  if (setting != CodesSetting::kNone) {
    StringSink sink;
    ALIDADE_RETURN_IF_ERROR(VectorCodes::Write(setting, matrix, nullptr, sink));
    coded.codes_body = sink.bytes();
    ALIDADE_ASSIGN_OR_RETURN(coded.codes, VectorCodes::Open(coded.codes_body, matrix));
  }
  return coded;
}

// `build`: its codes are set here.
inline StatusOr<Coded> MakeCodedGraph(CodesSetting setting,
                                      const VectorMatrix& matrix,
                                      const IndexSpec& spec,
                                      std::string_view previous = {},
                                      BuildOptions build = {}) {
  ALIDADE_ASSIGN_OR_RETURN(Coded coded, MakeCodes(setting, matrix));
  build.codes = coded.codes.get();
  ALIDADE_ASSIGN_OR_RETURN(coded.graph_body,
                           BuildBody(spec, IndexKind::kHnsw, matrix, previous, build));
  ALIDADE_ASSIGN_OR_RETURN(
      coded.index, OpenIndex(IndexKind::kHnsw, coded.graph_body, matrix, coded.codes.get()));
  return coded;
}

}  // namespace alidade
