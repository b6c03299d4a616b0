// Aligned sections of an index body.
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

inline Status AppendZeros(ByteSink& sink, uint64_t count) {
  return sink.Append(std::string(count, '\0'));
}

// Fills up with zeros from `at` to `start`, writes the values, and moves `at` behind them.
template <typename T>
Status AppendSection(ByteSink& sink, const std::vector<T>& values, uint64_t& at, uint64_t start) {
  ALIDADE_RETURN_IF_ERROR(AppendZeros(sink, start - at));
  const std::string_view bytes(reinterpret_cast<const char*>(values.data()),
                               values.size() * sizeof(T));
  at = start + bytes.size();
  return sink.Append(bytes);
}

}  // namespace alidade
