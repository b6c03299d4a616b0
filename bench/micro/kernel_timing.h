// KernelTiming: what the benchmarks of kernels share: rows in memory, kernels measured in turn, a
// table beside the floor (bytes of a row / read bandwidth, measured in the same rounds).
//
//   hot         eight rows over and over: they stay in the first-level cache, arithmetic only
//   sequential  rows in order, as an exact scan reads them
//   random      rows picked by number, one call each, as a graph walk without prefetch
//   gather      the same rows in blocks of 32 with prefetch, as our graph walk reads them
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

namespace alidade {

constexpr size_t kHotRows = 8;      // 24 KiB of float32 at 768 dimensions
constexpr size_t kGatherRows = 32;  // links of a node at level 0 with M = 16

struct TimingOptions {
  std::vector<size_t> dims = {128, 384, 768};
  size_t matrix_mib = 512;  // far more than any cache
  int rounds = 9;
  bool huge_pages = false;
  std::string json;
};
void AddTimingOptions(CLI::App& app, TimingOptions& options);

// Anonymous memory full of small float32 numbers; as codes, its bytes are as good as any.
class Matrix {
 public:
  Matrix(size_t mib, bool huge_pages);
  ~Matrix();
  Matrix(const Matrix&) = delete;
  Matrix& operator=(const Matrix&) = delete;

  const float* values() const { return values_; }
  size_t size() const { return bytes_ / sizeof(float); }
  size_t bytes() const { return bytes_; }

 private:
  size_t bytes_;
  float* values_ = nullptr;
};

// One kernel with one way to reach the rows. `run(first, count)` computes `count` distances,
// beginning with the first-th of the order (it wraps around), and returns something made of them.
struct Variant {
  std::string kernel;
  std::string access;
  size_t bytes = 0;         // of a row
  bool from_memory = true;  // has the bandwidth as its floor
  std::function<float(size_t first, size_t count)> run;
  size_t slice = 0;  // distances of one measurement
  size_t next = 0;
  std::vector<double> nanoseconds = {};
};

// Bytes per second of one thread that adds up words that are aligned to 8 bytes.
double ReadBandwidth(const void* memory, size_t bytes);

// The numbers of all rows, shuffled.
std::vector<uint32_t> RandomOrder(size_t rows);

// Measures all in turn, so that a disturbance hits all alike, prints the table and adds it to
// `report`.
void MeasureAndPrint(size_t dim,
                     const TimingOptions& options,
                     const Matrix& matrix,
                     std::vector<Variant>& variants,
                     nlohmann::json& report);

// Runs `measure(dim, matrix, report)` for all dimensions and writes the report; the exit status.
int RunTimings(const TimingOptions& options,
               const std::function<void(size_t, const Matrix&, nlohmann::json&)>& measure);

}  // namespace alidade
