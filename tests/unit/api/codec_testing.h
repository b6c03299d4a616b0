// What the tests of the codecs share: requests from text, small limits, the table of refusals.
#pragma once

#include <span>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include "alidade/common/limits.h"
#include "alidade/common/status.h"

namespace alidade {

template <typename Message>
Message Parse(const std::string& text) {
  Message message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message)) << text;
  return message;
}

inline std::string Packed(const std::vector<float>& values) {
  return std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
}

inline std::vector<float> Floats(std::span<const float> values) {
  return {values.begin(), values.end()};
}

// Small limits, so that each can be passed by a short request.
inline Limits SmallLimits() {
  Limits limits;
  limits.batch_rows_max = 3;
  limits.batch_queries_max = 2;
  limits.dimension_max = 64;
  limits.k_max = 10;
  limits.ef_max = 100;
  limits.nprobe_max = 20;
  limits.payload_bytes_max = 100;
  limits.payload_depth_max = 3;
  limits.filter_depth_max = 3;
  limits.filter_nodes_max = 5;
  limits.filter_values_max = 2;
  limits.page_size_max = 50;
  return limits;
}

struct Refusal {
  const char* name;
  std::string request;
  std::string field;
  std::string message;  // a part of it
};

template <typename Message, typename Decode>
void ExpectRefused(const Refusal& refusal, const Decode& decode) {
  SCOPED_TRACE(refusal.name);
  const Message message = Parse<Message>(refusal.request);
  const Status status = decode(message);
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument) << MessageOf(status);
  EXPECT_EQ(FieldOf(status).value_or("no field"), refusal.field) << MessageOf(status);
  EXPECT_THAT(MessageOf(status), testing::HasSubstr(refusal.message));
}

}  // namespace alidade
