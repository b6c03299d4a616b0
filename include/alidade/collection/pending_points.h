// PendingPoints: what the writes prepared in one commit group have done to points of a collection,
// before any of it is in the store or in a view.
//
// Threads:  writer only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "alidade/common/types.h"

namespace alidade {

// A live point as the writes prepared so far left it.
struct CurrentPoint {
  RowNo row;
  SeqNo seq = {};
  // Set by a write of the group, which keeps it; null: the store has it.
  const std::string* payload = nullptr;
  uint32_t vectors = 0;  // VectorBit of the fields that it has a vector in, where payload is set
};

// One that a write was asked to change.
struct SelectedPoint {
  std::string encoded_id;
  CurrentPoint current;
};

// What a write that is refused half-way goes back to.
struct WriterMark {
  RowNo next_row;
  uint64_t live_rows = 0;
};

class PendingPoints {
 public:
  // By encoded id; nothing: deleted.
  using Points = std::unordered_map<std::string, std::optional<CurrentPoint>>;

  // A write of this group begins; what another group did is stale.
  void BeginWrite(uint64_t group) {
    if (group != group_) {
      points_.clear();
      group_ = group;
    }
    replaced_.clear();
  }
  void Set(const std::string& encoded_id, const std::optional<CurrentPoint>& point) {
    const auto [place, fresh] = points_.try_emplace(encoded_id, point);
    if (fresh) {
      replaced_.emplace_back(&*place, std::nullopt);
    } else {
      replaced_.emplace_back(&*place, std::exchange(place->second, point));
    }
  }
  // Undoes what Set did since BeginWrite.
  void TakeBack() {
    for (auto change = replaced_.rbegin(); change != replaced_.rend(); ++change) {
      auto& [entry, before] = *change;
      if (before.has_value()) {
        entry->second = *before;
      } else {
        points_.erase(points_.find(entry->first));
      }
    }
    replaced_.clear();
  }
  const Points& points() const { return points_; }

 private:
  Points points_;
  uint64_t group_ = 0;
  // Entries of `points_`, which stay where they are, and what was in them; nothing: they were not
  // there.
  std::vector<std::pair<Points::value_type*, std::optional<std::optional<CurrentPoint>>>> replaced_;
};

}  // namespace alidade
