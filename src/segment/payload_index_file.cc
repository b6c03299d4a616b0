#include "payload_index_file.h"

#include <memory>
#include <optional>
#include <utility>

#include "alidade/common/failpoint.h"
#include "alidade/filter/payload_terms.h"

namespace alidade {

SegmentFileIdentity PayloadIndexIdentity(SegmentFileIdentity rows, PayloadIndexId id) {
  rows.kind = SegmentFileKind::kPayloadIndex;
  rows.field = FieldId(id.value());
  rows.count = rows.rows;
  return rows;
}

namespace {

// Calls fn(RowId, payload) for every row, unless cancelled.
template <typename Fn>
Status ForEachPayload(uint32_t rows,
                      const std::function<std::string_view(RowId)>& payload_of,
                      const BuildProgress* progress,
                      const Fn& fn) {
  for (RowId row = 0; row < rows; ++row) {
    if (row % kCancelEveryRows == 0) {
      ALIDADE_RETURN_IF_ERROR(CheckCancelled(progress));
    }
    fn(row, payload_of(row));
  }
  return OkStatus();
}

}  // namespace

Status WritePayloadIndexFile(const std::string& directory,
                             const SegmentFileIdentity& identity,
                             const PayloadIndexSpec& spec,
                             const std::function<std::string_view(RowId)>& payload_of,
                             const BuildProgress* progress) {
  std::string values;
  std::optional<PostingsBuilder> postings;
  if (spec.type == PayloadIndexType::kText) {
    PayloadTerms terms(spec);
    postings.emplace(PostingsKind::kText, terms.analyzer().fingerprint());
    ALIDADE_RETURN_IF_ERROR(ForEachPayload(
        identity.rows, payload_of, progress, [&](RowId row, std::string_view payload) {
          const auto counted = terms.Of(payload);
          postings->Add(row, terms.length(), counted);
        }));
  } else {
    PayloadIndexBuilder builder(spec, identity.rows);
    ALIDADE_RETURN_IF_ERROR(ForEachPayload(
        identity.rows, payload_of, progress, [&](RowId row, std::string_view payload) {
          builder.Add(row, payload);
        }));
    values = std::move(builder).Finish();
  }
  const std::string path = directory + "/" + SegmentFileName(identity.kind, identity.field);
  if (PathExists(path)) {
    ALIDADE_RETURN_IF_ERROR(RemoveTree(path));
  }
  ALIDADE_ASSIGN_OR_RETURN(auto writer, SegmentFileWriter::Create(directory, identity));
  ALIDADE_RETURN_IF_ERROR(
      postings.has_value()
          ? postings->Finish(identity.rows,
                             [&writer](std::string_view bytes) { return writer->Append(bytes); })
          : writer->Append(values));
  ALIDADE_RETURN_IF_ERROR(writer->Finish().status());
  ALIDADE_FAILPOINT("segment.payload_indexed");
  return OkStatus();
}

StatusOr<KeyedPayloadIndex> OpenPayloadIndexFile(const std::string& directory,
                                                 const SegmentFileIdentity& identity,
                                                 const PayloadIndexSpec& spec) {
  ALIDADE_ASSIGN_OR_RETURN(SegmentFileMap map, OpenUnlistedSegmentFile(directory, identity));
  const auto keyed = [&](auto opened) -> StatusOr<KeyedPayloadIndex> {
    if (!opened.ok()) {
      return WithContext(opened.status(),
                         directory + "/" + SegmentFileName(identity.kind, identity.field));
    }
    return KeyedPayloadIndex{
        spec, std::move(opened).value(), std::shared_ptr<const void>(std::move(map.file))};
  };
  if (spec.type == PayloadIndexType::kText) {
    return keyed(SealedPostings::Parse(
        PostingsKind::kText, Analyzer(spec.text.analyzer).fingerprint(), map.body, identity.rows));
  }
  return keyed(PayloadIndex::Open(spec.type, map.body, identity.rows));
}

}  // namespace alidade
