// VectorIndex: finds the vectors of one field of one segment that are nearest to a query.
//
// Path:     search 6/8 (from segment/sealed_segment_search.cc)
// Threads:  immutable after Open; any number of concurrent Search calls.
// Owns:     nothing big: graph or lists lie in `body`, vectors in the matrix; both must outlive it.
// Limits:   at most 2^31 - 1 vectors, dimension at most kDimensionHardMax.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "alidade/common/deadline.h"
#include "alidade/common/spare_threads.h"
#include "alidade/common/status.h"
#include "alidade/common/zeroed_memory.h"
#include "alidade/index/build_options.h"
#include "alidade/index/byte_sink.h"
#include "alidade/index/index_spec.h"
#include "alidade/vec/codes.h"
#include "alidade/vec/top_k.h"
#include "alidade/vec/vector_matrix.h"

namespace alidade {

class SubsetGraph;
class VectorCodes;

// A set of slots: bit i % 64 of word i / 64 is slot i.
struct SlotBits {
  const uint64_t* words = nullptr;  // null: not known as bits
  uint32_t count = 0;               // bits that are set
  const uint32_t* slots = nullptr;  // the set as a list, rising; null: not made

  bool Test(uint32_t slot) const { return ((words[slot / 64] >> (slot % 64)) & 1) != 0; }
};

// Which slots may be answered. Immutable during a search.
class SlotFilter {
 public:
  virtual ~SlotFilter() = default;
  virtual bool Allows(uint32_t slot) const = 0;
  // The same as bits, of all slots: searches then look at the allowed slots alone.
  virtual SlotBits bits() const { return {}; }
};

// What a filter allows, place by place: slots from starts[p] on are of place p.
struct PlacedSlots {
  size_t byte_size() const {
    return sizeof(*this) + (starts.capacity() + slots.capacity()) * sizeof(uint32_t) +
           records.bytes();
  }

  std::vector<uint32_t> starts;
  std::vector<uint32_t> slots;
  // Copies of the codes of these slots, as a search by places reads them, one after the other: what
  // lies together in memory is read about twice as fast as what lies apart. Or none.
  ZeroedMemory records;
};

// What a search did, added up over segments.
struct SearchStats {
  uint64_t distance_computations = 0;
  uint64_t rows_scanned = 0;  // by exact scans
  uint64_t hops = 0;          // graph nodes expanded
  uint64_t lists_probed = 0;
  uint64_t second_walks = 0;  // under the filter, after one among all found too little that passes

  void Add(const SearchStats& other) {
    distance_computations += other.distance_computations;
    rows_scanned += other.rows_scanned;
    hops += other.hops;
    lists_probed += other.lists_probed;
    second_walks += other.second_walks;
  }
};

// One vector that a search is watched for: to tell where it was lost. Of HNSW.
struct SlotWatch {
  uint32_t slot = 0;
  bool met = false;    // its distance was computed, by codes if there are some
  uint32_t kept = 0;   // nodes that were kept to be ranked
  uint32_t place = 0;  // its place among those, from 1; 0: it was not kept
};

struct IndexSearchOptions {
  uint32_t k = 10;
  uint32_t ef = 0;      // HNSW: candidate list; 0 = kDefaultEf; raised to k
  uint32_t nprobe = 0;  // IVF: lists visited; 0 = default by nlist; cut to nlist
  // HNSW: the codes of all allowed vectors are looked at, instead of walking; the `ef` nearest by
  // them are ranked as the finds of a walk are.
  bool scan = false;
  // HNSW with places, where `scan` is not set: how much farther than the k-th nearest found so far
  // the centre of a place may lie, for its allowed vectors to be looked at; in steps of 1/64 of the
  // usual distance of a vector from its centre, where 65 are none. 0: a walk.
  uint32_t slack = 0;
  // HNSW, walks: they end where the nearest candidate left lies so many times as far as the k-th
  // nearest found (or the 10th, if k is less) and farther than the error of the codes; by the
  // index's distances, squared ones for L2, from the least that there can be on. They keep up to 2
  // `ef` candidates until then. 0: they end when all of `ef` candidates were looked behind. What to
  // set: ReachFor in recall_curve.h.
  float reach = 0;
  const SlotFilter* filter = nullptr;  // null: all
  // HNSW, walks: the share of the vectors that the filter is thought to allow. The walk is then
  // among all of them, as for so many more than k, and the filter is asked only of what it found,
  // from the nearest on. Where less is allowed around the query, a filter that is known as bits is
  // walked under after all; with another, fewer than k are answered, which are the nearest. 0: the
  // walk itself is among what the filter allows.
  float passing = 0;
  // What the index says of the filter (PlacesOf), for searches by places: they need not try it on
  // slots then; null: they do.
  const PlacedSlots* placed = nullptr;
  // HNSW, walks: among the vectors of this subset alone (subset_graphs.h); null: among all.
  const SubsetGraph* subset = nullptr;
  const Deadline* deadline = nullptr;  // null: never
  SearchStats* stats = nullptr;
  SpareThreads* spare = nullptr;  // share in long exact scans; null: the caller's thread alone
  SlotWatch* watch = nullptr;     // null: none
};

// Gives recall@10 above 0.95 on the WordNet set with M = 16 (bench/run.sh, `alidade bench`).
inline constexpr uint32_t kDefaultEf = 128;

class VectorIndex {
 public:
  virtual ~VectorIndex() = default;
  virtual IndexKind kind() const = 0;
  // Of vectors, by which a search may go (IndexSearchOptions::slack); 0: none.
  virtual uint32_t places() const { return 0; }
  // What the filter allows, by place; where there are no places, as if there was one. With copies
  // of codes too, if wanted. Cost: a look at every slot, and at every code that is copied. Of HNSW.
  // Throws std::bad_alloc.
  virtual PlacedSlots PlacesOf(const SlotFilter& /*filter*/, bool /*copy_codes*/) const {
    return {};
  }

  // The k nearest allowed vectors, ascending by (distance, slot).
  // Requires: query has matrix.dim floats that passed ValidateVector; 1 <= k.
  // Ensures:  every answered slot passes the filter; may be fewer than k even if more match
  // (approximate). Errors:   DEADLINE_EXCEEDED, CANCELLED.
  virtual StatusOr<std::vector<Candidate>> Search(const float* query,
                                                  const IndexSearchOptions& options) const = 0;

  // Copies what a search reads most into huge pages; searches go on meanwhile. Called by one thread
  // at a time, any number of times. Throws std::bad_alloc.
  virtual void MakeResident() {}
  // Bytes that MakeResident copies, or has copied.
  virtual size_t resident_bytes() const { return 0; }
};

// Of fewer vectors with codes an exact search reads the vectors themselves.
inline constexpr uint32_t kCodedRowsMin = 512;

// Exact: every allowed vector is compared. Never returns fewer than min(k, allowed). Of vectors
// that have codes it reads those, and only the vectors that their greatest error cannot rule out:
// the answer is the same.
StatusOr<std::vector<Candidate>> ExactSearch(const VectorMatrix& matrix,
                                             const float* query,
                                             const IndexSearchOptions& options,
                                             const CodedVectors& coded = {});

// Builds an index of `kind` (kHnsw or kIvf) over the matrix and writes its body to `sink`.
// `previous`, if not empty, is a body of the same kind over the first vectors of this matrix (same
// spec): an HNSW graph is then extended instead of built anew. IVF ignores it. Errors: CANCELLED
// when progress says so, RESOURCE_EXHAUSTED out of memory, whatever the sink answers.
Status BuildIndex(const IndexSpec& spec,
                  IndexKind kind,
                  const VectorMatrix& matrix,
                  std::string_view previous,
                  const BuildOptions& options,
                  ByteSink& sink);

// Opens a body that BuildIndex wrote and whose checksum was verified. The shape is checked against
// the matrix and every link and offset against its bounds, so that even a wrong body cannot read
// outside: DATA_LOSS. `codes`, if not null, are of the same vectors and outlive the index.
StatusOr<std::unique_ptr<VectorIndex>> OpenIndex(IndexKind kind,
                                                 std::string_view body,
                                                 const VectorMatrix& matrix,
                                                 const VectorCodes* codes = nullptr);

}  // namespace alidade
