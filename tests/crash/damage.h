// Damage on purpose: one change to one file of a stopped server's data directory.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace alidade::testing {

enum class FileClass {
  kWal,
  kTable,
  kRocksManifest,
  kCurrent,
  kFormat,
  kWatermark,
  kRows,
  kVectors,
  kIndex,
  kSparse
};
enum class DamageKind { kFlipBit, kTruncate, kDelete };

const char* Name(FileClass file_class);
const char* Name(DamageKind kind);

// Files of the class below the data directory, the largest first; empty ones are left out.
std::vector<std::string> FilesOf(const std::string& data_dir, FileClass file_class);

// Damages the file at a place between the shares `from` and `to` of its length; says what it did.
std::string Damage(const std::string& path,
                   DamageKind kind,
                   std::mt19937_64& random,
                   double from = 0,
                   double to = 1);

// Waits until the watermark file covers `seq`; false after `seconds_max`.
bool WaitForWatermark(const std::string& data_dir, uint64_t seq, double seconds_max);

// A copy of a directory, made anew each time.
bool CopyDirectory(const std::string& from, const std::string& to);

}  // namespace alidade::testing
