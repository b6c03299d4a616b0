#include "rows_file.h"

#include <algorithm>

#include "alidade/common/bytes.h"

namespace alidade {
namespace {

constexpr size_t kIdLengthBytes = sizeof(uint32_t);

Status AppendInteger(SegmentFileWriter& out, UnsignedInteger auto value) {
  return out.Append(RawBytes(&value, 1));
}

uint64_t RecordBytes(const RowSelection::Entry& entry, SeqNo at) {
  return kIdLengthBytes + entry.source->encoded_id(entry.row).size() +
         entry.source->payload(entry.row, at).size();
}

}  // namespace

Status WriteRowsBody(const RowSelection& selection,
                     const BuildProgress* progress,
                     SegmentFileWriter& out) {
  for (const auto& [source, row] : selection.rows) {
    ALIDADE_RETURN_IF_ERROR(AppendInteger(out, source->row_number(row).value()));
  }
  ALIDADE_RETURN_IF_ERROR(out.AlignSection());
  uint64_t offset = 0;
  for (const RowSelection::Entry& entry : selection.rows) {
    ALIDADE_RETURN_IF_ERROR(AppendInteger(out, offset));
    offset += RecordBytes(entry, selection.at);
  }
  ALIDADE_RETURN_IF_ERROR(AppendInteger(out, offset));
  ALIDADE_RETURN_IF_ERROR(out.AlignSection());
  for (size_t i = 0; i < selection.rows.size(); ++i) {
    if (i % kCancelEveryRows == 0) {
      ALIDADE_RETURN_IF_ERROR(CheckCancelled(progress));
    }
    const auto& [source, row] = selection.rows[i];
    const std::string_view id = source->encoded_id(row);
    ALIDADE_RETURN_IF_ERROR(AppendInteger(out, static_cast<uint32_t>(id.size())));
    ALIDADE_RETURN_IF_ERROR(out.Append(id));
    ALIDADE_RETURN_IF_ERROR(out.Append(source->payload(row, selection.at)));
  }
  return OkStatus();
}

StatusOr<RowsBody> RowsBody::Parse(std::string_view body, uint32_t count, RowNo first, RowNo last) {
  const uint64_t offsets_at = AlignSectionUp(uint64_t{count} * sizeof(uint64_t));
  const uint64_t blob_at = AlignSectionUp(offsets_at + (uint64_t{count} + 1) * sizeof(uint64_t));
  if (body.size() < blob_at) {
    return DataLoss("{} bytes are too few for {} rows", body.size(), count);
  }
  RowsBody rows;
  rows.count_ = count;
  rows.row_numbers_ = reinterpret_cast<const uint64_t*>(body.data());
  rows.offsets_ = reinterpret_cast<const uint64_t*>(body.data() + offsets_at);
  rows.blob_ = body.substr(blob_at);
  if (rows.offsets_[0] != 0 || rows.offsets_[count] != rows.blob_.size()) {
    return DataLoss("offsets do not span the {} bytes of ids and payloads", rows.blob_.size());
  }
  for (uint32_t i = 0; i < count; ++i) {
    const RowNo number = rows.row_number(i);
    if (number < first || number > last || (i > 0 && number <= rows.row_number(i - 1))) {
      return DataLoss("row number {} at position {} is out of order or range", number, i);
    }
    const uint64_t begin = rows.offsets_[i];
    const uint64_t end = rows.offsets_[i + 1];
    if (end > rows.blob_.size() || begin + kIdLengthBytes > end ||
        LoadLittleEndian<uint32_t>(rows.blob_.data() + begin) > end - begin - kIdLengthBytes) {
      return DataLoss("offset {} at position {} is out of order or range", begin, i);
    }
  }
  return rows;
}

std::optional<RowId> RowsBody::Find(RowNo row) const {
  return FindRowNumber(row_numbers_, count_, row);
}

std::string_view RowsBody::encoded_id(RowId row) const {
  const std::string_view record = Record(row);
  return record.substr(kIdLengthBytes, LoadLittleEndian<uint32_t>(record.data()));
}

std::string_view RowsBody::payload(RowId row) const {
  const std::string_view record = Record(row);
  return record.substr(kIdLengthBytes + LoadLittleEndian<uint32_t>(record.data()));
}

std::optional<RowId> FindRowNumber(const uint64_t* numbers, uint32_t count, RowNo row) {
  if (count == 0 || row.value() < numbers[0]) {
    return std::nullopt;
  }
  // Numbers rise by at least one, so the row is at this position (nothing left out before it) or
  // earlier.
  const uint64_t at_most = std::min<uint64_t>(row.value() - numbers[0], count - 1);
  if (numbers[at_most] == row.value()) {
    return static_cast<RowId>(at_most);
  }
  const uint64_t* end = numbers + at_most;
  const uint64_t* found = std::lower_bound(numbers, end, row.value());
  if (found == end || *found != row.value()) {
    return std::nullopt;
  }
  return static_cast<RowId>(found - numbers);
}

}  // namespace alidade
