// The golden set: what the directories under tests/golden hold, and how the newest one is written.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "alidade/engine/engine.h"

#include "support/point_batch.h"

namespace alidade {

// One collection with every metric and every kind of index and codes, and the points that are
// alive after the writes of WriteGoldenDirectory.
CollectionConfig GoldenConfig();
std::map<PointId, OwnedPoint> GoldenPoints();

inline constexpr const char* kGoldenAlias = "in-use";
inline constexpr const char* kGoldenRequestId = "request-1";
inline constexpr uint64_t kGoldenSeq = 5;  // of the last write

// The request that kGoldenRequestId stands for.
UpsertRequest GoldenRequest();

// An engine that neither seals nor merges by itself.
EngineOptions QuietOptions(const std::string& directory);

// Makes a data directory of today's format through the engine. RocksDB's logs and option files,
// which it does not need to open, are left out: they tell where they were made.
Status WriteGoldenDirectory(const std::string& directory);

// Every value that the store keeps, in today's bytes: "name = key : value", in hexadecimal.
std::vector<std::string> GoldenRecords();

}  // namespace alidade
