// Dot products over quantised codes in whole numbers, compiled for every instruction set and chosen
// at run time (Google Highway); ForceKernelTargetForTest in kernels.h governs these too.
//
// Shapes:   the code of a vector lies at the start of a record, at any alignment; of a record
// nothing behind the code is read (but prefetched on demand).
// Ensures:  sums are exact, so equal on every instruction set and in every form.
// Cost:     the floor is bytes / memory bandwidth; bench/micro/code_kernels_bench.cc prints how far
// the kernels are.
// Threads:  pure.
#pragma once

#include <cstddef>
#include <cstdint>

namespace alidade {

// Records one behind the other, `stride` bytes apart.
struct CodeRows {
  const uint8_t* base;
  size_t stride;
  size_t count;
  size_t dim;
};

// Records picked by number: the i-th begins at base + stride * rows[i]. Later ones are prefetched
// while earlier ones are computed.
struct CodePick {
  const uint8_t* base;
  size_t stride;
  const uint32_t* rows;
  size_t count;
  size_t dim;
  size_t prefetch_bytes;  // of a record: its code and what the caller reads behind it; 0: none
};

// 8 bits a dimension: int8. The query is int8 too, filled up with zeros to whole lines of 64, and
// behind it the sum of its values (int32).
constexpr size_t Int8QuerySumAt(size_t dim) { return dim == 0 ? 64 : (dim + 63) / 64 * 64; }
constexpr size_t Int8QueryBytes(size_t dim) { return Int8QuerySumAt(dim) + sizeof(int32_t); }
// Requires: values from -127 on.
void PackInt8Query(const int8_t* values, size_t dim, int8_t* query);
// Requires: dim <= 65,536.
int32_t DotInt8(const int8_t* query, const int8_t* code, size_t dim);
void DotInt8Rows(const int8_t* query, const CodeRows& rows, int32_t* out);
void DotInt8Gather(const int8_t* query, const CodePick& pick, int32_t* out);

// 4 bits a dimension: 0..15, in blocks of 32 dimensions. Byte j of a block holds dimension j in its
// low half and j + 16 in its high half; the last block is filled up with zeros and read whole.
constexpr size_t kInt4BlockDim = 32;
constexpr size_t kInt4BlockBytes = 16;
constexpr size_t Int4CodeBytes(size_t dim) {
  return (dim + kInt4BlockDim - 1) / kInt4BlockDim * kInt4BlockBytes;
}
// Requires: values in 0..15.
void PackInt4(const uint8_t* values, size_t dim, uint8_t* code);
// The query is int8 in two planes that follow each other, Int4CodeBytes(dim) bytes each: byte i of
// the first is what the low half of a code's byte i is multiplied with, of the second the high
// half. Requires: values from -127 on.
void PackInt4Query(const int8_t* values, size_t dim, int8_t* query);
// Requires: dim <= 65,536.
int32_t DotInt4(const int8_t* query, const uint8_t* code, size_t dim);
void DotInt4Rows(const int8_t* query, const CodeRows& rows, int32_t* out);
void DotInt4Gather(const int8_t* query, const CodePick& pick, int32_t* out);

// 1 bit a dimension: dimension d is bit d % 64 of little-endian word d / 64; the last word is
// filled up with zeros and read whole.
constexpr size_t kBitWordDim = 64;
constexpr size_t kBitWordBytes = 8;
constexpr size_t BitCodeBytes(size_t dim) {
  return (dim + kBitWordDim - 1) / kBitWordDim * kBitWordBytes;
}
// The query is unsigned 4-bit values, cut into bit planes: plane p holds bit p of every value, laid
// out like a code. The planes follow each other, kQueryPlanes * BitCodeBytes(dim) bytes in all.
constexpr size_t kQueryPlanes = 4;
// Requires: values in 0..15.
void PackBitPlanes(const uint8_t* values, size_t dim, uint64_t* planes);
// The sum of the query's values where the code has a one.
int32_t DotBit(const uint64_t* planes, const uint8_t* code, size_t dim);
void DotBitRows(const uint64_t* planes, const CodeRows& rows, int32_t* out);
void DotBitGather(const uint64_t* planes, const CodePick& pick, int32_t* out);

}  // namespace alidade
