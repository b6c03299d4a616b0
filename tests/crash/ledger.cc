#include "crash/ledger.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <random>
#include <set>

#include <fmt/format.h>
#include <grpcpp/grpcpp.h>

namespace alidade::testing {
namespace {

constexpr size_t kReadChunk = 1'000;

void SetDeadline(grpc::ClientContext& context, int seconds = 20) {
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(seconds));
}

std::string PackedVector(uint64_t id, uint64_t version) {
  const std::vector<float> vector = LedgerVector(id, version);
  return {reinterpret_cast<const char*>(vector.data()), vector.size() * sizeof(float)};
}

// Of one point in two: those are sent as rows, the others, which have none, as columns.
bool HasSparse(uint64_t version) { return version % 2 == 1; }

alidade::v1::SparseVector LedgerSparse(uint64_t id, uint64_t version) {
  std::mt19937_64 generator(id * 7'919 + version);
  std::map<uint32_t, float> values;
  for (int i = 0; i < 4; ++i) {
    const auto dimension = static_cast<uint32_t>(generator() % kLedgerSparseDims);
    values[dimension] = static_cast<float>(generator() % 100) + 1;
  }
  alidade::v1::SparseVector vector;
  for (const auto& [dimension, value] : values) {
    vector.add_indices(dimension);
    vector.add_values(value);
  }
  return vector;
}

bool SameSparse(const alidade::v1::Point& point, uint64_t id, uint64_t version) {
  const auto found = point.sparse_vectors().find("s");
  return HasSparse(version) ? found != point.sparse_vectors().end() &&
                                  found->second.SerializeAsString() ==
                                      LedgerSparse(id, version).SerializeAsString()
                            : found == point.sparse_vectors().end();
}

bool SamePayload(const alidade::v1::Object& a, const alidade::v1::Object& b) {
  if (a.fields_size() != b.fields_size()) {
    return false;
  }
  for (const auto& [key, value] : a.fields()) {
    const auto found = b.fields().find(key);
    if (found == b.fields().end() ||
        found->second.SerializeAsString() != value.SerializeAsString()) {
      return false;
    }
  }
  return true;
}

// What a stored point carries, or an explanation why its bits are not those of its versions.
struct Observed {
  Ledger::State state;
  std::string problem;
};

// Takes the key out of the payload; nothing if it is not there.
std::optional<uint64_t> TakeNumber(alidade::v1::Object& payload, const char* key) {
  const auto found = payload.fields().find(key);
  if (found == payload.fields().end()) {
    return std::nullopt;
  }
  const auto number = static_cast<uint64_t>(found->second.int64_value());
  payload.mutable_fields()->erase(key);
  return number;
}

Observed Observe(const alidade::v1::Point& point) {
  Observed observed;
  const uint64_t id = point.id().num();
  alidade::v1::Object payload = point.payload();
  const auto born = TakeNumber(payload, "born");
  const auto version = payload.fields().find("version");
  if (!born.has_value() || version == payload.fields().end()) {
    observed.problem = fmt::format("point {} has no versions in its payload", id);
    return observed;
  }
  observed.state = {*born, static_cast<uint64_t>(version->second.int64_value())};
  const auto vector = point.vectors().find("v");
  if (vector == point.vectors().end() || vector->second.packed() != PackedVector(id, *born)) {
    observed.problem = fmt::format("point {} version {}: the vector differs", id, *born);
  } else if (!SameSparse(point, id, *born)) {
    observed.problem = fmt::format("point {} version {}: the sparse vector differs", id, *born);
  } else if (!SamePayload(payload, LedgerPayload(id, observed.state.payload))) {
    observed.problem =
        fmt::format("point {} version {}: the payload differs", id, observed.state.payload);
  }
  return observed;
}

}  // namespace

std::vector<float> LedgerVector(uint64_t id, uint64_t version) {
  std::mt19937_64 generator(id * 1'000'003 + version);
  std::vector<float> vector(kLedgerDim);
  for (float& x : vector) {
    x = static_cast<float>(static_cast<int64_t>(generator() % 2'000'001) - 1'000'000) * 1e-6F;
  }
  return vector;
}

alidade::v1::Object LedgerPayload(uint64_t id, uint64_t version) {
  alidade::v1::Object payload;
  (*payload.mutable_fields())["version"].set_int64_value(static_cast<int64_t>(version));
  (*payload.mutable_fields())["parity"].set_string_value((id + version) % 2 == 0 ? "even" : "odd");
  std::mt19937_64 generator(id ^ (version << 20));
  (*payload.mutable_fields())["filler"].set_string_value(std::string(generator() % 200, 'x'));
  return payload;
}

LedgerClient::LedgerClient(const std::string& address) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(-1);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL,
                   1);  // a new server on an old port is another server
  const auto channel =
      grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
  collections = alidade::v1::CollectionService::NewStub(channel);
  points = alidade::v1::PointService::NewStub(channel);
  search = alidade::v1::SearchService::NewStub(channel);
  admin = alidade::v1::AdminService::NewStub(channel);
}

Ledger::Batch Ledger::Intend(uint64_t seed) {
  std::mt19937_64 generator(seed);
  Batch batch;
  const uint64_t choice = generator() % 6;
  batch.kind = choice == 0 ? Kind::kDelete : choice < 3 ? Kind::kPayload : Kind::kUpsert;
  const size_t size = 1 + generator() % 40;
  std::set<uint64_t> ids;
  while (ids.size() < std::min<size_t>(size, states_.size())) {
    ids.insert(first_ + generator() % states_.size());
  }
  batch.ids.assign(ids.begin(), ids.end());
  batch.version = next_version_++;
  open_ = batch;
  unknown_ = false;
  return batch;
}

Ledger::State Ledger::After(uint64_t id) const {
  switch (open_->kind) {
    case Kind::kUpsert:
      return {open_->version, open_->version};
    case Kind::kDelete:
      break;
    case Kind::kPayload:
      return IsLive(id) ? State{state(id).vector, open_->version} : State();
  }
  return {};
}

void Ledger::Settle(Outcome outcome, uint64_t seq) {
  if (outcome == Outcome::kUnknown) {
    unknown_ = true;
    return;
  }
  if (outcome == Outcome::kAcknowledged) {
    for (const uint64_t id : open_->ids) {
      states_[id - first_] = After(id);
    }
    acknowledged_ += open_->ids.size();
    newest_seq_ = std::max(newest_seq_, seq);
  }
  open_.reset();
}

uint64_t Ledger::live() const {
  return static_cast<uint64_t>(
      std::count_if(states_.begin(), states_.end(), [](const State& s) { return s != State(); }));
}

std::vector<std::string> Ledger::Verify(LedgerClient& client) {
  std::vector<std::string> problems;
  std::map<uint64_t, State> found;
  for (uint64_t begin = 0; begin < states_.size(); begin += kReadChunk) {
    alidade::v1::GetPointsRequest request;
    request.set_collection(kLedgerCollection);
    request.mutable_payload()->set_all(true);
    request.add_with_vectors("*");
    for (uint64_t i = begin; i < std::min<uint64_t>(states_.size(), begin + kReadChunk); ++i) {
      request.add_ids()->set_num(first_ + i);
    }
    alidade::v1::GetPointsResponse response;
    grpc::ClientContext context;
    SetDeadline(context);
    const grpc::Status status = client.points->GetPoints(&context, request, &response);
    if (!status.ok()) {
      problems.push_back("GetPoints failed: " + status.error_message());
      return problems;
    }
    for (const auto& point : response.points()) {
      Observed observed = Observe(point);
      if (!observed.problem.empty()) {
        problems.push_back(std::move(observed.problem));
      }
      found[point.id().num()] = observed.state;
    }
  }
  // An unknown batch happened or it did not, as a whole.
  if (open_.has_value() && unknown_) {
    size_t applied = 0;
    size_t changes = 0;
    for (const uint64_t id : open_->ids) {
      if (After(id) != state(id)) {
        ++changes;
        applied += found[id] == After(id) ? 1U : 0U;
      }
    }
    if (applied != 0 && applied != changes) {
      problems.push_back(
          fmt::format("a batch of {} changes is there in part: {}", changes, applied));
    }
    if (applied != 0) {
      for (const uint64_t id : open_->ids) {
        states_[id - first_] = After(id);
      }
    }
  }
  open_.reset();
  for (uint64_t i = 0; i < states_.size(); ++i) {
    const State& is = found[first_ + i];
    if (is != states_[i]) {
      problems.push_back(fmt::format("point {} should be version {} / {}, it is {} / {}",
                                     first_ + i,
                                     states_[i].vector,
                                     states_[i].payload,
                                     is.vector,
                                     is.payload));
      states_[i] = is;
    }
  }
  return problems;
}

namespace {

alidade::v1::Object BornPayload(uint64_t id, uint64_t version) {
  alidade::v1::Object payload = LedgerPayload(id, version);
  (*payload.mutable_fields())["born"].set_int64_value(static_cast<int64_t>(version));
  return payload;
}

alidade::v1::UpsertPointsRequest UpsertOf(const Ledger::Batch& batch) {
  alidade::v1::UpsertPointsRequest request;
  request.set_collection(kLedgerCollection);
  if (HasSparse(batch.version)) {
    for (const uint64_t id : batch.ids) {
      auto* point = request.mutable_rows()->add_points();
      point->mutable_id()->set_num(id);
      (*point->mutable_vectors())["v"].set_packed(PackedVector(id, batch.version));
      (*point->mutable_sparse_vectors())["s"] = LedgerSparse(id, batch.version);
      *point->mutable_payload() = BornPayload(id, batch.version);
    }
    return request;
  }
  auto* columns = request.mutable_columns();
  auto* vectors = columns->add_vectors();
  vectors->set_field("v");
  vectors->set_element_type(alidade::v1::ELEMENT_TYPE_FLOAT32);
  for (const uint64_t id : batch.ids) {
    columns->mutable_number_ids()->add_values(id);
    vectors->mutable_data()->append(PackedVector(id, batch.version));
    *columns->add_payloads() = BornPayload(id, batch.version);
  }
  return request;
}

}  // namespace

Ledger::Outcome SendBatch(LedgerClient& client, const Ledger::Batch& batch, uint64_t& seq) {
  grpc::ClientContext context;
  SetDeadline(context);
  grpc::Status status;
  if (batch.kind == Ledger::Kind::kPayload) {
    // Each point gets a payload of its own: several changes as one write.
    alidade::v1::WriteBatchRequest request;
    for (const uint64_t id : batch.ids) {
      auto* change = request.add_operations()->mutable_set_payload();
      change->set_collection(kLedgerCollection);
      change->add_ids()->set_num(id);
      *change->mutable_payload() = LedgerPayload(id, batch.version);
    }
    alidade::v1::WriteBatchResponse response;
    status = client.points->WriteBatch(&context, request, &response);
    seq = response.receipt().seq();
  } else if (batch.kind == Ledger::Kind::kDelete) {
    alidade::v1::DeletePointsRequest request;
    request.set_collection(kLedgerCollection);
    for (const uint64_t id : batch.ids) {
      request.add_ids()->set_num(id);
    }
    alidade::v1::DeletePointsResponse response;
    status = client.points->DeletePoints(&context, request, &response);
    seq = response.receipt().seq();
  } else {
    alidade::v1::UpsertPointsRequest request = UpsertOf(batch);
    alidade::v1::UpsertPointsResponse response;
    status = client.points->UpsertPoints(&context, request, &response);
    seq = response.receipt().seq();
  }
  if (status.ok()) {
    return Ledger::Outcome::kAcknowledged;
  }
  const bool refused = status.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED ||
                       status.error_code() == grpc::StatusCode::INVALID_ARGUMENT ||
                       status.error_code() == grpc::StatusCode::NOT_FOUND;
  return refused ? Ledger::Outcome::kRefused : Ledger::Outcome::kUnknown;
}

grpc::Status EnsureCollection(LedgerClient& client) {
  alidade::v1::CreateCollectionRequest request;
  request.mutable_collection()->set_name(kLedgerCollection);
  request.set_allow_existing(true);
  auto* field = request.mutable_collection()->add_vector_fields();
  field->set_name("v");
  field->set_dimension(kLedgerDim);
  field->set_metric(alidade::v1::METRIC_L2);
  field->mutable_index()->mutable_hnsw()->set_m(8);
  field->mutable_index()->mutable_hnsw()->set_ef_construction(40);
  request.mutable_collection()->add_sparse_fields()->set_name("s");
  auto* index = request.mutable_collection()->add_payload_indexes();
  index->set_key("version");
  index->set_type(alidade::v1::PAYLOAD_INDEX_TYPE_INTEGER);
  alidade::v1::CreateCollectionResponse response;
  grpc::ClientContext context;
  SetDeadline(context);
  return client.collections->CreateCollection(&context, request, &response);
}

namespace {

void CheckSearch(LedgerClient& client,
                 const std::vector<Ledger>& ledgers,
                 uint64_t live,
                 std::vector<std::string>& problems) {
  const uint32_t k = static_cast<uint32_t>(std::min<uint64_t>(live, 10));
  if (k == 0) {
    return;
  }
  alidade::v1::SearchRequest request;
  request.set_collection(kLedgerCollection);
  request.set_k(k);
  std::vector<uint64_t> targets;
  for (const Ledger& ledger : ledgers) {
    for (uint64_t i = 0; i < ledger.count() && targets.size() < 64; i += 97) {
      if (ledger.IsLive(ledger.first() + i)) {
        targets.push_back(ledger.first() + i);
      }
    }
  }
  std::mt19937_64 generator(live);
  for (size_t i = 0; i < 32; ++i) {
    request.add_queries()->mutable_vector()->set_packed(PackedVector(generator(), i + 1));
  }
  for (const bool exact : {false, true}) {
    request.mutable_params()->set_exact(exact);
    alidade::v1::SearchResponse response;
    grpc::ClientContext context;
    SetDeadline(context);
    const grpc::Status status = client.search->Search(&context, request, &response);
    if (!status.ok()) {
      problems.push_back("Search failed: " + status.error_message());
      return;
    }
    for (const auto& result : response.results()) {
      if (static_cast<uint32_t>(result.hits_size()) != k) {
        problems.push_back(fmt::format(
            "{} search: {} hits of {}", exact ? "exact" : "approximate", result.hits_size(), k));
      }
      for (const auto& hit : result.hits()) {
        const bool live_hit =
            std::any_of(ledgers.begin(), ledgers.end(), [&](const Ledger& ledger) {
              return hit.id().num() >= ledger.first() &&
                     hit.id().num() < ledger.first() + ledger.count() &&
                     ledger.IsLive(hit.id().num());
            });
        if (!live_hit) {
          problems.push_back(fmt::format("search found {}, which is not there", hit.id().num()));
        }
      }
    }
  }
}

// Every live point with the dimension is a hit, and no other.
void CheckSparseSearch(LedgerClient& client,
                       const std::vector<Ledger>& ledgers,
                       std::vector<std::string>& problems) {
  std::vector<uint64_t> wanted(kLedgerSparseDims, 0);
  for (const Ledger& ledger : ledgers) {
    for (uint64_t id = ledger.first(); id < ledger.first() + ledger.count(); ++id) {
      const uint64_t born = ledger.state(id).vector;
      if (ledger.IsLive(id) && HasSparse(born)) {
        const alidade::v1::SparseVector vector = LedgerSparse(id, born);
        for (const uint32_t dimension : vector.indices()) {
          ++wanted[dimension];
        }
      }
    }
  }
  alidade::v1::SearchRequest request;
  request.set_collection(kLedgerCollection);
  request.set_vector_field("s");
  request.set_k(10'000);
  request.mutable_payload()->set_all(false);
  for (uint32_t dimension = 0; dimension < kLedgerSparseDims; ++dimension) {
    auto* query = request.add_queries()->mutable_sparse();
    query->add_indices(dimension);
    query->add_values(1);
  }
  alidade::v1::SearchResponse response;
  grpc::ClientContext context;
  SetDeadline(context);
  const grpc::Status status = client.search->Search(&context, request, &response);
  if (!status.ok()) {
    problems.push_back("sparse search failed: " + status.error_message());
    return;
  }
  for (uint32_t dimension = 0; dimension < kLedgerSparseDims; ++dimension) {
    const auto found =
        static_cast<uint64_t>(response.results(static_cast<int>(dimension)).hits_size());
    if (found != std::min<uint64_t>(wanted[dimension], 10'000)) {
      problems.push_back(fmt::format(
          "{} points with dimension {}, should be {}", found, dimension, wanted[dimension]));
    }
  }
}

// Filters read the payloads beside searches' vectors: those must be the newest too.
void CheckFilters(LedgerClient& client,
                  const std::vector<Ledger>& ledgers,
                  std::vector<std::string>& problems) {
  uint64_t newest = 1;
  for (const Ledger& ledger : ledgers) {
    for (uint64_t id = ledger.first(); id < ledger.first() + ledger.count(); ++id) {
      newest = std::max(newest, ledger.state(id).payload);
    }
  }
  constexpr uint64_t kWindows = 16;
  for (uint64_t window = 0; window < kWindows; ++window) {
    const uint64_t from = newest * window / kWindows;
    const uint64_t end = newest * (window + 1) / kWindows;
    uint64_t wanted = 0;
    for (const Ledger& ledger : ledgers) {
      for (uint64_t id = ledger.first(); id < ledger.first() + ledger.count(); ++id) {
        const uint64_t version = ledger.state(id).payload;
        wanted += version > from && version <= end ? 1U : 0U;
      }
    }
    alidade::v1::CountPointsRequest request;
    request.set_collection(kLedgerCollection);
    auto* range = request.mutable_filter()->mutable_range();
    range->set_key("version");
    range->mutable_gt()->set_int64_value(static_cast<int64_t>(from));
    range->mutable_lte()->set_int64_value(static_cast<int64_t>(end));
    alidade::v1::CountPointsResponse response;
    grpc::ClientContext context;
    SetDeadline(context);
    const grpc::Status status = client.points->CountPoints(&context, request, &response);
    if (!status.ok() || response.count() != wanted) {
      problems.push_back(fmt::format("{} payloads of versions {} to {}, should be {} {}",
                                     response.count(),
                                     from + 1,
                                     end,
                                     wanted,
                                     status.error_message()));
    }
  }
}

}  // namespace

std::vector<std::string> VerifyCollection(LedgerClient& client,
                                          const std::vector<Ledger>& ledgers) {
  std::vector<std::string> problems;
  uint64_t live = 0;
  for (const Ledger& ledger : ledgers) {
    live += ledger.live();
  }
  {
    alidade::v1::CountPointsRequest request;
    request.set_collection(kLedgerCollection);
    alidade::v1::CountPointsResponse response;
    grpc::ClientContext context;
    SetDeadline(context);
    const grpc::Status status = client.points->CountPoints(&context, request, &response);
    if (!status.ok() || response.count() != live) {
      problems.push_back(fmt::format(
          "count is {}, should be {} {}", response.count(), live, status.error_message()));
    }
  }
  std::set<uint64_t> listed;
  alidade::v1::ListPointsRequest request;
  request.set_collection(kLedgerCollection);
  request.set_page_size(700);
  do {
    alidade::v1::ListPointsResponse response;
    grpc::ClientContext context;
    SetDeadline(context);
    const grpc::Status status = client.points->ListPoints(&context, request, &response);
    if (!status.ok()) {
      problems.push_back("ListPoints failed: " + status.error_message());
      return problems;
    }
    for (const auto& point : response.points()) {
      if (!listed.insert(point.id().num()).second) {
        problems.push_back(fmt::format("point {} is listed twice", point.id().num()));
      }
    }
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty());
  if (listed.size() != live) {
    problems.push_back(fmt::format("{} points are listed, should be {}", listed.size(), live));
  }
  CheckSearch(client, ledgers, live, problems);
  CheckFilters(client, ledgers, problems);
  CheckSparseSearch(client, ledgers, problems);
  return problems;
}

}  // namespace alidade::testing
