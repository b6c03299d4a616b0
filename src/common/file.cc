#include "alidade/common/file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "alidade/common/failpoint.h"

namespace alidade {
namespace {

constexpr size_t kWriteBufferBytes = size_t{1} << 20;  // chosen: amortises the system call

Status WriteFully(int fd, std::string_view bytes, uint64_t offset, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (written < 0) {
      if (errno == EINTR) {
        continue;
      }
      return ErrnoStatus(errno, "write " + path);
    }
    bytes.remove_prefix(static_cast<size_t>(written));
    offset += static_cast<uint64_t>(written);
  }
  return OkStatus();
}

}  // namespace

Status ErrnoStatus(int error, const std::string& what) {
  const std::string reason = std::error_code(error, std::generic_category()).message();
  if (error == ENOSPC || error == EDQUOT) {
    return WithReason(ResourceExhausted("{}: {}", what, reason), "DISK_FULL");
  }
  if (error == ENOENT) {
    return NotFound("{}: {}", what, reason);
  }
  return Internal("{}: {}", what, reason);
}

StatusOr<std::unique_ptr<FileWriter>> FileWriter::Create(const std::string& path) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
  if (fd < 0) {
    return ErrnoStatus(errno, "create " + path);
  }
  return std::unique_ptr<FileWriter>(new FileWriter(fd, path));
}

FileWriter::~FileWriter() {
  if (fd_ >= 0) {
    ::close(fd_);
  }
}

Status FileWriter::FlushBuffer() {
  if (status_.ok() && !buffer_.empty()) {
    status_ = WriteFully(fd_, buffer_, size_ - buffer_.size(), path_);
    buffer_.clear();
  }
  return status_;
}

Status FileWriter::Append(std::string_view bytes) {
  if (!status_.ok()) {
    return status_;
  }
  if (buffer_.size() + bytes.size() > kWriteBufferBytes) {
    ALIDADE_RETURN_IF_ERROR(FlushBuffer());
    if (bytes.size() > kWriteBufferBytes) {
      status_ = WriteFully(fd_, bytes, size_, path_);
      size_ += bytes.size();
      return status_;
    }
  }
  buffer_.append(bytes);
  size_ += bytes.size();
  return status_;
}

Status FileWriter::WriteAt(uint64_t offset, std::string_view bytes) {
  ALIDADE_RETURN_IF_ERROR(FlushBuffer());
  status_ = WriteFully(fd_, bytes, offset, path_);
  return status_;
}

Status FileWriter::SyncAndClose() {
  ALIDADE_RETURN_IF_ERROR(FlushBuffer());
  if (!ALIDADE_MUTANT("no_file_sync") && ::fsync(fd_) != 0) {
    status_ = ErrnoStatus(errno, "fsync " + path_);
    return status_;
  }
  const int fd = fd_;
  fd_ = -1;
  if (::close(fd) != 0) {
    status_ = ErrnoStatus(errno, "close " + path_);
  }
  return status_;
}

StatusOr<std::unique_ptr<MappedFile>> MappedFile::Open(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) {
    return ErrnoStatus(errno, "open " + path);
  }
  struct stat info {};
  if (::fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
    ::close(fd);
    return DataLoss("{} is no regular file", path);
  }
  const auto size = static_cast<size_t>(info.st_size);
  if (size == 0) {
    ::close(fd);
    return std::unique_ptr<MappedFile>(new MappedFile(nullptr, 0));
  }
  void* data = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, fd, 0);
  const int error = errno;
  ::close(fd);
  if (data == MAP_FAILED) {
    return ErrnoStatus(error, "map " + path);
  }
  return std::unique_ptr<MappedFile>(new MappedFile(static_cast<const char*>(data), size));
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) {
    ::munmap(const_cast<char*>(data_), size_);
  }
}

Status SyncDirectory(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) {
    return ErrnoStatus(errno, "open directory " + path);
  }
  const int result = ::fsync(fd);
  const int error = errno;
  ::close(fd);
  return result == 0 ? OkStatus() : ErrnoStatus(error, "fsync directory " + path);
}

Status MakeDirectories(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  return error ? ErrnoStatus(error.value(), "make directory " + path) : OkStatus();
}

Status RenamePath(const std::string& from, const std::string& to) {
  return ::rename(from.c_str(), to.c_str()) == 0
             ? OkStatus()
             : ErrnoStatus(errno, "rename " + from + " to " + to);
}

Status RemoveTree(const std::string& path) {
  std::error_code error;
  std::filesystem::remove_all(path, error);
  return error ? ErrnoStatus(error.value(), "remove " + path) : OkStatus();
}

bool PathExists(const std::string& path) {
  struct stat info {};
  return ::lstat(path.c_str(), &info) == 0;
}

StatusOr<std::vector<std::string>> ListDirectory(const std::string& path) {
  std::error_code error;
  std::vector<std::string> names;
  std::filesystem::directory_iterator it(path, error);
  for (; !error && it != std::filesystem::directory_iterator(); it.increment(error)) {
    names.push_back(it->path().filename().string());
  }
  if (error) {
    return ErrnoStatus(error.value(), "list " + path);
  }
  std::sort(names.begin(), names.end());
  return names;
}

StatusOr<std::string> ReadWholeFile(const std::string& path) {
  ALIDADE_ASSIGN_OR_RETURN(const auto file, MappedFile::Open(path));
  return std::string(file->bytes());
}

StatusOr<uint64_t> FreeBytes(const std::string& path) {
  struct statvfs info {};
  if (::statvfs(path.c_str(), &info) != 0) {
    return ErrnoStatus(errno, "statvfs " + path);
  }
  return static_cast<uint64_t>(info.f_bavail) * info.f_frsize;
}

}  // namespace alidade
