// DataDirectory: the files of a data directory that are not RocksDB's: the lock, the format file,
// the watermark.
//
// Layout:   <dir>/LOCK       held with flock while a process uses the directory
//           <dir>/FORMAT     "alidade <version>\nuuid <32 hex digits>\nchecksum <16 hex digits>\n";
//           published last at
//                            creation: a directory without it holds no data and is made anew
//           <dir>/watermark  two slots of {magic, seq, checksum}, written in turn
//           <dir>/db         RocksDB
//           <dir>/segments   sealed segments (module segment)
#pragma once

#include <memory>
#include <string>

#include "alidade/common/status.h"
#include "alidade/common/types.h"

namespace alidade {

inline constexpr int kFormatVersion = 1;

// Holds the exclusive lock; released when destroyed (or when the process dies).
class DirectoryLock {
 public:
  // FAILED_PRECONDITION if another process holds it.
  static StatusOr<std::unique_ptr<DirectoryLock>> Take(const std::string& directory);
  ~DirectoryLock();
  DirectoryLock(const DirectoryLock&) = delete;
  DirectoryLock& operator=(const DirectoryLock&) = delete;

 private:
  explicit DirectoryLock(int fd) : fd_(fd) {}
  int fd_;
};

struct DirectoryFormat {
  bool fresh = false;  // no FORMAT yet: nothing was ever acknowledged here
  std::string uuid;    // 16 bytes
};

// FAILED_PRECONDITION: files of somebody else, or a newer format. DATA_LOSS: a damaged FORMAT.
StatusOr<DirectoryFormat> ReadFormat(const std::string& directory);
// Makes FORMAT durable: from here on the directory is a data directory.
Status PublishFormat(const std::string& directory, std::string_view uuid);
// 16 random bytes of the system.
StatusOr<std::string> RandomUuid();

// The highest seq known to be durable; written after the sync that it describes. Thread-compatible.
class Watermark {
 public:
  // Makes the file with seq 0.
  static Status Create(const std::string& directory);
  // DATA_LOSS if the file is missing or neither slot is whole.
  static StatusOr<std::unique_ptr<Watermark>> Open(const std::string& directory, bool read_only);
  ~Watermark();
  Watermark(const Watermark&) = delete;
  Watermark& operator=(const Watermark&) = delete;

  SeqNo seq() const { return seq_; }
  // Durable when OK. The other slot keeps the value before.
  Status Write(SeqNo seq);

 private:
  Watermark(int fd, SeqNo seq, int next_slot) : fd_(fd), seq_(seq), next_slot_(next_slot) {}
  int fd_;
  SeqNo seq_;
  int next_slot_;
};

}  // namespace alidade
