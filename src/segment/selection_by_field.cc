#include "alidade/segment/selection_by_field.h"

namespace alidade {

void SelectionByField::SetGraph(FieldIndex field, std::shared_ptr<const SubsetGraphs> graph) {
  MutexLock lock(mutex_);
  Entry& entry = At(field);
  entry.wishes = 0;
  entry.graph = std::move(graph);
  entry.subset_known = false;
  entry.subset = nullptr;
}

void SelectionByField::WishForGraph(FieldIndex field) {
  MutexLock lock(mutex_);
  ++At(field).wishes;
}

void SelectionByField::TakeGraphs(const SelectionByField& older) {
  std::vector<Entry> entries;
  {
    MutexLock lock(older.mutex_);
    entries = older.entries_;
  }
  MutexLock lock(mutex_);
  for (FieldIndex field = 0; field < entries.size(); ++field) {
    At(field).wishes += entries[field].wishes;
    At(field).graph = std::move(entries[field].graph);
  }
}

size_t SelectionByField::byte_size() const {
  MutexLock lock(mutex_);
  size_t bytes = entries_.capacity() * sizeof(Entry);
  for (const Entry& entry : entries_) {
    if (entry.slots != nullptr) {
      bytes += sizeof(*entry.slots) + entry.slots->words.capacity() * sizeof(uint64_t);
    }
    bytes += entry.placed == nullptr ? 0 : entry.placed->byte_size();
    bytes += entry.graph == nullptr ? 0 : entry.graph->body_bytes() + entry.graph->codes_bytes();
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

}  // namespace alidade
