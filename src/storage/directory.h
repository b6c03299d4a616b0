// DataDirectory: the files of a data directory that are not RocksDB's: the lock, the format file,
// the watermark.
//
// Layout:   <dir>/LOCK       held with flock while a process uses the directory
//           <dir>/FORMAT     "alidade <version>\nuuid <32 hex digits>\nchecksum <16 hex digits>\n"
//           <dir>/CREATING   there from before the first file until FORMAT is published: a creation
//                            that was cut short is made anew
//           <dir>/watermark  two slots of {magic, seq, manifest number, manifest bytes, checksum},
//                            written in turn
//           <dir>/db         RocksDB
//           <dir>/segments   sealed segments (module segment)
#pragma once

#include <compare>
#include <cstdint>
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

// FAILED_PRECONDITION: files of somebody else, or a newer format. DATA_LOSS: FORMAT is damaged, or
// missing beside data.
StatusOr<DirectoryFormat> ReadFormat(const std::string& directory);
// Marks the directory as one that holds nothing yet, durably.
Status BeginCreation(const std::string& directory);
// Removes that mark, durably. Only once FORMAT is published.
Status EndCreation(const std::string& directory);
// Makes FORMAT durable: from here on the directory is a data directory.
Status PublishFormat(const std::string& directory, std::string_view uuid);
// 16 random bytes of the system.
StatusOr<std::string> RandomUuid();

// Where RocksDB's record of its own files (MANIFEST) ends. It only grows, until one with a larger
// number takes over; a shorter one has forgotten tables, which RocksDB neither notices nor keeps.
struct ManifestEnd {
  uint64_t number = 0;
  uint64_t bytes = 0;
  friend auto operator<=>(const ManifestEnd&, const ManifestEnd&) = default;
};

// The end in the database `db_directory`, which may be open; with `sync` it is durable.
// DATA_LOSS if CURRENT names no manifest that is there.
StatusOr<ManifestEnd> ReadManifestEnd(const std::string& db_directory, bool sync);
// The same, cut back to the last record that is whole. Of a manifest that is whole up to `known`
// only what lies behind is read.
StatusOr<ManifestEnd> ReadWholeManifestEnd(const std::string& db_directory,
                                           bool sync,
                                           const ManifestEnd& known = {});

// What is known to be durable; written after the sync that it describes. Thread-compatible.
class Watermark {
 public:
  struct Mark {
    SeqNo seq;  // the highest acknowledged
    ManifestEnd manifest;
  };

  // Makes the file with seq 0.
  static Status Create(const std::string& directory);
  // DATA_LOSS if the file is missing or neither slot is whole.
  static StatusOr<std::unique_ptr<Watermark>> Open(const std::string& directory, bool read_only);
  ~Watermark();
  Watermark(const Watermark&) = delete;
  Watermark& operator=(const Watermark&) = delete;

  const Mark& mark() const { return mark_; }
  SeqNo seq() const { return mark_.seq; }
  // Durable when OK. The other slot keeps the mark before.
  Status Write(const Mark& mark);

 private:
  Watermark(int fd, const Mark& mark, int next_slot)
      : fd_(fd), mark_(mark), next_slot_(next_slot) {}
  int fd_;
  Mark mark_;
  int next_slot_;
};

}  // namespace alidade
