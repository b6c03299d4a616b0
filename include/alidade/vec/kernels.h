// Distance kernels from float32 vectors to rows of float32, float16 or bfloat16, compiled for every
// instruction set and chosen at run time (Google Highway).
//
// Shapes:   `dim` numbers a vector, any alignment; nothing beyond them is read. Rows follow each
//           other without gaps.
// Numbers:  narrow ones are widened in registers: a distance is that of the stored vector, not of a
//           query rounded to its type.
// Cost:     the floor is bytes / memory bandwidth; bench/micro/kernels_bench.cc prints how far the
//           kernels are.
// Threads:  pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "alidade/vec/element.h"

namespace alidade {

float SquaredL2(const float* a, const float* b, size_t dim);
float Dot(const float* a, const float* b, size_t dim);

// Rows picked by number; later rows are prefetched while earlier ones are computed.
template <class T>
struct RowPick {
  const T* base;
  const uint32_t* rows;
  size_t count;
  size_t dim;
};
template <class T>  // clang 16 needs to be told
RowPick(const T*, const uint32_t*, size_t, size_t) -> RowPick<T>;

// Rows: out[i] = kernel(query, rows + i * dim) for i < count.
void SquaredL2Rows(const float* query, const float* rows, size_t count, size_t dim, float* out);
void SquaredL2Rows(const float* query, const Float16* rows, size_t count, size_t dim, float* out);
void SquaredL2Rows(const float* query, const Bfloat16* rows, size_t count, size_t dim, float* out);
void DotRows(const float* query, const float* rows, size_t count, size_t dim, float* out);
void DotRows(const float* query, const Float16* rows, size_t count, size_t dim, float* out);
void DotRows(const float* query, const Bfloat16* rows, size_t count, size_t dim, float* out);
void SquaredL2Gather(const float* query, const RowPick<float>& pick, float* out);
void SquaredL2Gather(const float* query, const RowPick<Float16>& pick, float* out);
void SquaredL2Gather(const float* query, const RowPick<Bfloat16>& pick, float* out);
void DotGather(const float* query, const RowPick<float>& pick, float* out);
void DotGather(const float* query, const RowPick<Float16>& pick, float* out);
void DotGather(const float* query, const RowPick<Bfloat16>& pick, float* out);

// Names of the instruction sets this machine can run, best first, and a door for tests to force
// one.
std::vector<std::string> KernelTargets();
// False if there is no such target; an empty name chooses the best again.
bool ForceKernelTargetForTest(const std::string& name);

}  // namespace alidade
