#include "service_context.h"

#include <thread>

namespace alidade {
namespace {

// Between looks at the history, whose statistics cost more than a counter (chosen).
constexpr std::chrono::milliseconds kSeqPollInterval{20};
// As long as reads of points wait for a write that this server cannot know yet.
constexpr std::chrono::seconds kSeqWaitMax{10};

}  // namespace

Status WaitForSeq(const Engine& engine, uint64_t min_seq, const Deadline& deadline) {
  if (min_seq == 0) {
    return OkStatus();
  }
  const auto give_up = Deadline::Clock::now() + kSeqWaitMax;
  for (SeqNo seq = engine.Stats().seq; seq < SeqNo(min_seq); seq = engine.Stats().seq) {
    ALIDADE_RETURN_IF_ERROR(deadline.Check());
    if (Deadline::Clock::now() >= give_up) {
      return WithReason(
          FailedPrecondition(
              "min_seq {} is beyond the newest write {} of this server", min_seq, seq),
          "MIN_SEQ_NOT_REACHED");
    }
    std::this_thread::sleep_for(kSeqPollInterval);
  }
  return OkStatus();
}

Status ResolveAllVectors(const Engine& engine,
                         const std::string& collection,
                         std::vector<std::string>& vectors) {
  if (vectors.size() != 1 || vectors[0] != "*") {
    return OkStatus();
  }
  ALIDADE_ASSIGN_OR_RETURN(const CollectionInfo info, engine.GetCollection(collection));
  vectors.clear();
  const Schema schema = info.config.schema();
  for (const std::string_view name : schema.FieldNames()) {
    vectors.emplace_back(name);
  }
  return OkStatus();
}

}  // namespace alidade
