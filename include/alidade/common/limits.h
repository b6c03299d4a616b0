// Limits: every bound that a request or a buffer can hit, by name, with its default.
//
// Changeable by configuration (`limits.<name>`), except the hard ones, which are constants.
#pragma once

#include <cstddef>
#include <cstdint>

namespace alidade {

inline constexpr uint32_t kDimensionHardMax = 65536;
inline constexpr uint32_t kVectorFieldsMax = 16;
inline constexpr size_t kRequestIdBytesMax = 128;
inline constexpr size_t kNameBytesMax = 128;

// Defaults are chosen (reliability reference, part B3), not measured, unless a line says otherwise.
struct Limits {
  size_t message_bytes_max = size_t{64} << 20;  // one request or reply on the wire
  uint32_t batch_rows_max = 10'000;             // points in one write, ids in one get or delete
  uint32_t batch_queries_max = 1'000;           // queries in one search call
  uint32_t dimension_max = kDimensionHardMax;
  uint32_t k_max = 10'000;
  uint32_t ef_max = 16'384;
  uint32_t nprobe_max = 65'536;
  size_t payload_bytes_max = size_t{256} << 10;  // of one point, encoded
  uint32_t payload_depth_max = 16;
  uint32_t filter_depth_max = 16;
  uint32_t filter_nodes_max = 1'024;
  uint32_t filter_values_max = 10'000;           // values or ids of one condition
  uint32_t filter_text_bytes_max = 1'024;        // a prefix or substring that is looked for
  uint32_t filter_polygon_points_max = 1'000;    // of one polygon, its holes too
  uint32_t filter_write_points_max = 1'000'000;  // changed by one write that selects by a filter
  uint32_t facet_values_max = 1'000'000;         // distinct values that one facet call counts
  uint32_t page_size_max = 10'000;
  uint32_t collections_max = 1'000;
  uint32_t connections_max = 1'024;
  uint32_t in_flight_requests_max = 128;
  size_t delta_bytes_max = size_t{64} << 20;  // a delta is sealed at this size
  uint32_t delta_rows_max = 20'000;           // or at this many rows
  size_t unsealed_bytes_max = size_t{1}
                              << 30;  // per collection; past it writes are refused for a while
  // Codes and graphs in memory, of the whole server, and copies of codes for filters that come
  // often; what does not fit is read from mapped files.
  size_t resident_bytes_max = size_t{4} << 30;
  size_t commit_group_bytes_max = size_t{32} << 20;
  uint32_t request_ids_max = 100'000;  // remembered for retries
  uint64_t disk_free_bytes_min = uint64_t{256}
                                 << 20;  // less free space than this: writes are refused
};

}  // namespace alidade
