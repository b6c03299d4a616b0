// kernels_bench: nanoseconds per float32 distance, by dimension and by where the rows come from,
// beside the floor (bytes of a row / read bandwidth, measured in the same rounds) and beside the
// scalar kernels of Debian's FAISS.
//
//   hot         eight rows over and over: they stay in the first-level cache, arithmetic only
//   sequential  rows in order, as an exact scan reads them
//   random      rows picked by number, one call each, as a graph walk without prefetch
//   gather      the same rows in blocks of 32 with prefetch, as our graph walk reads them
#include <sys/mman.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <random>

#include <CLI/CLI.hpp>
#include <faiss/utils/distances.h>

#include "alidade/vec/kernels.h"

#include "bench_report.h"
#include "load.h"
#include "spread.h"

namespace alidade {
namespace {

using Json = nlohmann::json;

constexpr size_t kHotRows = 8;      // 24 KiB at 768 dimensions
constexpr size_t kGatherRows = 32;  // links of a node at level 0 with M = 16
constexpr size_t kScanRows = 512;   // as in index/flat.cc
constexpr double kSliceSeconds = 0.02;

struct Options {
  std::vector<size_t> dims = {128, 384, 768};
  size_t matrix_mib = 512;  // far more than any cache
  int rounds = 9;
  bool huge_pages = false;
  std::string json;
};

// One kernel with one way to reach the rows. `run(first, count)` computes `count` distances,
// beginning with the first-th of the order (it wraps around).
struct Variant {
  std::string kernel;
  std::string access;
  bool from_memory = true;  // has the bandwidth as its floor
  std::function<float(size_t first, size_t count)> run;
  size_t slice = 0;  // distances that take about kSliceSeconds
  size_t next = 0;
  std::vector<double> nanoseconds = {};
};

// The results must be used, or the compiler drops the work.
volatile float g_sink = 0;

// Anonymous memory full of small numbers.
class Matrix {
 public:
  Matrix(size_t mib, bool huge_pages) : bytes_(mib << 20) {
    void* memory =
        ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
      std::perror("mmap");
      std::exit(1);
    }
    // Segment files are mapped, and mapped files have small pages: so does this, unless asked.
    ::madvise(memory, bytes_, huge_pages ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
    values_ = static_cast<float*>(memory);
    std::mt19937 random(1);
    std::vector<float> block(1 << 16);
    std::uniform_real_distribution<float> value(-1, 1);
    std::generate(block.begin(), block.end(), [&] { return value(random); });
    for (size_t i = 0; i < size(); i += block.size()) {
      std::memcpy(values_ + i, block.data(), std::min(block.size(), size() - i) * sizeof(float));
    }
  }
  ~Matrix() { ::munmap(values_, bytes_); }
  Matrix(const Matrix&) = delete;
  Matrix& operator=(const Matrix&) = delete;

  const float* values() const { return values_; }
  size_t size() const { return bytes_ / sizeof(float); }
  size_t bytes() const { return bytes_; }

 private:
  size_t bytes_;
  float* values_ = nullptr;
};

// Bytes per second of one thread that only reads.
double ReadBandwidth(const Matrix& matrix) {
  const auto* words = reinterpret_cast<const uint64_t*>(matrix.values());
  const size_t count = matrix.bytes() / sizeof(uint64_t);
  uint64_t sums[8] = {};
  const double start = NowSeconds();
  for (size_t i = 0; i + 8 <= count; i += 8) {
    for (size_t k = 0; k < 8; ++k) {
      sums[k] += words[i + k];
    }
  }
  const double seconds = NowSeconds() - start;
  uint64_t sum = 0;
  for (const uint64_t each : sums) {
    sum += each;
  }
  g_sink = static_cast<float>(sum);
  return static_cast<double>(matrix.bytes()) / seconds;
}

struct Kernels {
  std::string name;
  float (*one)(const float*, const float*, size_t);
  void (*rows)(const float*, const float*, size_t, size_t, float*) = nullptr;
  void (*gather)(const float*, const RowPick&, float*) = nullptr;
};

float FaissL2(const float* a, const float* b, size_t dim) { return faiss::fvec_L2sqr(a, b, dim); }
float FaissDot(const float* a, const float* b, size_t dim) {
  return faiss::fvec_inner_product(a, b, dim);
}

// Borrowed by all variants of one dimension.
struct Rows {
  const float* query;
  const float* base;
  size_t dim;
  std::vector<uint32_t> order;  // a random permutation of all rows

  const float* Row(size_t row) const { return base + row * dim; }
};

Variant Hot(const Kernels& kernels, const Rows& rows) {
  return {.kernel = kernels.name,
          .access = "hot",
          .from_memory = false,
          .run = [one = kernels.one, &rows](size_t first, size_t count) {
            float sum = 0;
            for (size_t i = first; i < first + count; ++i) {
              sum += one(rows.query, rows.Row(i % kHotRows), rows.dim);
            }
            return sum;
          }};
}

// The library's own scan if it has one, else one call per row.
Variant Sequential(const Kernels& kernels, const Rows& rows) {
  return {.kernel = kernels.name,
          .access = "sequential",
          .run = [&kernels, &rows](size_t first, size_t count) {
            float distances[kScanRows];
            float sum = 0;
            const size_t blocks = rows.order.size() / kScanRows;
            for (size_t i = first / kScanRows; i < (first + count) / kScanRows; ++i) {
              const float* block = rows.Row(i % blocks * kScanRows);
              if (kernels.rows != nullptr) {
                kernels.rows(rows.query, block, kScanRows, rows.dim, distances);
              } else {
                for (size_t k = 0; k < kScanRows; ++k) {
                  distances[k] = kernels.one(rows.query, block + k * rows.dim, rows.dim);
                }
              }
              sum += distances[0] + distances[kScanRows - 1];
            }
            return sum;
          }};
}

Variant Random(const Kernels& kernels, const Rows& rows) {
  return {.kernel = kernels.name,
          .access = "random",
          .run = [one = kernels.one, &rows](size_t first, size_t count) {
            float sum = 0;
            for (size_t i = first; i < first + count; ++i) {
              sum += one(rows.query, rows.Row(rows.order[i % rows.order.size()]), rows.dim);
            }
            return sum;
          }};
}

Variant Gather(const Kernels& kernels, const Rows& rows) {
  return {.kernel = kernels.name,
          .access = "gather",
          .run = [gather = kernels.gather, &rows](size_t first, size_t count) {
            float distances[kGatherRows];
            float sum = 0;
            const size_t blocks = rows.order.size() / kGatherRows;
            for (size_t i = first / kGatherRows; i < (first + count) / kGatherRows; ++i) {
              gather(
                  rows.query,
                  {rows.base, rows.order.data() + i % blocks * kGatherRows, kGatherRows, rows.dim},
                  distances);
              sum += distances[0];
            }
            return sum;
          }};
}

double TimeSlice(Variant& variant, size_t count) {
  const double start = NowSeconds();
  g_sink = variant.run(variant.next, count);
  const double seconds = NowSeconds() - start;
  variant.next += count;
  return seconds;
}

// Doubles until a slice is long enough to be timed, then cuts to whole blocks.
void Calibrate(Variant& variant) {
  size_t count = kScanRows;
  while (TimeSlice(variant, count) < kSliceSeconds) {
    count *= 2;
  }
  variant.slice = count;
}

void MeasureDimension(size_t dim,
                      const Options& options,
                      const Matrix& matrix,
                      std::vector<double>& bandwidths,
                      std::vector<Variant>& variants) {
  static const std::vector<Kernels> kAll = {{"L2", SquaredL2, SquaredL2Rows, SquaredL2Gather},
                                            {"dot", Dot, DotRows, DotGather},
                                            {"FAISS L2", FaissL2},
                                            {"FAISS dot", FaissDot}};
  std::vector<float> query(dim, 0.25F);
  Rows rows{.query = query.data(), .base = matrix.values(), .dim = dim, .order = {}};
  rows.order.resize(matrix.size() / dim);
  for (size_t i = 0; i < rows.order.size(); ++i) {
    rows.order[i] = static_cast<uint32_t>(i);
  }
  std::shuffle(rows.order.begin(), rows.order.end(), std::mt19937(2));
  for (const Kernels& kernels : kAll) {
    variants.push_back(Hot(kernels, rows));
    variants.push_back(Sequential(kernels, rows));
    variants.push_back(Random(kernels, rows));
    if (kernels.gather != nullptr) {
      variants.push_back(Gather(kernels, rows));
    }
  }
  for (Variant& variant : variants) {
    Calibrate(variant);
  }
  // In turn, so that a disturbance hits all alike.
  for (int round = 0; round < options.rounds; ++round) {
    bandwidths.push_back(ReadBandwidth(matrix));
    for (Variant& variant : variants) {
      variant.nanoseconds.push_back(TimeSlice(variant, variant.slice) * 1e9 /
                                    static_cast<double>(variant.slice));
    }
  }
}

void Print(size_t dim,
           const std::vector<double>& bandwidths,
           const std::vector<Variant>& variants,
           Json& report) {
  const double bandwidth = SpreadOf(bandwidths).median;
  const double floor = static_cast<double>(dim * sizeof(float)) / bandwidth * 1e9;
  std::printf("\n%zu dimensions, %zu bytes; one thread reads %.1f GB/s: floor %.1f ns\n",
              dim,
              dim * sizeof(float),
              bandwidth / 1e9,
              floor);
  std::printf("  %-10s %-11s %10s %10s %10s %9s\n",
              "kernel",
              "rows",
              "median ns",
              "least",
              "most",
              "x floor");
  for (const Variant& variant : variants) {
    const Spread spread = SpreadOf(variant.nanoseconds);
    char factor[16] = "-";
    if (variant.from_memory) {
      std::snprintf(factor, sizeof(factor), "%.1f", spread.median / floor);
    }
    std::printf("  %-10s %-11s %10.1f %10.1f %10.1f %9s\n",
                variant.kernel.c_str(),
                variant.access.c_str(),
                spread.median,
                spread.least,
                spread.most,
                factor);
    report["kernels"].push_back({{"dimensions", dim},
                                 {"kernel", variant.kernel},
                                 {"rows", variant.access},
                                 {"nanoseconds", spread.median},
                                 {"least", spread.least},
                                 {"most", spread.most},
                                 {"floor", variant.from_memory ? Json(floor) : Json()}});
  }
}

int Run(const Options& options) {
  Json report = {{"machine", MachineJson()}, {"huge_pages", options.huge_pages}};
  const auto targets = KernelTargets();
  std::printf("instruction set: %s; %zu MiB of rows, %s pages, %d rounds\n",
              targets.front().c_str(),
              options.matrix_mib,
              options.huge_pages ? "huge" : "small",
              options.rounds);
  report["instruction_set"] = targets.front();
  const Matrix matrix(options.matrix_mib, options.huge_pages);
  for (const size_t dim : options.dims) {
    std::vector<double> bandwidths;
    std::vector<Variant> variants;
    MeasureDimension(dim, options, matrix, bandwidths, variants);
    Print(dim, bandwidths, variants, report);
  }
  const Status status = WriteReport(options.json, report);
  if (!status.ok()) {
    std::fprintf(stderr, "%s\n", MessageOf(status).c_str());
  }
  return status.ok() ? 0 : 1;
}

}  // namespace
}  // namespace alidade

int main(int argc, char** argv) {
  CLI::App app("Nanoseconds per float32 distance, beside the floor and Debian's FAISS");
  alidade::Options options;
  app.add_option("--dims", options.dims, "Dimensions, a list")
      ->delimiter(',')
      ->check(CLI::Range(1, 65'536));
  app.add_option("--matrix-mib", options.matrix_mib, "Size of the rows")
      ->check(CLI::Range(64, 65'536))
      ->capture_default_str();
  app.add_option("--rounds", options.rounds, "Times each is measured")
      ->check(CLI::Range(1, 1'000))
      ->capture_default_str();
  app.add_flag("--huge-pages", options.huge_pages, "Rows in huge pages");
  app.add_option("--json", options.json, "Write the figures here (-: standard output)");
  CLI11_PARSE(app, argc, argv);
  return alidade::Run(options);
}
