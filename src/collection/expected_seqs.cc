#include "expected_seqs.h"

#include "point_change.h"

namespace alidade {

Status CheckExpectedSeq(SeqNo expected,
                        const std::optional<CurrentPoint>& current,
                        const PointId& id,
                        size_t index) {
  const SeqNo found = current.has_value() ? current->seq : SeqNo(0);
  if (found == expected) {
    return OkStatus();
  }
  const auto state = [](SeqNo seq) {
    return seq.value() == 0 ? std::string("not to exist") : fmt::format("to be at seq {}", seq);
  };
  return WithReason(Aborted("if_seqs[{}]: the point {} was expected {}, {}",
                            index,
                            id.ToString(),
                            state(expected),
                            current.has_value() ? fmt::format("it is at seq {}", found)
                                                : std::string("it does not exist")),
                    "SEQ_MISMATCH");
}

Status RepeatedId(const PointId& id, size_t index) {
  return FieldError(fmt::format("if_seqs[{}]", index),
                    "the point {} is named a second time, which has no meaning with expected seqs",
                    id.ToString());
}

void AddExpectedSeqs(Hasher128& hasher, const std::vector<SeqNo>& seqs) {
  if (seqs.empty()) {
    return;
  }
  AddPart(hasher, "if_seqs");
  for (const SeqNo seq : seqs) {
    const uint64_t value = seq.value();
    AddPart(hasher, {reinterpret_cast<const char*>(&value), sizeof(value)});
  }
}

}  // namespace alidade
