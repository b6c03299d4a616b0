// Distance kernels over float32 vectors, compiled for every instruction set and chosen at run time
// (Google Highway).
//
// Shapes:   `dim` floats a vector, any alignment; nothing beyond them is read. Rows are contiguous,
// `dim` floats apart. Cost:     the floor is bytes / memory bandwidth; bench/micro/kernels_bench.cc
// prints how far the kernels are. Threads:  pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace alidade {

float SquaredL2(const float* a, const float* b, size_t dim);
float Dot(const float* a, const float* b, size_t dim);

// out[i] = kernel(query, rows + i * dim) for i < count.
void SquaredL2Rows(const float* query, const float* rows, size_t count, size_t dim, float* out);
void DotRows(const float* query, const float* rows, size_t count, size_t dim, float* out);

// Rows picked by number; later rows are prefetched while earlier ones are computed.
struct RowPick {
  const float* base;
  const uint32_t* rows;
  size_t count;
  size_t dim;
};
void SquaredL2Gather(const float* query, const RowPick& pick, float* out);
void DotGather(const float* query, const RowPick& pick, float* out);

// IEEE half precision to single.
void HalfToFloat(const uint16_t* in, float* out, size_t count);

// Names of the instruction sets this machine can run, best first, and a door for tests to force
// one.
std::vector<std::string> KernelTargets();
// False if there is no such target; an empty name chooses the best again.
bool ForceKernelTargetForTest(const std::string& name);

}  // namespace alidade
