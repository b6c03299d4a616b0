#include "alidade/index/index_spec.h"

namespace alidade {

Status ValidateIndexSpec(const IndexSpec& spec, uint32_t dim, const std::string& path) {
  switch (spec.kind) {
    case IndexKind::kFlat:
    case IndexKind::kHnsw:
    case IndexKind::kIvf:
    case IndexKind::kAuto:
      break;
    default:
      return FieldError(path, "has an unknown kind {}", static_cast<int>(spec.kind));
  }
  if (spec.hnsw_m < kHnswMMin || spec.hnsw_m > kHnswMMax) {
    return FieldError(
        path + ".hnsw.m", "is {}, {} to {} are allowed", spec.hnsw_m, kHnswMMin, kHnswMMax);
  }
  if (spec.hnsw_ef_construction < 1 || spec.hnsw_ef_construction > kEfConstructionMax) {
    return FieldError(path + ".hnsw.ef_construction",
                      "is {}, 1 to {} are allowed",
                      spec.hnsw_ef_construction,
                      kEfConstructionMax);
  }
  if (CodesName(spec.codes) == "unknown") {
    return FieldError(path + ".hnsw.codes", "is unknown: {}", static_cast<int>(spec.codes));
  }
  if (spec.ivf_nlist > kNlistMax) {
    return FieldError(
        path + ".ivf.nlist", "is {}, at most {} is allowed", spec.ivf_nlist, kNlistMax);
  }
  if (IvfCodesName(spec.ivf_codes) == "unknown") {
    return FieldError(path + ".ivf.codes", "is unknown: {}", static_cast<int>(spec.ivf_codes));
  }
  if (spec.ivf_pq_m != 0 && (spec.ivf_pq_m > dim || dim % spec.ivf_pq_m != 0)) {
    return FieldError(
        path + ".ivf.pq_m", "is {}, it must divide the dimension {}", spec.ivf_pq_m, dim);
  }
  return OkStatus();
}

IndexKind ResolveIndexKind(const IndexSpec& spec, uint32_t rows) {
  if (spec.kind == IndexKind::kFlat || rows < kAutoFlatRowsMax) {
    return IndexKind::kFlat;
  }
  return spec.kind == IndexKind::kIvf ? IndexKind::kIvf : IndexKind::kHnsw;
}

CodesSetting ResolveCodes(const IndexSpec& spec, IndexKind kind, uint32_t dim) {
  if (kind != IndexKind::kHnsw || dim < kCodesDimMin) {
    return CodesSetting::kNone;
  }
  if (spec.codes != CodesSetting::kAuto) {
    return spec.codes;
  }
  return dim >= kInt4CodesDimMin ? CodesSetting::kInt4 : CodesSetting::kInt8;
}

bool MayScanCodes(const IndexSpec& spec, uint32_t dim) {
  return spec.codes != CodesSetting::kNone && dim >= kCodesDimMin;
}

std::string_view CodesName(CodesSetting codes) {
  switch (codes) {
    case CodesSetting::kAuto:
      return "auto";
    case CodesSetting::kNone:
      return "none";
    case CodesSetting::kInt8:
      return "int8";
    case CodesSetting::kInt4:
      return "int4";
    case CodesSetting::kBit1:
      return "bit1";
  }
  return "unknown";
}

std::string_view IvfCodesName(IvfCodes codes) {
  switch (codes) {
    case IvfCodes::kFlat:
      return "flat";
    case IvfCodes::kSq8:
      return "sq8";
    case IvfCodes::kSq4:
      return "sq4";
    case IvfCodes::kPq:
      return "pq";
  }
  return "unknown";
}

std::string DescribeIndexSpec(const IndexSpec& spec) {
  switch (spec.kind) {
    case IndexKind::kFlat:
      return "flat";
    case IndexKind::kHnsw:
      return fmt::format("hnsw(m={}, ef_construction={}, codes={})",
                         spec.hnsw_m,
                         spec.hnsw_ef_construction,
                         CodesName(spec.codes));
    case IndexKind::kAuto:
      return fmt::format("auto(hnsw m={}, ef_construction={}, codes={})",
                         spec.hnsw_m,
                         spec.hnsw_ef_construction,
                         CodesName(spec.codes));
    case IndexKind::kIvf:
      return fmt::format("ivf(nlist={}, codes={})", spec.ivf_nlist, IvfCodesName(spec.ivf_codes));
  }
  return "unknown";
}

}  // namespace alidade
