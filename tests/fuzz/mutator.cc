#include "mutator.h"

#include <algorithm>
#include <array>
#include <limits>

namespace alidade::fuzz {
namespace {

// Longest piece that is put in or copied (chosen: inputs stay small, runs quick).
constexpr uint64_t kPieceMax = 40;

// Bounds of the integers that lengths and counts are kept in, and what lies beside them.
constexpr std::array<uint64_t, 16> kEdges = {0,
                                             1,
                                             2,
                                             0x7F,
                                             0x80,
                                             0xFF,
                                             0x100,
                                             0x7FFF,
                                             0xFFFF,
                                             0x10000,
                                             0x7FFFFFFF,
                                             0x80000000,
                                             0xFFFFFFFE,
                                             0xFFFFFFFF,
                                             0x7FFFFFFFFFFFFFFF,
                                             std::numeric_limits<uint64_t>::max()};

}  // namespace

std::string Mutator::Next() {
  std::string bytes = corpus_[Below(corpus_.size())];
  const uint64_t places = 1 + Below(4);
  for (uint64_t i = 0; i < places; ++i) {
    Damage(bytes);
  }
  return bytes;
}

size_t Mutator::Position(size_t size) {
  if (size == 0) {
    return 0;
  }
  if (!hot_.empty() && Below(2) == 0) {
    const auto& [first, end] = hot_[Below(hot_.size())];
    if (end <= size) {
      return first + Below(end - first);
    }
  }
  return Below(size);
}

void Mutator::Damage(std::string& bytes) {
  const size_t at = Position(bytes.size());
  switch (Below(11)) {
    case 0:
    case 1:
      if (!bytes.empty()) {
        bytes[at] = static_cast<char>(bytes[at] ^ (1 << Below(8)));
      }
      return;
    case 2:
      return Overwrite(bytes, random_(), 1);
    case 3:
    case 4:
      return OverwriteWithEdge(bytes);
    case 5:
    case 6:
      return EditLength(bytes);
    case 7:
      bytes.resize(at);
      return;
    case 8:
      bytes.erase(at, 1 + Below(kPieceMax));
      return;
    case 9:
      return Insert(bytes);
    default:
      return Splice(bytes);
  }
}

void Mutator::Overwrite(std::string& bytes, uint64_t value, size_t width) {
  if (bytes.size() < width) {
    return;
  }
  const size_t at = std::min(Position(bytes.size()), bytes.size() - width);
  const bool big_endian = Below(2) == 0;
  for (size_t i = 0; i < width; ++i) {
    const size_t shift = 8 * (big_endian ? width - 1 - i : i);
    bytes[at + i] = static_cast<char>(value >> shift);
  }
}

void Mutator::OverwriteWithEdge(std::string& bytes) {
  const uint64_t edge = Below(4) == 0 ? bytes.size() : kEdges[Below(kEdges.size())];
  Overwrite(bytes, edge, size_t{1} << Below(4));
}

// What stands at a place is taken for a little-endian length, and made a little wrong.
void Mutator::EditLength(std::string& bytes) {
  const size_t width = size_t{1} << Below(4);
  if (bytes.size() < width) {
    return;
  }
  const size_t at = std::min(Position(bytes.size()), bytes.size() - width);
  uint64_t value = 0;
  for (size_t i = 0; i < width; ++i) {
    value |= uint64_t{static_cast<uint8_t>(bytes[at + i])} << (8 * i);
  }
  const uint64_t step = 1 + Below(8);
  value = Below(2) == 0 ? value + step : value - step;
  for (size_t i = 0; i < width; ++i) {
    bytes[at + i] = static_cast<char>(value >> (8 * i));
  }
}

void Mutator::Insert(std::string& bytes) {
  std::string piece;
  if (!words_.empty() && Below(2) == 0) {
    piece = words_[Below(words_.size())];
  } else {
    piece.resize(1 + Below(kPieceMax), '\0');
    if (Below(2) == 0) {
      std::generate(piece.begin(), piece.end(), [this] { return static_cast<char>(random_()); });
    }
  }
  const size_t at = Below(4) == 0 ? bytes.size() : Position(bytes.size());
  if (Below(3) == 0 && at + piece.size() <= bytes.size()) {
    bytes.replace(at, piece.size(), piece);
  } else {
    bytes.insert(at, piece);
  }
}

// A piece of another encoding, or of this one, at this place; or the whole of its end.
void Mutator::Splice(std::string& bytes) {
  const std::string& other = corpus_[Below(corpus_.size())];
  const size_t from = Position(other.size());
  const size_t at = Position(bytes.size());
  if (Below(2) == 0) {
    bytes = bytes.substr(0, at) + other.substr(from);
  } else {
    bytes.insert(at, other.substr(from, 1 + Below(kPieceMax)));
  }
}

}  // namespace alidade::fuzz
