// PlaceVisit: the nearest nodes among those that a filter allows, looked for place by place: those
// whose centres lie nearest first, until the next one lies too far behind the k-th nearest found.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>

#include "alidade/common/status.h"
#include "alidade/index/vector_index.h"

#include "place_queue.h"
#include "places.h"
#include "walk_scratch.h"

namespace alidade {

// Distance as for GraphWalk; of positions in `placed`, if its copies are read. Borrows all.
template <class Distance>
class PlaceVisit {
 public:
  PlaceVisit(const PlacesView& places,
             const Distance& distance,
             const IndexSearchOptions& options,
             bool copied,
             WalkScratch& scratch)
      : distance_(distance),
        options_(options),
        scratch_(scratch),
        count_(places.count),
        slack_(PlaceSlack(options.slack, places.radius)),
        starts_(options.placed == nullptr ? places.starts : options.placed->starts.data()),
        nodes_(options.placed == nullptr ? places.nodes : options.placed->slots.data()),
        copied_(copied) {}

  uint64_t distances() const { return distances_; }

  // Leaves the `ef` nearest allowed nodes of the places looked at in scratch.pool: k of them at
  // least, if there are so many. `centres`: their distances. Errors: DEADLINE_EXCEEDED, CANCELLED.
  Status Run(const float* centres, size_t ef, PlaceQueue& nearest) {
    scratch_.batch.resize(std::max<size_t>(scratch_.batch.size(), kBatch + kBlock));
    scratch_.distances.resize(std::max<size_t>(scratch_.distances.size(), kBatch + kBlock));
    scratch_.pool.Reset(ef);
    nearest.Reset(centres, starts_, count_);
    while (!nearest.empty()) {
      const bool end = IsTooFar(nearest.front().distance);
      if (end && waiting_ == 0) {
        break;
      }
      if (end || waiting_ >= kBatch) {
        ALIDADE_RETURN_IF_ERROR(Look());
        continue;  // what was found may have changed where the end is
      }
      const uint32_t place = nearest.front().slot;
      nearest.Pop();
      for (uint32_t first = starts_[place]; first < starts_[place + 1]; first += kBlock) {
        if (waiting_ >= kBatch) {
          ALIDADE_RETURN_IF_ERROR(Look());
        }
        Take(first, std::min(starts_[place + 1], first + kBlock));
      }
    }
    return Look();
  }

 private:
  static constexpr uint32_t kBatch = 48;   // nodes looked at together, so many at least
  static constexpr uint32_t kBlock = 256;  // nodes of a place that are taken at once

  bool IsTooFar(float centre) const {
    const NearestPool& pool = scratch_.pool;
    return pool.size() >= options_.k &&
           RootDistance(centre) - RootDistance(pool.distance(options_.k - 1)) > slack_;
  }

  // Fetches those of some nodes that are allowed, to be looked at.
  void Take(uint32_t first, uint32_t end) {
    uint32_t* const batch = scratch_.batch.data();
    const uint32_t before = waiting_;
    if (copied_) {
      std::iota(batch + waiting_, batch + waiting_ + (end - first), first);
      waiting_ += end - first;
    } else if (options_.placed != nullptr || options_.filter == nullptr) {
      std::copy(nodes_ + first, nodes_ + end, batch + waiting_);
      waiting_ += end - first;
    } else {
      waiting_ = KeepAllowed(*options_.filter, nodes_ + first, nodes_ + end, batch, waiting_);
    }
    for (uint32_t i = before; i < waiting_; ++i) {
      distance_.Prefetch(batch[i]);
    }
  }

  Status Look() {
    distance_.Many(scratch_.batch.data(), waiting_, scratch_.distances.data());
    for (uint32_t i = 0; i < waiting_; ++i) {
      const uint32_t node = copied_ ? nodes_[scratch_.batch[i]] : scratch_.batch[i];
      scratch_.pool.Insert(scratch_.distances[i], node);
      if (options_.watch != nullptr && node == options_.watch->slot) {
        options_.watch->met = true;
      }
    }
    distances_ += waiting_;
    waiting_ = 0;
    return options_.deadline == nullptr ? OkStatus() : options_.deadline->Check();
  }

  const Distance& distance_;
  const IndexSearchOptions& options_;
  WalkScratch& scratch_;
  const uint32_t count_;
  const float slack_;
  const uint32_t* const starts_;
  const uint32_t* const nodes_;
  const bool copied_;
  uint32_t waiting_ = 0;  // in scratch.batch
  uint64_t distances_ = 0;
};

}  // namespace alidade
