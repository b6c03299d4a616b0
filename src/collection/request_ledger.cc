#include "alidade/collection/request_ledger.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "alidade/common/bytes.h"

namespace alidade {
namespace {

// On disk: never reused.
constexpr uint8_t kFormat = 2;
constexpr uint8_t kFormatWithoutParts = 1;

}  // namespace

Status RequestLedger::Load(const Store& store) {
  std::vector<std::pair<uint64_t, std::string>> by_seq;
  ALIDADE_RETURN_IF_ERROR(store.ScanMeta(
      MetaKind::kRequest, "", [&](std::string_view name, std::string_view value) -> Status {
        ByteReader in(value);
        const auto format = in.Little<uint8_t>();
        Entry entry;
        entry.fingerprint = in.Little<uint64_t>();
        entry.receipt.seq = SeqNo(in.Little<uint64_t>());
        entry.receipt.points = in.Little<uint64_t>();
        if (format == kFormat) {
          entry.receipt.skipped = in.Little<uint64_t>();
          for (auto parts = in.Little<uint32_t>(); in.ok() && parts > 0; --parts) {
            WriteCounts& part = entry.receipt.parts.emplace_back();
            part.points = in.Little<uint64_t>();
            part.skipped = in.Little<uint64_t>();
          }
        }
        if (!in.done() || (format != kFormat && format != kFormatWithoutParts)) {
          return DataLoss("the record of request id '{}' is malformed", name);
        }
        by_seq.emplace_back(entry.receipt.seq.value(), std::string(name));
        entries_.emplace(std::string(name), entry);
        return OkStatus();
      }));
  std::sort(by_seq.begin(), by_seq.end());
  for (auto& [seq, name] : by_seq) {
    order_.push_back(std::move(name));
  }
  return OkStatus();
}

StatusOr<std::optional<WriteReceipt>> RequestLedger::Find(std::string_view request_id,
                                                          uint64_t fingerprint) const {
  const auto found = entries_.find(std::string(request_id));
  if (found == entries_.end()) {
    return std::optional<WriteReceipt>();
  }
  if (found->second.fingerprint != fingerprint) {
    return WithReason(FieldError("request_id", "was used for a different request before"),
                      "REQUEST_ID_REUSED");
  }
  WriteReceipt receipt = found->second.receipt;
  receipt.replayed = true;
  return std::optional<WriteReceipt>(receipt);
}

void RequestLedger::Remember(std::string_view request_id,
                             uint64_t fingerprint,
                             const WriteReceipt& receipt,
                             WriteBatch& batch) {
  std::string value;
  AppendLittleEndian(value, kFormat);
  AppendLittleEndian(value, fingerprint);
  AppendLittleEndian(value, receipt.seq.value());
  AppendLittleEndian(value, receipt.points);
  AppendLittleEndian(value, receipt.skipped);
  AppendLittleEndian(value, static_cast<uint32_t>(receipt.parts.size()));
  for (const WriteCounts& part : receipt.parts) {
    AppendLittleEndian(value, part.points);
    AppendLittleEndian(value, part.skipped);
  }
  batch.PutMeta(MetaKind::kRequest, request_id, value);
  entries_[std::string(request_id)] = {fingerprint, receipt};
  order_.emplace_back(request_id);
  while (order_.size() > entries_max_) {
    batch.DeleteMeta(MetaKind::kRequest, order_.front());
    entries_.erase(order_.front());
    order_.pop_front();
  }
}

}  // namespace alidade
