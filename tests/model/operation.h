// Operation: one step of a random history. It carries everything that it does, so that any part of
// a trace can be left out and the rest means the same.
#pragma once

#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "alidade/collection/requests.h"

#include "support/point_batch.h"

namespace alidade {

enum class Action : uint8_t {
  kUpsert,
  kUpsertWithRequestId,
  kDelete,
  kRetry,  // an earlier request, word for word or with other content
  kGet,
  kCount,
  kList,
  kSearchExact,
  kSearchApproximate,
  kFlush,
  kWaitIndexed,
  kUpdateConfig,
  kAlias,
  kRecreate,  // drop and create again
  kReopen,    // close the engine and open the directory again
  kDamage,    // as kReopen, with a file of a segment removed or damaged in between
  kChangePayload,
  kDeleteByFilter,
  kUpsertConditionally,  // insert-only, update-only, or with expected seqs
  kBatch,                // of the above, to both collections; some of them are refused
};
inline constexpr uint32_t kActions = 20;

struct Operation {
  Action action = Action::kUpsert;
  uint32_t collection = 0;  // index into ModelCollections()
  uint32_t first = 0;       // of the run of ids that it is about
  uint32_t rows = 0;
  uint64_t seed = 0;  // decides contents and details
};

using Trace = std::vector<Operation>;

// How large a history gets.
struct Scale {
  uint32_t operations = 150;
  uint32_t ids = 400;      // the universe of ids
  uint32_t rows_max = 40;  // of one batch
  uint32_t deletes_max = 40;
  uint32_t settle_weight =
      2;  // share of waiting for background work, which is slow next to the rest
};

Trace MakeTrace(uint64_t seed, const Scale& scale);
std::string Describe(const Operation& operation);

// The collections of every history: whole-number distances that are exact in float, and cosine.
std::vector<CollectionConfig> ModelCollections();

PointId ModelId(uint32_t index);
// The points of an upsert; a few ids come twice.
std::vector<OwnedPoint> PointsOf(const Operation& operation);
std::vector<PointId> IdsOf(const Operation& operation);
// A change of the payloads of some ids, or of what passes a filter.
PayloadRequest ChangeOf(const Operation& operation);
// What about a quarter of the points pass.
std::shared_ptr<const Filter> NarrowFilterOf(const Operation& operation);
// Null for about a third of the operations.
std::shared_ptr<const Filter> FilterOf(const Operation& operation);
std::vector<float> VectorOf(std::mt19937_64& rng, uint32_t dim);

}  // namespace alidade
