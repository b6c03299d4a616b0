#include "alidade/segment/delta.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <limits>

#include "alidade/common/check.h"
#include "alidade/common/zeroed_memory.h"
#include "alidade/filter/payload_terms.h"
#include "alidade/index/growing_codes.h"
#include "alidade/text/growing_postings.h"
#include "alidade/text/sparse.h"
#include "alidade/vec/vector_matrix.h"

#include "deletion_times.h"
#include "row_filter.h"
#include "rows_file.h"

namespace alidade {
namespace {

constexpr uint32_t kCapacityMin = 16;  // chosen: rows of any size fit a few at a time
constexpr uint32_t kBlockRows = 256;   // chosen: small enough for an idle collection
constexpr uint64_t kOpenEnd = std::numeric_limits<uint64_t>::max();

// Id and payload of one row in one allocation.
struct Record {
  std::string bytes;
  size_t id_bytes = 0;
};
using RecordBlock = std::array<Record, kBlockRows>;

// The vectors of one field; slots are RowIds, a row without a vector has zeros.
struct FieldColumn {
  ZeroedMemory matrix;
  ZeroedMemory inv_norms;               // cosine only
  ZeroedMemory present;                 // one byte a row
  std::vector<float> wide;              // the writer's
  std::unique_ptr<GrowingCodes> codes;  // null: searches read the vectors
  std::atomic<uint32_t> vectors{0};
  // The first row without a vector: views that end before it need no presence test.
  std::atomic<uint32_t> first_absent{std::numeric_limits<uint32_t>::max()};
};

// The postings of a text index that the schema has.
struct TextColumn {
  explicit TextColumn(const PayloadIndexSpec& spec) : id(spec.id), terms(spec) {}

  PayloadIndexId id;
  PayloadTerms terms;  // the writer's
  std::span<const TermValue> counted;
  std::unique_ptr<GrowingPostings> postings;
};

// The vectors of one sparse field, as they were given and as postings.
struct SparseColumn {
  using Block = std::array<std::string, kBlockRows>;

  std::span<const TermValue> counted;  // the writer's
  SparseTerms terms;
  std::vector<std::unique_ptr<Block>> blocks;
  std::unique_ptr<GrowingPostings> postings;
  std::atomic<uint32_t> vectors{0};
  std::atomic<uint64_t> bytes{0};
};

uint32_t CapacityFor(const Schema& schema, const Delta::Options& options) {
  size_t row_bytes = 1;
  for (const VectorField& field : schema.fields) {
    row_bytes += field.vector_bytes();
  }
  const size_t fitting = options.bytes_max / row_bytes;
  return static_cast<uint32_t>(
      std::min<size_t>(std::max<size_t>(fitting, kCapacityMin), std::max(options.rows_max, 1U)));
}

// Of each row of the delta, whether it has a vector or not.
size_t BytesBesideVector(const VectorField& field) {
  return 1 + (field.metric == Metric::kCosine ? sizeof(float) : 0);
}

size_t ByteSize(const NewRow& row) {
  size_t bytes = row.encoded_id.size() + row.payload.size();
  for (const auto* vectors : {&row.vectors, &row.sparse}) {
    for (const std::string_view vector : *vectors) {
      bytes += vector.size();
    }
  }
  return bytes;
}

}  // namespace

// All arrays are made by the first Append, at full capacity: an idle delta costs nothing, and
// readers, who look only at published rows, never see one move.
struct Delta::Impl {
  Impl(const Schema& schema_in, RowNo first, const Options& options_in)
      : schema(schema_in),
        first_row(first),
        options(options_in),
        capacity(CapacityFor(schema_in, options_in)),
        columns(schema_in.fields.size()),
        sparse(schema_in.sparse_fields.size()) {
    for (const PayloadIndexSpec& spec : schema.payload_indexes) {
      if (spec.type == PayloadIndexType::kText) {
        texts.emplace_back(spec);
      }
    }
  }

  void Allocate();
  void PutVector(FieldIndex index, RowId row, std::string_view vector);
  // In two steps, as postings are; only the first throws.
  static void PrepareSparse(SparseColumn& column, RowId row, std::string_view encoded);
  static void PutSparse(SparseColumn& column, RowId row, std::string_view encoded);
  // Without a count of rows.
  VectorMatrix Matrix(FieldIndex index) const {
    const VectorField& field = schema.fields[index];
    return {.rows = columns[index].matrix.as<void>(),
            .inv_norms = columns[index].inv_norms.as<float>(),
            .dim = field.dim,
            .metric = field.metric,
            .element = field.element};
  }
  const Record& record(RowId row) const { return (*blocks[row / kBlockRows])[row % kBlockRows]; }

  const Schema schema;
  const RowNo first_row;
  const Options options;
  const uint32_t capacity;

  std::vector<FieldColumn> columns;
  std::vector<TextColumn> texts;
  std::vector<SparseColumn> sparse;
  ZeroedMemory row_numbers;
  ZeroedMemory multi_vectors;  // one byte a row, if the schema has such fields
  std::vector<std::unique_ptr<RecordBlock>> blocks;
  std::unique_ptr<DeletionTimes> deletions;
  std::unique_ptr<PayloadOverlay> changes;

  std::atomic<uint32_t> rows{0};  // stored after everything of a row is in place
  std::atomic<size_t> bytes{0};
  std::atomic<uint64_t> last_row{kOpenEnd};
};

void Delta::Impl::Allocate() {
  std::vector<FieldColumn> fresh(columns.size());
  for (FieldIndex i = 0; i < columns.size(); ++i) {
    const VectorField& field = schema.fields[i];
    fresh[i].matrix = ZeroedMemory(capacity * field.vector_bytes());
    fresh[i].present = ZeroedMemory(capacity);
    if (field.metric == Metric::kCosine) {
      fresh[i].inv_norms = ZeroedMemory(size_t{capacity} * sizeof(float));
    }
    if (MayScanCodes(field.index, field.dim)) {
      fresh[i].codes = std::make_unique<GrowingCodes>(field.metric, field.dim, capacity);
    }
  }
  auto numbers = ZeroedMemory(size_t{capacity} * sizeof(uint64_t));
  auto multi = ZeroedMemory(schema.multi_vector_fields.empty() ? 0 : capacity);
  auto times = std::make_unique<DeletionTimes>(capacity);
  auto overlay = std::make_unique<PayloadOverlay>(capacity);
  std::vector<std::unique_ptr<GrowingPostings>> postings;
  for (size_t i = 0; i < texts.size(); ++i) {
    postings.push_back(std::make_unique<GrowingPostings>(PostingsKind::kText, capacity));
  }
  const size_t block_count = (capacity + kBlockRows - 1) / kBlockRows;
  std::vector<std::unique_ptr<GrowingPostings>> sparse_postings;
  for (SparseColumn& column : sparse) {
    sparse_postings.push_back(std::make_unique<GrowingPostings>(PostingsKind::kSparse, capacity));
    column.blocks.resize(block_count);
  }
  blocks.resize(block_count);
  // Nothing below throws: either all arrays are there or none.
  columns.swap(fresh);
  row_numbers = std::move(numbers);
  multi_vectors = std::move(multi);
  deletions = std::move(times);
  changes = std::move(overlay);
  for (size_t i = 0; i < texts.size(); ++i) {
    texts[i].postings = std::move(postings[i]);
  }
  for (SparseIndex i = 0; i < sparse.size(); ++i) {
    sparse[i].postings = std::move(sparse_postings[i]);
  }
}

void Delta::Impl::PrepareSparse(SparseColumn& column, RowId row, std::string_view encoded) {
  column.counted = {};
  if (!encoded.empty()) {
    const StatusOr<SparseVector> vector = DecodeSparseVector(encoded);
    ALIDADE_CHECK(vector.ok(), "{}", MessageOf(vector.status()));
    column.counted = column.terms.Of(*vector);
  }
  auto& block = column.blocks[row / kBlockRows];
  if (block == nullptr) {
    block = std::make_unique<SparseColumn::Block>();
  }
  (*block)[row % kBlockRows] = encoded;
  column.postings->Prepare(row, column.counted);
}

void Delta::Impl::PutSparse(SparseColumn& column, RowId row, std::string_view encoded) {
  column.postings->Put(row, /*length=*/0, column.counted);
  if (!encoded.empty()) {
    column.bytes.fetch_add(encoded.size(), std::memory_order_relaxed);
    column.vectors.fetch_add(1, std::memory_order_relaxed);
  }
}

void Delta::Impl::PutVector(FieldIndex index, RowId row, std::string_view vector) {
  const VectorField& field = schema.fields[index];
  FieldColumn& column = columns[index];
  if (vector.empty()) {
    if (row < column.first_absent.load(std::memory_order_relaxed)) {
      column.first_absent.store(row, std::memory_order_release);
    }
    return;
  }
  std::memcpy(column.matrix.as<char>() + row * field.vector_bytes(), vector.data(), vector.size());
  if (field.metric == Metric::kCosine) {
    column.inv_norms.as<float>()[row] =
        InverseNorm(Matrix(index).Floats(row, column.wide), field.dim);
  }
  column.present.as<uint8_t>()[row] = 1;
  column.vectors.fetch_add(1, std::memory_order_release);
}

Delta::Delta(const Schema& schema, RowNo first_row, const Options& options)
    : impl_(std::make_unique<Impl>(schema, first_row, options)) {}
Delta::~Delta() = default;

bool Delta::Append(const NewRow& row) {
  Impl& impl = *impl_;
  const uint32_t count = impl.rows.load(std::memory_order_relaxed);
  ALIDADE_CHECK(!frozen(), "row {} for a frozen delta", row.row);
  ALIDADE_CHECK(row.row >= impl.first_row && (count == 0 || row.row > row_number(count - 1)),
                "row {} is out of order",
                row.row);
  ALIDADE_CHECK(row.vectors.size() == impl.columns.size(), "{} vectors", row.vectors.size());
  for (FieldIndex i = 0; i < row.vectors.size(); ++i) {
    ALIDADE_CHECK(
        row.vectors[i].empty() || row.vectors[i].size() == impl.schema.fields[i].vector_bytes(),
        "vector of {} bytes",
        row.vectors[i].size());
  }
  ALIDADE_CHECK(row.sparse.size() <= impl.sparse.size(), "{} sparse vectors", row.sparse.size());
  const auto sparse_of = [&row](SparseIndex field) {
    return field < row.sparse.size() ? row.sparse[field] : std::string_view();
  };
  const size_t bytes = impl.bytes.load(std::memory_order_relaxed) + ByteSize(row);
  if (count > 0 && (count == impl.capacity || bytes > impl.options.bytes_max)) {
    return false;
  }
  if (count == 0) {
    impl.Allocate();
  }
  auto& block = impl.blocks[count / kBlockRows];
  if (block == nullptr) {
    block = std::make_unique<RecordBlock>();
  }
  Record& record = (*block)[count % kBlockRows];
  for (TextColumn& text : impl.texts) {
    text.counted = text.terms.Of(row.payload);
    text.postings->Prepare(count, text.counted);
  }
  for (SparseIndex i = 0; i < impl.sparse.size(); ++i) {
    Impl::PrepareSparse(impl.sparse[i], count, sparse_of(i));
  }
  record.bytes.reserve(row.encoded_id.size() + row.payload.size());
  record.bytes.append(row.encoded_id).append(row.payload);
  record.id_bytes = row.encoded_id.size();
  impl.row_numbers.as<uint64_t>()[count] = row.row.value();
  if (!impl.schema.multi_vector_fields.empty()) {
    impl.multi_vectors.as<uint8_t>()[count] = row.multi_vectors;
  }
  for (FieldIndex i = 0; i < row.vectors.size(); ++i) {
    impl.PutVector(i, count, row.vectors[i]);
  }
  for (TextColumn& text : impl.texts) {
    text.postings->Put(count, text.terms.length(), text.counted);
  }
  for (SparseIndex i = 0; i < impl.sparse.size(); ++i) {
    Impl::PutSparse(impl.sparse[i], count, sparse_of(i));
  }
  impl.bytes.store(bytes, std::memory_order_relaxed);
  impl.rows.store(count + 1, std::memory_order_release);
  return true;
}

void Delta::Freeze(RowNo last_row) {
  const uint32_t count = rows();
  ALIDADE_CHECK(last_row >= impl_->first_row && (count == 0 || last_row >= row_number(count - 1)),
                "frozen at {}, before its last row",
                last_row);
  impl_->last_row.store(last_row.value(), std::memory_order_release);
}

bool Delta::frozen() const { return impl_->last_row.load(std::memory_order_acquire) != kOpenEnd; }
size_t Delta::byte_size() const { return impl_->bytes.load(std::memory_order_relaxed); }
RowNo Delta::first_row() const { return impl_->first_row; }
RowNo Delta::last_row() const { return RowNo(impl_->last_row.load(std::memory_order_acquire)); }
uint32_t Delta::rows() const { return impl_->rows.load(std::memory_order_acquire); }

RowNo Delta::row_number(RowId row) const { return RowNo(impl_->row_numbers.as<uint64_t>()[row]); }

std::optional<RowId> Delta::FindRow(RowNo row) const {
  const uint32_t count = rows();  // before the array: there is none without rows
  return count == 0 ? std::nullopt : FindRowNumber(impl_->row_numbers.as<uint64_t>(), count, row);
}

std::string_view Delta::encoded_id(RowId row) const {
  const Record& record = impl_->record(row);
  return std::string_view(record.bytes).substr(0, record.id_bytes);
}

std::string_view Delta::payload(RowId row, SeqNo at) const {
  if (const auto changed = impl_->changes->Find(row, at); changed.has_value()) {
    return *changed;
  }
  const Record& record = impl_->record(row);
  return std::string_view(record.bytes).substr(record.id_bytes);
}

void Delta::ChangePayload(RowId row, SeqNo at, std::string_view payload) {
  ALIDADE_CHECK(row < rows(), "row {} of {}", row, rows());
  impl_->changes->Change(row, at, payload);
}

const PayloadOverlay& Delta::payload_changes() const {
  static const PayloadOverlay none;
  return rows() == 0 ? none : *impl_->changes;
}

VectorView Delta::vector(FieldIndex field, RowId row) const {
  if (field >= impl_->columns.size() || impl_->columns[field].present.as<uint8_t>()[row] == 0) {
    return {};
  }
  return impl_->Matrix(field).Row(row);
}

std::shared_ptr<const Postings> Delta::text_postings(PayloadIndexId index, uint32_t rows) const {
  for (const TextColumn& text : impl_->texts) {
    if (text.id == index && rows > 0) {
      return std::make_shared<const GrowingView>(*text.postings, rows);
    }
  }
  return nullptr;
}

std::string_view Delta::sparse_vector(SparseIndex field, RowId row) const {
  if (field >= impl_->sparse.size()) {
    return {};
  }
  return (*impl_->sparse[field].blocks[row / kBlockRows])[row % kBlockRows];
}

uint8_t Delta::multi_vectors(RowId row) const {
  return impl_->schema.multi_vector_fields.empty() ? 0 : impl_->multi_vectors.as<uint8_t>()[row];
}

std::shared_ptr<const Postings> Delta::sparse_postings(SparseIndex field, uint32_t rows) const {
  return field >= impl_->sparse.size() || rows == 0
             ? nullptr
             : std::make_shared<const GrowingView>(*impl_->sparse[field].postings, rows);
}

uint32_t Delta::vectors(FieldIndex field) const {
  return rows() == 0 || field >= impl_->columns.size()
             ? 0
             : impl_->columns[field].vectors.load(std::memory_order_acquire);
}

SeqNo Delta::deleted_at(RowId row) const { return impl_->deletions->At(row); }

void Delta::MarkDeleted(RowId row, SeqNo at) {
  ALIDADE_CHECK(row < rows(), "row {} of {}", row, rows());
  impl_->deletions->Mark(row, at);
}

uint32_t Delta::deleted_rows() const { return rows() == 0 ? 0 : impl_->deletions->count(); }

SegmentChanges Delta::changes() const {
  SegmentChanges changes;
  changes.count = uint64_t{deleted_rows()} + payload_changes().changes();
  changes.newest =
      std::max(rows() == 0 ? SeqNo() : impl_->deletions->newest(), payload_changes().newest());
  return changes;
}

void Delta::KeepAlive(SeqNo at, RowBitmap& rows_of) const {
  if (rows() > 0) {
    impl_->deletions->KeepAlive(at, rows_of);
  }
}

IndexKind Delta::index_kind(FieldIndex) const { return IndexKind::kFlat; }
const MeasuredRecall* Delta::measured_recall(FieldIndex) const { return nullptr; }

StatusOr<std::vector<RowHit>> Delta::SearchIndex(const SegmentSearch& search) const {
  return SearchExact(search);
}

StatusOr<std::vector<RowHit>> Delta::SearchExact(const SegmentSearch& search) const {
  const uint32_t visible = std::min(search.visible_rows, rows());
  if (visible == 0 || search.field >= impl_->columns.size()) {
    return std::vector<RowHit>();
  }
  const FieldColumn& column = impl_->columns[search.field];
  VectorMatrix matrix = impl_->Matrix(search.field);
  matrix.count = visible;

  RowFilter filter;
  filter.at = search.at;
  filter.allowed = search.allowed == nullptr ? nullptr : &search.allowed->rows;
  filter.rows_end =
      search.allowed == nullptr ? visible : std::min(visible, search.allowed->rows.rows());
  if (column.first_absent.load(std::memory_order_acquire) < visible) {
    filter.present = column.present.as<uint8_t>();
  }
  if (impl_->deletions->count() > 0) {
    filter.deletions = impl_->deletions.get();
  }
  IndexSearchOptions options = ToIndexOptions(search);
  if (filter.Restricts()) {
    options.filter = &filter;
  }
  CodedVectors coded;
  if (column.codes != nullptr) {
    coded = column.codes->Grow(matrix, search.allowed == nullptr ? visible : search.allowed->count);
  }
  ALIDADE_ASSIGN_OR_RETURN(const std::vector<Candidate> found,
                           ExactSearch(matrix, search.query, options, coded));
  return ToRowHits(found, nullptr);
}

size_t Delta::memory_bytes() const {
  const size_t count = rows();
  size_t per_row = sizeof(Record) + 2 * sizeof(uint64_t) +
                   (impl_->schema.multi_vector_fields.empty() ? 0 : sizeof(uint8_t));
  for (const VectorField& field : impl_->schema.fields) {
    per_row += BytesBesideVector(field);
  }
  size_t postings = 0;
  for (const TextColumn& text : impl_->texts) {
    postings += count == 0 ? 0 : text.postings->memory_bytes();
  }
  for (const SparseColumn& column : impl_->sparse) {
    postings += count == 0 ? 0 : column.postings->memory_bytes();
  }
  size_t codes = 0;
  // The columns themselves are made by the first Append.
  for (FieldIndex field = 0; count > 0 && field < impl_->columns.size(); ++field) {
    const auto& column = impl_->columns[field];
    codes += column.codes == nullptr ? 0 : column.codes->memory_bytes();
  }
  return sizeof(Impl) + byte_size() + count * per_row + payload_changes().memory_bytes() +
         postings + codes;
}

FieldMemory Delta::field_memory(FieldIndex field) const {
  FieldMemory memory;
  if (field < impl_->schema.fields.size()) {
    const VectorField& schema = impl_->schema.fields[field];
    memory.vectors.count = vectors(field);
    memory.vectors.anonymous =
        memory.vectors.count * schema.vector_bytes() + size_t{rows()} * BytesBesideVector(schema);
    if (rows() > 0 && impl_->columns[field].codes != nullptr) {
      const GrowingCodes& codes = *impl_->columns[field].codes;
      memory.scan_codes = {.anonymous = codes.memory_bytes(), .count = codes.count()};
    }
  }
  return memory;
}

FieldMemory Delta::sparse_memory(SparseIndex field) const {
  FieldMemory memory;
  if (field < impl_->sparse.size() && rows() > 0) {
    const SparseColumn& column = impl_->sparse[field];
    memory.vectors.count = column.vectors.load(std::memory_order_relaxed);
    memory.vectors.anonymous =
        column.bytes.load(std::memory_order_relaxed) + column.postings->memory_bytes();
  }
  return memory;
}

}  // namespace alidade
