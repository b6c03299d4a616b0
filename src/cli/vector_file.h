// VectorFile: a matrix in a file, read in pieces.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "alidade/common/status.h"

namespace alidade {

class VectorFile {
 public:
  virtual ~VectorFile() = default;
  virtual uint64_t rows() const = 0;
  virtual uint32_t dim() const = 0;
  // Rows first .. first + count - 1 as float32 into `out` (count x dim). DATA_LOSS if the file is
  // shorter than it says.
  virtual Status Read(uint64_t first, uint64_t count, float* out) = 0;
};

// By the end of the name:
//   .npy    two-dimensional C-order float32, float16 or int32, little-endian
//   .fvecs  rows of {int32 dimension, float32 x dimension}, as in the TEXMEX sets; .ivecs the same
//   with int32 .hdf5   `dataset` of it (two-dimensional, any number type), as in ann-benchmarks
// INVALID_ARGUMENT for anything else.
StatusOr<std::unique_ptr<VectorFile>> OpenVectorFile(const std::string& path,
                                                     const std::string& dataset);

// Whether the HDF5 file has a data set of this name.
bool HdfHas(const std::string& path, const std::string& dataset);
// The text attribute of an HDF5 file ("distance" in ann-benchmarks); empty if it is not there.
std::string HdfAttribute(const std::string& path, const std::string& name);
bool IsHdf(const std::string& path);

// hdf_file.cc
StatusOr<std::unique_ptr<VectorFile>> OpenHdfFile(const std::string& path,
                                                  const std::string& dataset);

}  // namespace alidade
