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

std::vector<SelectionCache::KeptFilter> SelectionCache::Filters() const {
  std::vector<KeptFilter> kept;
  MutexLock lock(mutex_);
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
