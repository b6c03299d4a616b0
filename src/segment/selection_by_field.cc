#include "alidade/segment/selection_by_field.h"

namespace alidade {

void SelectionByField::SetGraph(FieldIndex field, std::shared_ptr<const SubsetGraphs> graph) {
  MutexLock lock(mutex_);
  Own& own = OwnAt(field);
  own = Own();
  own.graph = std::move(graph);
}

void SelectionByField::WishForGraph(FieldIndex field) {
  MutexLock lock(mutex_);
  ++OwnAt(field).wishes;
}

void SelectionByField::TakeGraphs(const SelectionByField& older) {
  std::vector<Own> taken;
  {
    MutexLock lock(older.mutex_);
    taken = older.own_;
  }
  MutexLock lock(mutex_);
  for (FieldIndex field = 0; field < taken.size(); ++field) {
    Own& own = OwnAt(field);
    own.wishes += taken[field].wishes;
    own.graph = std::move(taken[field].graph);
  }
}

size_t SelectionByField::byte_size() const {
  MutexLock lock(mutex_);
  size_t bytes = entries_.capacity() * sizeof(Entry) + own_.capacity() * sizeof(Own);
  for (const Entry& entry : entries_) {
    if (entry.slots != nullptr) {
      bytes += sizeof(*entry.slots) + entry.slots->words.capacity() * sizeof(uint64_t);
    }
    bytes += entry.placed == nullptr ? 0 : entry.placed->byte_size();
  }
  for (const Own& own : own_) {
    bytes += own.graph == nullptr ? 0 : own.graph->body_bytes() + own.graph->codes_bytes();
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
