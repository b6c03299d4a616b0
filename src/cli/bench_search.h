// BenchSearch: searches of a data set's queries over gRPC: recall, and speed under load.
#pragma once

#include <cstdint>
#include <string>

#include "alidade/common/status.h"

#include "connection.h"
#include "dataset.h"
#include "search_load.h"

namespace alidade {

// What all searches of a run share.
struct BenchSearchOptions {
  uint32_t k = 10;
  uint32_t queries_per_call = 1;
  double seconds = 5;  // of load, per setting
  bool exact = false;
  CallStyle style = CallStyle::kQueue;
  int connections = 0;  // 0: one for each client
  int server_pid = 0;   // 0: not known, and so is the server's processor time
};

// One point of the sweep.
struct SearchSetting {
  uint32_t ef = 0;           // 0: the default
  uint32_t nprobe = 0;       // 0: the default
  double recall_target = 0;  // instead of both; 0: none
  int clients = 1;
};

class BenchSearch {
 public:
  // Borrows the data set.
  BenchSearch(ConnectionOptions connection,
              std::string collection,
              std::string field,
              const BenchSearchOptions& options,
              Dataset& dataset)
      : connection_(std::move(connection)),
        collection_(std::move(collection)),
        field_(std::move(field)),
        options_(options),
        dataset_(dataset) {}

  // Asks the server itself for the true neighbours, by exact search, and puts their distances into
  // the data set: for sets without a truth, and for parts of a set. FAILED_PRECONDITION if there
  // are fewer than k points.
  Status AskTruth();
  // Recall over every query once, which also warms up; then `clients` calls in flight. Requires:
  // the truth is at least k deep.
  StatusOr<SearchFigures> Measure(const SearchSetting& setting) const;
  // Only the load, added to `figures`.
  Status Load(const SearchSetting& setting, double seconds, SearchFigures& figures) const;

 private:
  // The calls that send every query once.
  std::vector<alidade::v1::SearchRequest> MakeCalls(const SearchSetting& setting, bool exact) const;
  Status Ask(const std::vector<alidade::v1::SearchRequest>& calls,
             std::vector<std::vector<float>>& distances) const;
  Status Send(const std::vector<alidade::v1::SearchRequest>& calls,
              int clients,
              double seconds,
              SearchFigures& figures) const;

  const ConnectionOptions connection_;
  const std::string collection_;
  const std::string field_;
  const BenchSearchOptions options_;
  Dataset& dataset_;
};

}  // namespace alidade
