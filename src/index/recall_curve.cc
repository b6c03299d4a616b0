#include "alidade/index/recall_curve.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <utility>

#include "alidade/common/mutex.h"
#include "alidade/index/vector_codes.h"

#include "build_threads.h"

namespace alidade {
namespace {

// One query for so many vectors, between the least and the most.
constexpr uint32_t kRowsPerQuery = 50;
constexpr uint32_t kQueriesMin = 100;
constexpr uint32_t kQueriesMax = 200;

// More than this is not worth measuring: a wish for it is answered exactly.
constexpr double kRecallEnough = 0.999;

// Efforts tried: each so many times the one before, and at least one more.
constexpr double kEffortGrowth = 1.3;
constexpr uint32_t kEfMost = 2'048;

// Reaches tried, from 1 on.
constexpr float kReachMost = 2;
float NextReach(float reach) { return reach + std::max(0.01F, (reach - 1) / 8); }

// A reach that leaves more of the distances than this is not worth its uncertainty.
constexpr double kReachWorth = 0.97;

// By so much a reach grows when the effort grows e-fold, beyond what was measured (chosen: it was
// 0.09 on WordNet between 64 and 160 candidates, and up to 0.2 on 500,000 x 128).
constexpr float kReachGrowth = 0.1F;

// Slacks tried, in steps: from where places end that lie a quarter of their radius nearer than what
// is found already, up to where they lie two radii farther.
constexpr uint32_t kSlackFirst = 49;
constexpr uint32_t kSlackMost = 200;
uint32_t NextSlack(uint32_t slack) { return slack + 1 + (slack > 80 ? (slack - 80) / 8 : 0); }

// Where less is found, how much depends too much on the query to be foretold.
constexpr float kPlacesRecallMin = 0.9F;

// Graphs over subsets are compared with the whole one where that finds so much, and tried with
// rising effort up to so many times its own. What was enough is taken so many times: on 500,000 x
// 128, real queries under a filter of a hundredth needed 3.8 times the effort where those made of
// rows needed 2.5.
constexpr double kSubsetRecall = 0.95;
constexpr float kSubsetEffortGrowth = 1.26F;
constexpr float kSubsetEffortMost = 8.1F;
constexpr float kSubsetEffortSafety = 1.6F;

// Coprime with any count below it: its multiples visit slots all over.
constexpr uint64_t kStep = 2'654'435'761;

// An index and the vectors in it, and how it is built.
struct Subject {
  const VectorIndex& index;
  const VectorMatrix& matrix;
  const BuildOptions& build;
};

// Calls work(i) for each i below `count`, on the threads of the build, until one of them fails or
// it is cancelled.
template <class Work>
Status ForEach(const BuildOptions& build, size_t count, const Work& work) {
  std::atomic<size_t> next{0};
  Mutex mutex;
  Status failed;
  OnThreads(build.threads, [&](const std::atomic<bool>& stop) {
    for (size_t i = next++; i < count && !stop; i = next++) {
      Status status = CheckCancelled(build.progress);
      if (status.ok()) {
        status = work(i);
      }
      if (!status.ok()) {
        MutexLock lock(mutex);
        failed.Update(status);
        next = count;
      }
    }
  });
  return failed;
}

struct Query {
  std::vector<float> vector;
  std::vector<float> distances;  // of its nearest, rising

  void SetNearest(const std::vector<Candidate>& nearest) {
    distances.clear();
    for (const Candidate& candidate : nearest) {
      distances.push_back(candidate.distance);
    }
  }
};

// A filter of the measurement.
class PickedSlots final : public SlotFilter {
 public:
  explicit PickedSlots(uint32_t slots) : words_((size_t{slots} + 63) / 64, 0) {}
  // Each one of so many, which ones is left to a hash.
  PickedSlots(uint32_t slots, uint32_t one_of) : PickedSlots(slots) {
    for (uint32_t slot = 0; slot < slots; ++slot) {
      if ((slot * kStep >> 16) % one_of == 0) {
        Pick(slot);
      }
    }
  }
  void Pick(uint32_t slot) {
    words_[slot / 64] |= uint64_t{1} << (slot % 64);
    ++count_;
  }
  bool Allows(uint32_t slot) const override { return bits().Test(slot); }
  SlotBits bits() const override { return {words_.data(), count_}; }

 private:
  std::vector<uint64_t> words_;
  uint32_t count_ = 0;
};

// The tenth that lies around one of the vectors: far from most queries, where places are hardest to
// tell from each other.
PickedSlots TenthTogether(const VectorMatrix& matrix) {
  std::vector<float> wide;
  const QueryDistance from_middle(matrix, matrix.Floats(matrix.count / 2, wide));
  std::vector<float> distances(matrix.count);
  from_middle.Range(0, matrix.count, distances.data());
  std::vector<float> sorted = distances;
  const auto last = sorted.begin() + matrix.count / 10;
  std::nth_element(sorted.begin(), last, sorted.end());
  PickedSlots picked(matrix.count);
  for (uint32_t slot = 0; slot < matrix.count; ++slot) {
    if (distances[slot] <= *last) {
      picked.Pick(slot);
    }
  }
  return picked;
}

// What a walk with so much effort was measured to find of kRecallCurveK[0]; null: not measured.
const RecallPoint* ReachedWith(const RecallCurve& curve, uint32_t effort) {
  const RecallPoint* reached = nullptr;
  for (const RecallPoint& point : curve) {
    if (point.k == kRecallCurveK[0] && (reached == nullptr || point.effort <= effort)) {
      reached = &point;
    }
  }
  return reached;
}

// Between two efforts that were measured, what lies between their reaches.
float ReachAtEffort(const RecallCurve& curve, uint32_t k, uint32_t effort) {
  const RecallPoint* before = nullptr;
  for (const RecallPoint& point : curve) {
    if (point.k != k) {
      continue;
    }
    if (point.effort >= effort) {
      if (before == nullptr || before->reach == 0 || point.reach == 0) {
        return point.reach;
      }
      const float share = static_cast<float>(effort - before->effort) /
                          static_cast<float>(point.effort - before->effort);
      return before->reach + (point.reach - before->reach) * share;
    }
    before = &point;
  }
  return before == nullptr || before->reach == 0
             ? 0
             : before->reach + kReachGrowth * std::log(static_cast<float>(effort) /
                                                       static_cast<float>(before->effort));
}

uint32_t FirstEffort(IndexKind kind, uint32_t k) { return kind == IndexKind::kHnsw ? k : 1; }

uint32_t NextEffort(uint32_t effort) {
  return std::max(effort + 1, static_cast<uint32_t>(std::lround(effort * kEffortGrowth)));
}

// A vector moved by the difference of its two nearest: somewhat farther from the stored ones than
// they are from each other, and in the directions in which they lie there. Stored vectors
// themselves are found too easily: the graph was built by searching for them.
StatusOr<std::vector<float>> QueryNear(const VectorMatrix& matrix,
                                       const VectorCodes* codes,
                                       uint32_t slot) {
  const std::vector<float> centre = matrix.Row(slot).Floats();
  std::vector<float> query = centre;
  ALIDADE_ASSIGN_OR_RETURN(std::vector<Candidate> nearest,
                           ExactSearch(matrix, centre.data(), {.k = 3}, CodedBy(codes)));
  std::erase_if(nearest, [slot](const Candidate& candidate) { return candidate.slot == slot; });
  if (nearest.size() >= 2) {
    const std::vector<float> a = matrix.Row(nearest[0].slot).Floats();
    const std::vector<float> b = matrix.Row(nearest[1].slot).Floats();
    for (uint32_t d = 0; d < matrix.dim; ++d) {
      query[d] += a[d] - b[d];
    }
  }
  // Vectors near the bounds of float32 may not be added up.
  return ValidateVector(query, matrix.metric, "query").ok() ? query : centre;
}

// So many at most, without what is nearest to them.
StatusOr<std::vector<Query>> PickQueries(const Subject& subject, uint32_t most) {
  const uint32_t rows = subject.matrix.count;
  const uint32_t count = std::min(rows, std::clamp(rows / kRowsPerQuery, kQueriesMin, most));
  std::vector<Query> queries(count);
  ALIDADE_RETURN_IF_ERROR(ForEach(subject.build, count, [&](size_t i) -> Status {
    ALIDADE_ASSIGN_OR_RETURN(
        queries[i].vector,
        QueryNear(subject.matrix, subject.build.codes, static_cast<uint32_t>(i * kStep % rows)));
    return OkStatus();
  }));
  return queries;
}

StatusOr<std::vector<Query>> MakeQueries(const Subject& subject) {
  const uint32_t k = *std::max_element(std::begin(kRecallCurveK), std::end(kRecallCurveK));
  ALIDADE_ASSIGN_OR_RETURN(std::vector<Query> queries, PickQueries(subject, kQueriesMax));
  ALIDADE_RETURN_IF_ERROR(ForEach(subject.build, queries.size(), [&](size_t i) -> Status {
    ALIDADE_ASSIGN_OR_RETURN(
        const std::vector<Candidate> nearest,
        ExactSearch(
            subject.matrix, queries[i].vector.data(), {.k = k}, CodedBy(subject.build.codes)));
    queries[i].SetNearest(nearest);
    return OkStatus();
  }));
  return queries;
}

struct Measured {
  double recall = 0;
  bool all_lists = false;  // were looked at: more effort is none
  uint64_t distances = 0;  // computed for one query
};

// `options` without stats.
StatusOr<Measured> RecallWith(const Subject& subject,
                              const std::vector<Query>& queries,
                              const IndexSearchOptions& options) {
  struct Answer {
    size_t found = 0;
    size_t wanted = 0;
    SearchStats stats;
  };
  std::vector<Answer> answers(queries.size());
  ALIDADE_RETURN_IF_ERROR(ForEach(subject.build, queries.size(), [&](size_t i) -> Status {
    const std::vector<float>& truth = queries[i].distances;
    Answer& answer = answers[i];
    answer.wanted = std::min<size_t>(options.k, truth.size());
    IndexSearchOptions counted = options;
    counted.stats = &answer.stats;
    ALIDADE_ASSIGN_OR_RETURN(const std::vector<Candidate> hits,
                             subject.index.Search(queries[i].vector.data(), counted));
    // By distance: equal vectors are equally right.
    answer.found = static_cast<size_t>(std::ranges::count_if(hits, [&](const Candidate& hit) {
      return answer.wanted > 0 && hit.distance <= truth[answer.wanted - 1];
    }));
    return OkStatus();
  }));
  Answer sum;
  for (const Answer& answer : answers) {
    sum.found += answer.found;
    sum.wanted += answer.wanted;
    sum.stats.Add(answer.stats);
  }
  return Measured{
      .recall = sum.wanted == 0 ? 1  // nothing passes
                                : static_cast<double>(sum.found) / static_cast<double>(sum.wanted),
      .all_lists = subject.index.kind() == IndexKind::kIvf &&
                   sum.stats.lists_probed < uint64_t{options.nprobe} * queries.size(),
      .distances = sum.stats.distance_computations / std::max<size_t>(1, queries.size())};
}

// Seeks, from the reach of the point before on, the least one that finds as much for fewer
// distances. 0: there is none.
StatusOr<float> MeasureReach(const Subject& subject,
                             const std::vector<Query>& queries,
                             IndexSearchOptions options,
                             const Measured& without,
                             float first) {
  options.reach = first;
  while (options.reach <= kReachMost) {
    ALIDADE_ASSIGN_OR_RETURN(const Measured measured, RecallWith(subject, queries, options));
    if (static_cast<double>(measured.distances) >
        kReachWorth * static_cast<double>(without.distances)) {
      break;
    }
    if (measured.recall >= without.recall) {
      return options.reach;
    }
    options.reach = NextReach(options.reach);
  }
  return 0.0F;
}

// Adds points with rising effort to the curve until almost all is found.
Status Measure(const Subject& subject,
               const std::vector<Query>& queries,
               const SlotFilter* filter,
               uint32_t k,
               RecallCurve& curve) {
  const IndexKind kind = subject.index.kind();
  const uint32_t most = kind == IndexKind::kHnsw ? std::max(k, kEfMost) : kNlistMax;
  Measured measured;
  float reach = 1;
  for (uint32_t effort = FirstEffort(kind, k);
       measured.recall < kRecallEnough && !measured.all_lists && effort <= most;
       effort = NextEffort(effort)) {
    const IndexSearchOptions options{.k = k, .ef = effort, .nprobe = effort, .filter = filter};
    ALIDADE_ASSIGN_OR_RETURN(measured, RecallWith(subject, queries, options));
    RecallPoint& point = curve.emplace_back(
        RecallPoint{.k = k, .effort = effort, .recall = static_cast<float>(measured.recall)});
    if (kind == IndexKind::kHnsw) {
      ALIDADE_ASSIGN_OR_RETURN(point.reach,
                               MeasureReach(subject, queries, options, measured, reach));
      reach = std::max(reach, point.reach);
    }
  }
  return OkStatus();
}

// The nearest to each query among those that the filter allows.
Status SetNearest(const Subject& subject, const SlotFilter& filter, std::vector<Query>& queries) {
  return ForEach(subject.build, queries.size(), [&](size_t i) -> Status {
    ALIDADE_ASSIGN_OR_RETURN(const std::vector<Candidate> nearest,
                             ExactSearch(subject.matrix,
                                         queries[i].vector.data(),
                                         {.k = kRecallCurveK[0], .filter = &filter},
                                         CodedBy(subject.build.codes)));
    queries[i].SetNearest(nearest);
    return OkStatus();
  });
}

// By places, where a tenth of the vectors passes, whichever these are, and where it lies together:
// with rising slack until almost all is found in both cases.
StatusOr<std::vector<PlacePoint>> MeasurePlaces(const Subject& subject,
                                                std::vector<Query> queries) {
  const VectorMatrix& matrix = subject.matrix;
  queries.resize(std::min<size_t>(queries.size(), kQueriesMin));
  const PickedSlots tenth(matrix.count, 10);
  const PickedSlots together = TenthTogether(matrix);
  const PickedSlots* const filters[] = {&tenth, &together};
  std::vector<std::vector<Query>> truths;
  std::vector<PlacedSlots> placed;
  for (const PickedSlots* filter : filters) {
    ALIDADE_RETURN_IF_ERROR(SetNearest(subject, *filter, queries));
    truths.push_back(queries);
    placed.push_back(subject.index.PlacesOf(*filter, /*copy_codes=*/false));
  }
  std::vector<PlacePoint> points;
  for (uint32_t slack = kSlackFirst; slack <= kSlackMost; slack = NextSlack(slack)) {
    PlacePoint point{.slack = slack, .recall = 1};
    for (size_t i = 0; i < truths.size(); ++i) {
      ALIDADE_ASSIGN_OR_RETURN(const Measured measured,
                               RecallWith(subject,
                                          truths[i],
                                          {.k = kRecallCurveK[0],
                                           .ef = kPlacesEf,
                                           .slack = slack,
                                           .filter = filters[i],
                                           .placed = &placed[i]}));
      point.recall = std::min(point.recall, static_cast<float>(measured.recall));
      if (filters[i] == &tenth) {
        point.distances = static_cast<uint32_t>(measured.distances);
      }
    }
    points.push_back(point);
    if (point.recall >= static_cast<float>(kRecallEnough)) {
      break;
    }
  }
  return points;
}

}  // namespace

StatusOr<MeasuredRecall> MeasureRecallCurve(const VectorIndex& index,
                                            const VectorMatrix& matrix,
                                            const BuildOptions& build) {
  MeasuredRecall measured;
  if (matrix.count == 0) {
    return measured;
  }
  const Subject subject{index, matrix, build};
  ALIDADE_ASSIGN_OR_RETURN(std::vector<Query> queries, MakeQueries(subject));
  for (const uint32_t k : kRecallCurveK) {
    ALIDADE_RETURN_IF_ERROR(Measure(subject, queries, nullptr, k, measured.all));
  }
  if (index.kind() == IndexKind::kHnsw) {
    const PickedSlots tenth(matrix.count, 10);
    ALIDADE_RETURN_IF_ERROR(SetNearest(subject, tenth, queries));
    ALIDADE_RETURN_IF_ERROR(Measure(subject, queries, &tenth, kRecallCurveK[0], measured.tenth));
  }
  if (index.places() > 0) {
    ALIDADE_ASSIGN_OR_RETURN(measured.places, MeasurePlaces(subject, std::move(queries)));
  }
  return measured;
}

StatusOr<std::vector<float>> MeasureSubsets(const VectorIndex& index,
                                            const VectorMatrix& matrix,
                                            const SubsetGraphs& subsets,
                                            const RecallCurve& all,
                                            const BuildOptions& build) {
  constexpr uint32_t k = kRecallCurveK[0];
  std::vector<float> measured(subsets.count(), 1);
  const uint32_t enough = EffortForRecall(all, k, kSubsetRecall);
  const RecallPoint* reached =
      ReachedWith(all, enough == 0 ? std::numeric_limits<uint32_t>::max() : enough);
  if (reached == nullptr) {
    return measured;  // nothing to compare with
  }
  const Subject subject{index, matrix, build};
  ALIDADE_ASSIGN_OR_RETURN(std::vector<Query> queries, PickQueries(subject, kQueriesMin));
  for (uint32_t i = 0; i < measured.size(); ++i) {
    const SubsetGraph& subset = subsets.at(i);
    PickedSlots allowed(matrix.count);
    for (const uint32_t slot : SubsetSlots(subset)) {
      allowed.Pick(slot);
    }
    ALIDADE_RETURN_IF_ERROR(SetNearest(subject, allowed, queries));
    Measured found;
    for (float times = 1; times <= kSubsetEffortMost; times *= kSubsetEffortGrowth) {
      measured[i] = times * kSubsetEffortSafety;
      const auto effort =
          static_cast<uint32_t>(std::ceil(static_cast<float>(reached->effort) * times));
      ALIDADE_ASSIGN_OR_RETURN(
          found,
          RecallWith(subject,
                     queries,
                     {.k = k, .ef = effort, .reach = ReachFor(all, k, effort), .subset = &subset}));
      if (found.recall >= reached->recall) {
        break;
      }
    }
  }
  return measured;
}

float ReachFor(const RecallCurve& curve, uint32_t k, uint32_t effort) {
  const float few = ReachAtEffort(curve, kRecallCurveK[0], effort);
  const float many = ReachAtEffort(curve, kRecallCurveK[1], effort);
  if (k <= kRecallCurveK[0] || few == 0 || many == 0) {
    return k <= kRecallCurveK[0] ? few : k >= kRecallCurveK[1] ? many : 0;
  }
  const double share = std::log(static_cast<double>(k) / kRecallCurveK[0]) /
                       std::log(static_cast<double>(kRecallCurveK[1]) / kRecallCurveK[0]);
  return few + (many - few) * static_cast<float>(std::min(1.0, share));
}

std::optional<double> HardnessOfTenth(const RecallCurve& all,
                                      const RecallCurve& tenth,
                                      uint32_t effort) {
  const RecallPoint* reached = ReachedWith(all, effort);
  for (const RecallPoint& point : tenth) {
    if (reached != nullptr && point.recall >= reached->recall) {
      return std::max(1.0, static_cast<double>(point.effort) / reached->effort);
    }
  }
  return std::nullopt;
}

std::optional<PlacePoint> PlacesAsGoodAs(const MeasuredRecall& measured, uint32_t effort) {
  const RecallPoint* reached = ReachedWith(measured.all, effort);
  if (reached == nullptr) {
    return std::nullopt;
  }
  const auto good = std::ranges::find_if(measured.places, [reached](const PlacePoint& point) {
    return point.recall >= std::max(reached->recall, kPlacesRecallMin);
  });
  return good == measured.places.end() ? std::nullopt : std::optional(*good);
}

uint32_t EffortForRecall(const RecallCurve& curve, uint32_t k, double recall) {
  uint32_t measured_k = 0;
  for (const RecallPoint& point : curve) {
    measured_k = point.k;
    if (measured_k >= k) {
      break;
    }
  }
  for (const RecallPoint& point : curve) {
    if (point.k == measured_k && point.recall >= static_cast<float>(recall)) {
      const uint64_t scaled = uint64_t{point.effort} * std::max(k, measured_k);
      return static_cast<uint32_t>(std::min<uint64_t>((scaled + measured_k - 1) / measured_k,
                                                      std::numeric_limits<uint32_t>::max()));
    }
  }
  return 0;
}

}  // namespace alidade
