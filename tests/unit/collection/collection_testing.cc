#include "collection_testing.h"

#include <functional>
#include <iterator>
#include <utility>

#include "alidade/collection/config_codec.h"
#include "alidade/common/bytes.h"

namespace alidade {

void CollectionTest::Open() {
  Close();
  StoreOptions options;
  options.directory = scratch_.Path("data");
  options.block_cache_bytes = options.write_buffer_bytes = size_t{1} << 20;
  auto opened = Store::Open(options);
  ASSERT_THAT(opened, IsOk());
  store_ = std::move(opened).value();
  std::optional<std::string> value;
  ASSERT_THAT(store_->GetMeta(MetaKind::kServer, kAppliedSeqName, value), IsOk());
  const uint64_t last = value.has_value() ? LoadLittleEndian<uint64_t>(value->data()) : 0;
  ledger_ = std::make_unique<RequestLedger>(limits_.request_ids_max);
  ASSERT_THAT(ledger_->Load(*store_), IsOk());
  commits_ = std::make_unique<CommitGroup>(*store_, *ledger_, limits_, SeqNo(last));
  ASSERT_THAT(store_->GetMeta(MetaKind::kCollection, CollectionMetaName(kId), value), IsOk());
  if (value.has_value()) {
    config_ = DecodeConfig(*value).value();
  }
  CollectionContext context;
  context.store = store_.get();
  context.commits = commits_.get();
  context.spare = &spare_;
  context.resident_budget = std::make_shared<MemoryBudget>(limits_.resident_bytes_max);
  context.limits = limits_;
  context.segments_directory = SegmentsDirectory();
  context.seal_after_quiet_ms = seal_after_quiet_ms_;
  ASSERT_THAT(MakeDirectories(SegmentsDirectory()), IsOk());
  collection_ = std::make_shared<Collection>(context, kId, config_);
  recovered_ = collection_->Recover();
}

void CollectionTest::PutNumbered(uint64_t first, uint64_t last, int64_t round) {
  std::vector<OwnedPoint> points;
  for (uint64_t number = first; number <= last; ++number) {
    points.push_back(Numbered(number, round));
  }
  UpsertRequest request = MakeUpsert(std::move(points));
  request.options.durability = Durability::kBuffered;
  ASSERT_THAT(collection_->Upsert(request), IsOk());
}

void CollectionTest::DeleteNumbered(uint64_t first, uint64_t last) {
  std::vector<PointId> ids;
  for (uint64_t number = first; number <= last; ++number) {
    ids.push_back(Id(number));
  }
  DeleteRequest request = MakeDelete(std::move(ids));
  request.options.durability = Durability::kBuffered;
  ASSERT_THAT(collection_->Delete(request), IsOk());
}

std::optional<Point> CollectionTest::GetPoint(PointId id) const {
  GetRequest request;
  request.ids = {std::move(id)};
  request.payload.mode = PayloadSelector::Mode::kAll;
  for (const VectorField& field : config_.fields) {
    request.vectors.push_back(field.name);
  }
  const auto response = collection_->Get(request);
  EXPECT_THAT(response, IsOk());
  return response.ok() ? response->points.at(0) : std::nullopt;
}

uint64_t CollectionTest::Count(std::shared_ptr<const Filter> filter) const {
  CountRequest request;
  request.filter = std::move(filter);
  const auto response = collection_->Count(request);
  EXPECT_THAT(response, IsOk());
  return response.ok() ? response->points : ~uint64_t{0};
}

std::vector<Point> CollectionTest::ListAll(std::shared_ptr<const Filter> filter,
                                           uint32_t page_size) const {
  std::vector<Point> points;
  ListRequest request;
  request.filter = std::move(filter);
  request.page_size = page_size;
  request.payload.mode = PayloadSelector::Mode::kAll;
  request.vectors = {"v"};
  do {
    auto response = collection_->List(request);
    EXPECT_THAT(response, IsOk());
    if (!response.ok()) {
      return {};
    }
    EXPECT_LE(response->points.size(), page_size);
    std::move(response->points.begin(), response->points.end(), std::back_inserter(points));
    request.after = response->next;
  } while (!request.after.empty());
  for (size_t i = 1; i < points.size(); ++i) {
    EXPECT_LT(points[i - 1].id.Encode(), points[i].id.Encode());
  }
  return points;
}

StatusOr<SearchResult> CollectionTest::SearchFor(const SearchQuery& query) const {
  SearchRequest request;
  request.queries = {query};
  ALIDADE_ASSIGN_OR_RETURN(SearchResponse response, collection_->Search(request));
  return std::move(response.results.at(0));
}

std::vector<PointId> CollectionTest::Nearest(std::vector<float> target,
                                             uint32_t k,
                                             bool exact) const {
  SearchQuery query;
  query.target = std::move(target);
  query.k = k;
  query.exact = exact;
  const auto result = SearchFor(query);
  EXPECT_THAT(result, IsOk());
  std::vector<PointId> ids;
  if (result.ok()) {
    for (const SearchHit& hit : result->hits) {
      ids.push_back(hit.point.id);
    }
  }
  return ids;
}

std::string CollectionTest::Answers() const {
  std::string text =
      fmt::format("count {}, even {}\n", Count(), Count(Equals("even", Value(true))));
  for (const Point& point : ListAll()) {
    std::string payload;
    EncodeObject(point.payload, payload);
    text += fmt::format("{} seq {} payload {} vector",
                        point.id.ToString(),
                        point.seq,
                        std::hash<std::string>()(payload));
    for (const auto& [name, vector] : point.vectors) {
      for (const float x : vector) {
        text += fmt::format(" {}", x);
      }
    }
    text += "\n";
  }
  for (const float x : {0.0F, 17.5F, 60.0F, 1e6F}) {
    SearchQuery query;
    query.target = std::vector<float>{x, 0, 0, 0};
    query.k = 12;
    query.exact = true;
    query.payload =
        std::make_shared<const PayloadSelector>(PayloadSelector{PayloadSelector::Mode::kAll, {}});
    const auto result = SearchFor(query);
    EXPECT_THAT(result, IsOk());
    for (const SearchHit& hit : result->hits) {
      text += fmt::format("{} at {}; ", hit.point.id.ToString(), hit.score);
    }
    text += "\n";
  }
  return text;
}

}  // namespace alidade
