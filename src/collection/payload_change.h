// PayloadChange: payloads that become others; rows, vectors and indexes stay as they are.
//
// The row of the point keeps its number: its value in the store is written anew, and a record says
// since when, so that a start finds what a sealed segment's files do not show.
#pragma once

#include <string>
#include <vector>

#include "point_change.h"
#include "point_selector.h"

namespace alidade {

class PayloadChange final : public PointChange {
 public:
  // Borrows the request.
  PayloadChange(Collection& collection, const PayloadRequest& request)
      : PointChange(collection), request_(request), selector_(request.points) {}
  Status Load();

  Status Prepare(CommitContext& context) override;
  void Apply(SeqNo seq) override;
  size_t byte_size() const override;
  uint64_t fingerprint() const override { return fingerprint_; }
  WriteCounts counts() const override { return {.points = changed_.size()}; }

 private:
  struct Changed {
    SelectedPoint point;
    std::string payload;
  };

  // Adds those of the points first..end - 1 whose payload becomes another to `changed_`.
  Status EditSome(std::vector<SelectedPoint>& points, size_t first, size_t end);

  const PayloadRequest& request_;
  PointSelector selector_;
  std::vector<Changed> changed_;
  size_t bytes_ = 0;  // of the new payloads
  uint64_t fingerprint_ = 0;
};

}  // namespace alidade
