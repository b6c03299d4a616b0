// RecallCurve: how much of the truth an index finds at which effort (ef of a graph, nprobe of
// lists), measured when the index was built. It turns a wish for recall into an effort.
#pragma once

#include <cmath>
#include <cstdint>
#include <optional>
#include <vector>

#include "alidade/common/status.h"
#include "alidade/index/subset_graphs.h"
#include "alidade/index/vector_index.h"

namespace alidade {

struct RecallPoint {
  uint32_t k = 0;
  uint32_t effort = 0;
  float recall = 0;  // at k, 0..1
  // Of a graph: with this reach (IndexSearchOptions) it finds as much, for fewer distances; never
  // below 1. 0: there is none.
  float reach = 0;

  friend bool operator==(const RecallPoint&, const RecallPoint&) = default;
};

// Rising by (k, effort). Empty: not measured.
using RecallCurve = std::vector<RecallPoint>;

// The ef with which searches by places are measured, and the least one that what was measured holds
// for.
inline constexpr uint32_t kPlacesEf = 32;

// A search by places (IndexSearchOptions::slack).
struct PlacePoint {
  uint32_t slack = 0;
  float recall = 0;  // at kRecallCurveK[0], the lesser one of two filters
  // Computed for one query, where every tenth vector passes, whichever these are.
  uint32_t distances = 0;

  friend bool operator==(const PlacePoint&, const PlacePoint&) = default;
};

struct MeasuredRecall {
  RecallCurve all;
  // Of a graph, under a filter that every tenth vector passes: at kRecallCurveK[0] hits only.
  RecallCurve tenth;
  std::vector<PlacePoint> places;  // of a graph with places; rising by slack

  friend bool operator==(const MeasuredRecall&, const MeasuredRecall&) = default;
};

// What is measured: recall at few and at many hits.
inline constexpr uint32_t kRecallCurveK[] = {10, 100};

// Asks the index, with rising effort until almost all is found, for the neighbours of queries that
// are made of a sample of its vectors, and compares with exact search. `build`: as the index was
// built. Deterministic, whatever the number of threads. Cost: up to 1,000 exact searches and some
// ten thousand by the index, of small indexes fewer. Errors: CANCELLED when progress says so.
StatusOr<MeasuredRecall> MeasureRecallCurve(const VectorIndex& index,
                                            const VectorMatrix& matrix,
                                            const BuildOptions& build);

// How many times as much effort a walk of each of the graphs takes as one of the whole index, to
// find as much among the vectors of its subset as that does among all, where it finds 0.95, and
// some more, to be sure; at least 1. With reaches, as `all` has them; up to 8 is tried. Other
// parameters and errors: as above. Cost: for each subset up to 100 exact searches and a thousand by
// its graph.
StatusOr<std::vector<float>> MeasureSubsets(const VectorIndex& index,
                                            const VectorMatrix& matrix,
                                            const SubsetGraphs& subsets,
                                            const RecallCurve& all,
                                            const BuildOptions& build);

// The least effort that was measured to reach the recall at k hits. For a k between two that were
// measured, the larger counts; beyond the largest, effort grows as k does. 0: none reaches it.
uint32_t EffortForRecall(const RecallCurve& curve, uint32_t k, double recall);

// Among how many nearest vectors there are k that a filter allows which lets this share of them
// through (IndexSearchOptions::passing; 0: all).
inline uint32_t NearestWanted(uint32_t k, float passing) {
  return passing > 0 ? static_cast<uint32_t>(std::ceil(static_cast<float>(k) / passing)) : k;
}

// The reach with which a walk finds as much as one without it and with this effort, k hits wanted.
// For a k between two that were measured, what lies between theirs; beyond the largest effort, more
// than what that took. 0: none was found, or it was not measured.
float ReachFor(const RecallCurve& curve, uint32_t k, uint32_t effort);

// How many times `effort` a walk takes to find as much where a tenth of the vectors passes as
// without a filter; at least 1. Nothing if it was not measured, or not reached.
std::optional<double> HardnessOfTenth(const RecallCurve& all,
                                      const RecallCurve& tenth,
                                      uint32_t effort);

// The least slack that was measured to find as much by places, where a tenth passes, as a walk with
// this effort does without a filter, and 0.9 at least. Nothing if it was not measured, or not
// reached.
std::optional<PlacePoint> PlacesAsGoodAs(const MeasuredRecall& measured, uint32_t effort);

}  // namespace alidade
