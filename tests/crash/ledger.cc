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

// The version that a stored point carries, or an explanation why its bits are not those of that
// version.
struct Observed {
  uint64_t version = 0;
  std::string problem;
};

Observed Observe(const alidade::v1::Point& point) {
  Observed observed;
  const uint64_t id = point.id().num();
  const auto found = point.payload().fields().find("version");
  if (found == point.payload().fields().end()) {
    observed.problem = fmt::format("point {} has no version in its payload", id);
    return observed;
  }
  observed.version = static_cast<uint64_t>(found->second.int64_value());
  const auto vector = point.vectors().find("v");
  if (vector == point.vectors().end() ||
      vector->second.packed() != PackedVector(id, observed.version)) {
    observed.problem = fmt::format("point {} version {}: the vector differs", id, observed.version);
  } else if (!SamePayload(point.payload(), LedgerPayload(id, observed.version))) {
    observed.problem =
        fmt::format("point {} version {}: the payload differs", id, observed.version);
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
  batch.is_delete = generator() % 6 == 0;
  const size_t size = 1 + generator() % 40;
  std::set<uint64_t> ids;
  while (ids.size() < std::min<size_t>(size, versions_.size())) {
    ids.insert(first_ + generator() % versions_.size());
  }
  batch.ids.assign(ids.begin(), ids.end());
  batch.version = batch.is_delete ? 0 : next_version_++;
  open_ = batch;
  unknown_ = false;
  return batch;
}

void Ledger::Settle(Outcome outcome, uint64_t seq) {
  if (outcome == Outcome::kUnknown) {
    unknown_ = true;
    return;
  }
  if (outcome == Outcome::kAcknowledged) {
    for (const uint64_t id : open_->ids) {
      versions_[id - first_] = open_->version;
    }
    acknowledged_ += open_->ids.size();
    newest_seq_ = std::max(newest_seq_, seq);
  }
  open_.reset();
}

uint64_t Ledger::live() const {
  return static_cast<uint64_t>(
      std::count_if(versions_.begin(), versions_.end(), [](uint64_t v) { return v != 0; }));
}

std::vector<std::string> Ledger::Verify(LedgerClient& client) {
  std::vector<std::string> problems;
  std::map<uint64_t, uint64_t> found;
  for (uint64_t begin = 0; begin < versions_.size(); begin += kReadChunk) {
    alidade::v1::GetPointsRequest request;
    request.set_collection(kLedgerCollection);
    request.mutable_payload()->set_all(true);
    request.add_with_vectors("v");
    for (uint64_t i = begin; i < std::min<uint64_t>(versions_.size(), begin + kReadChunk); ++i) {
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
      found[point.id().num()] = observed.version;
    }
  }
  // An unknown batch happened or it did not, as a whole.
  if (open_.has_value() && unknown_) {
    size_t applied = 0;
    for (const uint64_t id : open_->ids) {
      applied += static_cast<size_t>(found[id] == open_->version &&
                                     versions_[id - first_] != open_->version);
    }
    const auto changes =
        static_cast<size_t>(std::count_if(open_->ids.begin(), open_->ids.end(), [&](uint64_t id) {
          return versions_[id - first_] != open_->version;
        }));
    if (applied != 0 && applied != changes) {
      problems.push_back(
          fmt::format("a batch of {} changes is there in part: {}", changes, applied));
    }
    if (applied != 0) {
      for (const uint64_t id : open_->ids) {
        versions_[id - first_] = open_->version;
      }
    }
  }
  open_.reset();
  for (uint64_t i = 0; i < versions_.size(); ++i) {
    const uint64_t id = first_ + i;
    if (found[id] != versions_[i]) {
      problems.push_back(
          fmt::format("point {} should be version {}, it is {}", id, versions_[i], found[id]));
      versions_[i] = found[id];
    }
  }
  return problems;
}

Ledger::Outcome SendBatch(LedgerClient& client, const Ledger::Batch& batch, uint64_t& seq) {
  grpc::ClientContext context;
  SetDeadline(context);
  grpc::Status status;
  if (batch.is_delete) {
    alidade::v1::DeletePointsRequest request;
    request.set_collection(kLedgerCollection);
    for (const uint64_t id : batch.ids) {
      request.add_ids()->set_num(id);
    }
    alidade::v1::DeletePointsResponse response;
    status = client.points->DeletePoints(&context, request, &response);
    seq = response.receipt().seq();
  } else {
    alidade::v1::UpsertPointsRequest request;
    request.set_collection(kLedgerCollection);
    auto* columns = request.mutable_columns();
    auto* vectors = columns->add_vectors();
    vectors->set_field("v");
    vectors->set_element_type(alidade::v1::ELEMENT_TYPE_FLOAT32);
    for (const uint64_t id : batch.ids) {
      columns->mutable_number_ids()->add_values(id);
      vectors->mutable_data()->append(PackedVector(id, batch.version));
      *columns->add_payloads() = LedgerPayload(id, batch.version);
    }
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
  return problems;
}

}  // namespace alidade::testing
