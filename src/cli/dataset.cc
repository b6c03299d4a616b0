#include "dataset.h"

#include <algorithm>
#include <cmath>

#include <nlohmann/json.hpp>

#include "alidade/common/file.h"
#include "alidade/vec/kernels.h"

#include "vector_file.h"

namespace alidade {
namespace {

StatusOr<std::vector<float>> ReadAll(VectorFile& file) {
  std::vector<float> rows(file.rows() * file.dim());
  ALIDADE_RETURN_IF_ERROR(file.Read(0, file.rows(), rows.data()));
  return rows;
}

Status ReadQueries(const std::string& path, const std::string& name, Dataset& dataset) {
  ALIDADE_ASSIGN_OR_RETURN(const auto file, OpenVectorFile(path, name));
  dataset.dim = file->dim();
  dataset.query_count = file->rows();
  ALIDADE_ASSIGN_OR_RETURN(dataset.queries, ReadAll(*file));
  return OkStatus();
}

Status ReadDistances(const std::string& path, const std::string& name, Dataset& dataset) {
  ALIDADE_ASSIGN_OR_RETURN(const auto file, OpenVectorFile(path, name));
  if (file->rows() != dataset.query_count) {
    return InvalidArgument(
        "{}: {} rows of distances for {} queries", path, file->rows(), dataset.query_count);
  }
  dataset.depth = file->dim();
  ALIDADE_ASSIGN_OR_RETURN(dataset.distances, ReadAll(*file));
  return OkStatus();
}

// The names that TEXMEX sets have: sift_base.fvecs, sift_query.fvecs, sift_groundtruth.ivecs.
StatusOr<std::string> FileEndingIn(const std::string& directory, const std::string& ending) {
  ALIDADE_ASSIGN_OR_RETURN(const std::vector<std::string> names, ListDirectory(directory));
  for (const std::string& name : names) {
    if (name.ends_with(ending)) {
      return fmt::format("{}/{}", directory, name);
    }
  }
  return NotFound("{} has no file that ends in {}", directory, ending);
}

// A truth of row numbers only: the distances are computed. Such sets are of L2.
Status DistancesOfRows(const std::string& path, Dataset& dataset) {
  ALIDADE_ASSIGN_OR_RETURN(const auto truth, OpenVectorFile(path, ""));
  ALIDADE_ASSIGN_OR_RETURN(const auto base, OpenVectorFile(dataset.base, ""));
  // Row numbers are read as float32, which has 24 bits.
  if (truth->rows() != dataset.query_count || base->dim() != dataset.dim ||
      base->rows() > (uint64_t{1} << 24)) {
    return InvalidArgument("{} is no truth of {} queries over {} rows of {} dimensions",
                           path,
                           dataset.query_count,
                           base->rows(),
                           dataset.dim);
  }
  std::vector<float> rows(truth->dim());
  std::vector<float> vector(dataset.dim);
  for (uint64_t query = 0; query < dataset.query_count; ++query) {
    ALIDADE_RETURN_IF_ERROR(truth->Read(query, 1, rows.data()));
    for (const float row : rows) {
      if (row < 0) {
        return InvalidArgument("{}: neighbour {} of query {} is no row", path, row, query);
      }
      ALIDADE_RETURN_IF_ERROR(base->Read(static_cast<uint64_t>(row), 1, vector.data()));
      dataset.distances.push_back(
          std::sqrt(SquaredL2(dataset.Query(query), vector.data(), dataset.dim)));
    }
  }
  dataset.depth = truth->dim();
  return OkStatus();
}

StatusOr<Dataset> OpenTexmex(const std::string& directory) {
  Dataset dataset;
  dataset.metric = "l2";
  ALIDADE_ASSIGN_OR_RETURN(dataset.base, FileEndingIn(directory, "base.fvecs"));
  ALIDADE_ASSIGN_OR_RETURN(const std::string queries, FileEndingIn(directory, "query.fvecs"));
  ALIDADE_RETURN_IF_ERROR(ReadQueries(queries, "", dataset));
  ALIDADE_ASSIGN_OR_RETURN(const std::string truth, FileEndingIn(directory, "groundtruth.ivecs"));
  ALIDADE_RETURN_IF_ERROR(DistancesOfRows(truth, dataset));
  return dataset;
}

StatusOr<Dataset> OpenHdf(const std::string& path) {
  Dataset dataset;
  dataset.base = path;
  const std::string distance = HdfAttribute(path, "distance");
  if (distance != "" && distance != "angular" && distance != "euclidean") {
    return InvalidArgument(
        "{} is of the distance \"{}\", not angular or euclidean", path, distance);
  }
  dataset.metric = distance == "angular" ? "cosine" : distance == "euclidean" ? "l2" : "";
  ALIDADE_RETURN_IF_ERROR(ReadQueries(path, "test", dataset));
  if (HdfHas(path, "distances")) {
    ALIDADE_RETURN_IF_ERROR(ReadDistances(path, "distances", dataset));
  }
  return dataset;
}

StatusOr<std::string> FirstOf(const std::string& directory, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    if (std::string path = fmt::format("{}/{}", directory, name); PathExists(path)) {
      return path;
    }
  }
  return NotFound("{} has no {}", directory, names.front());
}

StatusOr<Dataset> OpenNpyDirectory(const std::string& path) {
  Dataset dataset;
  ALIDADE_ASSIGN_OR_RETURN(dataset.base, FirstOf(path, {"base.npy", "base.f16.npy", "base.fvecs"}));
  ALIDADE_ASSIGN_OR_RETURN(
      const std::string queries,
      FirstOf(path, {"recall.f16.npy", "queries.npy", "queries.f16.npy", "queries.fvecs"}));
  ALIDADE_RETURN_IF_ERROR(ReadQueries(queries, "", dataset));
  if (PathExists(path + "/distances.npy")) {
    ALIDADE_RETURN_IF_ERROR(ReadDistances(path + "/distances.npy", "", dataset));
  }
  if (PathExists(path + "/dataset.json")) {
    ALIDADE_ASSIGN_OR_RETURN(const std::string text, ReadWholeFile(path + "/dataset.json"));
    const auto json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
    if (json.is_object() && json.contains("metric")) {
      const auto& metric = json["metric"];
      if (metric != "cosine" && metric != "dot" && metric != "l2") {
        return InvalidArgument(
            "{}/dataset.json: the metric {} is none of cosine, dot, l2",
            path,
            metric.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
      }
      dataset.metric = metric.get<std::string>();
    }
  }
  return dataset;
}

}  // namespace

StatusOr<Dataset> OpenDataset(const std::string& path) {
  StatusOr<Dataset> dataset = IsHdf(path) ? OpenHdf(path)
                              : FileEndingIn(path, "groundtruth.ivecs").ok()
                                  ? OpenTexmex(path)
                                  : OpenNpyDirectory(path);
  if (dataset.ok() && dataset->query_count == 0) {
    return InvalidArgument("{} has no queries", path);
  }
  return dataset;
}

uint64_t CountNear(const std::vector<float>& hit_distances, float kth_distance) {
  const float limit = kth_distance + 1e-5F * std::max(1.0F, std::abs(kth_distance));
  return static_cast<uint64_t>(
      std::count_if(hit_distances.begin(), hit_distances.end(), [limit](float distance) {
        return distance <= limit;
      }));
}

}  // namespace alidade
