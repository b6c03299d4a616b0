#include "places.h"

#include <algorithm>
#include <atomic>
#include <limits>
#include <numeric>
#include <optional>
#include <utility>

#include "alidade/vec/top_k.h"

#include "build_threads.h"
#include "training_rows.h"

namespace alidade {
namespace {

// k-means of a sample: a few rounds bring most of what more of them would.
constexpr uint32_t kSamplePerPlace = 24;
constexpr int kRounds = 3;
constexpr int kGroupRounds = 4;
constexpr uint32_t kBlockRows = 256;  // taken by a thread at once

// Moves each mean to the middle of the points that are assigned to it; those of none stay.
void MoveToMeans(uint32_t dim,
                 const std::vector<float>& points,
                 const std::vector<Candidate>& mean_of,
                 std::vector<float>& means) {
  std::vector<float> sums(means.size(), 0);
  std::vector<uint32_t> counts(means.size() / dim, 0);
  for (size_t p = 0; p < mean_of.size(); ++p) {
    float* const sum = &sums[size_t{mean_of[p].slot} * dim];
    for (uint32_t d = 0; d < dim; ++d) {
      sum[d] += points[p * dim + d];
    }
    ++counts[mean_of[p].slot];
  }
  for (size_t m = 0; m < counts.size(); ++m) {
    for (uint32_t d = 0; counts[m] > 0 && d < dim; ++d) {
      means[m * dim + d] = sums[m * dim + d] / static_cast<float>(counts[m]);
    }
  }
}

// Groups of centres that lie together, so that the nearest centre is looked for in few of them.
class GroupedCentres {
 public:
  // Puts the centres into the order of their groups.
  GroupedCentres(const CodeSpace& space, std::vector<float>& centres)
      : count_(static_cast<uint32_t>(centres.size() / space.dim())),
        groups_(static_cast<uint32_t>(std::lround(std::sqrt(count_)))),
        tried_(std::min(groups_, std::max(kTriedMin, groups_ / 8))),
        middles_(Group(space.dim(), centres)),
        centre_codes_(space, CodeKind::kInt8, centres.data(), count_),
        middle_codes_(space, CodeKind::kInt8, middles_.data(), groups_) {}

  struct Scratch {
    CodeQuery query;
    std::vector<Candidate> groups;
    std::vector<float> distances;
  };

  // The nearest centre among those of the nearest groups.
  Candidate Nearest(const CodeMatrix& rows, Metric metric, uint32_t row, Scratch& scratch) const {
    scratch.query.SetRecord(rows, metric, row);
    scratch.distances.resize(count_);
    const CodeDistance to_middle(middle_codes_.matrix(), scratch.query);
    to_middle.Range(0, groups_, scratch.distances.data());
    scratch.groups.clear();
    for (uint32_t group = 0; group < groups_; ++group) {
      scratch.groups.push_back({scratch.distances[group], group});
    }
    std::nth_element(
        scratch.groups.begin(), scratch.groups.begin() + (tried_ - 1), scratch.groups.end());
    const CodeDistance to_centre(centre_codes_.matrix(), scratch.query);
    Candidate nearest{std::numeric_limits<float>::infinity(), count_ - 1};
    for (uint32_t i = 0; i < tried_; ++i) {
      const uint32_t first = starts_[scratch.groups[i].slot];
      const uint32_t length = starts_[scratch.groups[i].slot + 1] - first;
      to_centre.Range(first, length, scratch.distances.data());
      for (uint32_t at = 0; at < length; ++at) {
        nearest = std::min(nearest, Candidate{scratch.distances[at], first + at});
      }
    }
    return nearest;
  }

 private:
  static constexpr uint32_t kTriedMin = 4;

  std::vector<float> Group(uint32_t dim, std::vector<float>& centres) {
    std::vector<float> middles;
    for (uint32_t group = 0; group < groups_; ++group) {
      const float* centre = &centres[uint64_t{group} * count_ / groups_ * dim];
      middles.insert(middles.end(), centre, centre + dim);
    }
    const VectorMatrix matrix{.rows = middles.data(),
                              .inv_norms = nullptr,
                              .count = groups_,
                              .dim = dim,
                              .metric = Metric::kL2};
    std::vector<Candidate> group_of(count_);
    std::vector<float> distances(groups_);
    for (int round = 0; round <= kGroupRounds; ++round) {
      for (uint32_t centre = 0; centre < count_; ++centre) {
        QueryDistance(matrix, &centres[size_t{centre} * dim]).Range(0, groups_, distances.data());
        const auto nearest = std::ranges::min_element(distances);
        group_of[centre] = {*nearest, static_cast<uint32_t>(nearest - distances.begin())};
      }
      if (round < kGroupRounds) {
        MoveToMeans(dim, centres, group_of, middles);
      }
    }
    std::vector<uint32_t> order(count_);
    std::iota(order.begin(), order.end(), 0U);
    std::ranges::stable_sort(
        order, {}, [&group_of](uint32_t centre) { return group_of[centre].slot; });
    starts_.assign(groups_ + 1, 0);
    std::vector<float> sorted;
    sorted.reserve(centres.size());
    for (const uint32_t centre : order) {
      ++starts_[group_of[centre].slot + 1];
      const float* values = &centres[size_t{centre} * dim];
      sorted.insert(sorted.end(), values, values + dim);
    }
    std::partial_sum(starts_.begin(), starts_.end(), starts_.begin());
    centres = std::move(sorted);
    return middles;
  }

  const uint32_t count_;
  const uint32_t groups_;
  const uint32_t tried_;
  std::vector<uint32_t> starts_;  // first centre of each group
  const std::vector<float> middles_;
  const CentreCodes centre_codes_;
  const CentreCodes middle_codes_;
};

// The nearest centre of each of `count` rows spread evenly over the matrix.
StatusOr<std::vector<Candidate>> NearestCentres(const GroupedCentres& centres,
                                                const CodeMatrix& rows,
                                                Metric metric,
                                                uint32_t count,
                                                const BuildOptions& options) {
  std::vector<Candidate> nearest(count);
  std::atomic<uint32_t> next{0};
  OnThreads(options.threads, [&](const std::atomic<bool>& stop) {
    GroupedCentres::Scratch scratch;
    for (uint32_t first = next.fetch_add(kBlockRows); first < count;
         first = next.fetch_add(kBlockRows)) {
      if (stop || !CheckCancelled(options.progress).ok()) {
        return;
      }
      for (uint32_t i = first; i < std::min(count, first + kBlockRows); ++i) {
        const auto row = static_cast<uint32_t>(uint64_t{i} * rows.count / count);
        nearest[i] = centres.Nearest(rows, metric, row, scratch);
      }
    }
  });
  ALIDADE_RETURN_IF_ERROR(CheckCancelled(options.progress));
  return nearest;
}

}  // namespace

uint32_t KeepAllowed(const SlotFilter& filter,
                     const uint32_t* slot,
                     const uint32_t* end,
                     uint32_t* kept,
                     uint32_t count) {
  if (const SlotBits bits = filter.bits(); bits.words != nullptr) {
    // Without branches on what a filter lets through: nobody can foretell them.
    for (; slot < end; ++slot) {
      kept[count] = *slot;
      count += bits.Test(*slot) ? 1U : 0U;
    }
    return count;
  }
  for (; slot < end; ++slot) {
    if (filter.Allows(*slot)) {
      kept[count++] = *slot;
    }
  }
  return count;
}

Status PlacesView::Check(uint32_t nodes_count, uint32_t dim) const {
  for (uint32_t place = 0; place < count; ++place) {
    // Means of vectors, which for cosine may be zero.
    if (!ValidateVector({centres + size_t{place} * dim, dim}, Metric::kL2, "centre").ok()) {
      return DataLoss("centre {} of the graph is no mean of vectors", place);
    }
  }
  bool good = starts[0] == 0 && starts[count] == nodes_count;
  for (uint32_t place = 0; good && place < count; ++place) {
    good = starts[place] <= starts[place + 1];
  }
  std::vector<bool> seen(nodes_count, false);
  for (uint32_t i = 0; good && i < nodes_count; ++i) {
    const uint32_t node = nodes[i];
    good = node < nodes_count && !seen[node];
    if (good) {
      seen[node] = true;
    }
  }
  return good ? OkStatus() : DataLoss("the places of the graph do not hold each node once");
}

PlacedSlots PlacesView::Allowed(const SlotFilter& filter, uint32_t nodes_count) const {
  PlacedSlots placed;
  std::vector<uint32_t> slots(nodes_count);
  uint32_t kept = 0;
  if (count == 0) {
    std::iota(slots.begin(), slots.end(), 0U);
    placed.starts.push_back(0);
    kept = KeepAllowed(filter, slots.data(), slots.data() + nodes_count, slots.data(), 0);
  }
  for (uint32_t place = 0; place < count; ++place) {
    placed.starts.push_back(kept);
    kept =
        KeepAllowed(filter, nodes + starts[place], nodes + starts[place + 1], slots.data(), kept);
  }
  placed.starts.push_back(kept);
  placed.slots.assign(slots.begin(), slots.begin() + kept);
  return placed;
}

CentreCodes::CentreCodes(const CodeSpace& space,
                         CodeKind kind,
                         const float* centres,
                         uint32_t count)
    : records_(count * CodeStride(kind, space.dim()), ZeroedMemory::Pages::kHuge),
      matrix_{.records = records_.as<uint8_t>(), .kind = kind, .dim = space.dim(), .count = count} {
  std::vector<float> residual(space.dim());
  for (uint32_t centre = 0; centre < count; ++centre) {
    space.Residual(centres + size_t{centre} * space.dim(), 1.0F, residual.data());
    EncodeRecord(space.metric(),
                 kind,
                 residual.data(),
                 space.dim(),
                 records_.as<uint8_t>() + centre * matrix_.stride());
  }
}

StatusOr<Places> MakePlaces(const VectorMatrix& matrix,
                            const VectorCodes& codes,
                            const BuildOptions& options) {
  Places places;
  const uint32_t count = std::min(matrix.count / kRowsPerPlace, kPlacesMax);
  const std::optional<CodeMatrix> rows = codes.eight_bits();
  if (matrix.count < options.places_from || matrix.metric == Metric::kDot || count == 0 ||
      !rows.has_value()) {
    return places;
  }
  const uint32_t sampled = count * kSamplePerPlace;
  const std::vector<float> sample = SampleRows(matrix, sampled);
  for (uint32_t place = 0; place < count; ++place) {
    const float* row = &sample[size_t{place} * kSamplePerPlace * matrix.dim];
    places.centres.insert(places.centres.end(), row, row + matrix.dim);
  }
  for (int round = 0; round < kRounds; ++round) {
    const GroupedCentres grouped(codes.space(), places.centres);
    ALIDADE_ASSIGN_OR_RETURN(const std::vector<Candidate> centre_of,
                             NearestCentres(grouped, *rows, matrix.metric, sampled, options));
    MoveToMeans(matrix.dim, sample, centre_of, places.centres);
  }
  const GroupedCentres grouped(codes.space(), places.centres);
  ALIDADE_ASSIGN_OR_RETURN(const std::vector<Candidate> place_of,
                           NearestCentres(grouped, *rows, matrix.metric, matrix.count, options));
  double distances = 0;
  places.starts.assign(count + 1, 0);
  for (const Candidate& place : place_of) {
    ++places.starts[place.slot + 1];
    distances += std::max(0.0F, place.distance);
  }
  places.radius = static_cast<float>(std::sqrt(distances / matrix.count));
  std::partial_sum(places.starts.begin(), places.starts.end(), places.starts.begin());
  std::vector<uint32_t> next(places.starts.begin(), places.starts.end() - 1);
  places.nodes.resize(matrix.count);
  for (uint32_t row = 0; row < matrix.count; ++row) {
    places.nodes[next[place_of[row].slot]++] = row;
  }
  return places;
}

}  // namespace alidade
