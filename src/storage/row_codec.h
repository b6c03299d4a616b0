// Values of the column families. Each ends with an XXH3-64 over its key and the bytes before, so
// that a value that was damaged, or that lies under another key, is noticed (RocksDB's block
// checksums guard the files, ours the path from our memory and back).
#pragma once

#include <string>
#include <string_view>

#include "alidade/common/status.h"
#include "alidade/storage/store.h"

namespace alidade {

// Appends the checksum of `key` and `value` to the value.
void SealValue(std::string_view key, std::string& value);
// The value without its checksum; DATA_LOSS naming the key if it does not fit.
StatusOr<std::string_view> OpenValue(std::string_view key, std::string_view sealed);

std::string EncodeRow(const RowVersion& version);
StatusOr<StoredRow> DecodeRow(std::string_view value);

std::string EncodeIdEntry(IdEntry entry);
StatusOr<IdEntry> DecodeIdEntry(std::string_view value);

std::string EncodeSeq(SeqNo seq);
StatusOr<SeqNo> DecodeSeq(std::string_view value);

}  // namespace alidade
