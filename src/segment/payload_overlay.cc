#include "alidade/segment/payload_overlay.h"

#include <algorithm>

#include "alidade/common/check.h"

namespace alidade {

void PayloadOverlay::Change(RowId row, SeqNo at, std::string_view payload) {
  const auto place = head(row);
  const Version* older = place.load(std::memory_order_relaxed);
  ALIDADE_CHECK(
      older == nullptr || at >= older->at, "a change at {} after one at {}", at, older->at);
  Version& version = versions_.emplace_back(
      Version{.row = row, .at = at, .payload = std::string(payload), .older = older});
  size_t bytes = sizeof(Version) + version.payload.capacity();
  if (older == nullptr) {
    bytes += sizeof(const Version*);
    version.before = newest_row_.load(std::memory_order_relaxed);
  }
  newest_.store(std::max(newest_.load(std::memory_order_relaxed), at.value()),
                std::memory_order_release);
  place.store(&version, std::memory_order_release);
  if (older == nullptr) {
    newest_row_.store(&version, std::memory_order_release);
    rows_.fetch_add(1, std::memory_order_release);
  }
  changes_.fetch_add(1, std::memory_order_release);
  bytes_.fetch_add(bytes, std::memory_order_relaxed);
}

const PayloadOverlay::Version* PayloadOverlay::FindVersion(RowId row, SeqNo at) const {
  const Version* version = head(row).load(std::memory_order_acquire);
  while (version != nullptr && version->at > at) {
    version = version->older;
  }
  return version;
}

std::optional<std::string_view> PayloadOverlay::Find(RowId row, SeqNo at) const {
  if (rows() == 0) {
    return std::nullopt;  // most segments: their heads are not even looked at
  }
  const Version* version = FindVersion(row, at);
  return version == nullptr ? std::nullopt : std::optional<std::string_view>(version->payload);
}

SeqNo PayloadOverlay::newest(RowId row) const {
  const Version* version = rows() == 0 ? nullptr : head(row).load(std::memory_order_acquire);
  return version == nullptr ? SeqNo(0) : version->at;
}

}  // namespace alidade
