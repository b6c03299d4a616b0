#include "sparse_file.h"

#include <utility>
#include <vector>

#include "alidade/common/failpoint.h"
#include "alidade/text/sparse.h"

namespace alidade {
namespace {

// Of sparse vectors, which no analyzer made.
constexpr uint64_t kNoFingerprint = 0;

// Calls fn(row, encoded) for what the source gives, unless cancelled.
template <typename Fn>
Status ForEachVector(const SparseSource& source, const BuildProgress* progress, const Fn& fn) {
  uint64_t given = 0;
  return source([&](RowId row, std::string_view encoded) -> Status {
    if (++given % kCancelEveryRows == 0) {
      ALIDADE_RETURN_IF_ERROR(CheckCancelled(progress));
    }
    return fn(row, encoded);
  });
}

}  // namespace

SegmentFileIdentity SparseIdentity(SegmentFileIdentity rows, FieldId field) {
  rows.kind = SegmentFileKind::kSparse;
  rows.field = field;
  rows.count = rows.rows;
  return rows;
}

Status WriteSparseFile(const std::string& directory,
                       const SegmentFileIdentity& identity,
                       const SparseSource& source,
                       const BuildProgress* progress) {
  std::vector<uint64_t> starts(size_t{identity.rows} + 1, 0);
  ALIDADE_RETURN_IF_ERROR(ForEachVector(source, progress, [&](RowId row, std::string_view encoded) {
    starts[size_t{row} + 1] = encoded.size();
    return OkStatus();
  }));
  for (size_t row = 1; row < starts.size(); ++row) {
    starts[row] += starts[row - 1];
  }
  const std::string path = directory + "/" + SegmentFileName(identity.kind, identity.field);
  if (PathExists(path)) {
    ALIDADE_RETURN_IF_ERROR(RemoveTree(path));
  }
  ALIDADE_ASSIGN_OR_RETURN(auto writer, SegmentFileWriter::Create(directory, identity));
  ALIDADE_RETURN_IF_ERROR(writer->Append(RawBytes(starts.data(), starts.size())));
  ALIDADE_RETURN_IF_ERROR(writer->AlignSection());
  PostingsBuilder postings(PostingsKind::kSparse, kNoFingerprint);
  SparseTerms terms;
  uint64_t written = 0;
  ALIDADE_RETURN_IF_ERROR(
      ForEachVector(source, progress, [&](RowId row, std::string_view encoded) -> Status {
        ALIDADE_ASSIGN_OR_RETURN(const SparseVector vector, DecodeSparseVector(encoded));
        postings.Add(row, /*length=*/0, terms.Of(vector));
        written += encoded.size();
        return writer->Append(encoded);
      }));
  if (written != starts.back()) {
    return Internal("{}: {} bytes of vectors, {} before", path, written, starts.back());
  }
  ALIDADE_RETURN_IF_ERROR(writer->AlignSection());
  ALIDADE_RETURN_IF_ERROR(postings.Finish(
      identity.rows, [&writer](std::string_view bytes) { return writer->Append(bytes); }));
  ALIDADE_RETURN_IF_ERROR(writer->Finish().status());
  ALIDADE_FAILPOINT("segment.sparse_written");
  return OkStatus();
}

StatusOr<SparseFile> SparseFile::Open(const std::string& directory,
                                      const SegmentFileIdentity& identity) {
  SparseFile file;
  ALIDADE_ASSIGN_OR_RETURN(file.map_, OpenUnlistedSegmentFile(directory, identity));
  if (const Status parsed = file.Parse(identity.rows); !parsed.ok()) {
    return WithContext(parsed, directory + "/" + SegmentFileName(identity.kind, identity.field));
  }
  return file;
}

Status SparseFile::Parse(uint32_t rows) {
  const std::string_view body = map_.body;
  body_bytes_ = body.size();
  starts_bytes_ = (uint64_t{rows} + 1) * sizeof(uint64_t);
  const uint64_t vectors_at = AlignSectionUp(starts_bytes_);
  if (vectors_at > body.size()) {
    return DataLoss("{} bytes are too few for {} rows", body.size(), rows);
  }
  starts_ = reinterpret_cast<const uint64_t*>(body.data());
  for (uint32_t row = 0; row < rows; ++row) {
    if (starts_[row] > starts_[row + 1]) {
      return DataLoss("the vector of row {} ends before it begins", row);
    }
  }
  const uint64_t bytes = starts_[rows];
  if (starts_[0] != 0 || bytes > body.size() - vectors_at ||
      AlignSectionUp(vectors_at + bytes) > body.size()) {
    return DataLoss("{} bytes of vectors do not fit", bytes);
  }
  vectors_ = body.substr(vectors_at, bytes);
  ALIDADE_ASSIGN_OR_RETURN(SealedPostings postings,
                           SealedPostings::Parse(PostingsKind::kSparse,
                                                 kNoFingerprint,
                                                 body.substr(AlignSectionUp(vectors_at + bytes)),
                                                 rows));
  postings_ = std::make_unique<const SealedPostings>(std::move(postings));
  return OkStatus();
}

}  // namespace alidade
