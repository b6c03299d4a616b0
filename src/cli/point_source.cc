#include "point_source.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "alidade/common/file.h"

#include "json_value.h"
#include "named_vectors.h"

namespace alidade {
namespace {

using Json = nlohmann::json;

// "x/base.f16.npy" -> "x/base.jsonl"
std::string LinesBeside(const std::string& path) {
  const size_t slash = path.find_last_of('/');
  const size_t dot = path.find('.', slash == std::string::npos ? 0 : slash + 1);
  return path.substr(0, dot) + ".jsonl";
}

Status ParseId(const Json& json, uint64_t offset, alidade::v1::PointId& id) {
  if (json.is_number_unsigned()) {
    id.set_num(json.get<uint64_t>() + offset);
    return OkStatus();
  }
  if (json.is_string()) {
    id.set_str(json.get<std::string>());
    return OkStatus();
  }
  return InvalidArgument("\"id\" is neither a number from 0 nor a string");
}

// Those at `key` of the last of `points` points; `vectors` has those of all, or is empty as long as
// there are none.
template <typename Vector, typename Parse>
Status ReadLast(const Json& line,
                const char* key,
                size_t points,
                const Parse& parse,
                std::vector<std::map<std::string, Vector>>& vectors) {
  if (!line.contains(key)) {
    return OkStatus();
  }
  vectors.resize(points);
  return ReadNamed(line, key, parse, vectors.back());
}

}  // namespace

StatusOr<std::unique_ptr<PointSource>> PointSource::Open(const PointSourceOptions& options) {
  std::unique_ptr<PointSource> source(new PointSource(options));
  if (options.path.ends_with(".jsonl")) {
    ALIDADE_RETURN_IF_ERROR(source->MeasureLines());
  } else {
    ALIDADE_ASSIGN_OR_RETURN(source->vectors_, OpenVectorFile(options.path, options.dataset));
    source->rows_ = source->vectors_->rows();
    source->dim_ = source->vectors_->dim();
    const std::string lines = options.points.empty() ? LinesBeside(options.path) : options.points;
    if (!options.points.empty() || PathExists(lines)) {
      ALIDADE_RETURN_IF_ERROR(source->OpenLines(lines));
    }
  }
  if (options.limit != 0) {
    source->rows_ = std::min(source->rows_, options.limit);
  }
  return source;
}

Status PointSource::MeasureLines() {
  ALIDADE_RETURN_IF_ERROR(OpenLines(options_.path));
  std::string line;
  while (std::getline(lines_, line)) {
    if (rows_++ > 0) {
      continue;
    }
    const Json json = Json::parse(line, nullptr, /*allow_exceptions=*/false);
    const bool dense = json.is_object() && json.contains("vector");
    if (dense ? !json["vector"].is_array() || json["vector"].empty()
              : !json.is_object() || !json.contains("sparse")) {
      return InvalidArgument("{}:1: no object with \"id\", and \"vector\" or \"sparse\"",
                             options_.path);
    }
    dim_ = dense ? static_cast<uint32_t>(json["vector"].size()) : 0;
  }
  return OpenLines(options_.path);
}

Status PointSource::OpenLines(const std::string& path) {
  lines_path_ = path;
  lines_ = std::ifstream(path);
  return lines_ ? OkStatus() : NotFound("{} cannot be read", path);
}

Status PointSource::ReadLine(PointBatch& batch) {
  const uint64_t row = batch.first + batch.ids.size();
  std::string line;
  if (!std::getline(lines_, line)) {
    return InvalidArgument("{} ends at line {}, there are {} rows", lines_path_, row, rows_);
  }
  const Json json = Json::parse(line, nullptr, /*allow_exceptions=*/false);
  Status status = json.is_object() && json.contains("id")
                      ? ParseId(json["id"], options_.id_offset, batch.ids.emplace_back())
                      : InvalidArgument("no JSON object with an \"id\"");
  auto& payload = batch.payloads.emplace_back();
  if (status.ok() && json.contains("payload")) {
    status = JsonToObject(json["payload"], payload);
  }
  if (status.ok()) {
    status = ReadLast(json, "sparse", batch.ids.size(), JsonToSparse, batch.sparse);
  }
  if (status.ok()) {
    status =
        ReadLast(json, "multi_vectors", batch.ids.size(), JsonToMultiVector, batch.multi_vectors);
  }
  if (status.ok() && vectors_ == nullptr && dim_ == 0 && json.contains("vector")) {
    status = InvalidArgument("has a \"vector\", the first line has none");
  }
  if (status.ok() && vectors_ == nullptr && dim_ > 0) {
    const auto vector = json.find("vector");
    if (vector == json.end() || !vector->is_array() || vector->size() != dim_) {
      status = InvalidArgument("\"vector\" is no list of {} numbers", dim_);
    } else {
      for (const Json& element : *vector) {
        if (!element.is_number()) {
          status = InvalidArgument("\"vector\" is no list of {} numbers", dim_);
          break;
        }
        batch.vectors.push_back(element.get<float>());
      }
    }
  }
  return status.ok() ? status : WithContext(status, fmt::format("{}:{}", lines_path_, row + 1));
}

StatusOr<PointBatch> PointSource::Next(uint64_t count) {
  PointBatch batch;
  batch.first = next_;
  count = std::min(count, rows_ - next_);
  if (vectors_ != nullptr) {
    batch.vectors.resize(count * dim_);
    ALIDADE_RETURN_IF_ERROR(vectors_->Read(next_, count, batch.vectors.data()));
  }
  for (uint64_t i = 0; i < count; ++i) {
    if (!lines_path_.empty()) {
      ALIDADE_RETURN_IF_ERROR(ReadLine(batch));
    } else {
      batch.ids.emplace_back().set_num(options_.id_offset + next_ + i);
    }
  }
  next_ += count;
  // The last lines may have had none.
  if (!batch.sparse.empty()) {
    batch.sparse.resize(count);
  }
  if (!batch.multi_vectors.empty()) {
    batch.multi_vectors.resize(count);
  }
  return batch;
}

Status PointSource::Skip(uint64_t count) {
  count = std::min(count, rows_ - next_);
  std::string line;
  for (uint64_t i = 0; i < count && !lines_path_.empty(); ++i) {
    if (!std::getline(lines_, line)) {
      return InvalidArgument("{} ends before row {}", lines_path_, next_ + i);
    }
  }
  next_ += count;
  return OkStatus();
}

}  // namespace alidade
