#include "vector_file.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "alidade/common/file.h"
#include "alidade/vec/element.h"

namespace alidade {
namespace {

enum class Element { kFloat32, kFloat16, kInt32 };

// Rows of one size in a mapped file.
class MappedVectors final : public VectorFile {
 public:
  struct Layout {
    Element element = Element::kFloat32;
    uint64_t rows = 0;
    uint32_t dim = 0;
    size_t offset = 0;  // of the first row's first element
    size_t stride = 0;  // bytes from row to row
  };
  MappedVectors(std::unique_ptr<MappedFile> file, const Layout& layout)
      : file_(std::move(file)), layout_(layout) {}

  uint64_t rows() const override { return layout_.rows; }
  uint32_t dim() const override { return layout_.dim; }

  Status Read(uint64_t first, uint64_t count, float* out) override {
    if (first > rows() || count > rows() - first) {
      return InvalidArgument("rows {} to {} of a file with {}", first, first + count, rows());
    }
    for (uint64_t i = 0; i < count; ++i) {
      ReadRow(file_->bytes().data() + layout_.offset + (first + i) * layout_.stride,
              out + i * dim());
    }
    return OkStatus();
  }

 private:
  void ReadRow(const char* row, float* out) const {
    if (layout_.element == Element::kFloat32) {
      std::memcpy(out, row, size_t{dim()} * sizeof(float));
    } else if (layout_.element == Element::kFloat16) {
      std::vector<Float16> half(dim());
      std::memcpy(half.data(), row, half.size() * sizeof(Float16));
      ToFloats(half.data(), out, half.size());
    } else {
      for (uint32_t i = 0; i < dim(); ++i) {
        int32_t value = 0;
        std::memcpy(&value, row + i * sizeof(value), sizeof(value));
        out[i] = static_cast<float>(value);
      }
    }
  }

  const std::unique_ptr<MappedFile> file_;
  const Layout layout_;
};

size_t ElementBytes(Element element) { return element == Element::kFloat16 ? 2 : 4; }

// The text between `key` and the next comma that is not inside parentheses, of a numpy header.
std::string_view HeaderValue(std::string_view header, std::string_view key) {
  const size_t at = header.find(key);
  if (at == std::string_view::npos) {
    return {};
  }
  std::string_view rest = header.substr(at + key.size());
  const size_t start = rest.find_first_not_of(": ");
  if (start == std::string_view::npos) {
    return {};
  }
  rest = rest.substr(start);
  const size_t end = rest.starts_with('(') ? rest.find(')') : rest.find_first_of(",}");
  return rest.substr(0, end);
}

// "(116659, 384" -> rows, dim
bool ParseShape(std::string_view text, uint64_t& rows, uint32_t& dim) {
  if (!text.starts_with('(')) {
    return false;
  }
  const char* const end = text.data() + text.size();
  auto result = std::from_chars(text.data() + 1, end, rows);
  if (result.ec != std::errc() || result.ptr == end || *result.ptr != ',') {
    return false;
  }
  const char* next = result.ptr + 1;
  while (next != end && *next == ' ') {
    ++next;
  }
  result = std::from_chars(next, end, dim);
  return result.ec == std::errc() &&
         std::all_of(result.ptr, end, [](char c) { return c == ' '; });  // a third one is refused
}

// https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
StatusOr<MappedVectors::Layout> NpyLayout(std::string_view bytes, const std::string& path) {
  constexpr std::string_view kMagic = "\x93NUMPY";
  if (bytes.size() < 12 || !bytes.starts_with(kMagic) || bytes[6] < 1 || bytes[6] > 3) {
    return InvalidArgument("{} is no .npy file of version 1 to 3", path);
  }
  const size_t length_bytes = bytes[6] == 1 ? 2 : 4;
  size_t header_bytes = 0;
  for (size_t i = 0; i < length_bytes; ++i) {
    header_bytes |= size_t{static_cast<uint8_t>(bytes[8 + i])} << (8 * i);
  }
  MappedVectors::Layout layout;
  layout.offset = 8 + length_bytes + header_bytes;
  if (layout.offset > bytes.size()) {
    return DataLoss("{} is cut short in its header", path);
  }
  const std::string_view header = bytes.substr(8 + length_bytes, header_bytes);
  const std::string_view type = HeaderValue(header, "'descr'");
  if (type == "'<f4'") {
    layout.element = Element::kFloat32;
  } else if (type == "'<f2'") {
    layout.element = Element::kFloat16;
  } else if (type == "'<i4'") {
    layout.element = Element::kInt32;
  } else {
    return InvalidArgument("{} holds {}, not <f4, <f2 or <i4", path, type);
  }
  if (HeaderValue(header, "'fortran_order'") != "False" ||
      !ParseShape(HeaderValue(header, "'shape'"), layout.rows, layout.dim)) {
    return InvalidArgument("{} is no two-dimensional array in C order", path);
  }
  layout.stride = layout.dim * ElementBytes(layout.element);
  return layout;
}

StatusOr<MappedVectors::Layout> VecsLayout(std::string_view bytes, const std::string& path) {
  uint32_t dim = 0;
  if (bytes.size() < sizeof(dim)) {
    return InvalidArgument("{} has no rows", path);
  }
  std::memcpy(&dim, bytes.data(), sizeof(dim));
  MappedVectors::Layout layout;
  layout.element = path.ends_with(".ivecs") ? Element::kInt32 : Element::kFloat32;
  layout.dim = dim;
  layout.offset = sizeof(dim);
  layout.stride = (size_t{dim} + 1) * 4;
  if (dim == 0 || dim > 65'536 || bytes.size() % layout.stride != 0) {
    return InvalidArgument("{} is no file of rows with {} elements each", path, dim);
  }
  layout.rows = bytes.size() / layout.stride;
  for (uint64_t row = 0; row < layout.rows; ++row) {
    if (std::memcmp(bytes.data() + row * layout.stride, &dim, sizeof(dim)) != 0) {
      return InvalidArgument("{}: row {} has another dimension than row 0", path, row);
    }
  }
  return layout;
}

}  // namespace

bool IsHdf(const std::string& path) { return path.ends_with(".hdf5") || path.ends_with(".h5"); }

StatusOr<std::unique_ptr<VectorFile>> OpenVectorFile(const std::string& path,
                                                     const std::string& dataset) {
  if (IsHdf(path)) {
    return OpenHdfFile(path, dataset);
  }
  const bool npy = path.ends_with(".npy");
  if (!npy && !path.ends_with(".fvecs") && !path.ends_with(".ivecs")) {
    return InvalidArgument("{}: the name ends in none of .npy, .fvecs, .ivecs, .hdf5, .jsonl",
                           path);
  }
  ALIDADE_ASSIGN_OR_RETURN(auto file, MappedFile::Open(path));
  ALIDADE_ASSIGN_OR_RETURN(const MappedVectors::Layout layout,
                           npy ? NpyLayout(file->bytes(), path) : VecsLayout(file->bytes(), path));
  if (layout.stride == 0 ||
      (file->bytes().size() - (npy ? layout.offset : 0)) / layout.stride < layout.rows) {
    return DataLoss(
        "{} is shorter than its header says ({} rows of {})", path, layout.rows, layout.dim);
  }
  return std::unique_ptr<VectorFile>(new MappedVectors(std::move(file), layout));
}

}  // namespace alidade
