// Files that users hand to the command line.
#include <algorithm>
#include <array>

#include <hdf5.h>
#include <nlohmann/json.hpp>

#include "alidade/common/bytes.h"
#include "alidade/common/file.h"

#include "dataset.h"
#include "input_file.h"
#include "json_value.h"
#include "point_source.h"
#include "progress_file.h"
#include "targets.h"
#include "vector_file.h"

namespace alidade::fuzz {
namespace {

void RequireRefusal(const Status& status) {
  const StatusCode code = status.code();
  Require(code == StatusCode::kInvalidArgument || code == StatusCode::kDataLoss ||
              code == StatusCode::kNotFound,
          "a refusal is of the file: " + status.ToString());
}

// The first and the last row, and one too many.
void ReadThrough(VectorFile& file) {
  std::vector<float> row(file.dim());
  if (file.rows() > 0) {
    for (const uint64_t at : {uint64_t{0}, file.rows() - 1}) {
      if (const Status status = file.Read(at, 1, row.data()); !status.ok()) {
        RequireRefusal(status);
      }
    }
  }
  Require(!file.Read(file.rows(), 1, row.data()).ok(), "there is nothing behind the last row");
}

void FuzzVectors(std::string_view bytes, const std::string& name) {
  const auto file = OpenVectorFile(PutInput(name, bytes), "train");
  if (!file.ok()) {
    RequireRefusal(file.status());
    return;
  }
  Accepted();
  if (name.ends_with("vecs")) {
    const uint64_t row_bytes = (uint64_t{(*file)->dim()} + 1) * sizeof(float);
    Require((*file)->rows() * row_bytes == bytes.size(), "every byte belongs to a row");
  }
  ReadThrough(**file);
}

std::string Npy(const std::string& type, const std::string& shape, const std::string& body) {
  std::string header =
      "{'descr': '" + type + "', 'fortran_order': False, 'shape': " + shape + ", }";
  header.resize(117, ' ');
  header += '\n';
  std::string bytes("\x93NUMPY\x01\x00", 8);
  AppendLittleEndian(bytes, static_cast<uint16_t>(header.size()));
  return bytes + header + body;
}

std::vector<std::string> NpyCorpus() {
  return {Npy("<f4", "(3, 4)", std::string(48, '\1')),
          Npy("<f2", "(2, 8)", std::string(32, '\2')),
          Npy("<i4", "(5, 1)", std::string(20, '\3'))};
}

std::vector<std::string> VecsCorpus() {
  std::string bytes;
  for (uint32_t row = 0; row < 4; ++row) {
    AppendLittleEndian(bytes, uint32_t{3});
    for (uint32_t i = 0; i < 3; ++i) {
      AppendLittleEndian(bytes, row + i);
    }
  }
  return {bytes};
}

std::vector<std::string> HdfCorpus() {
  const std::string path = Inputs().Path("made.hdf5");
  const hid_t file = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  const std::array<hsize_t, 2> shape = {2, 3};
  const std::array<float, 6> values = {1, 2, 3, 4, 5, 6};
  const hid_t space = H5Screate_simple(2, shape.data(), nullptr);
  const hid_t set =
      H5Dcreate2(file, "train", H5T_NATIVE_FLOAT, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  H5Dwrite(set, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data());
  H5Dclose(set);
  H5Sclose(space);
  H5Fclose(file);
  return {*ReadWholeFile(path)};
}

// Only cut short, as a download that broke off: what libhdf5 does with bytes turned over is its
// own affair.
void FuzzHdf(std::string_view bytes) {
  static const std::string whole = HdfCorpus().front();
  FuzzVectors(whole.substr(0, bytes.size()), "cut.hdf5");
}

void FuzzLines(std::string_view bytes) {
  const auto source = PointSource::Open({.path = PutInput("points.jsonl", bytes), .points = ""});
  if (!source.ok()) {
    RequireRefusal(source.status());
    return;
  }
  uint64_t rows = 0;
  while (rows < (*source)->rows()) {
    const auto batch = (*source)->Next(2);
    if (!batch.ok()) {
      RequireRefusal(batch.status());
      return;
    }
    Require(!batch->ids.empty() && batch->payloads.size() == batch->ids.size() &&
                batch->vectors.size() == batch->ids.size() * (*source)->dim(),
            "a batch is whole");
    for (const v1::Object& payload : batch->payloads) {
      v1::Object again;
      const std::string text = ObjectText(payload);
      Require(JsonToObject(nlohmann::json::parse(text), again).ok() && ObjectText(again) == text,
              "a payload survives its text");
    }
    rows += batch->ids.size();
  }
  Accepted();
}

std::vector<std::string> LinesCorpus() {
  return {R"({"id": 1, "vector": [1, 2.5], "payload": {"word": "cat", "n": [1, {"x": null}]}}
{"id": "two", "vector": [-1e3, 0]}
)",
          R"({"id": 18446744073709551615, "vector": [0.1], "payload": {"big": 1e300, "t": true}})"};
}

constexpr char kTitle[] = "set.npy into words";

void FuzzProgress(std::string_view bytes) {
  const std::string path = PutInput("progress", bytes);
  const auto progress = ProgressFile::Open(path, kTitle);
  if (!progress.ok()) {
    Require(progress.status().code() == StatusCode::kFailedPrecondition, "it is of another import");
    Require(*ReadWholeFile(path) == bytes, "another import's file stays as it is");
    return;
  }
  Accepted();
  // A walk over the rows, as an import makes it, comes to its end.
  constexpr uint64_t kRows = 1'000;
  for (uint64_t row = 0; row < kRows;) {
    uint64_t step = (*progress)->DoneFrom(row);
    if (step == 0) {
      step = (*progress)->OpenFrom(row, 100);
      Require(step >= 1 && step <= 100, "rows that are not done are sent");
    }
    row += std::min(step, kRows - row);
  }
  const auto done = (*progress)->done();
  const auto again = ProgressFile::Open(path, kTitle);
  Require(again.ok() && (*again)->done() == done, "progress survives another start");
}

std::vector<std::string> ProgressCorpus() {
  const std::string path = Inputs().Path("made.progress");
  PutBytes(path, "");
  {
    const auto progress = ProgressFile::Open(path, kTitle);
    for (const uint64_t first : {0U, 300U, 100U}) {
      (*progress)->Acknowledge(first, 100);
    }
  }
  return {*ReadWholeFile(path), std::string(kTitle) + "\n", ""};
}

// The whole of a directory: what names it holds and its dataset.json are bytes of a user too.
void FuzzDatasetJson(std::string_view bytes) {
  static const std::string directory = [] {
    const std::string path = Inputs().Path("set");
    Require(MakeDirectories(path).ok(), "a directory is made");
    PutBytes(path + "/base.npy", NpyCorpus().front());
    PutBytes(path + "/queries.npy", NpyCorpus().front());
    return path;
  }();
  PutInput("set/dataset.json", bytes);
  const auto dataset = OpenDataset(directory);
  if (!dataset.ok()) {
    RequireRefusal(dataset.status());
    return;
  }
  Accepted();
  Require(dataset->metric.empty() || dataset->metric == "cosine" || dataset->metric == "dot" ||
              dataset->metric == "l2",
          "a metric is one that there is");
}

std::vector<std::string> DatasetJsonCorpus() {
  return {R"({"metric": "cosine", "rows": 3})", R"({"metric": "l2"})", "{}"};
}

const std::vector<std::string> kJsonWords = {"{",
                                             "}",
                                             "[",
                                             "]",
                                             ":",
                                             ",",
                                             "\"",
                                             "null",
                                             "true",
                                             "-",
                                             "1e999",
                                             "18446744073709551616",
                                             "\\ud800",
                                             "\xFF",
                                             "\n",
                                             R"({"not":)",
                                             R"({"any":[)",
                                             R"("id":)",
                                             R"("vector":[)"};

}  // namespace

std::vector<FuzzTarget> ClientFileTargets() {
  return {
      {.name = "Npy",
       .run = [](std::string_view bytes) { FuzzVectors(bytes, "set.npy"); },
       .corpus = NpyCorpus,
       .words = {"'<f4'", "'<f2'", "'descr'", "'shape'", "(", ",", ")", "18446744073709551615"},
       .hot = {{0, 80}},
       .rounds = 2'000},
      {.name = "Fvecs",
       .run = [](std::string_view bytes) { FuzzVectors(bytes, "set.fvecs"); },
       .corpus = VecsCorpus,
       .rounds = 1'500},
      {.name = "Ivecs",
       .run = [](std::string_view bytes) { FuzzVectors(bytes, "set.ivecs"); },
       .corpus = VecsCorpus,
       .rounds = 1'500},
      {.name = "HdfCut", .run = FuzzHdf, .corpus = HdfCorpus, .rounds = 200},
      {.name = "Lines", .run = FuzzLines, .corpus = LinesCorpus, .words = kJsonWords},
      {.name = "Progress",
       .run = FuzzProgress,
       .corpus = ProgressCorpus,
       .words = {"\n", " ", "-1", "18446744073709551615", "0 1000\n", kTitle},
       .rounds = 600},
      {.name = "DatasetJson",
       .run = FuzzDatasetJson,
       .corpus = DatasetJsonCorpus,
       .words = kJsonWords,
       .rounds = 1'000},
  };
}

}  // namespace alidade::fuzz
