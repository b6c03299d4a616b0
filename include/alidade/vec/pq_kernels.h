// Sums of table entries, picked by product codes of 4 bits; compiled for every instruction set and
// chosen at run time (Google Highway). ForceKernelTargetForTest in kernels.h governs these too.
//
// A vector is cut into parts, and of each part the code says which of 16 entries is nearest. The
// tables hold what each entry adds to the distance from one query, in whole numbers of 8 bits.
//
// Format:   codes lie in blocks of 32 rows, part by part. Byte i of the 16 bytes of a part holds
// the
//           code of row i in its low half and that of row i + 16 in its high half. The parts are
//           filled up with zeros to a multiple of 4; rows that are not there are zeros. On disk.
// Ensures:  sums are exact, so equal on every instruction set.
// Threads:  pure.
#pragma once

#include <cstddef>
#include <cstdint>

namespace alidade {

inline constexpr size_t kPqEntries = 16;
inline constexpr size_t kPqBlockRows = 32;
inline constexpr size_t kPqPartsMultiple = 4;

constexpr size_t PqPaddedParts(size_t parts) {
  return (parts + kPqPartsMultiple - 1) / kPqPartsMultiple * kPqPartsMultiple;
}
constexpr size_t PqBlockBytes(size_t parts) { return PqPaddedParts(parts) * kPqEntries; }

// Writes the code of one row, `parts` numbers below 16, into its block.
// Requires: the block was all zeros before its first row, and this row was not yet put.
void PutPqCode(const uint8_t* code, size_t parts, size_t row, uint8_t* block);

// out[32 * b + row] = the sum of the tables' entries for a row of block b. `tables` has 16 bytes a
// part, and zeros for the parts that fill up.
// Requires: no sum is above 65,535.
void SumPqBlocks(
    const uint8_t* tables, const uint8_t* blocks, size_t parts, size_t count, uint16_t* out);

}  // namespace alidade
