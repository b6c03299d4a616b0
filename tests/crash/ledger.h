// Ledger: what a client knows about its writes, and what the server must therefore still have.
//
// The client notes the intent before it sends and the outcome after the answer. An unknown outcome
// (the connection broke) makes both results legal, but a batch is all or nothing. Values are not
// stored: vector and payload of (id, version) are made by a generator, so that every bit can be
// compared.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "alidade/v1/admin.grpc.pb.h"
#include "alidade/v1/collections.grpc.pb.h"
#include "alidade/v1/points.grpc.pb.h"
#include "alidade/v1/search.grpc.pb.h"

#include "alidade/common/mutex.h"

namespace alidade::testing {

inline constexpr uint32_t kLedgerDim = 24;
inline constexpr uint32_t kLedgerSparseDims = 40;
inline constexpr const char* kLedgerCollection = "ledger";

// The value of a version. The payload of an upsert says besides, under "born", which version the
// vector is of: payloads change alone.
std::vector<float> LedgerVector(uint64_t id, uint64_t version);
alidade::v1::Object LedgerPayload(uint64_t id, uint64_t version);

struct LedgerClient {
  explicit LedgerClient(const std::string& address);
  std::unique_ptr<alidade::v1::CollectionService::Stub> collections;
  std::unique_ptr<alidade::v1::PointService::Stub> points;
  std::unique_ptr<alidade::v1::SearchService::Stub> search;
  std::unique_ptr<alidade::v1::AdminService::Stub> admin;
};

// The points of one writer: nobody else writes them, so their order is the order of this ledger.
// Thread-compatible.
class Ledger {
 public:
  // Ids first .. first + count - 1.
  Ledger(uint64_t first, uint64_t count) : first_(first), states_(count) {}

  enum class Kind { kUpsert, kDelete, kPayload };  // kPayload: of those that are there
  struct Batch {
    Kind kind = Kind::kUpsert;
    std::vector<uint64_t> ids;
    uint64_t version = 0;
  };
  // Versions of a point's vector and payload; 0: it is absent.
  struct State {
    uint64_t vector = 0;
    uint64_t payload = 0;
    friend bool operator==(const State&, const State&) = default;
  };

  // The next random write; `seed` decides. Notes the intent.
  Batch Intend(uint64_t seed);
  enum class Outcome { kAcknowledged, kRefused, kUnknown };
  void Settle(Outcome outcome, uint64_t seq);

  // Compares with what the server has. Every difference is a line in the result. An unknown batch
  // is settled by what is found.
  std::vector<std::string> Verify(LedgerClient& client);

  uint64_t acknowledged() const { return acknowledged_; }
  uint64_t newest_seq() const { return newest_seq_; }
  uint64_t live() const;
  bool IsLive(uint64_t id) const { return states_[id - first_] != State(); }
  const State& state(uint64_t id) const { return states_[id - first_]; }
  uint64_t first() const { return first_; }
  uint64_t count() const { return states_.size(); }

 private:
  // What the open batch makes of the point.
  State After(uint64_t id) const;

  const uint64_t first_;
  std::vector<State> states_;
  uint64_t next_version_ = 1;
  std::optional<Batch> open_;
  bool unknown_ = false;
  uint64_t acknowledged_ = 0;
  uint64_t newest_seq_ = 0;
};

// Sends a batch; kUnknown if the connection broke or the deadline passed.
Ledger::Outcome SendBatch(LedgerClient& client, const Ledger::Batch& batch, uint64_t& seq);

// Rules over the whole collection: the count equals the list, both equal the ledgers, ids are
// distinct, searches find live rows only and as many as asked for, filters see the newest payloads.
// Lines that say what is wrong.
std::vector<std::string> VerifyCollection(LedgerClient& client, const std::vector<Ledger>& ledgers);

// Makes the collection if it is not there.
grpc::Status EnsureCollection(LedgerClient& client);

}  // namespace alidade::testing
