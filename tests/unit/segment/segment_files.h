// Segment files in a directory of the test's own.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <stdlib.h>

#include "alidade/segment/sealed_segment.h"
#include "alidade/segment/segment_writer.h"

namespace alidade {

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "segment_test_XXXXXX").string();
    path_ = mkdtemp(pattern.data());
  }
  ~TemporaryDirectory() { std::filesystem::remove_all(path_); }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

inline const std::string kStoreUuid("store-uuid-bytes", 16);

inline SegmentWriteRequest MakeWriteRequest(const TemporaryDirectory& directory,
                                            const Schema& schema,
                                            uint64_t segment,
                                            std::vector<std::shared_ptr<const Segment>> inputs) {
  SegmentWriteRequest request;
  request.parent_directory =
      directory.path() + "/segments/" + CollectionDirectoryName(CollectionId(3));
  request.store_uuid = kStoreUuid;
  request.collection = CollectionId(3);
  request.segment = SegmentId(segment);
  request.schema = schema;
  request.at = SeqNo(1000);
  request.inputs = std::move(inputs);
  return request;
}

inline SealedSegment::OpenOptions MakeOpenOptions(const SegmentWriteResult& written,
                                                  const Schema& schema) {
  return {.directory = written.directory,
          .store_uuid = kStoreUuid,
          .manifest = written.manifest,
          .schema = schema};
}

}  // namespace alidade
