#include "alidade/query/sparse_search.h"

#include <utility>
#include <vector>

#include <fmt/format.h>

#include "alidade/filter/filter_text.h"
#include "alidade/text/sparse.h"

#include "posting_hits.h"

namespace alidade {
namespace {

class SparseRun {
 public:
  SparseRun(const SegmentSet& view, const SparseQuery& query, const Deadline& deadline)
      : view_(view), query_(query), deadline_(deadline) {}

  StatusOr<QueryOutcome> Run() {
    ALIDADE_RETURN_IF_ERROR(deadline_.Check());
    const SparseField& field = view_.schema.sparse_fields[query_.field];
    outcome_.exact = true;
    Explain(query_.filter == nullptr ? "no filter" : "filter: " + DescribeFilter(*query_.filter));
    Explain(fmt::format("sparse field \"{}\"{}: {} dimensions",
                        field.name,
                        field.idf ? ", idf" : "",
                        query_.vector->dimensions.size()));
    ALIDADE_RETURN_IF_ERROR(MakeParts());
    PostingCounters counters;
    const auto rank = [&](const PostingSearch& search, PostingCounters* counted) {
      return SearchSparse(search, *query_.vector, field.idf, counted);
    };
    ALIDADE_ASSIGN_OR_RETURN(
        outcome_.hits,
        SearchPostings(
            view_,
            parts_,
            {.k = query_.k, .score_min = query_.score_min, .excluded_ids = query_.excluded_ids},
            rank,
            deadline_,
            counters));
    outcome_.stats.rows_scanned += counters.documents_scored;
    Explain(DescribeCounters(counters));
    return std::move(outcome_);
  }

 private:
  Status MakeParts() {
    std::optional<QueryFilter> filter;
    if (query_.filter != nullptr) {
      ALIDADE_ASSIGN_OR_RETURN(filter, CompileFilter(*query_.filter, view_.schema));
    }
    for (uint32_t i = 0; i < view_.segments.size(); ++i) {
      const SegmentView& view = view_.segments[i];
      auto postings = view.segment->sparse_postings(query_.field, view.visible_rows);
      if (postings == nullptr || postings->documents_filled() == 0) {
        continue;
      }
      ALIDADE_ASSIGN_OR_RETURN(
          Selection selection,
          SelectRows(view, view_.at, filter.has_value() ? &*filter : nullptr, deadline_));
      Explain(fmt::format("segment {}: {} of {} rows allowed, {} with a vector",
                          i,
                          selection.selected->count,
                          view.visible_rows,
                          postings->documents_filled()));
      parts_.push_back(
          {.segment = i, .postings = postings.get(), .allowed = &selection.selected->rows});
      postings_.push_back(std::move(postings));
      selected_.push_back(std::move(selection.selected));
    }
    return OkStatus();
  }

  void Explain(const std::string& line) {
    if (query_.explain) {
      outcome_.plan += outcome_.plan.empty() ? "" : "\n";
      outcome_.plan += line;
    }
  }

  const SegmentSet& view_;
  const SparseQuery& query_;
  const Deadline& deadline_;
  std::vector<PostingHits> parts_;
  // What the parts borrow.
  std::vector<std::shared_ptr<const Postings>> postings_;
  std::vector<std::shared_ptr<const SelectedRows>> selected_;
  QueryOutcome outcome_;
};

}  // namespace

StatusOr<QueryOutcome> ExecuteSparseSearch(const SegmentSet& view,
                                           const SparseQuery& query,
                                           const Deadline& deadline) {
  return SparseRun(view, query, deadline).Run();
}

}  // namespace alidade
