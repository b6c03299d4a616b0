// How rows come into a growing graph: by which codes, in which order, on how many threads.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "alidade/index/vector_codes.h"
#include "alidade/index/vector_index.h"

#include "build_distances.h"
#include "growing_graph.h"
#include "places.h"

namespace alidade {

// Codes with some of 8 bits: those of the options, or such as live as long as this.
class BuildCodes {
 public:
  // Errors: CANCELLED. Throws std::bad_alloc.
  static StatusOr<BuildCodes> Make(const VectorMatrix& matrix, const BuildOptions& options);
  BuildCodes(const BuildCodes&) = delete;
  BuildCodes& operator=(const BuildCodes&) = delete;
  BuildCodes(BuildCodes&& other) noexcept;
  BuildCodes& operator=(BuildCodes&& other) noexcept;
  ~BuildCodes();

  // Null: the options have none.
  const VectorCodes* get() const { return codes_; }

 private:
  class Temporary;

  BuildCodes(const VectorCodes* codes, std::unique_ptr<Temporary> temporary);

  const VectorCodes* codes_;
  std::unique_ptr<Temporary> temporary_;
};

// Rows from `first` on in the order in which they are inserted. Often they come in one that means
// something, and a graph of sorted rows is a worse one: at random. Where there are places, in
// passes that double the graph each, and place by place in each pass: so the graph grows everywhere
// at once, and what an insertion reads is still in the caches for the next. Fixed: equal input
// gives an equal graph with one thread.
std::vector<uint32_t> InsertionOrder(uint32_t first, uint32_t count, const Places& places);

// Inserts the rows, several threads at once. Errors: CANCELLED. Throws std::bad_alloc.
Status InsertRows(const std::vector<uint32_t>& order,
                  const BuildDistances& distances,
                  const BuildOptions& options,
                  GrowingGraph& graph);

}  // namespace alidade
