#include "crash/crash_run.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include <grpcpp/grpcpp.h>

namespace alidade::testing {

std::vector<std::string> SmallLimits() {
  return {"limits.delta_rows_max=300",
          "background.seal_after_quiet_ms=50",
          "background.threads=1",
          "storage.write_buffer_bytes=1MiB",
          "log.level=info"};
}

CrashRun::CrashRun(const CrashOptions& options) : options_(options) {
  for (int i = 0; i < options.writers; ++i) {
    ledgers_.emplace_back(static_cast<uint64_t>(i) * 1'000'000 + 1, options.ids_per_writer);
  }
}

bool CrashRun::Start(const std::map<std::string, std::string>& environment) {
  ServerOptions server;
  server.data_dir = options_.data_dir;
  server.settings = SmallLimits();
  server.settings.insert(
      server.settings.end(), options_.extra_settings.begin(), options_.extra_settings.end());
  server.environment = environment;
  server_ = std::make_unique<ServerProcess>(server);
  if (!server_->ready()) {
    return false;
  }
  client_ = std::make_unique<LedgerClient>(server_->address());
  // An armed failpoint may end the server while the collection is made.
  return EnsureCollection(*client_).ok() || server_->WaitForExit(5);
}

void CrashRun::StartLoad(uint64_t seed) {
  stop_ = false;
  batches_ = 0;
  for (size_t i = 0; i < ledgers_.size(); ++i) {
    threads_.emplace_back([this, i, seed] { RunWriter(i, seed); });
  }
  for (int i = 0; i < options_.searchers; ++i) {
    threads_.emplace_back([this] { RunSearcher(); });
  }
}

void CrashRun::RunWriter(size_t writer, uint64_t seed) {
  LedgerClient client(server_->address());
  Ledger& ledger = ledgers_[writer];
  for (uint64_t step = 0; !stop_; ++step) {
    const Ledger::Batch batch = ledger.Intend(seed * 7'919 + writer * 104'729 + step);
    uint64_t seq = 0;
    const Ledger::Outcome outcome = SendBatch(client, batch, seq);
    ledger.Settle(outcome, seq);
    if (outcome == Ledger::Outcome::kUnknown) {
      return;  // the server is gone; the batch stays open until it is verified
    }
    if (outcome == Ledger::Outcome::kAcknowledged) {
      ++batches_;
    } else {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  }
}

void CrashRun::RunSearcher() {
  LedgerClient client(server_->address());
  uint64_t step = 0;
  while (!stop_) {
    alidade::v1::SearchRequest request;
    request.set_collection(kLedgerCollection);
    request.set_k(10);
    const std::vector<float> query = LedgerVector(++step, 1);
    request.add_queries()->mutable_vector()->set_packed(
        std::string(reinterpret_cast<const char*>(query.data()), query.size() * sizeof(float)));
    alidade::v1::SearchResponse response;
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(10));
    const grpc::Status status = client.search->Search(&context, request, &response);
    if (!status.ok()) {
      if (status.error_code() != grpc::StatusCode::UNAVAILABLE) {
        ++search_problems_;
      }
      return;
    }
  }
}

void CrashRun::WaitForBatches(uint64_t batches, double seconds) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  while (batches_ < batches && std::chrono::steady_clock::now() < until && server_->Running()) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

void CrashRun::KillServer() {
  server_->Kill();
  StopLoad();
}

void CrashRun::StopLoad() {
  stop_ = true;
  for (std::thread& thread : threads_) {
    thread.join();
  }
  threads_.clear();
}

std::vector<std::string> CrashRun::RestartAndVerify(
    const std::map<std::string, std::string>& environment) {
  StopLoad();
  if (!Start(environment)) {
    return {"the server does not start: " + server_->Log()};
  }
  return Verify();
}

std::vector<std::string> CrashRun::Verify() {
  std::vector<std::string> problems;
  uint64_t newest = 0;
  for (Ledger& ledger : ledgers_) {
    newest = std::max(newest, ledger.newest_seq());
    for (std::string& problem : ledger.Verify(*client_)) {
      problems.push_back(std::move(problem));
    }
  }
  if (!problems.empty()) {
    problems.push_back("the newest acknowledged write had seq " + std::to_string(newest));
    std::swap(problems.front(), problems.back());
  }
  for (std::string& problem : VerifyCollection(*client_, ledgers_)) {
    problems.push_back(std::move(problem));
  }
  if (search_problems_ != 0) {
    problems.push_back(std::to_string(search_problems_) + " searches failed under load");
  }
  return problems;
}

uint64_t CrashRun::acknowledged() const {
  uint64_t sum = 0;
  for (const Ledger& ledger : ledgers_) {
    sum += ledger.acknowledged();
  }
  return sum;
}

int EnvironmentNumber(const char* name, int otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::atoi(text);
}

uint64_t TestSeed() {
  const char* text = std::getenv("ALIDADE_TEST_SEED");
  const uint64_t seed =
      text != nullptr
          ? std::strtoull(text, nullptr, 10)
          : static_cast<uint64_t>(std::chrono::system_clock::now().time_since_epoch().count());
  std::printf("ALIDADE_TEST_SEED=%llu\n", static_cast<unsigned long long>(seed));
  return seed;
}

std::string Lines(const std::vector<std::string>& problems) {
  std::string text;
  for (size_t i = 0; i < std::min<size_t>(problems.size(), 20); ++i) {
    text += problems[i] + "\n";
  }
  return text + std::to_string(problems.size()) + " problems";
}

}  // namespace alidade::testing
