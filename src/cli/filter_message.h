// Filters of the command line as messages of the API.
#pragma once

#include <cstdio>
#include <string>

#include "alidade/v1/filter.pb.h"

#include "alidade/common/status.h"

namespace alidade {

struct Filter;

// The tree as it is: decoded again it is the same one.
void EncodeFilter(const Filter& in, v1::Filter& out);

// How text is analysed, from its readable form (text/analyzer.h). Errors: INVALID_ARGUMENT.
Status ParseAnalyzer(const std::string& text, v1::TextAnalyzer& out);

// The readable form (filter/filter_text.h). Errors: INVALID_ARGUMENT with the column.
Status ParseFilter(const std::string& text, v1::Filter& out);

// What --filter says, if anything, into a request; false, and a message to the user, if it is
// malformed.
template <typename Request>
bool SetFilter(const std::string& text, Request& request) {
  if (text.empty()) {
    return true;
  }
  const Status status = ParseFilter(text, *request.mutable_filter());
  if (!status.ok()) {
    std::fprintf(stderr, "%s\n", MessageOf(status).c_str());
  }
  return status.ok();
}

}  // namespace alidade
