// AppendSection: one aligned section of an index body.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "alidade/index/byte_sink.h"

namespace alidade {

inline constexpr size_t kSectionAlign = 64;

inline uint64_t AlignSection(uint64_t x) {
  return (x + kSectionAlign - 1) / kSectionAlign * kSectionAlign;
}

// Fills up with zeros from `at` to `start`, writes the values, and moves `at` behind them.
template <typename T>
Status AppendSection(ByteSink& sink, const std::vector<T>& values, uint64_t& at, uint64_t start) {
  const std::string zeros(start - at, '\0');
  ALIDADE_RETURN_IF_ERROR(sink.Append(zeros));
  const std::string_view bytes(reinterpret_cast<const char*>(values.data()),
                               values.size() * sizeof(T));
  at = start + bytes.size();
  return sink.Append(bytes);
}

}  // namespace alidade
