#include "admin_codec.h"

#include <cmath>

namespace alidade {
namespace {

void EncodePart(const PartBytes& in, v1::PartBytes& out) {
  out.set_anonymous_bytes(in.anonymous);
  out.set_mapped_bytes(in.mapped);
  out.set_count(in.count);
  out.set_bytes_each(in.BytesEach());
}

void EncodeMemory(const CollectionStats& in, v1::MemoryStats& out) {
  for (const FieldStats& field : in.fields) {
    v1::FieldMemory& encoded = *out.add_fields();
    encoded.set_field(field.name);
    EncodePart(field.sealed.walk_codes, *encoded.mutable_walk_codes());
    EncodePart(field.sealed.rank_codes, *encoded.mutable_rank_codes());
    EncodePart(field.scan_codes, *encoded.mutable_scan_codes());
    EncodePart(field.sealed.links, *encoded.mutable_links());
    EncodePart(field.sealed.vectors, *encoded.mutable_vectors());
    EncodePart(field.delta_vectors, *encoded.mutable_delta_vectors());
    for (const auto& [codes, bytes] : field.codes) {
      v1::CodesUse& use = *encoded.add_codes();
      use.set_codes(std::string(CodesName(codes)));
      use.set_vector_count(bytes.count);
      use.set_bytes_per_vector(bytes.BytesEach());
    }
    encoded.set_index_bytes_per_vector(field.IndexBytesEach());
  }
  EncodePart(in.rows, *out.mutable_rows());
  EncodePart(in.delta_rows_memory, *out.mutable_delta_rows());
  out.set_resident_bytes_used(in.resident_bytes_used);
  out.set_resident_bytes_max(in.resident_bytes_max);
}

}  // namespace

StatusOr<std::chrono::milliseconds> DecodeTimeout(const google::protobuf::Duration& in) {
  // Bounds of google.protobuf.Duration: 10,000 years.
  constexpr int64_t kSecondsMax = 315'576'000'000;
  if (in.seconds() < 0 || in.nanos() < 0 || in.seconds() > kSecondsMax ||
      in.nanos() > 999'999'999) {
    return FieldError("timeout", "is not a duration of 0 to {} seconds", kSecondsMax);
  }
  return std::chrono::seconds(in.seconds()) + std::chrono::milliseconds(in.nanos() / 1'000'000);
}

void EncodeStats(const CollectionStats& in, v1::GetCollectionStatsResponse& out) {
  v1::CollectionStats& stats = *out.mutable_stats();
  stats.set_point_count(in.points);
  stats.set_indexed_rows(in.indexed_rows);
  stats.set_pending_rows(in.pending_rows);
  stats.set_delta_rows(in.delta_rows);
  stats.set_delta_bytes(in.delta_bytes);
  stats.set_disk_bytes(in.disk_bytes);
  stats.set_memory_bytes(in.memory_bytes);
  stats.set_builds_done(in.builds_done);
  stats.set_builds_failed(in.builds_failed);
  EncodeDuration(in.build_seconds, *stats.mutable_build_time());
  stats.set_build_progress(in.build_progress);
  stats.set_build_rows_done(in.build_rows_done);
  stats.set_build_rows_total(in.build_rows_total);
  stats.set_healed_segments(in.healed_segments);
  uint64_t dead_rows = 0;
  for (const SegmentInfo& segment : in.segments) {
    v1::SegmentStats& encoded = *out.add_segments();
    encoded.set_segment_id(segment.id.value());
    encoded.set_sealed(segment.sealed);
    encoded.set_first_row(segment.first_row);
    encoded.set_last_row(segment.last_row);
    encoded.set_rows(segment.rows);
    encoded.set_dead_rows(segment.deleted_rows);
    encoded.set_disk_bytes(segment.disk_bytes);
    encoded.set_memory_bytes(segment.memory_bytes);
    for (const std::string& index : segment.indexes) {
      encoded.add_indexes(index);
    }
    for (const CodesSetting codes : segment.codes) {
      encoded.add_codes(std::string(CodesName(codes)));
    }
    dead_rows += segment.deleted_rows;
  }
  stats.set_dead_rows(dead_rows);
  EncodeMemory(in, *out.mutable_memory());
  for (const PayloadIndexStats& index : in.payload_indexes) {
    v1::PayloadIndexStats& encoded = *stats.add_payload_indexes();
    encoded.set_key(index.spec.key);
    encoded.set_type(std::string(PayloadIndexTypeName(index.spec.type)));
    encoded.set_indexed_rows(index.indexed_rows);
    encoded.set_pending_rows(index.pending_rows);
    encoded.set_values(index.values);
    encoded.set_disk_bytes(index.disk_bytes);
  }
  out.set_seq(in.seq.value());
}

void EncodeLimits(const Limits& in, v1::ServerLimits& out) {
  out.set_message_bytes_max(in.message_bytes_max);
  out.set_batch_rows_max(in.batch_rows_max);
  out.set_batch_queries_max(in.batch_queries_max);
  out.set_dimension_max(in.dimension_max);
  out.set_k_max(in.k_max);
  out.set_ef_max(in.ef_max);
  out.set_nprobe_max(in.nprobe_max);
  out.set_payload_bytes_max(in.payload_bytes_max);
  out.set_payload_depth_max(in.payload_depth_max);
  out.set_filter_depth_max(in.filter_depth_max);
  out.set_filter_nodes_max(in.filter_nodes_max);
  out.set_filter_values_max(in.filter_values_max);
  out.set_filter_text_bytes_max(in.filter_text_bytes_max);
  out.set_filter_polygon_points_max(in.filter_polygon_points_max);
  out.set_filter_write_points_max(in.filter_write_points_max);
  out.set_facet_values_max(in.facet_values_max);
  out.set_page_size_max(in.page_size_max);
  out.set_collections_max(in.collections_max);
  out.set_connections_max(in.connections_max);
  out.set_in_flight_requests_max(in.in_flight_requests_max);
  out.set_resident_bytes_max(in.resident_bytes_max);
}

void EncodeDuration(double seconds, google::protobuf::Duration& out) {
  const double whole = std::floor(seconds);
  out.set_seconds(static_cast<int64_t>(whole));
  out.set_nanos(static_cast<int32_t>((seconds - whole) * 1e9));
}

void EncodeTimestamp(std::chrono::system_clock::time_point in, google::protobuf::Timestamp& out) {
  const auto since = in.time_since_epoch();
  const auto whole = std::chrono::floor<std::chrono::seconds>(since);
  out.set_seconds(whole.count());
  out.set_nanos(static_cast<int32_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(since - whole).count()));
}

}  // namespace alidade
