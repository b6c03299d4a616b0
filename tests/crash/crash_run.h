// CrashRun: a server that is loaded, killed, restarted and compared with the ledgers.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "crash/ledger.h"
#include "support/server_process.h"

namespace alidade::testing {

struct CrashOptions {
  std::string data_dir;
  std::vector<std::string> extra_settings;
  int writers = 4;
  int searchers = 1;
  uint64_t ids_per_writer = 1'200;
};

// Small limits, so that deltas are sealed and segments merged all the time.
std::vector<std::string> SmallLimits();

class CrashRun {
 public:
  explicit CrashRun(const CrashOptions& options);

  // Starts a server with the given environment; false if it did not become ready.
  bool Start(const std::map<std::string, std::string>& environment);
  // Writers and searchers run until Kill, or until the server dies by itself.
  void StartLoad(uint64_t seed);
  // Waits until the load has `batches` acknowledged batches, or `seconds` passed, or the server
  // died.
  void WaitForBatches(uint64_t batches, double seconds);
  void KillServer();  // SIGKILL, then the load ends
  void StopLoad();    // the load ends, the server goes on

  // Starts a server (clean unless told otherwise) and compares. Lines that say what is wrong; empty
  // is good.
  std::vector<std::string> RestartAndVerify(
      const std::map<std::string, std::string>& environment = {});
  // The same on the running server.
  std::vector<std::string> Verify();

  ServerProcess& server() { return *server_; }
  LedgerClient& client() { return *client_; }
  std::vector<Ledger>& ledgers() { return ledgers_; }
  uint64_t batches() const { return batches_.load(); }
  uint64_t search_problems() const { return search_problems_.load(); }
  uint64_t acknowledged() const;
  double ready_seconds() const { return server_->ready_seconds(); }

 private:
  void RunWriter(size_t writer, uint64_t seed);
  void RunSearcher();

  CrashOptions options_;
  std::vector<Ledger> ledgers_;
  std::unique_ptr<ServerProcess> server_;
  std::unique_ptr<LedgerClient> client_;
  std::vector<std::thread> threads_;
  std::atomic<bool> stop_{false};
  std::atomic<uint64_t> batches_{0};
  std::atomic<uint64_t> search_problems_{0};
};

// The value of an environment variable as a number, or `otherwise`.
int EnvironmentNumber(const char* name, int otherwise);
// A seed for this run: ALIDADE_TEST_SEED, or the clock; printed.
uint64_t TestSeed();
// For EXPECT messages.
std::string Lines(const std::vector<std::string>& problems);

}  // namespace alidade::testing
