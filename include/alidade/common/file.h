// Files: writing with every call checked, durable renames, read-only mappings, the free space of a
// disk.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "alidade/common/status.h"

namespace alidade {

// Appends to a new file. Errors are sticky: after the first one every call returns it. A full disk
// is RESOURCE_EXHAUSTED, the rest INTERNAL. Thread-compatible.
class FileWriter {
 public:
  // Fails if the file exists.
  static StatusOr<std::unique_ptr<FileWriter>> Create(const std::string& path);
  ~FileWriter();
  FileWriter(const FileWriter&) = delete;
  FileWriter& operator=(const FileWriter&) = delete;

  Status Append(std::string_view bytes);
  // Overwrites bytes already written (for headers that are known last).
  Status WriteAt(uint64_t offset, std::string_view bytes);
  uint64_t size() const { return size_; }
  // Writes out, fsyncs and closes; the file is durable (its name is not: SyncDirectory).
  Status SyncAndClose();

 private:
  FileWriter(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}
  Status Fail(const char* what);
  Status FlushBuffer();

  int fd_;
  std::string path_;
  std::string buffer_;
  uint64_t size_ = 0;
  Status status_;
};

// A whole file mapped read-only. Immutable; unmapped when destroyed.
class MappedFile {
 public:
  // NOT_FOUND if it is missing, DATA_LOSS if it is no regular file.
  static StatusOr<std::unique_ptr<MappedFile>> Open(const std::string& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::string_view bytes() const { return {data_, size_}; }

 private:
  MappedFile(const char* data, size_t size) : data_(data), size_(size) {}
  const char* data_;
  size_t size_;
};

Status SyncDirectory(const std::string& path);
// Makes the directory and its parents; OK if it is there.
Status MakeDirectories(const std::string& path);
Status RenamePath(const std::string& from, const std::string& to);
// Removes a file or a whole directory; OK if it is gone already.
Status RemoveTree(const std::string& path);
bool PathExists(const std::string& path);
// Names in a directory, sorted, without "." and "..".
StatusOr<std::vector<std::string>> ListDirectory(const std::string& path);
StatusOr<std::string> ReadWholeFile(const std::string& path);
// Free bytes for unprivileged writers on the file system of `path`.
StatusOr<uint64_t> FreeBytes(const std::string& path);

// INTERNAL or RESOURCE_EXHAUSTED (no space) for an errno.
Status ErrnoStatus(int error, const std::string& what);

}  // namespace alidade
