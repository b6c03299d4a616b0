// Every decoder that reads bytes from disk, wire or a user's file, as a target of RunFuzz.
#pragma once

#include <vector>

#include "fuzz_driver.h"

namespace alidade::fuzz {

std::vector<FuzzTarget> PayloadTargets();  // common: payloads, ids; filters over payloads
std::vector<FuzzTarget> StorageTargets();  // rows and their checksums, FORMAT, watermark, CURRENT
std::vector<FuzzTarget> CollectionTargets();    // configuration, state, manifest, request ledger
std::vector<FuzzTarget> SegmentTargets();       // segment files of every kind
std::vector<FuzzTarget> PayloadIndexTargets();  // bodies of payload indexes
std::vector<FuzzTarget> TextTargets();          // bodies of postings, analysis of text
std::vector<FuzzTarget> RequestTargets();       // gRPC requests
std::vector<FuzzTarget> FilterTargets();        // the text and the JSON of filters, datetimes
std::vector<FuzzTarget> ConfigTargets();        // configuration YAML
std::vector<FuzzTarget> ClientFileTargets();    // files that the command line reads

}  // namespace alidade::fuzz
