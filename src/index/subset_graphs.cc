#include "alidade/index/subset_graphs.h"

#include <bit>
#include <cstring>
#include <new>
#include <optional>
#include <utility>

#include "build_distances.h"
#include "graph_insertion.h"
#include "growing_graph.h"
#include "section.h"
#include "subset_format.h"
#include "subset_graph.h"

namespace alidade {
namespace {

// Counts what goes through.
class CountingSink final : public ByteSink {
 public:
  explicit CountingSink(ByteSink& sink) : sink_(sink) {}
  Status Append(std::string_view bytes) override {
    bytes_ += bytes.size();
    return sink_.Append(bytes);
  }
  Status Align() { return AppendZeros(*this, AlignSection(bytes_) - bytes_); }
  uint64_t bytes() const { return bytes_; }

 private:
  ByteSink& sink_;
  uint64_t bytes_ = 0;
};

template <typename T>
std::string_view BytesOf(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

uint32_t FirstOf(const SlotBits& slots) {
  if (slots.slots != nullptr) {
    return slots.slots[0];
  }
  const uint64_t* word = slots.words;
  while (*word == 0) {
    ++word;
  }
  return static_cast<uint32_t>((word - slots.words) * 64 + std::countr_zero(*word));
}

// The vectors of one field, and how graphs over them are built.
struct Field {
  const IndexSpec& spec;
  const VectorMatrix& matrix;
  const VectorCodes* codes;
  const BuildOptions& options;
};

// The graph of one subset, written. `previous`: as in SubsetGraphs::Write, of this subset.
Status WriteGraph(const Field& field,
                  std::span<const uint32_t> slots,
                  const SubsetGraph* previous,
                  ByteSink& sink) {
  const auto count = static_cast<uint32_t>(slots.size());
  std::optional<HnswGraph> extended;
  if (previous != nullptr && previous->graph().header.m == field.spec.hnsw_m) {
    extended = previous->graph();
  }
  const HnswGraph* const known = extended.has_value() ? &*extended : nullptr;
  const uint32_t taken = known == nullptr ? 0 : known->header.count;
  if (field.options.progress != nullptr) {
    field.options.progress->rows_done += taken;
  }
  GrowingGraph graph(field.spec.hnsw_m, field.spec.hnsw_ef_construction, count, known);
  const BuildDistances distances(field.matrix, field.codes, slots);
  ALIDADE_RETURN_IF_ERROR(
      InsertRows(InsertionOrder(taken, count, Places()), distances, field.options, graph));
  return graph.Write(Places(), /*longest=*/0, sink);
}

}  // namespace

Status SubsetGraphs::Write(const IndexSpec& spec,
                           const VectorMatrix& matrix,
                           const Subsets& subsets,
                           const SubsetGraphs* previous,
                           const BuildOptions& options,
                           ByteSink& sink) {
  try {
    ALIDADE_ASSIGN_OR_RETURN(const BuildCodes codes, BuildCodes::Make(matrix, options));
    CountingSink out(sink);
    std::vector<SubsetEntry> entries;
    for (const std::vector<uint32_t>& slots : subsets) {
      SubsetEntry& entry = entries.emplace_back();
      entry.count = static_cast<uint32_t>(slots.size());
      entry.graph = out.bytes();
      const SubsetGraph* known = previous == nullptr ? nullptr : previous->FindBeginningOf(slots);
      ALIDADE_RETURN_IF_ERROR(WriteGraph({spec, matrix, codes.get(), options}, slots, known, out));
      entry.graph_bytes = out.bytes() - entry.graph;
      ALIDADE_RETURN_IF_ERROR(out.Align());
      entry.slots = out.bytes();
      ALIDADE_RETURN_IF_ERROR(out.Append(BytesOf(slots)));
      ALIDADE_RETURN_IF_ERROR(out.Align());
    }
    SubsetFooter footer;
    footer.vectors = matrix.count;
    footer.subsets = static_cast<uint32_t>(subsets.size());
    footer.entries = out.bytes();
    ALIDADE_RETURN_IF_ERROR(out.Append(BytesOf(entries)));
    ALIDADE_RETURN_IF_ERROR(out.Align());
    return out.Append({reinterpret_cast<const char*>(&footer), sizeof(footer)});
  } catch (const std::bad_alloc&) {
    return ResourceExhausted("not enough memory for the graphs of tenants");
  }
}

SubsetGraphs::SubsetGraphs(std::string_view body, uint32_t vectors)
    : body_(body), vectors_(vectors), bytes_(body.data()) {}

SubsetGraphs::~SubsetGraphs() = default;

StatusOr<std::unique_ptr<SubsetGraphs>> SubsetGraphs::Open(std::string_view body,
                                                           uint32_t vectors) {
  std::unique_ptr<SubsetGraphs> opened(new SubsetGraphs(body, vectors));
  ALIDADE_RETURN_IF_ERROR(opened->Read());
  return opened;
}

Status SubsetGraphs::Read() {
  SubsetFooter footer;
  if (body_.size() < sizeof(footer)) {
    return DataLoss("the subset graphs are cut short");
  }
  const uint64_t footer_at = body_.size() - sizeof(footer);
  std::memcpy(&footer, body_.data() + footer_at, sizeof(footer));
  const uint64_t entries_bytes = uint64_t{footer.subsets} * sizeof(SubsetEntry);
  if (footer.format != kSubsetFormat || footer.vectors != vectors_ || footer.entries > footer_at ||
      AlignSection(footer.entries) != footer.entries ||
      AlignSection(footer.entries + entries_bytes) != footer_at) {
    return DataLoss("the footer of the subset graphs does not fit {} vectors and {} bytes",
                    vectors_,
                    body_.size());
  }
  uint64_t in_subsets = 0;
  for (uint32_t i = 0; i < footer.subsets; ++i) {
    SubsetEntry entry;
    std::memcpy(&entry, body_.data() + footer.entries + i * sizeof(entry), sizeof(entry));
    if (entry.graph > footer.entries || entry.graph_bytes > footer.entries - entry.graph ||
        entry.slots > footer.entries ||
        uint64_t{entry.count} * sizeof(uint32_t) > footer.entries - entry.slots ||
        AlignSection(entry.graph) != entry.graph || AlignSection(entry.slots) != entry.slots) {
      return DataLoss("subset {} lies outside of the body", i);
    }
    in_subsets += entry.count;
    if (in_subsets > vectors_) {
      break;
    }
    ALIDADE_RETURN_IF_ERROR(ReadSubset(entry));
  }
  FindRuns();
  const auto overlap = [](const Run& run, const Run& next) { return next.begin < run.end; };
  return in_subsets > vectors_ || std::ranges::adjacent_find(runs_, overlap) != runs_.end()
             ? DataLoss("a vector is in two subsets")
             : OkStatus();
}

Status SubsetGraphs::ReadSubset(const SubsetEntry& entry) {
  ALIDADE_ASSIGN_OR_RETURN(const HnswGraph graph,
                           ReadHnswGraph(body_.substr(entry.graph, entry.graph_bytes)));
  if (graph.header.count != entry.count || entry.count == 0 || graph.header.places != 0) {
    return DataLoss(
        "the graph of a subset has {} nodes for {} vectors", graph.header.count, entry.count);
  }
  const SubsetGraph& subset = subsets_.emplace_back(graph.header, entry.graph, entry.slots, bytes_);
  const auto slots = subset.slots();
  if (slots.back() >= vectors_ ||
      std::ranges::adjacent_find(slots, std::greater_equal<>()) != slots.end()) {
    return DataLoss("the vectors of a subset are not rising");
  }
  return OkStatus();
}

void SubsetGraphs::FindRuns() {
  for (uint32_t i = 0; i < subsets_.size(); ++i) {
    const auto slots = subsets_[i].slots();
    Words& words = words_.emplace_back();
    words.first = slots.front() / 64;
    words.bits.resize(slots.back() / 64 - words.first + 1);
    const size_t first_run = runs_.size();
    for (const uint32_t slot : slots) {
      words.bits[slot / 64 - words.first] |= uint64_t{1} << (slot % 64);
      if (runs_.size() > first_run && runs_.back().end == slot) {
        ++runs_.back().end;
      } else {
        runs_.push_back({.begin = slot, .end = slot + 1, .subset = i});
      }
    }
  }
  std::ranges::sort(runs_, {}, &Run::begin);
}

const SubsetGraphs::Run* SubsetGraphs::RunWith(uint32_t slot) const {
  const auto behind = std::ranges::upper_bound(runs_, slot, {}, &Run::begin);
  return behind == runs_.begin() || slot >= std::prev(behind)->end ? nullptr : &*std::prev(behind);
}

const SubsetGraph* SubsetGraphs::Find(const SlotBits& slots) const {
  const Run* run = RunWith(FirstOf(slots));
  if (run == nullptr || slots.count > subsets_[run->subset].count()) {
    return nullptr;
  }
  const Words& words = words_[run->subset];
  uint32_t inside = 0;
  for (size_t i = 0; i < words.bits.size(); ++i) {
    inside += static_cast<uint32_t>(std::popcount(slots.words[words.first + i] & words.bits[i]));
  }
  return inside == slots.count ? &subsets_[run->subset] : nullptr;
}

const SubsetGraph* SubsetGraphs::FindBeginningOf(const std::vector<uint32_t>& slots) const {
  const Run* run = RunWith(slots.front());
  if (run == nullptr) {
    return nullptr;
  }
  const auto known = subsets_[run->subset].slots();
  return known.size() <= slots.size() &&
                 std::ranges::equal(known, std::span(slots).first(known.size()))
             ? &subsets_[run->subset]
             : nullptr;
}

void SubsetGraphs::MakeResident() {
  if (copy_.bytes() > 0) {
    return;
  }
  copy_ = ZeroedMemory(body_.size(), ZeroedMemory::Pages::kHuge);
  std::memcpy(copy_.as<char>(), body_.data(), body_.size());
  bytes_.store(copy_.as<char>(), std::memory_order_release);
}

uint32_t SubsetGraphs::vectors() const {
  uint32_t vectors = 0;
  for (const SubsetGraph& subset : subsets_) {
    vectors += subset.count();
  }
  return vectors;
}

uint32_t SubsetGraphs::count() const { return static_cast<uint32_t>(subsets_.size()); }

const SubsetGraph& SubsetGraphs::at(uint32_t subset) const { return subsets_.at(subset); }

Status SubsetGraphs::SetHardness(const std::vector<float>& hardness) {
  if (hardness.size() != subsets_.size() ||
      !std::ranges::all_of(hardness, [](float factor) { return factor >= 1; })) {
    return DataLoss("{} measurements of {} subset graphs", hardness.size(), subsets_.size());
  }
  for (uint32_t i = 0; i < subsets_.size(); ++i) {
    subsets_[i].set_hardness(hardness[i]);
  }
  return OkStatus();
}

void SubsetGraphs::SetCodes(const CodeMatrix& codes) { subsets_.at(0).set_codes(codes); }

size_t SubsetGraphs::codes_bytes() const {
  const CodeMatrix& codes = subsets_.empty() ? CodeMatrix() : subsets_.front().codes();
  return codes.records == nullptr ? 0 : codes.count * codes.stride();
}

uint32_t SubsetSize(const SubsetGraph& subset) { return subset.count(); }
std::span<const uint32_t> SubsetSlots(const SubsetGraph& subset) { return subset.slots(); }
float SubsetHardness(const SubsetGraph& subset) { return subset.hardness(); }

}  // namespace alidade
