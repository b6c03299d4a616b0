// code_kernels_bench: nanoseconds per dot product over codes of 8, 4 and 1 bits, beside float32, by
// dimension and by where the rows come from (kernel_timing.h), beside the floor.
//
//   hot rows    eight rows over and over by the form for many rows (short codes four at once)
#include <CLI/CLI.hpp>

#include "alidade/vec/code_kernels.h"
#include "alidade/vec/kernels.h"
#include "alidade/vec/scan_prefetch.h"

#include "kernel_timing.h"

namespace alidade {
namespace {

constexpr size_t kBehindCode = 16;  // corrections of a vector: a few numbers that are read with it

// Each kind of row: its bytes, and the three forms of the kernel. A row is a code and what lies
// behind it, or the floats.
struct Float {
  static constexpr const char* kName = "float32";
  using Sum = float;
  static size_t RowBytes(size_t dim) { return dim * sizeof(float); }
  explicit Float(size_t dim) : query(dim, 0.25F) {}
  std::vector<float> query;

  static const float* Floats(const uint8_t* row) { return reinterpret_cast<const float*>(row); }
  float One(const uint8_t* row, size_t dim) const { return Dot(query.data(), Floats(row), dim); }
  void Rows(const CodeRows& rows, float* out) const {
    DotRows(query.data(), Floats(rows.base), rows.count, rows.dim, out);
  }
  void Gather(const CodePick& pick, float* out) const {
    DotGather(query.data(), {Floats(pick.base), pick.rows, pick.count, pick.dim}, out);
  }
};

struct Int8 {
  static constexpr const char* kName = "int8";
  using Sum = int32_t;
  static size_t RowBytes(size_t dim) { return dim + kBehindCode; }
  explicit Int8(size_t dim) : query(Int8QueryBytes(dim), 100) {}
  std::vector<int8_t> query;

  int32_t One(const uint8_t* row, size_t dim) const {
    return DotInt8(query.data(), reinterpret_cast<const int8_t*>(row), dim);
  }
  void Rows(const CodeRows& rows, int32_t* out) const { DotInt8Rows(query.data(), rows, out); }
  void Gather(const CodePick& pick, int32_t* out) const { DotInt8Gather(query.data(), pick, out); }
};

struct Int4 {
  static constexpr const char* kName = "int4";
  using Sum = int32_t;
  static size_t RowBytes(size_t dim) { return Int4CodeBytes(dim) + kBehindCode; }
  explicit Int4(size_t dim) : query(2 * Int4CodeBytes(dim), 100) {}
  std::vector<int8_t> query;

  int32_t One(const uint8_t* row, size_t dim) const { return DotInt4(query.data(), row, dim); }
  void Rows(const CodeRows& rows, int32_t* out) const { DotInt4Rows(query.data(), rows, out); }
  void Gather(const CodePick& pick, int32_t* out) const { DotInt4Gather(query.data(), pick, out); }
};

struct Bit {
  static constexpr const char* kName = "bit";
  using Sum = int32_t;
  static size_t RowBytes(size_t dim) { return BitCodeBytes(dim) + kBehindCode; }
  explicit Bit(size_t dim)
      : planes(kQueryPlanes * BitCodeBytes(dim) / sizeof(uint64_t), 0x5555'3333'0F0F'00FF) {}
  std::vector<uint64_t> planes;

  int32_t One(const uint8_t* row, size_t dim) const { return DotBit(planes.data(), row, dim); }
  void Rows(const CodeRows& rows, int32_t* out) const { DotBitRows(planes.data(), rows, out); }
  void Gather(const CodePick& pick, int32_t* out) const { DotBitGather(planes.data(), pick, out); }
};

// Borrowed by the variants of one kind at one dimension.
template <class Kind>
struct Kernel {
  Kernel(size_t dimensions, const Matrix& matrix)
      : kind(dimensions),
        dim(dimensions),
        bytes(Kind::RowBytes(dim)),
        base(reinterpret_cast<const uint8_t*>(matrix.values())),
        order(RandomOrder(matrix.bytes() / bytes)) {}

  const uint8_t* Row(size_t row) const { return base + row * bytes; }

  Kind kind;
  size_t dim;
  size_t bytes;
  const uint8_t* base;
  std::vector<uint32_t> order;
};

// One call for each row that `number` names.
template <class Kind, class Number>
Variant OneByOne(const Kernel<Kind>& kernel,
                 const char* access,
                 bool memory,
                 const Number& number) {
  return {.kernel = Kind::kName,
          .access = access,
          .bytes = kernel.bytes,
          .from_memory = memory,
          .run = [&kernel, number](size_t first, size_t count) {
            typename Kind::Sum sum = 0;
            for (size_t i = first; i < first + count; ++i) {
              sum += kernel.kind.One(kernel.Row(number(i)), kernel.dim) / 2;
            }
            return static_cast<float>(sum);
          }};
}

// One call for each block of `block_rows` neighbours, in order, of the first `rows` rows.
template <class Kind>
Variant ByRows(const Kernel<Kind>& kernel, const char* access, size_t block_rows, size_t rows) {
  return {.kernel = Kind::kName,
          .access = access,
          .bytes = kernel.bytes,
          .from_memory = rows > block_rows,
          .run = [&kernel, block_rows, rows](size_t first, size_t count) {
            typename Kind::Sum out[kScanStepRowsMax];
            float sum = 0;
            const size_t blocks = rows / block_rows;
            for (size_t i = first / block_rows; i < (first + count) / block_rows; ++i) {
              const size_t row = i % blocks * block_rows;
              FetchScanAhead(kernel.base, kernel.bytes, row, block_rows, rows);
              kernel.kind.Rows({kernel.Row(row), kernel.bytes, block_rows, kernel.dim}, out);
              sum += static_cast<float>(out[0]);
            }
            return sum;
          }};
}

template <class Kind>
Variant ByGather(const Kernel<Kind>& kernel) {
  return {.kernel = Kind::kName,
          .access = "gather",
          .bytes = kernel.bytes,
          .run = [&kernel](size_t first, size_t count) {
            typename Kind::Sum out[kGatherRows];
            float sum = 0;
            const size_t blocks = kernel.order.size() / kGatherRows;
            for (size_t i = first / kGatherRows; i < (first + count) / kGatherRows; ++i) {
              const uint32_t* rows = kernel.order.data() + i % blocks * kGatherRows;
              kernel.kind.Gather(
                  {kernel.base, kernel.bytes, rows, kGatherRows, kernel.dim, kernel.bytes}, out);
              sum += static_cast<float>(out[0]);
            }
            return sum;
          }};
}

template <class Kind>
void AddVariants(const Kernel<Kind>& kernel, std::vector<Variant>& variants) {
  variants.push_back(
      OneByOne(kernel, "hot", /*memory=*/false, [](size_t i) { return i % kHotRows; }));
  variants.push_back(ByRows(kernel, "hot rows", kHotRows, kHotRows));
  variants.push_back(ByRows(kernel, "sequential", ScanStepRows(kernel.bytes), kernel.order.size()));
  variants.push_back(OneByOne(kernel, "random", /*memory=*/true, [&kernel](size_t i) {
    return size_t{kernel.order[i % kernel.order.size()]};
  }));
  variants.push_back(ByGather(kernel));
}

void MeasureDimension(size_t dim,
                      const TimingOptions& options,
                      const Matrix& matrix,
                      nlohmann::json& report) {
  const Kernel<Float> floats(dim, matrix);
  const Kernel<Int8> int8(dim, matrix);
  const Kernel<Int4> int4(dim, matrix);
  const Kernel<Bit> bit(dim, matrix);
  std::vector<Variant> variants;
  AddVariants(floats, variants);
  AddVariants(int8, variants);
  AddVariants(int4, variants);
  AddVariants(bit, variants);
  MeasureAndPrint(dim, options, matrix, variants, report);
}

}  // namespace
}  // namespace alidade

int main(int argc, char** argv) {
  CLI::App app("Nanoseconds per dot product over codes and float32, beside the floor");
  alidade::TimingOptions options;
  options.huge_pages = true;  // as the resident copies of codes have
  alidade::AddTimingOptions(app, options);
  app.add_flag("!--small-pages", options.huge_pages, "Rows in small pages");
  CLI11_PARSE(app, argc, argv);
  return alidade::RunTimings(
      options, [&](size_t dim, const alidade::Matrix& matrix, nlohmann::json& report) {
        alidade::MeasureDimension(dim, options, matrix, report);
      });
}
