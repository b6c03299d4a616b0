#include "alidade/query/text_search.h"

#include <utility>
#include <vector>

#include <fmt/format.h>

#include "alidade/filter/filter_text.h"
#include "alidade/filter/payload_terms.h"
#include "alidade/text/bm25.h"
#include "alidade/text/growing_postings.h"

#include "posting_hits.h"

namespace alidade {
namespace {

// Rows analysed between two looks at the clock (chosen: about a millisecond).
constexpr uint32_t kRowsPerDeadlineCheck = 256;

// Part of a segment: its postings, or rows that were analysed for this query.
struct TextPart {
  uint32_t segment = 0;
  std::shared_ptr<const Postings> postings = nullptr;
  std::shared_ptr<const SelectedRows> selected = nullptr;  // of postings of the segment
  std::optional<RowBitmap> allowed_here = std::nullopt;  // instead: fewer, or of the rows analysed
  // Of rows that were analysed: which rows the documents are, and what the postings are of.
  std::vector<RowId> rows = {};
  std::unique_ptr<GrowingPostings> grown = nullptr;

  const RowBitmap* allowed() const {
    return allowed_here.has_value() ? &*allowed_here : &selected->rows;
  }
};

class TextRun {
 public:
  TextRun(const SegmentSet& view, const TextQuery& query, const Deadline& deadline)
      : view_(view), query_(query), deadline_(deadline), terms_of_(*query.index) {}

  StatusOr<QueryOutcome> Run() {
    ALIDADE_RETURN_IF_ERROR(deadline_.Check());
    terms_ = CountTokens(terms_of_.analyzer().Tokens(query_.words));
    outcome_.exact = true;
    Explain(query_.filter == nullptr ? "no filter" : "filter: " + DescribeFilter(*query_.filter));
    std::string words;
    for (const QueryTerm& term : terms_) {
      words += " " + term.term;
    }
    Explain(fmt::format("text index on \"{}\" ({}):{}",
                        query_.index->key,
                        AnalyzerText(query_.index->text.analyzer),
                        words.empty() ? " no word that is searched for" : words));
    if (terms_.empty()) {
      return std::move(outcome_);
    }
    ALIDADE_RETURN_IF_ERROR(MakeParts());
    ALIDADE_ASSIGN_OR_RETURN(outcome_.hits, Search());
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
      if (view.visible_rows == 0) {
        continue;
      }
      ALIDADE_ASSIGN_OR_RETURN(
          const Selection selection,
          SelectRows(view, view_.at, filter.has_value() ? &*filter : nullptr, deadline_));
      ALIDADE_RETURN_IF_ERROR(AddSegment(i, selection.selected));
    }
    return OkStatus();
  }

  Status AddSegment(uint32_t i, const std::shared_ptr<const SelectedRows>& selected) {
    const SegmentView& view = view_.segments[i];
    const Segment& segment = *view.segment;
    TextPart part{.segment = i,
                  .postings = segment.text_postings(query_.index->id, view.visible_rows),
                  .selected = selected};
    RowBitmap open(view.visible_rows);  // rows that the postings do not know
    if (part.postings == nullptr) {
      open.SetAll();
    } else if (segment.payload_changes().rows() > 0) {
      segment.payload_changes().ForEach(view_.at, [&](RowId row, SeqNo, std::string_view) {
        if (row < view.visible_rows) {
          open.Set(row);
        }
      });
    }
    segment.KeepAlive(view_.at, open);
    const uint32_t analysed = open.Count();
    Explain(fmt::format("segment {}: {} of {} rows allowed, {}, {} rows analysed",
                        i,
                        selected->count,
                        view.visible_rows,
                        part.postings == nullptr ? "no index yet" : "postings",
                        analysed));
    if (part.postings != nullptr) {
      if (analysed > 0) {
        part.allowed_here = selected->rows;
        part.allowed_here->Subtract(open.words());
      }
      parts_.push_back(std::move(part));
    }
    return analysed == 0 ? OkStatus() : AddAnalysed(i, open, selected->rows);
  }

  // Rows whose payloads, as they are in the view, are analysed here and now. All of them count for
  // what words weigh, those that are selected can be hits.
  Status AddAnalysed(uint32_t i, const RowBitmap& rows, const RowBitmap& selected) {
    const Segment& segment = *view_.segments[i].segment;
    const uint32_t count = rows.Count();
    TextPart part{.segment = i, .allowed_here = RowBitmap(count)};
    part.rows.reserve(count);
    rows.ForEach([&part](RowId row) { part.rows.push_back(row); });
    part.grown = std::make_unique<GrowingPostings>(PostingsKind::kText, count);
    for (uint32_t document = 0; document < count; ++document) {
      if (document % kRowsPerDeadlineCheck == 0) {
        ALIDADE_RETURN_IF_ERROR(deadline_.Check());
      }
      const RowId row = part.rows[document];
      const auto terms = terms_of_.Of(segment.payload(row, view_.at));
      part.grown->Add(document, terms_of_.length(), terms);
      if (selected.Test(row)) {
        part.allowed_here->Set(document);
      }
    }
    part.postings = std::make_shared<const GrowingView>(*part.grown, count);
    outcome_.stats.rows_scanned += count;
    parts_.push_back(std::move(part));
    return OkStatus();
  }

  StatusOr<std::vector<GlobalHit>> Search() {
    std::vector<PostingHits> parts;
    parts.reserve(parts_.size());
    for (const TextPart& part : parts_) {
      parts.push_back({.segment = part.segment,
                       .postings = part.postings.get(),
                       .allowed = part.allowed(),
                       .rows = part.grown == nullptr ? nullptr : &part.rows});
    }
    const auto rank = [this](const PostingSearch& search, PostingCounters* counted) {
      return SearchBm25(search, terms_, query_.index->text.bm25, counted);
    };
    PostingCounters counters;
    ALIDADE_ASSIGN_OR_RETURN(auto hits,
                             SearchPostings(view_,
                                            parts,
                                            {.k = query_.k, .score_min = query_.score_min},
                                            rank,
                                            deadline_,
                                            counters));
    outcome_.stats.rows_scanned += counters.documents_scored;
    Explain(DescribeCounters(counters));
    return hits;
  }

  void Explain(const std::string& line) {
    if (query_.explain) {
      outcome_.plan += outcome_.plan.empty() ? "" : "\n";
      outcome_.plan += line;
    }
  }

  const SegmentSet& view_;
  const TextQuery& query_;
  const Deadline& deadline_;
  PayloadTerms terms_of_;
  std::vector<QueryTerm> terms_;
  std::vector<TextPart> parts_;
  QueryOutcome outcome_;
};

}  // namespace

StatusOr<QueryOutcome> ExecuteTextSearch(const SegmentSet& view,
                                         const TextQuery& query,
                                         const Deadline& deadline) {
  return TextRun(view, query, deadline).Run();
}

}  // namespace alidade
