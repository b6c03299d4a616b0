// Segment files of every kind, whole: the envelope and the body in it. A file is opened under a
// manifest entry that agrees with what its own header says; its header and body must then agree
// with each other.
#include <algorithm>
#include <cstring>
#include <set>

#include "alidade/common/bytes.h"
#include "alidade/common/file.h"
#include "alidade/index/subset_graphs.h"
#include "alidade/index/vector_codes.h"

#include "input_file.h"
#include "rows_file.h"
#include "segment_file.h"
#include "support/built_index.h"
#include "support/fake_segment.h"
#include "support/scratch_directory.h"
#include "targets.h"
#include "vectors_file.h"

namespace alidade::fuzz {
namespace {

constexpr uint32_t kRows = 60;
constexpr uint32_t kVectors = kRows - 2;
constexpr uint32_t kDim = 8;
constexpr size_t kMultiFields = 2;  // where there are any

const VectorField& Field() {
  static const VectorField field{FieldId(1), "v", kDim, Metric::kL2, {}};
  return field;
}

const VectorSet& Vectors() {
  static const VectorSet vectors = [] {
    std::mt19937_64 random(20'261'124);
    return VectorSet(Metric::kL2, kDim, NormalValues(random, size_t{kVectors} * kDim));
  }();
  return vectors;
}

SegmentFileIdentity Identity(SegmentFileKind kind, IndexKind index_kind) {
  SegmentFileIdentity identity;
  identity.kind = kind;
  identity.index_kind = index_kind;
  identity.store_uuid = "0123456789abcdef";
  identity.collection = CollectionId(3);
  identity.segment = SegmentId(4);
  identity.first_row = RowNo(100);
  identity.last_row = RowNo(100 + kRows - 1);
  identity.rows = kRows;
  identity.count = kind == SegmentFileKind::kRows ? kRows : kVectors;
  if (kind != SegmentFileKind::kRows) {
    identity.SetField(Field().id, Field().metric, Field().dim);
  }
  return identity;
}

// Writes one file with what `body` appends to it.
std::vector<std::string> FileWith(const SegmentFileIdentity& identity,
                                  const std::function<Status(SegmentFileWriter&)>& body) {
  const ScratchDirectory scratch;
  const auto writer = SegmentFileWriter::Create(scratch.path(), identity);
  Require(writer.ok() && body(**writer).ok(), "a body is written");
  const auto entry = (*writer)->Finish();
  Require(entry.ok(), "a file is finished");
  return {*ReadWholeFile(scratch.Path(entry->name))};
}

// The rows of the segment; two of them have no vector.
const FakeSegment& Rows() {
  static const FakeSegment segment = [] {
    std::vector<FakeRow> rows;
    for (uint32_t row = 0; row < kRows; ++row) {
      FakeRow made{.id = PointId(uint64_t{row}), .vector = {}};
      if (row % 7 == 0) {
        made.id = PointId("row" + std::to_string(row));
        made.payload = {{"row", Value(int64_t{row})}};
      }
      made.multi_vectors = static_cast<uint8_t>(row % (1U << kMultiFields));
      if (row < kVectors) {
        made.vector.assign(Vectors().Row(row), Vectors().Row(row) + kDim);
      }
      rows.push_back(std::move(made));
    }
    return FakeSegment(RowNo(100), std::move(rows));
  }();
  return segment;
}

RowSelection AllRows() {
  RowSelection selection;
  for (RowId row = 0; row < kRows; ++row) {
    selection.rows.push_back({.source = &Rows(), .row = row});
  }
  return selection;
}

constexpr size_t kBodyBytesAt = 64;
constexpr size_t kBodyHashAt = 72;
constexpr size_t kHeaderHashAt = kSegmentHeaderBytes - sizeof(uint64_t);

template <UnsignedInteger T>
void Store(std::string& bytes, size_t at, T value) {
  std::memcpy(bytes.data() + at, &value, sizeof(value));
}

void RepairSegmentFile(std::string& bytes) {
  if (bytes.size() >= kSegmentHeaderBytes) {
    const Hash128 hash = Checksum128(std::string_view(bytes).substr(kSegmentHeaderBytes));
    Store(bytes, kBodyBytesAt, uint64_t{bytes.size() - kSegmentHeaderBytes});
    Store(bytes, kBodyHashAt, hash.low);
    Store(bytes, kBodyHashAt + sizeof(uint64_t), hash.high);
    Store(bytes, kHeaderHashAt, Checksum64(std::string_view(bytes).substr(0, kHeaderHashAt)));
  }
}

// The opened file; none if it is refused, and that properly.
std::optional<SegmentFileMap> Open(std::string_view bytes, const SegmentFileIdentity& identity) {
  SegmentFile entry;
  entry.name = SegmentFileName(identity.kind, identity.field);
  entry.kind = identity.kind;
  entry.field = identity.field;
  entry.index_kind = identity.index_kind;
  entry.bytes = bytes.size();
  if (bytes.size() >= kSegmentHeaderBytes) {
    entry.body_hash = {.low = LoadLittleEndian<uint64_t>(bytes.data() + kBodyHashAt),
                       .high = LoadLittleEndian<uint64_t>(bytes.data() + kBodyHashAt + 8)};
  }
  PutInput(entry.name, bytes);
  auto opened = OpenSegmentFile(Inputs().path(), entry, identity);
  if (!opened.ok()) {
    Require(opened.status().code() == StatusCode::kDataLoss, "a refusal is DATA_LOSS");
    return std::nullopt;
  }
  Require(Checksum128(opened->body) == entry.body_hash, "an opened body has its checksum");
  return std::move(opened).value();
}

// Whether a parsed body was accepted; a refusal must be DATA_LOSS.
bool Taken(const Status& status) {
  Require(status.ok() || status.code() == StatusCode::kDataLoss, "a refusal is DATA_LOSS");
  return status.ok();
}

void FuzzRowsBody(const SegmentFileMap& file, size_t multi_fields) {
  const SegmentFileIdentity identity = Identity(SegmentFileKind::kRows, IndexKind::kFlat);
  const auto rows =
      RowsBody::Parse(file.body, file.count, identity.first_row, identity.last_row, multi_fields);
  if (!Taken(rows.status())) {
    return;
  }
  Accepted();
  for (RowId row = 0; row < rows->count(); ++row) {
    const std::string_view id = rows->encoded_id(row);
    const std::string_view payload = rows->payload(row);
    Require(id.data() >= file.body.data() &&
                payload.data() + payload.size() <= file.body.data() + file.body.size(),
            "a record lies inside the body");
    Require(rows->multi_vectors(row) >> multi_fields == 0, "there is such a field");
    Require(rows->Find(rows->row_number(row)) == std::optional<RowId>(row), "a row is found");
    static_cast<void>(PointId::Decode(id));
    static_cast<void>(DecodeObject(payload));
  }
}

void FuzzRowsFile(std::string_view bytes) {
  const auto file = Open(bytes, Identity(SegmentFileKind::kRows, IndexKind::kFlat));
  if (file.has_value()) {
    FuzzRowsBody(*file, 0);
    FuzzRowsBody(*file, kMultiFields);
  }
}

void FuzzVectorsFile(std::string_view bytes) {
  const auto file = Open(bytes, Identity(SegmentFileKind::kVectors, IndexKind::kFlat));
  if (!file.has_value()) {
    return;
  }
  const auto vectors = VectorsBody::Parse(file->body, Field(), file->count, kRows);
  if (!Taken(vectors.status())) {
    return;
  }
  Accepted();
  uint32_t found = 0;
  for (RowId row = 0; row < kRows; ++row) {
    if (const VectorView vector = vectors->Find(row); vector.has_value()) {
      ++found;
      const std::string_view inside = vector.bytes();
      Require(inside.data() >= file->body.data() &&
                  inside.data() + inside.size() <= file->body.data() + file->body.size(),
              "a vector lies inside the body");
    }
  }
  Require(found == file->count, "every vector belongs to a row");
}

// Every slot once, and none that is not there.
void RequireInBounds(const StatusOr<std::vector<Candidate>>& found, uint32_t k) {
  Require(found.ok() && found->size() <= k, "a search answers");
  std::set<uint32_t> slots;
  for (const Candidate& candidate : *found) {
    Require(candidate.slot < kVectors && slots.insert(candidate.slot).second, "a slot is there");
  }
}

void SearchThrough(const VectorIndex& index) {
  std::vector<bool> odd(kVectors);
  for (size_t slot = 1; slot < kVectors; slot += 2) {
    odd[slot] = true;
  }
  const SlotSet filter(odd);
  RequireInBounds(index.Search(Vectors().Row(3), {.k = 20, .nprobe = 3}), 20);
  RequireInBounds(index.Search(Vectors().Row(9), {.k = 5, .ef = 40, .filter = &filter}), 5);
}

void FuzzCodesFile(std::string_view bytes) {
  const auto file = Open(bytes, Identity(SegmentFileKind::kCodes, IndexKind::kFlat));
  if (!file.has_value()) {
    return;
  }
  const VectorMatrix matrix = Vectors().matrix();
  const auto codes = VectorCodes::Open(file->body, matrix);
  if (!Taken(codes.status())) {
    return;
  }
  Accepted();
  static const std::string graph = *BuildBody({.hnsw_m = 4}, IndexKind::kHnsw, matrix);
  const auto index = OpenIndex(IndexKind::kHnsw, graph, matrix, codes->get());
  Require(index.ok(), "a graph opens over any codes");
  SearchThrough(**index);
}

void FuzzIndexFile(std::string_view bytes, IndexKind kind) {
  const auto file = Open(bytes, Identity(SegmentFileKind::kIndex, kind));
  if (!file.has_value()) {
    return;
  }
  const auto index = OpenIndex(kind, file->body, Vectors().matrix());
  if (!Taken(index.status())) {
    return;
  }
  Accepted();
  SearchThrough(**index);
}

void FuzzSubsetsFile(std::string_view bytes) {
  const auto file = Open(bytes, Identity(SegmentFileKind::kSubsets, IndexKind::kFlat));
  if (!file.has_value()) {
    return;
  }
  const auto subsets = SubsetGraphs::Open(file->body, kVectors);
  if (!Taken(subsets.status())) {
    return;
  }
  Accepted();
  const VectorMatrix matrix = Vectors().matrix();
  static const std::string graph = *BuildBody({.hnsw_m = 4}, IndexKind::kHnsw, matrix);
  static const auto index = *OpenIndex(IndexKind::kHnsw, graph, matrix);
  for (uint32_t slot = 0; slot < kVectors; ++slot) {
    std::vector<bool> one(kVectors);
    one[slot] = true;
    const SlotBitSet filter(one);
    if (const SubsetGraph* subset = (*subsets)->Find(filter.bits()); subset != nullptr) {
      RequireInBounds(index->Search(Vectors().Row(3), {.k = 20, .subset = subset}), 20);
      RequireInBounds(
          index->Search(Vectors().Row(3), {.k = 20, .filter = &filter, .subset = subset}), 20);
    }
  }
}

// In the order of their numbers, and in another, with and without multi-vector fields.
std::vector<std::string> RowsCorpus() {
  std::vector<std::string> corpus;
  for (const bool reversed : {false, true}) {
    RowSelection rows = AllRows();
    if (reversed) {
      std::ranges::reverse(rows.rows);
    }
    for (const size_t multi_fields : {size_t{0}, kMultiFields}) {
      const auto files = FileWith(
          Identity(SegmentFileKind::kRows, IndexKind::kFlat),
          [&](SegmentFileWriter& out) { return WriteRowsBody(rows, multi_fields, nullptr, out); });
      corpus.insert(corpus.end(), files.begin(), files.end());
    }
  }
  return corpus;
}

std::vector<std::string> VectorsCorpus() {
  return FileWith(
      Identity(SegmentFileKind::kVectors, IndexKind::kFlat),
      [](SegmentFileWriter& out) { return WriteVectorsBody(AllRows(), Field(), 0, nullptr, out); });
}

std::vector<std::string> CodesCorpus() {
  std::vector<std::string> corpus;
  for (const CodesSetting codes : {CodesSetting::kInt8, CodesSetting::kInt4, CodesSetting::kBit1}) {
    const auto files = FileWith(
        Identity(SegmentFileKind::kCodes, IndexKind::kFlat), [codes](SegmentFileWriter& out) {
          return VectorCodes::Write(codes, Vectors().matrix(), nullptr, out);
        });
    corpus.push_back(files.front());
  }
  return corpus;
}

std::string IndexFile(IndexKind kind, const IndexSpec& spec) {
  return FileWith(Identity(SegmentFileKind::kIndex, kind),
                  [&](SegmentFileWriter& out) {
                    return BuildIndex(spec, kind, Vectors().matrix(), {}, {}, out);
                  })
      .front();
}

std::vector<std::string> HnswCorpus() {
  return {IndexFile(IndexKind::kHnsw, {.hnsw_m = 2, .hnsw_ef_construction = 10}),
          IndexFile(IndexKind::kHnsw, {.hnsw_m = 4, .hnsw_ef_construction = 20})};
}

// Of slots side by side and of every other one.
std::vector<std::string> SubsetsCorpus() {
  SubsetGraphs::Subsets subsets(2);
  for (uint32_t slot = 0; slot < kVectors; ++slot) {
    if (slot < kVectors / 2) {
      subsets[0].push_back(slot);
    } else if (slot % 2 == 0) {
      subsets[1].push_back(slot);
    }
  }
  return FileWith(Identity(SegmentFileKind::kSubsets, IndexKind::kFlat),
                  [&](SegmentFileWriter& out) {
                    return SubsetGraphs::Write({.hnsw_m = 2, .hnsw_ef_construction = 10},
                                               Vectors().matrix(),
                                               subsets,
                                               nullptr,
                                               {},
                                               out);
                  });
}

std::vector<std::string> IvfCorpus() {
  return {IndexFile(IndexKind::kIvf, {.ivf_nlist = 5}),
          IndexFile(IndexKind::kIvf, {.ivf_nlist = 4, .ivf_codes = IvfCodes::kSq8}),
          IndexFile(IndexKind::kIvf, {.ivf_nlist = 4, .ivf_codes = IvfCodes::kSq4}),
          IndexFile(IndexKind::kIvf, {.ivf_nlist = 4, .ivf_codes = IvfCodes::kPq})};
}

FuzzTarget Target(std::string name,
                  std::function<void(std::string_view)> run,
                  std::function<std::vector<std::string>()> corpus) {
  return {.name = std::move(name),
          .run = std::move(run),
          .corpus = std::move(corpus),
          .repair = RepairSegmentFile,
          .hot = {{0, 112},
                  {kSegmentHeaderBytes, kSegmentHeaderBytes + 64},
                  {kSegmentHeaderBytes, kSegmentHeaderBytes + 512}},
          .rounds = 1'000};
}

}  // namespace

std::vector<FuzzTarget> SegmentTargets() {
  return {
      Target("RowsFile", FuzzRowsFile, RowsCorpus),
      Target("VectorsFile", FuzzVectorsFile, VectorsCorpus),
      Target("CodesFile", FuzzCodesFile, CodesCorpus),
      Target(
          "HnswFile",
          [](std::string_view bytes) { FuzzIndexFile(bytes, IndexKind::kHnsw); },
          HnswCorpus),
      Target(
          "IvfFile",
          [](std::string_view bytes) { FuzzIndexFile(bytes, IndexKind::kIvf); },
          IvfCorpus),
      Target("SubsetsFile", FuzzSubsetsFile, SubsetsCorpus),
  };
}

}  // namespace alidade::fuzz
