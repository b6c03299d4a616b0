// SelectionByField: what searches make of a selection of rows, field by field: the slots of those
// that have the vector, these by place with copies of their codes, a graph over them.
//
// Threads:  thread-safe; the lock is held for a look.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "alidade/common/mutex.h"
#include "alidade/index/subset_graphs.h"
#include "alidade/index/vector_index.h"
#include "alidade/segment/schema.h"

namespace alidade {

// A selection as bits of the slots of a field of which not every row has a vector.
struct SelectedSlots {
  std::vector<uint64_t> words;
  uint32_t count = 0;  // bits that are set
};

// What searches make of a selection, field by field. Thread-safe. Two that ask at once may both
// make it.
class SelectionByField {
 public:
  // Times that slots by place are asked for until it is worth it to sort them, and to copy their
  // codes: that is a look at each, as much as ten searches do that read a tenth of them (chosen).
  static constexpr uint32_t kSortedFrom = 2;
  static constexpr uint32_t kCopiedFrom = 16;

  // What `make()` made for the first that asked.
  template <class Make>
  std::shared_ptr<const SelectedSlots> Slots(FieldIndex field, const Make& make) {
    {
      MutexLock lock(mutex_);
      if (const Entry& entry = At(field); entry.slots != nullptr) {
        return entry.slots;
      }
    }
    auto made = std::make_shared<const SelectedSlots>(make());
    MutexLock lock(mutex_);
    At(field).slots = made;
    return made;
  }
  // What `make(copy)` made, null the first times; with copies of codes where `copy` is true, if it
  // has room for them. `sorted`: what is sorted is of use without copies, too.
  template <class Make>
  std::shared_ptr<const PlacedSlots> Placed(FieldIndex field, bool sorted, const Make& make) {
    uint32_t asked = 0;
    {
      MutexLock lock(mutex_);
      Entry& entry = At(field);
      asked = entry.asked = std::min(entry.asked + 1, kCopiedFrom + 1);
      const bool sort = sorted && asked >= kSortedFrom && entry.placed == nullptr;
      if (asked != kCopiedFrom && !sort) {
        return entry.placed;
      }
    }
    std::shared_ptr<const PlacedSlots> made = make(asked == kCopiedFrom);
    MutexLock lock(mutex_);
    At(field).placed = made;
    return made;
  }
  // What `find(graph)` found for the first that asked since there is this graph: one over what
  // passed the filter once, which may be other rows, or null.
  template <class Find>
  std::shared_ptr<const SubsetGraph> Subset(FieldIndex field, const Find& find) {
    std::shared_ptr<const SubsetGraphs> graph;
    {
      MutexLock lock(mutex_);
      const Own& own = OwnAt(field);
      if (own.subset_known) {
        return own.subset;
      }
      graph = own.graph;
    }
    std::shared_ptr<const SubsetGraph> found = find(graph);
    MutexLock lock(mutex_);
    if (Own& own = OwnAt(field); own.graph == graph) {
      own.subset_known = true;
      own.subset = found;
    }
    return found;
  }
  std::shared_ptr<const SubsetGraphs> graph(FieldIndex field) const { return GetOwn(field).graph; }
  void SetGraph(FieldIndex field, std::shared_ptr<const SubsetGraphs> graph);
  // Notes a search that a graph would have made quicker.
  void WishForGraph(FieldIndex field);
  // Since there is no graph.
  uint64_t wishes_for_graph(FieldIndex field) const { return GetOwn(field).wishes; }
  // The graphs and wishes of an older selection by the same filter.
  void TakeGraphs(const SelectionByField& older);

  size_t byte_size() const;
  // Of codes.
  size_t copied_bytes() const;

 private:
  struct Entry {
    std::shared_ptr<const SelectedSlots> slots;
    uint32_t asked = 0;  // for `placed`
    std::shared_ptr<const PlacedSlots> placed;
  };
  struct Own {
    uint64_t wishes = 0;  // for `graph`
    std::shared_ptr<const SubsetGraphs> graph;
    bool subset_known = false;
    std::shared_ptr<const SubsetGraph> subset;
  };

  Entry& At(FieldIndex field) ALIDADE_REQUIRES(mutex_) {
    entries_.resize(std::max(entries_.size(), field + 1));
    return entries_[field];
  }
  Own& OwnAt(FieldIndex field) ALIDADE_REQUIRES(mutex_) {
    own_.resize(std::max(own_.size(), field + 1));
    return own_[field];
  }
  Own GetOwn(FieldIndex field) const {
    MutexLock lock(mutex_);
    return field < own_.size() ? own_[field] : Own();
  }

  mutable Mutex mutex_;
  std::vector<Entry> entries_ ALIDADE_GUARDED_BY(mutex_);
  std::vector<Own> own_ ALIDADE_GUARDED_BY(mutex_);
};

}  // namespace alidade
