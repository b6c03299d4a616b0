// Graphs over what passes filters that come often.
#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "sealed_segment_impl.h"

namespace alidade {
namespace {

// One graph is over no more than one vector in so many, all together over one in fewer (chosen).
constexpr uint32_t kGraphShare = 4;
constexpr uint32_t kGraphsShare = 2;

class StringBody final : public ByteSink {
 public:
  Status Append(std::string_view bytes) override {
    bytes_ += bytes;
    return OkStatus();
  }
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

// In memory alone.
struct OwnGraph {
  BudgetShare share;
  ZeroedMemory body;
  ZeroedMemory codes;
  std::unique_ptr<SubsetGraphs> graphs;
};

// What a graph over so many vectors takes with their codes, about.
size_t GraphBytes(const IndexSpec& spec, const VectorCodes* codes, uint32_t vectors) {
  constexpr size_t kBesideLinks = 24;  // levels, links of the upper ones, slots
  const size_t code = codes == nullptr ? 0 : codes->walk().stride();
  return vectors * (size_t{2} * spec.hnsw_m * sizeof(uint32_t) + kBesideLinks + code);
}

std::vector<uint32_t> ListOf(const SlotBits& bits, uint32_t slots) {
  std::vector<uint32_t> list;
  list.reserve(bits.count);
  for (uint32_t slot = 0; slot < slots; ++slot) {
    if (bits.Test(slot)) {
      list.push_back(slot);
    }
  }
  return list;
}

// Codes side by side are read about twice as fast as where they lie.
void CopyCodes(const VectorCodes& codes, OwnGraph& graph) {
  const CodeMatrix all = codes.walk();
  const auto slots = SubsetSlots(graph.graphs->at(0));
  graph.codes = ZeroedMemory(slots.size() * all.stride(), ZeroedMemory::Pages::kHuge);
  uint8_t* record = graph.codes.as<uint8_t>();
  for (const uint32_t slot : slots) {
    std::memcpy(record, all.records + size_t{slot} * all.stride(), all.stride());
    record += all.stride();
  }
  graph.graphs->SetCodes({.records = graph.codes.as<uint8_t>(),
                          .kind = all.kind,
                          .dim = all.dim,
                          .count = static_cast<uint32_t>(slots.size())});
}

// Null if the budget has no room.
StatusOr<std::shared_ptr<const SubsetGraphs>> MakeGraph(const VectorField& field,
                                                        const FieldPart& part,
                                                        const RecallCurve& recall,
                                                        const SlotBits& slots,
                                                        const std::shared_ptr<MemoryBudget>& budget,
                                                        const BuildOptions& build) {
  const VectorMatrix& matrix = part.vectors.matrix();
  auto made = std::make_shared<OwnGraph>();
  made->share = BudgetShare::Take(budget, GraphBytes(field.index, part.codes.get(), slots.count));
  if (made->share.budget() == nullptr) {
    return std::shared_ptr<const SubsetGraphs>();
  }
  StringBody written;
  ALIDADE_RETURN_IF_ERROR(SubsetGraphs::Write(field.index,
                                              matrix,
                                              {ListOf(slots, matrix.count)},
                                              /*previous=*/nullptr,
                                              build,
                                              written));
  const std::string& body = written.bytes();
  made->body = ZeroedMemory(body.size(), ZeroedMemory::Pages::kHuge);
  std::memcpy(made->body.as<char>(), body.data(), body.size());
  ALIDADE_ASSIGN_OR_RETURN(made->graphs,
                           SubsetGraphs::Open({made->body.as<char>(), body.size()}, matrix.count));
  if (part.codes != nullptr) {
    CopyCodes(*part.codes, *made);
  }
  ALIDADE_ASSIGN_OR_RETURN(const std::vector<float> hardness,
                           MeasureSubsets(*part.index, matrix, *made->graphs, recall, build));
  ALIDADE_RETURN_IF_ERROR(made->graphs->SetHardness(hardness));
  return std::shared_ptr<const SubsetGraphs>(made, made->graphs.get());
}

}  // namespace

StatusOr<bool> SealedSegment::GraphSomeSelection(const std::shared_ptr<MemoryBudget>& budget,
                                                 BuildOptions build,
                                                 double wishes_per_row) {
  struct {
    FieldIndex field = 0;
    std::string filter;
    std::shared_ptr<const SelectedRows> selected;
    double wishes = 0;  // for each row
  } most;
  const std::vector<SelectionCache::KeptFilter> filters = impl_->selections.Filters();
  for (FieldIndex field = 0; field < impl_->fields.size(); ++field) {
    uint32_t in_graphs = 0;
    for (const auto& kept : filters) {
      const auto graph = kept.selected->by_field.graph(field);
      in_graphs += graph == nullptr ? 0 : graph->vectors();
    }
    for (const auto& [filter, selected] : filters) {
      const uint32_t rows = selected->count;
      const double wishes =
          static_cast<double>(selected->by_field.wishes_for_graph(field)) / std::max(1U, rows);
      if (wishes > most.wishes && wishes >= wishes_per_row && rows >= build.subsets_from &&
          rows <= vectors(field) / kGraphShare &&
          in_graphs + rows <= vectors(field) / kGraphsShare) {
        most = {field, filter, selected, wishes};
      }
    }
  }
  if (most.selected == nullptr) {
    return false;
  }
  const FieldPart& part = impl_->fields[most.field];
  RowFilter filter;
  Impl::SetBits(most.field, *most.selected, part, filter);
  build.codes = part.codes.get();
  try {
    const MeasuredRecall* recall = measured_recall(most.field);
    auto graph = MakeGraph(impl_->options.schema.fields[most.field],
                           part,
                           recall == nullptr ? RecallCurve() : recall->all,
                           filter.slot_bits,
                           budget,
                           build);
    if (graph.status().code() != StatusCode::kCancelled) {
      // Where there is none, it has to be wished for again: nothing is tried again at once.
      impl_->selections.SetGraph(most.filter, most.field, graph.value_or(nullptr));
    }
    ALIDADE_RETURN_IF_ERROR(graph.status());
    return *graph != nullptr;
  } catch (const std::bad_alloc&) {
    impl_->selections.SetGraph(most.filter, most.field, nullptr);
    return ResourceExhausted("not enough memory for the graph of a filter");
  }
}

}  // namespace alidade
