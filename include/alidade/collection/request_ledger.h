// RequestLedger: the request ids seen lately, so that a retried write is answered and not done
// again.
//
// Threads:  writer only (the commit group's leader).
// Limits:   the newest `entries_max` are remembered; older ones are forgotten, first in, first out.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "alidade/collection/requests.h"
#include "alidade/storage/store.h"

namespace alidade {

class RequestLedger {
 public:
  explicit RequestLedger(uint32_t entries_max) : entries_max_(entries_max) {}

  // Reads what earlier runs remembered.
  Status Load(const Store& store);

  // The first answer to this request; nothing if the id is new.
  // INVALID_ARGUMENT if the id was used for another request (another fingerprint).
  StatusOr<std::optional<WriteReceipt>> Find(std::string_view request_id,
                                             uint64_t fingerprint) const;
  // Remembers the answer and adds the record, and the removal of what is forgotten, to the batch.
  void Remember(std::string_view request_id,
                uint64_t fingerprint,
                const WriteReceipt& receipt,
                WriteBatch& batch);

 private:
  struct Entry {
    uint64_t fingerprint = 0;
    WriteReceipt receipt;
  };

  const uint32_t entries_max_;
  std::unordered_map<std::string, Entry> entries_;
  std::deque<std::string> order_;  // oldest first
};

}  // namespace alidade
