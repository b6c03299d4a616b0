#include <hdf5.h>

#include "vector_file.h"

namespace alidade {
namespace {

constexpr hsize_t kElementsMax = 65'536;  // the most dimensions that a vector may have

// Closes an HDF5 identifier.
class HdfId {
 public:
  HdfId(hid_t id, herr_t (*close)(hid_t)) : id_(id), close_(close) {}
  ~HdfId() {
    if (id_ >= 0) {
      close_(id_);
    }
  }
  HdfId(const HdfId&) = delete;
  HdfId& operator=(const HdfId&) = delete;
  HdfId(HdfId&& other) noexcept : id_(other.id_), close_(other.close_) { other.id_ = -1; }
  HdfId& operator=(HdfId&&) = delete;
  bool ok() const { return id_ >= 0; }
  hid_t get() const { return id_; }

 private:
  hid_t id_;
  herr_t (*close_)(hid_t);
};

HdfId OpenFile(const std::string& path) {
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);  // we report errors ourselves
  return HdfId(H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), H5Fclose);
}

class HdfFile final : public VectorFile {
 public:
  HdfFile(HdfId file, HdfId dataset, uint64_t rows, uint32_t dim)
      : file_(std::move(file)), dataset_(std::move(dataset)), rows_(rows), dim_(dim) {}
  uint64_t rows() const override { return rows_; }
  uint32_t dim() const override { return dim_; }

  Status Read(uint64_t first, uint64_t count, float* out) override {
    const hsize_t start[2] = {first, 0};
    const hsize_t shape[2] = {count, dim_};
    const HdfId space(H5Dget_space(dataset_.get()), H5Sclose);
    const HdfId memory(H5Screate_simple(2, shape, nullptr), H5Sclose);
    if (H5Sselect_hyperslab(space.get(), H5S_SELECT_SET, start, nullptr, shape, nullptr) < 0 ||
        H5Dread(dataset_.get(), H5T_NATIVE_FLOAT, memory.get(), space.get(), H5P_DEFAULT, out) <
            0) {
      return DataLoss("cannot read rows {} to {} of the HDF5 data set", first, first + count);
    }
    return OkStatus();
  }

 private:
  HdfId file_;
  HdfId dataset_;
  const uint64_t rows_;
  const uint32_t dim_;
};

}  // namespace

StatusOr<std::unique_ptr<VectorFile>> OpenHdfFile(const std::string& path,
                                                  const std::string& dataset) {
  HdfId file = OpenFile(path);
  if (!file.ok()) {
    return InvalidArgument("{} cannot be opened as HDF5", path);
  }
  HdfId set(H5Dopen2(file.get(), dataset.c_str(), H5P_DEFAULT), H5Dclose);
  if (!set.ok()) {
    return NotFound("{} has no data set \"{}\"", path, dataset);
  }
  const HdfId space(H5Dget_space(set.get()), H5Sclose);
  hsize_t shape[2] = {0, 0};
  if (H5Sget_simple_extent_ndims(space.get()) != 2 ||
      H5Sget_simple_extent_dims(space.get(), shape, nullptr) < 0) {
    return InvalidArgument("\"{}\" of {} is not two-dimensional", dataset, path);
  }
  if (shape[1] == 0 || shape[1] > kElementsMax) {
    return InvalidArgument("\"{}\" of {} has rows of {} elements; 1..{} are allowed",
                           dataset,
                           path,
                           shape[1],
                           kElementsMax);
  }
  return std::unique_ptr<VectorFile>(
      new HdfFile(std::move(file), std::move(set), shape[0], static_cast<uint32_t>(shape[1])));
}

bool HdfHas(const std::string& path, const std::string& dataset) {
  const HdfId file = OpenFile(path);
  return file.ok() && H5Lexists(file.get(), dataset.c_str(), H5P_DEFAULT) > 0;
}

std::string HdfAttribute(const std::string& path, const std::string& name) {
  const HdfId file = OpenFile(path);
  if (!file.ok() || H5Aexists(file.get(), name.c_str()) <= 0) {
    return "";
  }
  const HdfId attribute(H5Aopen(file.get(), name.c_str(), H5P_DEFAULT), H5Aclose);
  const HdfId type(H5Aget_type(attribute.get()), H5Tclose);
  if (H5Tget_class(type.get()) != H5T_STRING) {
    return "";
  }
  if (H5Tis_variable_str(type.get()) > 0) {
    char* text = nullptr;
    if (H5Aread(attribute.get(), type.get(), &text) < 0 || text == nullptr) {
      return "";
    }
    std::string result = text;
    H5free_memory(text);
    return result;
  }
  std::string text(H5Tget_size(type.get()), '\0');
  if (H5Aread(attribute.get(), type.get(), text.data()) < 0) {
    return "";
  }
  return text.substr(0, text.find('\0'));
}

}  // namespace alidade
