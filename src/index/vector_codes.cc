// Path: search 6/8 (from src/index/hnsw_index.cc)
#include "alidade/index/vector_codes.h"

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "code_records.h"
#include "codes_format.h"

namespace alidade {
namespace {

constexpr uint32_t kBlockRows = 256;  // encoded between two looks at the wish to stop

CodeKind WalkKind(CodesSetting codes) {
  return codes == CodesSetting::kBit1   ? CodeKind::kBit1
         : codes == CodesSetting::kInt4 ? CodeKind::kInt4
                                        : CodeKind::kInt8;
}

}  // namespace

Status AppendRecords(const CodeSpace& space,
                     CodeKind kind,
                     const VectorMatrix& matrix,
                     const uint32_t* slots,
                     const BuildProgress* progress,
                     ByteSink& sink) {
  const size_t stride = CodeStride(kind, matrix.dim);
  RecordEncoder encoder(space, kind);
  std::vector<uint8_t> block(kBlockRows * stride);
  for (uint32_t first = 0; first < matrix.count; first += kBlockRows) {
    ALIDADE_RETURN_IF_ERROR(CheckCancelled(progress));
    const uint32_t rows = std::min(kBlockRows, matrix.count - first);
    for (uint32_t i = 0; i < rows; ++i) {
      const uint32_t slot = slots == nullptr ? first + i : slots[first + i];
      encoder.Encode(matrix, slot, block.data() + i * stride);
    }
    ALIDADE_RETURN_IF_ERROR(
        sink.Append({reinterpret_cast<const char*>(block.data()), rows * stride}));
  }
  return OkStatus();
}

Status VectorCodes::Write(CodesSetting codes,
                          const VectorMatrix& matrix,
                          const BuildProgress* progress,
                          ByteSink& sink) {
  CodesHeader header;
  header.count = matrix.count;
  header.dim = matrix.dim;
  header.metric = static_cast<uint32_t>(matrix.metric);
  header.setting = static_cast<uint32_t>(codes);
  const CodeKind kind = WalkKind(codes);
  const bool ranked = codes == CodesSetting::kBit1;
  const CodesLayout layout(matrix.count, matrix.dim, kind, ranked);
  const CodeSpace space(matrix.metric, CodeSpace::MeanOf(matrix));

  ALIDADE_RETURN_IF_ERROR(sink.Append({reinterpret_cast<const char*>(&header), sizeof(header)}));
  uint64_t at = sizeof(header);
  ALIDADE_RETURN_IF_ERROR(AppendSection(sink, space.mean(), at, layout.mean));
  ALIDADE_RETURN_IF_ERROR(AppendZeros(sink, layout.walk - at));
  ALIDADE_RETURN_IF_ERROR(AppendRecords(space, kind, matrix, nullptr, progress, sink));
  if (!ranked) {
    return OkStatus();
  }
  ALIDADE_RETURN_IF_ERROR(AppendZeros(sink, layout.rank - layout.walk - layout.walk_bytes));
  return AppendRecords(space, CodeKind::kInt8, matrix, nullptr, progress, sink);
}

StatusOr<std::unique_ptr<VectorCodes>> VectorCodes::Open(std::string_view body,
                                                         const VectorMatrix& matrix) {
  CodesHeader header;
  if (body.size() < sizeof(header)) {
    return DataLoss("the codes are cut short");
  }
  std::memcpy(&header, body.data(), sizeof(header));
  const auto setting = static_cast<CodesSetting>(header.setting);
  if (header.format != kCodesFormat || header.count != matrix.count || header.dim != matrix.dim ||
      header.metric != static_cast<uint32_t>(matrix.metric) ||
      (setting != CodesSetting::kInt8 && setting != CodesSetting::kInt4 &&
       setting != CodesSetting::kBit1)) {
    return DataLoss("the header of the codes does not fit {} vectors of dimension {}",
                    matrix.count,
                    matrix.dim);
  }
  const bool ranked = setting == CodesSetting::kBit1;
  const CodesLayout layout(header.count, header.dim, WalkKind(setting), ranked);
  if (layout.end != body.size()) {
    return DataLoss("the codes have {} bytes, wanted {}", body.size(), layout.end);
  }
  std::vector<float> mean(header.dim);
  std::memcpy(mean.data(), body.data() + layout.mean, mean.size() * sizeof(float));
  auto codes = std::unique_ptr<VectorCodes>(
      new VectorCodes(setting, CodeSpace(matrix.metric, std::move(mean)), header.count));
  const auto* bytes = reinterpret_cast<const uint8_t*>(body.data());
  codes->walk_.kind = WalkKind(setting);
  codes->walk_.bytes = layout.walk_bytes;
  codes->walk_.records = bytes + layout.walk;
  codes->rank_.kind = CodeKind::kInt8;
  codes->rank_.bytes = layout.rank_bytes;
  codes->rank_.records = bytes + layout.rank;
  return codes;
}

void VectorCodes::Copy(Section& section) {
  // A copy made before another one failed is being read already.
  if (section.bytes == 0 || section.copy.bytes() > 0) {
    return;
  }
  section.copy = ZeroedMemory(section.bytes, ZeroedMemory::Pages::kHuge);
  auto* copy = section.copy.as<uint8_t>();
  std::memcpy(copy, section.records.load(std::memory_order_relaxed), section.bytes);
  section.records.store(copy, std::memory_order_release);
}

void VectorCodes::MakeResident() {
  if (!resident()) {
    Copy(walk_);
    Copy(rank_);
    resident_.store(true, std::memory_order_release);
  }
}

}  // namespace alidade
