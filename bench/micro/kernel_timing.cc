#include "kernel_timing.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <numeric>
#include <random>

#include "alidade/vec/kernels.h"

#include "bench_report.h"
#include "exit_code.h"
#include "load.h"
#include "spread.h"

namespace alidade {
namespace {

using Json = nlohmann::json;

constexpr double kSliceSeconds = 0.02;

// The results must be used, or the compiler drops the work.
volatile float g_sink = 0;

double TimeSlice(Variant& variant, size_t count) {
  const double start = NowSeconds();
  g_sink = variant.run(variant.next, count);
  const double seconds = NowSeconds() - start;
  variant.next += count;
  return seconds;
}

// Doubles until a slice is long enough to be timed; always whole blocks.
void Calibrate(Variant& variant) {
  size_t count = 512;
  while (TimeSlice(variant, count) < kSliceSeconds) {
    count *= 2;
  }
  variant.slice = count;
}

void Print(size_t dim, double bandwidth, const std::vector<Variant>& variants, Json& report) {
  std::printf("\n%zu dimensions; one thread reads %.1f GB/s\n", dim, bandwidth / 1e9);
  std::printf("  %-10s %6s %-11s %10s %10s %10s %9s %9s\n",
              "kernel",
              "bytes",
              "rows",
              "median ns",
              "least",
              "most",
              "floor",
              "x floor");
  for (const Variant& variant : variants) {
    const Spread spread = SpreadOf(variant.nanoseconds);
    const double floor = static_cast<double>(variant.bytes) / bandwidth * 1e9;
    char floor_text[16] = "-";
    char factor[16] = "-";
    if (variant.from_memory) {
      std::snprintf(floor_text, sizeof(floor_text), "%.1f", floor);
      std::snprintf(factor, sizeof(factor), "%.1f", spread.median / floor);
    }
    std::printf("  %-10s %6zu %-11s %10.1f %10.1f %10.1f %9s %9s\n",
                variant.kernel.c_str(),
                variant.bytes,
                variant.access.c_str(),
                spread.median,
                spread.least,
                spread.most,
                floor_text,
                factor);
    report["kernels"].push_back({{"dimensions", dim},
                                 {"kernel", variant.kernel},
                                 {"bytes", variant.bytes},
                                 {"rows", variant.access},
                                 {"nanoseconds", spread.median},
                                 {"least", spread.least},
                                 {"most", spread.most},
                                 {"floor", variant.from_memory ? Json(floor) : Json()}});
  }
}

}  // namespace

double ReadBandwidth(const void* memory, size_t bytes) {
  const auto* words = static_cast<const uint64_t*>(memory);
  const size_t count = bytes / sizeof(uint64_t);
  uint64_t sums[8] = {};
  const double start = NowSeconds();
  for (size_t i = 0; i + 8 <= count; i += 8) {
    for (size_t k = 0; k < 8; ++k) {
      sums[k] += words[i + k];
    }
  }
  const double seconds = NowSeconds() - start;
  g_sink = static_cast<float>(std::accumulate(std::begin(sums), std::end(sums), uint64_t{0}));
  return static_cast<double>(bytes) / seconds;
}

void AddTimingOptions(CLI::App& app, TimingOptions& options) {
  app.add_option("--dims", options.dims, "Dimensions, a list")
      ->delimiter(',')
      ->check(CLI::Range(1, 65'536));
  app.add_option("--matrix-mib", options.matrix_mib, "Size of the rows")
      ->check(CLI::Range(64, 65'536))
      ->capture_default_str();
  app.add_option("--rounds", options.rounds, "Times each is measured")
      ->check(CLI::Range(1, 1'000))
      ->capture_default_str();
  app.add_option("--json", options.json, "Write the figures here (-: standard output)");
}

Matrix::Matrix(size_t mib, bool huge_pages) : bytes_(mib << 20) {
  void* memory =
      ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    std::perror("mmap");
    std::exit(1);
  }
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

Matrix::~Matrix() { ::munmap(values_, bytes_); }

std::vector<uint32_t> RandomOrder(size_t rows) {
  std::vector<uint32_t> order(rows);
  std::iota(order.begin(), order.end(), uint32_t{0});
  std::shuffle(order.begin(), order.end(), std::mt19937(2));
  return order;
}

void MeasureAndPrint(size_t dim,
                     const TimingOptions& options,
                     const Matrix& matrix,
                     std::vector<Variant>& variants,
                     nlohmann::json& report) {
  for (Variant& variant : variants) {
    Calibrate(variant);
  }
  std::vector<double> bandwidths;
  for (int round = 0; round < options.rounds; ++round) {
    bandwidths.push_back(ReadBandwidth(matrix.values(), matrix.bytes()));
    for (Variant& variant : variants) {
      variant.nanoseconds.push_back(TimeSlice(variant, variant.slice) * 1e9 /
                                    static_cast<double>(variant.slice));
    }
  }
  Print(dim, SpreadOf(bandwidths).median, variants, report);
}

int RunTimings(const TimingOptions& options,
               const std::function<void(size_t, const Matrix&, nlohmann::json&)>& measure) {
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
    measure(dim, matrix, report);
  }
  return ExitCode(WriteReport(options.json, report));
}

}  // namespace alidade
