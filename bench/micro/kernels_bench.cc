// kernels_bench: nanoseconds per distance to float32, float16 and bfloat16 rows, by dimension and
// by where the rows come from (kernel_timing.h), beside the floor and beside the scalar kernels of
// Debian's FAISS.
#include <algorithm>

#include <CLI/CLI.hpp>
#include <faiss/utils/distances.h>

#include "alidade/vec/kernels.h"
#include "alidade/vec/scan_prefetch.h"

#include "kernel_timing.h"

namespace alidade {
namespace {

template <class T>
struct Kernels {
  std::string name;
  float (*one)(const float*, const T*, size_t) = nullptr;
  void (*rows)(const float*, const T*, size_t, size_t, float*) = nullptr;
  void (*gather)(const float*, const RowPick<T>&, float*) = nullptr;
};

float FaissL2(const float* a, const float* b, size_t dim) { return faiss::fvec_L2sqr(a, b, dim); }
float FaissDot(const float* a, const float* b, size_t dim) {
  return faiss::fvec_inner_product(a, b, dim);
}

// Borrowed by all variants of one dimension.
template <class T>
struct Rows {
  const float* query;
  const T* base;
  size_t dim;
  const std::vector<uint32_t>& order;  // a random permutation of all rows

  const T* Row(size_t row) const { return base + row * dim; }
  size_t Bytes() const { return dim * sizeof(T); }
};

template <class T>
Variant Hot(const Kernels<T>& kernels, const Rows<T>& rows) {
  return {.kernel = kernels.name,
          .access = "hot",
          .bytes = rows.Bytes(),
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
template <class T>
Variant Sequential(const Kernels<T>& kernels, const Rows<T>& rows) {
  return {.kernel = kernels.name,
          .access = "sequential",
          .bytes = rows.Bytes(),
          .run = [&kernels, &rows](size_t first, size_t count) {
            float distances[kScanStepRowsMax];
            float sum = 0;
            const size_t step = ScanStepRows(rows.Bytes());
            const size_t steps = rows.order.size() / step;
            for (size_t i = first / step; i < (first + count) / step; ++i) {
              const T* block = rows.Row(i % steps * step);
              if (kernels.rows != nullptr) {
                FetchScanAhead(rows.base, rows.Bytes(), i % steps * step, step, steps * step);
                kernels.rows(rows.query, block, step, rows.dim, distances);
              } else {
                for (size_t k = 0; k < step; ++k) {
                  distances[k] = kernels.one(rows.query, block + k * rows.dim, rows.dim);
                }
              }
              sum += distances[0] + distances[step - 1];
            }
            return sum;
          }};
}

template <class T>
Variant Random(const Kernels<T>& kernels, const Rows<T>& rows) {
  return {.kernel = kernels.name,
          .access = "random",
          .bytes = rows.Bytes(),
          .run = [one = kernels.one, &rows](size_t first, size_t count) {
            float sum = 0;
            for (size_t i = first; i < first + count; ++i) {
              sum += one(rows.query, rows.Row(rows.order[i % rows.order.size()]), rows.dim);
            }
            return sum;
          }};
}

template <class T>
Variant Gather(const Kernels<T>& kernels, const Rows<T>& rows) {
  return {.kernel = kernels.name,
          .access = "gather",
          .bytes = rows.Bytes(),
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

template <class T>
void AddVariants(const std::vector<Kernels<T>>& all,
                 const Rows<T>& rows,
                 std::vector<Variant>& variants) {
  for (const Kernels<T>& kernels : all) {
    if (kernels.one != nullptr) {
      variants.push_back(Hot(kernels, rows));
      variants.push_back(Random(kernels, rows));
    }
    variants.push_back(Sequential(kernels, rows));
    if (kernels.gather != nullptr) {
      variants.push_back(Gather(kernels, rows));
    }
  }
}

template <class T, class Narrow>
std::vector<T> NarrowCopy(const Matrix& matrix, const Narrow& narrow) {
  std::vector<T> copy(matrix.size());
  std::transform(matrix.values(), matrix.values() + matrix.size(), copy.begin(), narrow);
  return copy;
}

void MeasureDimension(size_t dim,
                      const TimingOptions& options,
                      const Matrix& matrix,
                      nlohmann::json& report) {
  static const std::vector<Kernels<float>> kWide = {
      {"L2", SquaredL2, SquaredL2Rows, SquaredL2Gather},
      {"dot", Dot, DotRows, DotGather},
      {"FAISS L2", FaissL2},
      {"FAISS dot", FaissDot}};
  static const std::vector<Kernels<Float16>> kFloat16 = {
      {"L2 float16", nullptr, SquaredL2Rows, SquaredL2Gather},
      {"dot float16", nullptr, DotRows, DotGather}};
  static const std::vector<Kernels<Bfloat16>> kBfloat16 = {
      {"L2 bfloat16", nullptr, SquaredL2Rows, SquaredL2Gather},
      {"dot bfloat16", nullptr, DotRows, DotGather}};
  const std::vector<float> query(dim, 0.25F);
  const std::vector<uint32_t> order = RandomOrder(matrix.size() / dim);
  const auto halves = NarrowCopy<Float16>(matrix, ToFloat16);
  const auto brains = NarrowCopy<Bfloat16>(matrix, ToBfloat16);
  const Rows<float> wide{query.data(), matrix.values(), dim, order};
  const Rows<Float16> float16{query.data(), halves.data(), dim, order};
  const Rows<Bfloat16> bfloat16{query.data(), brains.data(), dim, order};
  std::vector<Variant> variants;
  AddVariants(kWide, wide, variants);
  AddVariants(kFloat16, float16, variants);
  AddVariants(kBfloat16, bfloat16, variants);
  MeasureAndPrint(dim, options, matrix, variants, report);
}

}  // namespace
}  // namespace alidade

int main(int argc, char** argv) {
  CLI::App app("Nanoseconds per distance, beside the floor and Debian's FAISS");
  alidade::TimingOptions options;
  alidade::AddTimingOptions(app, options);
  // Segment files are mapped, and mapped files have small pages: so do the rows, unless asked.
  app.add_flag("--huge-pages", options.huge_pages, "Rows in huge pages");
  CLI11_PARSE(app, argc, argv);
  return alidade::RunTimings(
      options, [&](size_t dim, const alidade::Matrix& matrix, nlohmann::json& report) {
        alidade::MeasureDimension(dim, options, matrix, report);
      });
}
