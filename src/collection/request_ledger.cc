#include "alidade/collection/request_ledger.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "alidade/common/bytes.h"

namespace alidade {
namespace {

constexpr uint8_t kFormat = 1;  // on disk: never reused

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
        if (!in.done() || format != kFormat) {
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
