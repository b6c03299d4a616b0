// The bytes of one block of postings.
//
// Format:   u8 bits of a document | u8 bits of a value | bounds | documents | values
//             bounds      text: u8 count, then pairs of varints: times, length
//                         sparse: f32 largest, f32 smallest weight
//             documents   packed (bit_packing.h): each less the one before it, less 1; the first
//                         less the last of the block before, less 1
//             values      text: times less 1, packed; sparse: f32 each, bits of a value are 0
//           Behind the last block of a body lie kUnpackSlack bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "alidade/text/postings.h"

namespace alidade {

struct BlockHeader {
  uint32_t document_bits = 0;
  uint32_t value_bits = 0;
  size_t impacts = 0;
  uint64_t data_at = 0;  // of the packed documents, from the beginning of the block
};

// Appends what AppendBlock begins with, and what a term of several blocks begins with.
void AppendImpacts(PostingsKind kind, std::span<const Impact> impacts, std::string& out);
// Takes them from the front of `bytes`; how many, 0 if they are not well-formed.
size_t TakeImpacts(PostingsKind kind, std::string_view& bytes, std::span<Impact, kImpactsMax> out);

// `before`: one more than the last document before the block.
void AppendBlock(PostingsKind kind,
                 uint32_t before,
                 std::span<const uint32_t> documents,
                 std::span<const uint32_t> values,
                 std::span<const Impact> impacts,
                 std::string& out);

// Nothing if the block does not begin as one of `count` postings. Reads within `block` only.
std::optional<BlockHeader> ReadBlockHeader(PostingsKind kind,
                                           std::string_view block,
                                           std::span<Impact, kImpactsMax> impacts);
// Bytes of a whole block with this header.
uint64_t BlockBytes(PostingsKind kind, const BlockHeader& header, uint32_t count);

// `data`: the packed documents and all behind them, at least BlockBytes - header.data_at +
// kUnpackSlack bytes of it readable. False unless the last document is `last`.
bool ReadBlock(PostingsKind kind,
               const BlockHeader& header,
               const char* data,
               uint32_t before,
               uint32_t last,
               PostingBlock& out);

// Impacts that bound what these bound and no more, if it takes at most kImpactsMax; else a few
// that bound a little more.
std::vector<Impact> UniteImpacts(PostingsKind kind, std::vector<Impact> impacts);

}  // namespace alidade
