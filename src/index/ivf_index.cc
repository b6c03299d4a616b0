// Path: search 6/8 (from segment/sealed_segment_search.cc)
#include "ivf_index.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

#include "contenders.h"
#include "exact_ranking.h"
#include "product_codes.h"
#include "row_scan.h"
#include "section.h"

namespace alidade {
namespace {

// One row in so many that product codes looked at is worth a look at its vector, up to so many.
constexpr uint64_t kPqPoolShare = 64;
constexpr uint64_t kPqPoolShareMax = 4'096;

std::optional<CodeKind> RecordKind(IvfCodes codes) {
  return codes == IvfCodes::kSq8   ? std::optional(CodeKind::kInt8)
         : codes == IvfCodes::kSq4 ? std::optional(CodeKind::kInt4)
                                   : std::nullopt;
}

// The filter as positions in the lists see it.
class ListFilter final : public SlotFilter {
 public:
  ListFilter(const SlotFilter* filter, const uint32_t* slots) : filter_(filter), slots_(slots) {}
  bool Allows(uint32_t position) const override { return filter_->Allows(slots_[position]); }

 private:
  const SlotFilter* filter_;
  const uint32_t* slots_;
};

// Exact distances by position.
class ListedVectors {
 public:
  ListedVectors(const QueryDistance& exact, const uint32_t* slots) : exact_(exact), slots_(slots) {}
  void Range(uint32_t first, size_t count, float* out) const {
    exact_.Many(slots_ + first, count, out);
  }
  void Many(const uint32_t* positions, size_t count, float* out) const {
    constexpr size_t kBlock = 64;
    uint32_t picked[kBlock];
    for (size_t done = 0; done < count; done += kBlock) {
      const size_t block = std::min(kBlock, count - done);
      for (size_t i = 0; i < block; ++i) {
        picked[i] = slots_[positions[done + i]];
      }
      exact_.Many(picked, block, out + done);
    }
  }
  ScanPace Pace(uint32_t) const { return {.step = kScanBlockRows}; }
  // Many and Range fetch for themselves.
  void FetchAhead(uint32_t, uint32_t, uint32_t) const {}
  void Prefetch(uint32_t) const {}

 private:
  const QueryDistance& exact_;
  const uint32_t* slots_;
};

}  // namespace

IvfLayout::IvfLayout(const IvfHeader& header) {
  const auto kind = static_cast<IvfCodes>(header.codes);
  const auto record = RecordKind(kind);
  const bool pq = kind == IvfCodes::kPq;
  const uint64_t book_floats = pq ? uint64_t{kPqEntries} * header.dim : 0;
  const uint64_t blocks = (uint64_t{header.count} + kPqBlockRows - 1) / kPqBlockRows;
  mean = sizeof(IvfHeader);
  centroids = AlignSection(mean + uint64_t{header.dim} * sizeof(float));
  starts = AlignSection(centroids + header.nlist * CodeStride(CodeKind::kInt8, header.dim));
  slots = AlignSection(starts + (uint64_t{header.nlist} + 1) * sizeof(uint32_t));
  book = AlignSection(slots + uint64_t{header.count} * sizeof(uint32_t));
  codes = AlignSection(book + book_floats * sizeof(float));
  end = codes + (record.has_value() ? header.count * CodeStride(*record, header.dim)
                 : pq               ? blocks * PqBlockBytes(header.parts)
                                    : 0);
}

uint32_t DefaultNprobe(uint32_t nlist) { return std::max(nlist / 16, std::min(nlist, 8U)); }

size_t PqPoolRows(uint32_t k, uint32_t ef, uint64_t rows) {
  return std::max({uint64_t{4} * k,
                   uint64_t{k} + 64,
                   uint64_t{ef},
                   std::min(rows / kPqPoolShare, kPqPoolShareMax)});
}

struct IvfIndex::Scratch {
  CodeQuery codes;
  std::vector<Candidate> lists;  // nearest first
  std::vector<float> query;      // normalised for cosine
  PqDistance::Tables tables;
};

IvfIndex::IvfIndex(const IvfHeader& header,
                   std::string_view body,
                   const VectorMatrix& matrix,
                   std::vector<float> mean)
    : header_(header),
      layout_(header),
      body_(body),
      matrix_(matrix),
      space_(matrix.metric, std::move(mean)),
      bytes_(body.data()) {}

IvfIndex::~IvfIndex() = default;

StatusOr<std::unique_ptr<VectorIndex>> IvfIndex::Open(std::string_view body,
                                                      const VectorMatrix& matrix) {
  IvfHeader header;
  if (body.size() < sizeof(header)) {
    return DataLoss("the IVF index is cut short");
  }
  std::memcpy(&header, body.data(), sizeof(header));
  if (header.format != kIvfFormat) {
    return DataLoss("the IVF index has format {}, wanted {}", header.format, kIvfFormat);
  }
  const auto codes = static_cast<IvfCodes>(header.codes);
  const bool known =
      header.codes <= std::numeric_limits<uint8_t>::max() && IvfCodesName(codes) != "unknown";
  const bool fits = known && header.nlist >= 1 && header.nlist <= kNlistMax &&
                    header.dim == matrix.dim && header.count == matrix.count &&
                    (codes != IvfCodes::kPq ||
                     (header.parts >= 1 && header.parts <= std::min(header.dim, kPqPartsMax)));
  if (!fits || IvfLayout(header).end != body.size()) {
    return DataLoss(
        "the IVF header does not fit its {} bytes or its {} vectors", body.size(), matrix.count);
  }
  std::vector<float> mean(header.dim);
  std::memcpy(mean.data(), body.data() + IvfLayout(header).mean, mean.size() * sizeof(float));
  auto index = std::unique_ptr<IvfIndex>(new IvfIndex(header, body, matrix, std::move(mean)));
  ALIDADE_RETURN_IF_ERROR(index->CheckLists());
  return std::unique_ptr<VectorIndex>(std::move(index));
}

Status IvfIndex::CheckLists() const {
  const auto* starts = reinterpret_cast<const uint32_t*>(body_.data() + layout_.starts);
  const auto* slots = reinterpret_cast<const uint32_t*>(body_.data() + layout_.slots);
  bool good = starts[0] == 0 && starts[header_.nlist] == header_.count;
  for (uint32_t list = 0; good && list < header_.nlist; ++list) {
    good = starts[list] <= starts[list + 1];
  }
  std::vector<bool> seen(header_.count, false);
  for (uint32_t i = 0; good && i < header_.count; ++i) {
    const uint32_t slot = slots[i];
    good = slot < header_.count && !seen[slot];
    if (good) {
      seen[slot] = true;
    }
  }
  return good ? OkStatus() : DataLoss("the lists of the IVF index do not name each vector once");
}

// One search.
class IvfIndex::Probe {
 public:
  Probe(const IvfIndex& index,
        const float* query,
        const IndexSearchOptions& options,
        SearchStats& stats,
        Scratch& scratch)
      : index_(index),
        bytes_(index.bytes_.load(std::memory_order_acquire)),
        starts_(Section<uint32_t>(index.layout_.starts)),
        slots_(Section<uint32_t>(index.layout_.slots)),
        query_(query),
        options_(options),
        filter_(options.filter, slots_),
        stats_(stats),
        scratch_(scratch),
        exact_(index.matrix_, query) {}

  StatusOr<std::vector<Candidate>> Run() {
    scratch_.codes.Set(index_.space_, query_);
    ALIDADE_RETURN_IF_ERROR(PickLists());
    switch (static_cast<IvfCodes>(index_.header_.codes)) {
      case IvfCodes::kSq8:
        return ByRecords(CodeKind::kInt8);
      case IvfCodes::kSq4:
        return ByRecords(CodeKind::kInt4);
      case IvfCodes::kPq:
        return ByProductCodes();
      case IvfCodes::kFlat:
        break;
    }
    return ByVectors();
  }

 private:
  template <class T>
  const T* Section(uint64_t start) const {
    return reinterpret_cast<const T*>(bytes_ + start);
  }

  CodeMatrix Records(uint64_t start, CodeKind kind, uint32_t count) const {
    return {.records = Section<uint8_t>(start),
            .kind = kind,
            .dim = index_.header_.dim,
            .count = count};
  }

  // The lists to visit, nearest first. Estimates are good enough: an error swaps lists that are as
  // near as each other.
  Status PickLists() {
    const uint32_t nlist = index_.header_.nlist;
    const uint32_t nprobe =
        std::min(options_.nprobe == 0 ? DefaultNprobe(nlist) : options_.nprobe, nlist);
    scratch_.codes.Prepare(CodeKind::kInt8);
    const CodeDistance estimate(Records(index_.layout_.centroids, CodeKind::kInt8, nlist),
                                scratch_.codes);
    std::vector<Candidate>& lists = scratch_.lists;
    lists.resize(nlist);
    ALIDADE_RETURN_IF_ERROR(ScanRows(0,
                                     nlist,
                                     estimate,
                                     /*filter=*/nullptr,
                                     options_.deadline,
                                     EachRow([&lists](uint32_t list, float distance) {
                                       lists[list] = {distance, list};
                                     }))
                                .status());
    if (nprobe < nlist) {
      std::nth_element(lists.begin(), lists.begin() + nprobe, lists.end());
      lists.resize(nprobe);
    }
    std::sort(lists.begin(), lists.end());
    return OkStatus();
  }

  uint64_t RowsToVisit() const {
    uint64_t rows = 0;
    for (const Candidate& list : scratch_.lists) {
      rows += starts_[list.slot + 1] - starts_[list.slot];
    }
    return rows;
  }

  // Gives `take` what the lists hold and the filter allows (ScanRows): positions.
  template <class Distance, class Take>
  Status Scan(const Distance& distance, const Take& take) {
    for (const Candidate& list : scratch_.lists) {
      ++stats_.lists_probed;
      ALIDADE_ASSIGN_OR_RETURN(const uint64_t rows,
                               ScanRows(starts_[list.slot],
                                        starts_[list.slot + 1],
                                        distance,
                                        options_.filter == nullptr ? nullptr : &filter_,
                                        options_.deadline,
                                        take));
      stats_.distance_computations += rows;
    }
    return OkStatus();
  }

  StatusOr<std::vector<Candidate>> ByVectors() {
    TopK top(options_.k);
    ALIDADE_RETURN_IF_ERROR(
        Scan(ListedVectors(exact_, slots_), EachRow([&](uint32_t position, float distance) {
               if (distance <= top.WorstDistance()) {
                 top.Push(distance, slots_[position]);
               }
             })));
    return top.TakeSorted();
  }

  StatusOr<std::vector<Candidate>> ByRecords(CodeKind kind) {
    scratch_.codes.Prepare(kind);
    const CodeDistance estimate(Records(index_.layout_.codes, kind, index_.header_.count),
                                scratch_.codes);
    Contenders contenders(options_.k);
    // Who asks for all lists wants all that is there. Of some lists more is missed than the one row
    // in a thousand that ErrorOf lets slip, and 4-bit codes are a quarter faster by it.
    const bool all = scratch_.lists.size() == index_.header_.nlist;
    ALIDADE_RETURN_IF_ERROR(Scan(
        estimate, EachRow([&](uint32_t position, float distance) {
          contenders.Offer(
              position, distance, all ? estimate.ErrorMax(position) : estimate.ErrorOf(position));
        })));
    return Rank(contenders.TakeSorted(),
                [](const Candidate& candidate) { return candidate.distance; });
  }

  StatusOr<std::vector<Candidate>> ByProductCodes() {
    const uint32_t dim = index_.header_.dim;
    const float scale = index_.matrix_.metric == Metric::kCosine ? InverseNorm(query_, dim) : 1.0F;
    scratch_.query.resize(dim);
    std::transform(
        query_, query_ + dim, scratch_.query.begin(), [scale](float x) { return x * scale; });
    const PqParts parts{.dim = dim, .parts = index_.header_.parts};
    scratch_.tables.Set(
        parts, Section<float>(index_.layout_.book), index_.matrix_.metric, scratch_.query.data());
    const PqDistance estimate(scratch_.tables, Section<uint8_t>(index_.layout_.codes), parts.parts);
    CollectedTopK pool;
    pool.Reset(PqPoolRows(options_.k, options_.ef, RowsToVisit()));
    ALIDADE_RETURN_IF_ERROR(
        Scan(estimate, [&](const ScannedRows& positions, const float* distances, uint32_t count) {
          pool.Push(distances, count, [&positions](size_t i) { return positions[i]; });
        }));
    std::vector<Candidate> found;
    pool.TakeSorted(found);
    // Nothing is known of the error of a product code: all of the pool is read.
    return Rank(std::move(found), [](const Candidate&) { return kNearest; });
  }

  static constexpr float kNearest = -std::numeric_limits<float>::infinity();

  template <class Least>
  StatusOr<std::vector<Candidate>> Rank(std::vector<Candidate> candidates, const Least& least) {
    for (Candidate& candidate : candidates) {
      candidate.slot = slots_[candidate.slot];
    }
    return RankExactly(
        candidates, least, exact_, options_.k, options_.deadline, stats_.distance_computations);
  }

  const IvfIndex& index_;
  const char* const bytes_;
  const uint32_t* const starts_;
  const uint32_t* const slots_;
  const float* const query_;
  const IndexSearchOptions& options_;
  const ListFilter filter_;
  SearchStats& stats_;
  Scratch& scratch_;
  const QueryDistance exact_;
};

StatusOr<std::vector<Candidate>> IvfIndex::Search(const float* query,
                                                  const IndexSearchOptions& options) const {
  SearchStats unused;
  SearchStats& stats = options.stats == nullptr ? unused : *options.stats;
  ScratchPool<Scratch>::Loan loan(scratch_);
  return Probe(*this, query, options, stats, loan.get()).Run();
}

void IvfIndex::MakeResident() {
  if (copy_.bytes() > 0) {
    return;
  }
  copy_ = ZeroedMemory(body_.size(), ZeroedMemory::Pages::kHuge);
  std::memcpy(copy_.as<char>(), body_.data(), body_.size());
  bytes_.store(copy_.as<char>(), std::memory_order_release);
}

}  // namespace alidade
