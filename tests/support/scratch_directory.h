// ScratchDirectory: a directory of the test's own, and ways to damage what lies in it.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>
#include <stdlib.h>

#include "alidade/common/file.h"

namespace alidade {

// Removed with everything in it when destroyed.
class ScratchDirectory {
 public:
  ScratchDirectory() {
    std::string pattern = ::testing::TempDir() + "alidade_scratch_XXXXXX";
    path_ = ::mkdtemp(pattern.data());
  }
  ~ScratchDirectory() { std::filesystem::remove_all(path_); }
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;

  const std::string& path() const { return path_; }
  std::string Path(std::string_view name) const { return path_ + "/" + std::string(name); }

 private:
  std::string path_;
};

inline void PutBytes(const std::string& path, std::string_view bytes) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  ASSERT_GE(fd, 0) << path;
  ASSERT_EQ(::write(fd, bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size())) << path;
  ASSERT_EQ(::close(fd), 0);
}

inline void FlipBit(const std::string& path, size_t byte, int bit = 0) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  ASSERT_GE(fd, 0) << path;
  char value = 0;
  ASSERT_EQ(::pread(fd, &value, 1, static_cast<off_t>(byte)), 1) << path;
  value = static_cast<char>(value ^ (1 << bit));
  ASSERT_EQ(::pwrite(fd, &value, 1, static_cast<off_t>(byte)), 1) << path;
  ASSERT_EQ(::close(fd), 0);
}

inline size_t FileBytes(const std::string& path) { return std::filesystem::file_size(path); }

inline void CutFile(const std::string& path, size_t bytes) {
  ASSERT_LE(bytes, FileBytes(path));
  std::filesystem::resize_file(path, bytes);
}

inline void CopyTree(const std::string& from, const std::string& to) {
  std::filesystem::remove_all(to);
  std::filesystem::copy(from, to, std::filesystem::copy_options::recursive);
}

// Every file below `root` whose name ends in `ending`, sorted.
inline std::vector<std::string> FilesBelow(const std::string& root, std::string_view ending = "") {
  std::vector<std::string> found;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
    if (entry.is_regular_file() && entry.path().string().ends_with(ending)) {
      found.push_back(entry.path().string());
    }
  }
  std::sort(found.begin(), found.end());
  return found;
}

// Names and contents of all files below `root`.
inline std::map<std::string, std::string> ContentsBelow(const std::string& root) {
  std::map<std::string, std::string> contents;
  for (const std::string& path : FilesBelow(root)) {
    contents[path.substr(root.size())] = ReadWholeFile(path).value_or("(unreadable)");
  }
  return contents;
}

}  // namespace alidade
