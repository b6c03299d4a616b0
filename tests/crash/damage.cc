#include "crash/damage.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <system_error>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "directory.h"

namespace alidade::testing {
namespace {

namespace fs = std::filesystem;

bool Belongs(const fs::path& path, FileClass file_class) {
  const std::string name = path.filename().string();
  const std::string folder = path.parent_path().filename().string();
  switch (file_class) {
    case FileClass::kWal:
      return folder == "db" && name.ends_with(".log");
    case FileClass::kTable:
      return folder == "db" && name.ends_with(".sst");
    case FileClass::kRocksManifest:
      return folder == "db" && name.starts_with("MANIFEST");
    case FileClass::kCurrent:
      return folder == "db" && name == "CURRENT";
    case FileClass::kFormat:
      return name == "FORMAT";
    case FileClass::kWatermark:
      return name == "watermark";
    case FileClass::kRows:
      return name == "rows.seg";
    case FileClass::kVectors:
      return name.ends_with(".vec");
    case FileClass::kIndex:
      return name.ends_with(".idx") || name.ends_with(".codes");
    case FileClass::kSparse:
      return name.starts_with("sparse_");
  }
  return false;
}

}  // namespace

const char* Name(FileClass file_class) {
  static constexpr const char* kNames[] = {"Wal",
                                           "Table",
                                           "RocksManifest",
                                           "Current",
                                           "Format",
                                           "Watermark",
                                           "Rows",
                                           "Vectors",
                                           "Index",
                                           "Sparse"};
  return kNames[static_cast<size_t>(file_class)];
}

const char* Name(DamageKind kind) {
  static constexpr const char* kNames[] = {"FlipBit", "Truncate", "Delete"};
  return kNames[static_cast<size_t>(kind)];
}

std::vector<std::string> FilesOf(const std::string& data_dir, FileClass file_class) {
  std::vector<std::pair<uint64_t, std::string>> found;
  std::error_code gone;  // a running server removes files while they are listed
  for (auto entry = fs::recursive_directory_iterator(data_dir, gone); !gone && entry != end(entry);
       entry.increment(gone)) {
    std::error_code error;
    const uint64_t bytes = entry->file_size(error);
    if (!error && entry->is_regular_file(error) && bytes > 0 &&
        Belongs(entry->path(), file_class)) {
      found.emplace_back(bytes, entry->path().string());
    }
  }
  std::sort(found.rbegin(), found.rend());
  std::vector<std::string> files;
  for (auto& [bytes, path] : found) {
    files.push_back(std::move(path));
  }
  return files;
}

std::string Damage(
    const std::string& path, DamageKind kind, std::mt19937_64& random, double from, double to) {
  const auto size = static_cast<uint64_t>(fs::file_size(path));
  const auto low = static_cast<uint64_t>(static_cast<double>(size) * from);
  const auto high = std::max(low + 1, static_cast<uint64_t>(static_cast<double>(size) * to));
  const uint64_t at = std::min(size - 1, low + random() % (high - low));
  switch (kind) {
    case DamageKind::kFlipBit: {
      const int fd = ::open(path.c_str(), O_RDWR);
      unsigned char byte = 0;
      const bool read = ::pread(fd, &byte, 1, static_cast<off_t>(at)) == 1;
      byte = static_cast<unsigned char>(byte ^ (1U << (random() % 8)));
      const bool written = read && ::pwrite(fd, &byte, 1, static_cast<off_t>(at)) == 1;
      ::close(fd);
      return fmt::format(
          "flipped a bit of byte {} of {} in {}{}", at, size, path, written ? "" : " (failed)");
    }
    case DamageKind::kTruncate:
      fs::resize_file(path, at);
      return fmt::format("cut {} from {} to {} bytes", path, size, at);
    case DamageKind::kDelete:
      fs::remove(path);
      return fmt::format("deleted {}", path);
  }
  return "";
}

bool WaitForWatermark(const std::string& data_dir, uint64_t seq, double seconds_max) {
  const auto give_up =
      std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds_max);
  while (std::chrono::steady_clock::now() < give_up) {
    const auto watermark = Watermark::Open(data_dir, /*read_only=*/true);
    if (watermark.ok() && (*watermark)->seq() >= SeqNo(seq)) {
      return true;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return false;
}

bool CopyDirectory(const std::string& from, const std::string& to) {
  std::error_code error;
  fs::remove_all(to, error);
  fs::copy(from, to, fs::copy_options::recursive, error);
  return !error;
}

}  // namespace alidade::testing
