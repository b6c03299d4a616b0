#include "alidade/segment/selection_cache.h"

#include <algorithm>

namespace alidade {

size_t SelectionByField::byte_size() const {
  MutexLock lock(mutex_);
  size_t bytes = entries_.capacity() * sizeof(Entry);
  for (const Entry& entry : entries_) {
    if (entry.slots != nullptr) {
      bytes += sizeof(*entry.slots) + entry.slots->words.capacity() * sizeof(uint64_t);
    }
    bytes += entry.placed == nullptr ? 0 : entry.placed->byte_size();
  }
  return bytes;
}

size_t SelectionByField::copied_bytes() const {
  MutexLock lock(mutex_);
  size_t bytes = 0;
  for (const Entry& entry : entries_) {
    bytes += entry.placed == nullptr ? 0 : entry.placed->records.bytes();
  }
  return bytes;
}

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
  }
  *place = {std::string(filter), before.count, ++uses_, std::move(selected)};
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
