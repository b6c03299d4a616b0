#include "rows_file.h"

#include <algorithm>
#include <numeric>
#include <vector>

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

std::vector<uint32_t> OrderByNumber(const RowSelection& selection) {
  std::vector<uint32_t> order(selection.rows.size());
  std::iota(order.begin(), order.end(), 0U);
  std::ranges::sort(order, {}, [&selection](uint32_t i) {
    return selection.rows[i].source->row_number(selection.rows[i].row);
  });
  return order;
}

}  // namespace

Status WriteRowsBody(const RowSelection& selection,
                     size_t multi_fields,
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
  if (const std::vector<uint32_t> order = OrderByNumber(selection);
      !std::ranges::is_sorted(order)) {
    ALIDADE_RETURN_IF_ERROR(out.AlignSection());
    ALIDADE_RETURN_IF_ERROR(out.Append(RawBytes(order.data(), order.size())));
  }
  if (multi_fields == 0) {
    return OkStatus();
  }
  ALIDADE_RETURN_IF_ERROR(out.AlignSection());
  std::vector<uint8_t> multi;
  multi.reserve(selection.rows.size());
  for (const auto& [source, row] : selection.rows) {
    multi.push_back(source->multi_vectors(row));
  }
  return out.Append(RawBytes(multi.data(), multi.size()));
}

StatusOr<RowsBody> RowsBody::Parse(
    std::string_view body, uint32_t count, RowNo first, RowNo last, size_t multi_fields) {
  const uint64_t offsets_at = AlignSectionUp(uint64_t{count} * sizeof(uint64_t));
  const uint64_t blob_at = AlignSectionUp(offsets_at + (uint64_t{count} + 1) * sizeof(uint64_t));
  if (body.size() < blob_at) {
    return DataLoss("{} bytes are too few for {} rows", body.size(), count);
  }
  RowsBody rows;
  rows.count_ = count;
  rows.row_numbers_ = reinterpret_cast<const uint64_t*>(body.data());
  rows.offsets_ = reinterpret_cast<const uint64_t*>(body.data() + offsets_at);
  const uint64_t blob_bytes = rows.offsets_[count];
  if (rows.offsets_[0] != 0 || blob_bytes > body.size() - blob_at) {
    return DataLoss("offsets do not span the {} bytes of ids and payloads", body.size() - blob_at);
  }
  rows.blob_ = body.substr(blob_at, blob_bytes);
  const uint64_t blob_end = blob_at + blob_bytes;
  const uint64_t by_number_at = AlignSectionUp(blob_end);
  const uint64_t by_number_end = by_number_at + uint64_t{count} * sizeof(uint32_t);
  // Where the sections that may be left out begin, and where all of them end.
  const auto multi_at = [&](bool ordered) {
    return AlignSectionUp(ordered ? blob_end : by_number_end);
  };
  const auto body_end = [&](bool ordered) {
    return multi_fields > 0 ? multi_at(ordered) + count : ordered ? blob_end : by_number_end;
  };
  const bool ordered = body.size() == body_end(true);
  if (!ordered && body.size() != body_end(false)) {
    return DataLoss("{} bytes are not those of {} rows with {} multi-vector fields",
                    body.size(),
                    count,
                    multi_fields);
  }
  if (!ordered) {
    rows.by_number_ = reinterpret_cast<const uint32_t*>(body.data() + by_number_at);
  }
  if (multi_fields > 0) {
    rows.multi_ = reinterpret_cast<const uint8_t*>(body.data() + multi_at(ordered));
  }
  ALIDADE_RETURN_IF_ERROR(rows.CheckRows(first, last, multi_fields));
  return rows;
}

Status RowsBody::CheckRows(RowNo first, RowNo last, size_t multi_fields) const {
  for (uint32_t i = 0; i < count_; ++i) {
    // Numbers that rise strictly are those of different rows: all of them.
    const RowId row = NthByNumber(i);
    if (row >= count_) {
      return DataLoss("row {} of {} in the order of the numbers", row, count_);
    }
    const RowNo number = row_number(row);
    if (number < first || number > last || (i > 0 && number <= row_number(NthByNumber(i - 1)))) {
      return DataLoss("row number {} at position {} is out of order or range", number, row);
    }
    const uint64_t begin = offsets_[i];
    const uint64_t end = offsets_[i + 1];
    if (end > blob_.size() || begin + kIdLengthBytes > end ||
        LoadLittleEndian<uint32_t>(blob_.data() + begin) > end - begin - kIdLengthBytes) {
      return DataLoss("offset {} at position {} is out of order or range", begin, i);
    }
    if (multi_vectors(i) >> multi_fields != 0) {
      return DataLoss("row {} has vectors in a field that there is not", row_number(i));
    }
  }
  return OkStatus();
}

std::optional<RowId> RowsBody::Find(RowNo row) const {
  if (by_number_ == nullptr) {
    return FindRowNumber(row_numbers_, count_, row);
  }
  const uint32_t* end = by_number_ + count_;
  const uint32_t* found = std::lower_bound(
      by_number_, end, row, [this](RowId id, RowNo number) { return row_number(id) < number; });
  return found == end || row_number(*found) != row ? std::nullopt : std::optional(*found);
}

std::string_view RowsBody::encoded_id(RowId row) const {
  const std::string_view record = Record(row);
  return record.substr(kIdLengthBytes, LoadLittleEndian<uint32_t>(record.data()));
}

void RowsBody::FetchIds(std::span<const RowHit> hits) const {
  for (const RowHit& hit : hits) {
    __builtin_prefetch(offsets_ + hit.row);
    __builtin_prefetch(row_numbers_ + hit.row);
  }
  for (const RowHit& hit : hits) {
    __builtin_prefetch(blob_.data() + offsets_[hit.row]);
  }
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
