#include "payload_index_file.h"

#include <memory>
#include <utility>

#include "alidade/common/failpoint.h"

namespace alidade {

SegmentFileIdentity PayloadIndexIdentity(SegmentFileIdentity rows, PayloadIndexId id) {
  rows.kind = SegmentFileKind::kPayloadIndex;
  rows.field = FieldId(id.value());
  rows.count = rows.rows;
  return rows;
}

Status WritePayloadIndexFile(const std::string& directory,
                             const SegmentFileIdentity& identity,
                             const PayloadIndexSpec& spec,
                             const std::function<std::string_view(RowId)>& payload_of,
                             const BuildProgress* progress) {
  PayloadIndexBuilder builder(spec, identity.rows);
  for (RowId row = 0; row < identity.rows; ++row) {
    if (row % kCancelEveryRows == 0) {
      ALIDADE_RETURN_IF_ERROR(CheckCancelled(progress));
    }
    builder.Add(row, payload_of(row));
  }
  const std::string path = directory + "/" + SegmentFileName(identity.kind, identity.field);
  if (PathExists(path)) {
    ALIDADE_RETURN_IF_ERROR(RemoveTree(path));
  }
  ALIDADE_ASSIGN_OR_RETURN(auto writer, SegmentFileWriter::Create(directory, identity));
  ALIDADE_RETURN_IF_ERROR(writer->Append(std::move(builder).Finish()));
  ALIDADE_RETURN_IF_ERROR(writer->Finish().status());
  ALIDADE_FAILPOINT("segment.payload_indexed");
  return OkStatus();
}

StatusOr<KeyedPayloadIndex> OpenPayloadIndexFile(const std::string& directory,
                                                 const SegmentFileIdentity& identity,
                                                 const PayloadIndexSpec& spec) {
  ALIDADE_ASSIGN_OR_RETURN(SegmentFileMap map, OpenUnlistedSegmentFile(directory, identity));
  auto opened = PayloadIndex::Open(spec.type, map.body, identity.rows);
  if (!opened.ok()) {
    return WithContext(opened.status(),
                       directory + "/" + SegmentFileName(identity.kind, identity.field));
  }
  return KeyedPayloadIndex{
      spec, std::move(opened).value(), std::shared_ptr<const void>(std::move(map.file))};
}

}  // namespace alidade
