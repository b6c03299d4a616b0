#include "recall/bundled_set.h"

#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>
#include <regex>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "alidade/vec/element.h"

namespace alidade {
namespace {

constexpr uint32_t kDim = 384;

// The rows of a .npy file of little-endian float16 in C order with kDim columns.
std::vector<float> ReadHalfRows(const std::string& name, size_t rows) {
  std::ifstream file(std::string(ALIDADE_WORDNET_FOLDER) + "/" + name, std::ios::binary);
  const std::string bytes(std::istreambuf_iterator<char>(file), {});
  if (bytes.size() < 10 || bytes.substr(0, 8) != std::string("\x93NUMPY\x01\x00", 8)) {
    ADD_FAILURE() << name << " is no .npy file of version 1.0";
    return {};
  }
  uint16_t header_bytes = 0;
  std::memcpy(&header_bytes, bytes.data() + 8, sizeof(header_bytes));
  const std::string header = bytes.substr(10, header_bytes);
  const std::string shape = fmt::format(R"('shape': \({}, {}\))", rows, kDim);
  const size_t values = rows * kDim;
  if (!std::regex_search(header, std::regex(shape)) || header.find("'<f2'") == std::string::npos ||
      header.find("'fortran_order': False") == std::string::npos ||
      bytes.size() != 10 + header_bytes + values * sizeof(uint16_t)) {
    ADD_FAILURE() << name << " is not " << rows << " rows of float16: " << header;
    return {};
  }
  std::vector<Float16> halves(values);
  std::memcpy(halves.data(), bytes.data() + 10 + header_bytes, values * sizeof(Float16));
  std::vector<float> floats(values);
  ToFloats(halves.data(), floats.data(), values);
  return floats;
}

}  // namespace

std::unique_ptr<VectorSet> BundledBase() {
  return std::make_unique<VectorSet>(Metric::kCosine, kDim, ReadHalfRows("base.f16.npy", 5'000));
}

std::unique_ptr<VectorSet> BundledQueries() {
  return std::make_unique<VectorSet>(Metric::kCosine, kDim, ReadHalfRows("recall.f16.npy", 200));
}

}  // namespace alidade
