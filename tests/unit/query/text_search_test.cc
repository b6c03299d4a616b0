// Text searches over deltas and sealed segments, against a plain loop over the texts.
#include "alidade/query/text_search.h"

#include <cmath>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "alidade/common/payload_codec.h"
#include "alidade/common/point_id.h"
#include "alidade/segment/delta.h"
#include "alidade/segment/sealed_segment.h"
#include "alidade/segment/segment_writer.h"

#include "support/status_matchers.h"
#include "support/vector_set.h"
#include "unit/segment/segment_files.h"

namespace alidade {
namespace {

using ::testing::HasSubstr;

struct PlainRow {
  uint64_t id = 0;
  std::vector<std::string> words = {};
};

Schema WithTextIndex() {
  Schema schema;
  schema.fields.push_back(
      {.id = FieldId(1), .name = "v", .dim = 1, .metric = Metric::kL2, .index = {}});
  schema.payload_indexes.push_back({.id = PayloadIndexId(4),
                                    .key = "text",
                                    .type = PayloadIndexType::kText,
                                    .text = {.analyzer = {.language = Language::kEnglish}}});
  return schema;
}

std::string PayloadOf(const PlainRow& row) {
  std::string text;
  for (const std::string& word : row.words) {
    text += word + " ";
  }
  std::string bytes;
  EncodeObject({{"text", Value(text)}, {"odd", Value(row.id % 2 == 1)}}, bytes);
  return bytes;
}

// Ids are not in the order of rows.
std::vector<PlainRow> RandomRows(std::mt19937_64& random, uint32_t count) {
  std::vector<PlainRow> rows;
  for (uint32_t i = 0; i < count; ++i) {
    rows.push_back({.id = (i * 7'919U) % 100'003U});
    for (uint64_t words = random() % 8; words > 0; --words) {
      rows.back().words.push_back("word" + std::to_string(random() % (1U << (random() % 7))));
    }
  }
  return rows;
}

std::shared_ptr<Delta> MakeDelta(const Schema& schema,
                                 const std::vector<PlainRow>& rows,
                                 uint64_t first,
                                 uint64_t end) {
  auto delta = std::make_shared<Delta>(schema, RowNo(first), Delta::Options());
  const float value = 1;
  const std::string_view vector(reinterpret_cast<const char*>(&value), sizeof(value));
  for (uint64_t i = first; i < end; ++i) {
    const std::string id = PointId(rows[i].id).Encode();
    const std::string payload = PayloadOf(rows[i]);
    EXPECT_TRUE(delta->Append(
        {.row = RowNo(i), .encoded_id = id, .payload = payload, .vectors = {vector}}));
  }
  return delta;
}

std::shared_ptr<SealedSegment> Seal(const TemporaryDirectory& directory,
                                    const Schema& schema,
                                    uint64_t number,
                                    const std::vector<std::shared_ptr<const Segment>>& inputs) {
  const auto written = WriteSegment(MakeWriteRequest(directory, schema, number, inputs));
  EXPECT_THAT(written.status(), IsOk());
  auto opened = SealedSegment::Open(MakeOpenOptions(*written, schema));
  EXPECT_THAT(opened.status(), IsOk());
  return std::shared_ptr<SealedSegment>(std::move(opened).value());
}

struct PlainHit {
  float score = 0;
  uint64_t id = 0;
  friend bool operator==(const PlainHit&, const PlainHit&) = default;
};
void PrintTo(const PlainHit& hit, std::ostream* out) { *out << hit.id << ": " << hit.score; }

std::vector<PlainHit> SearchPlainly(const std::vector<PlainRow>& rows,
                                    const std::set<std::string>& wanted,
                                    bool odd_only,
                                    size_t k) {
  double filled = 0;
  double length = 0;
  std::map<std::string, double> with;
  for (const PlainRow& row : rows) {
    filled += row.words.empty() ? 0 : 1;
    length += static_cast<double>(row.words.size());
    for (const std::string& word : std::set<std::string>(row.words.begin(), row.words.end())) {
      with[word] += 1;
    }
  }
  std::vector<PlainHit> hits;
  for (const PlainRow& row : rows) {
    double score = 0;
    bool any = false;
    for (const std::string& word : wanted) {
      const auto times = static_cast<uint32_t>(std::ranges::count(row.words, word));
      if (times > 0) {
        const double idf = std::log(1 + (filled - with[word] + 0.5) / (with[word] + 0.5));
        score +=
            Bm25Share(idf, times, static_cast<uint32_t>(row.words.size()), length / filled, {});
        any = true;
      }
    }
    if (any && (!odd_only || row.id % 2 == 1)) {
      hits.push_back({.score = static_cast<float>(score), .id = row.id});
    }
  }
  std::ranges::sort(hits, [](const PlainHit& a, const PlainHit& b) {
    return a.score != b.score ? a.score > b.score : PointId(a.id).Encode() < PointId(b.id).Encode();
  });
  hits.resize(std::min(hits.size(), k));
  return hits;
}

std::vector<PlainHit> HitsOf(const SegmentSet& view, const std::vector<GlobalHit>& hits) {
  std::vector<PlainHit> plain;
  for (const GlobalHit& hit : hits) {
    const auto id = PointId::Decode(view.segments[hit.segment].segment->encoded_id(hit.row));
    plain.push_back({.score = -hit.distance, .id = id.ok() ? id->number() : 0});
  }
  return plain;
}

SegmentSet ViewOf(const Schema& schema, const std::vector<std::shared_ptr<Segment>>& segments) {
  SegmentSet view;
  view.at = SeqNo(1'000);
  view.schema = schema;
  for (const auto& segment : segments) {
    view.segments.push_back({segment, segment->rows()});
  }
  return view;
}

TEST(TextSearchTest, AnswersDoNotDependOnWhereRowsLie) {
  const uint64_t seed = PrintedTestSeed();
  std::mt19937_64 random(seed);
  const Schema schema = WithTextIndex();
  Schema before = schema;  // as it was before the index was made
  before.payload_indexes.clear();
  const std::vector<PlainRow> rows = RandomRows(random, 1'200);
  const TemporaryDirectory directory;
  const auto frozen = [&](const Schema& of, uint64_t first, uint64_t end) {
    auto delta = MakeDelta(of, rows, first, end);
    delta->Freeze(RowNo(end - 1));
    return delta;
  };
  const std::vector<SegmentSet> views = {
      ViewOf(schema, {Seal(directory, schema, 1, {frozen(schema, 0, 1'200)})}),
      ViewOf(schema, {MakeDelta(schema, rows, 0, 1'200)}),
      ViewOf(schema, {MakeDelta(before, rows, 0, 1'200)}),
      ViewOf(schema,
             {Seal(directory, before, 2, {frozen(before, 0, 300)}),
              Seal(directory, schema, 3, {frozen(before, 300, 500), frozen(schema, 500, 700)}),
              frozen(before, 700, 900),
              MakeDelta(schema, rows, 900, 1'200)})};
  const Filter odd{In{"odd", {Value(true)}}};
  size_t found = 0;
  for (int i = 0; i < 150; ++i) {
    std::set<std::string> wanted;
    std::string words;
    for (uint64_t count = random() % 3 + 1; count > 0; --count) {
      wanted.insert("word" + std::to_string(random() % 70));
    }
    for (const std::string& word : wanted) {
      words += word + "s, ";  // stems
    }
    const auto k = static_cast<uint32_t>(random() % 30 + 1);
    const bool odd_only = i % 3 == 0;
    const auto expected = SearchPlainly(rows, wanted, odd_only, k);
    found += expected.size();
    for (size_t view = 0; view < views.size(); ++view) {
      const TextQuery query{.index = &schema.payload_indexes[0],
                            .words = words,
                            .k = k,
                            .filter = odd_only ? &odd : nullptr};
      const auto outcome = ExecuteTextSearch(views[view], query, Deadline());
      ASSERT_THAT(outcome.status(), IsOk());
      EXPECT_TRUE(outcome->exact);
      ASSERT_EQ(HitsOf(views[view], outcome->hits), expected) << "view " << view << ": " << words;
    }
  }
  EXPECT_GT(found, 500U);
}

// Postings answer some of these conditions, payloads the rest.
TEST(TextSearchTest, ConditionsOnWordsCountTheSameWithAnIndexAndWithout) {
  std::mt19937_64 random(9);
  const Schema schema = WithTextIndex();
  Schema before = schema;
  before.payload_indexes.clear();
  const std::vector<PlainRow> rows = RandomRows(random, 800);
  const TemporaryDirectory directory;
  auto delta = MakeDelta(schema, rows, 0, 800);
  delta->Freeze(RowNo(799));
  const SegmentSet with = ViewOf(schema, {Seal(directory, schema, 1, {delta})});
  const SegmentSet without = ViewOf(before, {Seal(directory, before, 2, {delta})});
  uint64_t counted = 0;
  for (const TextMatchKind kind :
       {TextMatchKind::kAllWords, TextMatchKind::kAnyWord, TextMatchKind::kPhrase}) {
    for (const char* text : {"words1", "word1 word2", "word0 word0", "word63", "none", "?"}) {
      for (const AnalyzerConfig& analyzer :
           {AnalyzerConfig{}, AnalyzerConfig{.language = Language::kEnglish}}) {
        const Filter filter{TextMatch{"text", kind, text, analyzer}};
        const auto expected = CountRows(without, &filter, Deadline());
        ASSERT_THAT(expected.status(), IsOk());
        counted += *expected;
        EXPECT_THAT(CountRows(with, &filter, Deadline()), IsOkAndHolds(*expected)) << text;
      }
    }
  }
  EXPECT_GT(counted, 500U);
}

TEST(TextSearchTest, DeletedRowsAreNoHitsAndChangedPayloadsAreFoundAsTheyAre) {
  std::mt19937_64 random(5);
  const Schema schema = WithTextIndex();
  std::vector<PlainRow> rows = RandomRows(random, 600);
  const TemporaryDirectory directory;
  auto first = MakeDelta(schema, rows, 0, 400);
  first->Freeze(RowNo(399));
  const auto sealed = Seal(directory, schema, 1, {first});
  const auto delta = MakeDelta(schema, rows, 400, 600);
  std::set<uint64_t> dead;
  for (uint64_t i = 0; i < rows.size(); i += 3) {
    Segment& segment = i < 400 ? static_cast<Segment&>(*sealed) : *delta;
    const auto row = static_cast<RowId>(i < 400 ? i : i - 400);
    if (i % 2 == 0) {
      segment.MarkDeleted(row, SeqNo(500));
      dead.insert(rows[i].id);
    } else {
      rows[i].words = {"changed", "word1"};
      segment.ChangePayload(row, SeqNo(600), PayloadOf(rows[i]));
      // Not yet in the view.
      segment.ChangePayload(row, SeqNo(2'000), PayloadOf({.id = rows[i].id, .words = {"later"}}));
    }
  }
  std::vector<PlainRow> alive;
  for (const PlainRow& row : rows) {
    if (!dead.contains(row.id)) {
      alive.push_back(row);
    }
  }
  const SegmentSet view = ViewOf(schema, {sealed, delta});
  const auto ask = [&](const SegmentSet& of, std::string_view words, uint32_t k) {
    const auto outcome = ExecuteTextSearch(
        of, {.index = &schema.payload_indexes[0], .words = words, .k = k}, Deadline());
    EXPECT_THAT(outcome.status(), IsOk());
    return HitsOf(of, outcome->hits);
  };
  // Until a merge the dead count for what a word weighs: hits are the same, scores may differ.
  const auto ids = [](const std::vector<PlainHit>& hits) {
    std::set<uint64_t> all;
    for (const PlainHit& hit : hits) {
      all.insert(hit.id);
    }
    return all;
  };
  for (const char* word : {"word0", "word1", "word2", "changed", "later", "word63"}) {
    EXPECT_EQ(ids(ask(view, word, 1'000)), ids(SearchPlainly(alive, {word}, false, 1'000))) << word;
  }
  EXPECT_TRUE(ask(view, "later", 10).empty());
  // Written anew, they are as if they had always been so.
  delta->Freeze(RowNo(599));
  const auto merged = Seal(directory, schema, 2, {sealed, delta});
  const SegmentSet one = ViewOf(schema, {merged});
  for (const char* word : {"word0", "word1", "word2", "changed", "word63"}) {
    EXPECT_EQ(ask(one, word, 25), SearchPlainly(alive, {word}, false, 25)) << word;
  }
}

TEST(TextSearchTest, ThresholdsAndExplanations) {
  std::mt19937_64 random(6);
  const Schema schema = WithTextIndex();
  const std::vector<PlainRow> rows = RandomRows(random, 300);
  const SegmentSet view = ViewOf(schema, {MakeDelta(schema, rows, 0, 300)});
  TextQuery query{.index = &schema.payload_indexes[0], .words = "word1", .k = 300, .explain = true};
  const auto all = ExecuteTextSearch(view, query, Deadline());
  ASSERT_THAT(all.status(), IsOk());
  ASSERT_GT(all->hits.size(), 10U);
  EXPECT_THAT(all->plan, HasSubstr("no filter\ntext index on \"text\" (english): word1\n"));
  EXPECT_THAT(all->plan,
              HasSubstr("segment 0: 300 of 300 rows allowed, postings, 0 rows analysed"));
  // A hit at the threshold, as a float, is one.
  query.score_min = static_cast<double>(-all->hits[5].distance);
  const auto above = ExecuteTextSearch(view, query, Deadline());
  ASSERT_THAT(above.status(), IsOk());
  EXPECT_GE(above->hits.size(), 6U);
  for (const GlobalHit& hit : above->hits) {
    EXPECT_LE(hit.distance, all->hits[5].distance);
  }
  const auto expected = std::ranges::count_if(
      all->hits, [&](const GlobalHit& hit) { return hit.distance <= all->hits[5].distance; });
  EXPECT_EQ(static_cast<std::ptrdiff_t>(above->hits.size()), expected);
  query.words = "?";
  EXPECT_TRUE(ExecuteTextSearch(view, query, Deadline())->hits.empty());
  const Deadline passed(Deadline::Clock::now() - std::chrono::seconds(1));
  EXPECT_THAT(ExecuteTextSearch(view, query, passed).status(),
              StatusIs(StatusCode::kDeadlineExceeded));
}

// A damaged index is as if there were none, until it is made anew.
TEST(TextSearchTest, SegmentsGetAndLoseTheirIndexOnline) {
  std::mt19937_64 random(7);
  const Schema schema = WithTextIndex();
  Schema before = schema;
  before.payload_indexes.clear();
  const std::vector<PlainRow> rows = RandomRows(random, 500);
  const TemporaryDirectory directory;
  auto delta = MakeDelta(before, rows, 0, 500);
  delta->Freeze(RowNo(499));
  const auto segment = Seal(directory, before, 1, {delta});
  const SegmentSet view = ViewOf(schema, {segment});
  const TextQuery query{.index = &schema.payload_indexes[0], .words = "word2", .k = 20};
  const auto expected = SearchPlainly(rows, {"word2"}, false, 20);
  ASSERT_FALSE(expected.empty());
  for (const bool indexed : {false, true, false, true}) {
    ASSERT_THAT(segment->SetPayloadIndexes((indexed ? schema : before).payload_indexes, nullptr),
                IsOk());
    EXPECT_EQ(segment->text_postings(PayloadIndexId(4), 500) != nullptr, indexed);
    const auto outcome = ExecuteTextSearch(view, query, Deadline());
    ASSERT_THAT(outcome.status(), IsOk());
    EXPECT_EQ(HitsOf(view, outcome->hits), expected);
  }
  // Other analysis, same file: refused, and searched without it.
  Schema other = schema;
  other.payload_indexes[0].text.analyzer.language = Language::kGerman;
  auto opened = SealedSegment::Open({.directory = directory.path() + "/segments/" +
                                                  CollectionDirectoryName(CollectionId(3)) + "/" +
                                                  SegmentDirectoryName(SegmentId(1)),
                                     .store_uuid = kStoreUuid,
                                     .manifest = segment->manifest(),
                                     .schema = other});
  ASSERT_THAT(opened.status(), IsOk());
  ASSERT_EQ((*opened)->damaged_payload_indexes().size(), 1U);
  EXPECT_THAT((*opened)->damaged_payload_indexes()[0], HasSubstr("another analysis"));
}

}  // namespace
}  // namespace alidade
