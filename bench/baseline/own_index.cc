#include "own_index.h"

#include <cstring>

#include "alidade/common/file.h"

#include "load.h"
#include "string_sink.h"

namespace alidade {
namespace {

Status Keep(const std::string& path, const std::string& bytes) {
  ALIDADE_ASSIGN_OR_RETURN(auto file, FileWriter::Create(path));
  ALIDADE_RETURN_IF_ERROR(file->Append(bytes));
  return file->SyncAndClose();
}

}  // namespace

StatusOr<std::unique_ptr<OwnIndex>> OwnIndex::Make(const RealVectors& set,
                                                   const OwnIndexOptions& options) {
  auto own = std::make_unique<OwnIndex>();
  own->matrix_ = {.rows = set.base.data(),
                  .inv_norms = nullptr,
                  .count = set.rows,
                  .dim = set.dim,
                  .metric = options.metric};
  if (options.metric == Metric::kCosine) {
    for (uint32_t row = 0; row < set.rows; ++row) {
      own->inv_norms_.push_back(InverseNorm(set.Row(row), set.dim));
    }
    own->matrix_.inv_norms = own->inv_norms_.data();
  }
  IndexSpec spec;
  spec.kind = IndexKind::kHnsw;
  spec.hnsw_m = options.m;
  spec.hnsw_ef_construction = options.ef_construction;
  spec.codes = options.codes;
  const CodesSetting codes = ResolveCodes(spec, IndexKind::kHnsw, set.dim);
  // A graph built by 8-bit codes is the same beside every kind of walk.
  const bool by_codes = codes != CodesSetting::kNone;
  const std::string graph_path =
      fmt::format("{}/{}_{}.graph", options.cache, options.name, by_codes ? "int8" : "float");
  const double start = NowSeconds();
  if (codes != CodesSetting::kNone) {
    StringSink sink(own->codes_body_);
    ALIDADE_RETURN_IF_ERROR(VectorCodes::Write(codes, own->matrix_, nullptr, sink));
    ALIDADE_ASSIGN_OR_RETURN(own->codes_, VectorCodes::Open(own->codes_body_, own->matrix_));
    own->codes_->MakeResident();
    own->encode_seconds = NowSeconds() - start;
  }
  if (!options.cache.empty() && PathExists(graph_path)) {
    ALIDADE_ASSIGN_OR_RETURN(own->graph_body_, ReadWholeFile(graph_path));
  } else {
    StringSink sink(own->graph_body_);
    const BuildOptions build{
        .threads = options.build_threads, .progress = nullptr, .codes = own->codes_.get()};
    ALIDADE_RETURN_IF_ERROR(BuildIndex(spec, IndexKind::kHnsw, own->matrix_, {}, build, sink));
    own->build_seconds = NowSeconds() - start;
    if (!options.cache.empty()) {
      ALIDADE_RETURN_IF_ERROR(Keep(graph_path, own->graph_body_));
    }
  }
  ALIDADE_ASSIGN_OR_RETURN(
      own->index_, OpenIndex(IndexKind::kHnsw, own->graph_body_, own->matrix_, own->codes_.get()));
  own->index_->MakeResident();
  const double built = NowSeconds();
  ALIDADE_ASSIGN_OR_RETURN(
      const MeasuredRecall measured,
      MeasureRecallCurve(*own->index_,
                         own->matrix_,
                         {.threads = options.build_threads, .codes = own->codes_.get()}));
  own->curve_ = measured.all;
  own->measure_seconds = NowSeconds() - built;
  return own;
}

IndexSearchOptions OwnIndex::Plan(uint32_t k, uint32_t ef) const {
  return {.k = k, .ef = ef, .reach = ReachFor(curve_, k, ef)};
}

Status OwnIndex::Search(const float* query,
                        uint32_t k,
                        uint32_t ef,
                        std::vector<float>& distances) const {
  ALIDADE_ASSIGN_OR_RETURN(const std::vector<Candidate> found, index_->Search(query, Plan(k, ef)));
  distances.clear();
  for (const Candidate& candidate : found) {
    distances.push_back(candidate.distance);
  }
  return OkStatus();
}

SearchStats OwnIndex::Count(const float* query, uint32_t k, uint32_t ef) const {
  SearchStats stats;
  IndexSearchOptions options = Plan(k, ef);
  options.stats = &stats;
  static_cast<void>(index_->Search(query, options));
  return stats;
}

size_t OwnIndex::memory_bytes() const {
  return index_->resident_bytes() + (codes_ == nullptr ? 0 : codes_->body_bytes());
}

}  // namespace alidade
