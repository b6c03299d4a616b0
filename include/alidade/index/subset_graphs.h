// SubsetGraphs: graphs over some of the vectors of a field each, say over those of one tenant. A
// search that may answer only such vectors walks among them, and steps over no others.
//
// Path:     search 6/8 (from segment/sealed_segment_search.cc, to src/index/hnsw_index.cc)
// Threads:  any number of readers; MakeResident beside them, one at a time.
// Owns:     a resident copy; the body must outlive it.
// Format:   src/index/subset_format.h
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "alidade/common/status.h"
#include "alidade/common/zeroed_memory.h"
#include "alidade/index/byte_sink.h"
#include "alidade/index/index_spec.h"
#include "alidade/index/vector_index.h"

namespace alidade {

class SubsetGraph;

class SubsetGraphs {
 public:
  // Slots of each subset: rising, and in no other one.
  using Subsets = std::vector<std::vector<uint32_t>>;

  // Writes the body. A subset that begins with all slots of one of `previous`, which is of the same
  // first vectors and spec, has its graph extended; null: none. Progress counts the vectors of all
  // subsets. Errors: CANCELLED, RESOURCE_EXHAUSTED out of memory, whatever the sink answers.
  static Status Write(const IndexSpec& spec,
                      const VectorMatrix& matrix,
                      const Subsets& subsets,
                      const SubsetGraphs* previous,
                      const BuildOptions& options,
                      ByteSink& sink);
  // Opens a body that Write made for as many vectors and whose checksum was verified. Every link
  // and slot is checked, so that even a wrong body cannot lead outside: DATA_LOSS.
  static StatusOr<std::unique_ptr<SubsetGraphs>> Open(std::string_view body, uint32_t vectors);
  ~SubsetGraphs();
  SubsetGraphs(const SubsetGraphs&) = delete;
  SubsetGraphs& operator=(const SubsetGraphs&) = delete;

  // The subset that holds all of the slots, of which there is at least one, known as bits; null:
  // there is none. Cost: a look at each word of bits up to the end of the subset.
  const SubsetGraph* Find(const SlotBits& slots) const;

  // Copies the body into huge pages, whence searches that begin later read it. Throws
  // std::bad_alloc.
  void MakeResident();
  size_t body_bytes() const { return body_.size(); }
  size_t codes_bytes() const;  // of SetCodes
  // Of all subsets.
  uint32_t vectors() const;
  uint32_t count() const;  // subsets
  const SubsetGraph& at(uint32_t subset) const;

  // What MeasureSubsets found of each. Before anybody searches them.
  // Errors: DATA_LOSS if it is not one factor of at least 1 for each.
  Status SetHardness(const std::vector<float>& hardness);
  // Of one subset: copies of the codes that a walk reads, node by node, read in the place of those
  // of all vectors. Before anybody searches it.
  void SetCodes(const CodeMatrix& codes);

 private:
  struct Run {
    uint32_t begin = 0;
    uint32_t end = 0;
    uint32_t subset = 0;
  };
  // The slots of a subset as bits.
  struct Words {
    uint32_t first = 0;  // word of bits
    std::vector<uint64_t> bits;
  };

  SubsetGraphs(std::string_view body, uint32_t vectors);
  Status Read();
  Status ReadSubset(const struct SubsetEntry& entry);
  void FindRuns();
  // The one whose slots are the first of these, all of them; null: there is none.
  const SubsetGraph* FindBeginningOf(const std::vector<uint32_t>& slots) const;
  const Run* RunWith(uint32_t slot) const;

  const std::string_view body_;
  const uint32_t vectors_;
  ZeroedMemory copy_;
  std::atomic<const char*> bytes_;  // the body, then the copy
  std::vector<SubsetGraph> subsets_;
  std::vector<Run> runs_;     // slots side by side that are of one subset; rising
  std::vector<Words> words_;  // of each subset
};

// Vectors of the subset.
uint32_t SubsetSize(const SubsetGraph& subset);
std::span<const uint32_t> SubsetSlots(const SubsetGraph& subset);
// How many times as much effort its walks take; 1 if that was not measured.
float SubsetHardness(const SubsetGraph& subset);

}  // namespace alidade
