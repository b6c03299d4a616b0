#include "alidade/segment/selection_cache.h"

#include <algorithm>
#include <utility>

namespace alidade {

std::shared_ptr<const SelectedRows> SelectionCache::Find(std::string_view filter,
                                                         const SegmentChanges& now,
                                                         SeqNo at) {
  if (now.newest > at) {
    return nullptr;  // somebody writes, or the view is an older one
  }
  MutexLock lock(mutex_);
  const auto found = std::ranges::find_if(entries_, [&](const Entry& entry) {
    return entry.changes == now.count && entry.filter == filter;
  });
  if (found == entries_.end()) {
    return nullptr;
  }
  found->used = ++uses_;
  return found->selected;
}

void SelectionCache::Keep(std::string_view filter,
                          const SegmentChanges& before,
                          SeqNo at,
                          std::shared_ptr<const SelectedRows> selected) {
  if (before.newest > at || filter.size() > kSelectionKeyBytesMax) {
    return;
  }
  MutexLock lock(mutex_);
  auto place = std::ranges::find(entries_, filter, &Entry::filter);
  if (place == entries_.end() && entries_.size() >= kSelectionsMax) {
    place = std::ranges::min_element(entries_, {}, &Entry::used);
  }
  if (place == entries_.end()) {
    place = entries_.insert(place, Entry());
  } else if (place->filter == filter) {
    selected->by_field.TakeGraphs(place->selected->by_field);
  }
  *place = {std::string(filter), before.count, ++uses_, std::move(selected)};
}

bool SelectionCache::SpendOn(std::string_view filter,
                             const SegmentChanges& now,
                             uint64_t cost,
                             uint64_t rows) {
  if (filter.size() > kSelectionKeyBytesMax) {
    return true;  // it would not be kept
  }
  MutexLock lock(mutex_);
  auto place = std::ranges::find(tried_, filter, &Tried::filter);
  if (place == tried_.end() && tried_.size() >= kSelectionsMax) {
    place = std::ranges::min_element(tried_, {}, &Tried::used);
  }
  if (place == tried_.end()) {
    place = tried_.insert(place, Tried());
  }
  if (place->filter != filter || place->changes != now.count) {
    *place = {.filter = std::string(filter), .changes = now.count};
  }
  place->used = ++uses_;
  place->spent += cost;
  return place->spent <= rows;
}

std::vector<SelectionCache::KeptFilter> SelectionCache::Filters() const {
  std::vector<KeptFilter> kept;
  MutexLock lock(mutex_);
  kept.reserve(entries_.size());
  for (const Entry& entry : entries_) {
    kept.push_back({entry.filter, entry.selected});
  }
  return kept;
}

void SelectionCache::SetGraph(std::string_view filter,
                              FieldIndex field,
                              std::shared_ptr<const SubsetGraphs> graph) {
  MutexLock lock(mutex_);
  const auto kept = std::ranges::find(entries_, filter, &Entry::filter);
  if (kept != entries_.end()) {
    kept->selected->by_field.SetGraph(field, std::move(graph));
  }
}

size_t SelectionCache::memory_bytes() const {
  MutexLock lock(mutex_);
  size_t bytes = 0;
  for (const Entry& entry : entries_) {
    bytes += sizeof(Entry) + entry.filter.capacity() + entry.selected->byte_size();
  }
  for (const Tried& tried : tried_) {
    bytes += sizeof(Tried) + tried.filter.capacity();
  }
  return bytes;
}

size_t SelectionCache::copied_bytes() const {
  MutexLock lock(mutex_);
  size_t bytes = 0;
  for (const Entry& entry : entries_) {
    bytes += entry.selected->by_field.copied_bytes();
  }
  return bytes;
}

}  // namespace alidade
