#include "alidade/query/text_search.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "alidade/filter/filter_text.h"
#include "alidade/filter/payload_terms.h"
#include "alidade/text/bm25.h"
#include "alidade/text/growing_postings.h"

namespace alidade {
namespace {

// Growth of the number of hits asked for when equal scores straddle its end (chosen, as for
// distances).
constexpr uint32_t kTieGrowth = 8;
// Rows analysed between two looks at the clock (chosen: about a millisecond).
constexpr uint32_t kRowsPerDeadlineCheck = 256;

float DistanceOf(double score) { return static_cast<float>(-score); }

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
  RowId RowOf(uint32_t document) const { return grown == nullptr ? document : rows[document]; }
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
    ALIDADE_ASSIGN_OR_RETURN(const std::vector<DocumentHit> hits, Search());
    outcome_.hits = MergeHits(Collect(hits), query_.k);
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
          Selection selection,
          SelectRows(view, view_.at, filter.has_value() ? &*filter : nullptr, deadline_));
      ALIDADE_RETURN_IF_ERROR(AddSegment(i, std::move(selection.selected)));
    }
    return OkStatus();
  }

  Status AddSegment(uint32_t i, std::shared_ptr<const SelectedRows> selected) {
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

  // All hits that can be among the first k whatever their ids.
  StatusOr<std::vector<DocumentHit>> Search() {
    std::vector<PostingsPart> parts;
    uint64_t documents = 0;
    for (const TextPart& part : parts_) {
      parts.push_back({.postings = part.postings.get(), .allowed = part.allowed()});
      documents += part.postings->documents();
    }
    PostingCounters counters;
    uint64_t k = uint64_t{query_.k} + 1;
    while (true) {
      const PostingSearch search{.parts = parts,
                                 .k = static_cast<uint32_t>(std::min(k, documents + 1)),
                                 .score_min = ScoreMin(),
                                 .deadline = &deadline_};
      ALIDADE_ASSIGN_OR_RETURN(std::vector<DocumentHit> hits,
                               SearchBm25(search, terms_, query_.index->text.bm25, &counters));
      if (hits.size() < k || k > documents ||
          DistanceOf(hits.back().score) > DistanceOf(hits[query_.k - 1].score)) {
        outcome_.stats.rows_scanned += counters.documents_scored;
        Explain(fmt::format("{} documents and {} postings scored, {} blocks read, {} passed over",
                            counters.documents_scored,
                            counters.postings_scored,
                            counters.blocks_read,
                            counters.blocks_skipped));
        return hits;
      }
      k *= kTieGrowth;
    }
  }

  // Scores count as the floats that callers see.
  std::optional<double> ScoreMin() const {
    return query_.score_min.has_value()
               ? std::optional(static_cast<double>(std::nextafter(
                     static_cast<float>(*query_.score_min), -std::numeric_limits<float>::max())))
               : std::nullopt;
  }

  std::vector<MergeInput> Collect(const std::vector<DocumentHit>& hits) const {
    std::vector<MergeInput> collected;
    for (const DocumentHit& hit : hits) {
      if (query_.score_min.has_value() &&
          -DistanceOf(hit.score) < static_cast<float>(*query_.score_min)) {
        break;  // falling
      }
      const TextPart& part = parts_[hit.part];
      const Segment& segment = *view_.segments[part.segment].segment;
      const RowId row = part.RowOf(hit.document);
      collected.push_back(
          {.hit = {.distance = DistanceOf(hit.score), .segment = part.segment, .row = row},
           .encoded_id = segment.encoded_id(row),
           .row_number = segment.row_number(row)});
    }
    return collected;
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
