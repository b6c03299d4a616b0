// What an engine answers, held against what the model says.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "alidade/common/status.h"
#include "alidade/engine/engine.h"

#include "model/operation.h"
#include "model/plain_model.h"

namespace alidade {

// A difference between engine and model is a status with the code kDataLoss, whatever it is about.
template <typename... Args>
Status Differs(fmt::format_string<Args...> format, Args&&... args) {
  return DataLoss("{}", fmt::format(format, std::forward<Args>(args)...));
}

// All borrowed for the call.
struct ReadContext {
  const Engine& engine;
  const ModelCollection& target;
  const std::string& name;  // or an alias
  SeqNo min_seq;
  uint64_t& hits_compared;
};

Status CheckGet(const ReadContext& read, const Operation& operation);
Status CheckCount(const ReadContext& read, const Operation& operation);
// All pages.
Status CheckList(const ReadContext& read, const Operation& operation);
Status CheckSearch(const ReadContext& read, const Operation& operation, bool exact);

}  // namespace alidade
