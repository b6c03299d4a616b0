#include "crash/disk.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <thread>

namespace alidade::testing {
namespace {

// include/uapi/linux/ext4.h: the file system stops as if the power had failed; 2 = the journal is
// not flushed.
constexpr unsigned long kExt4Shutdown = 0x8004587dUL;
constexpr uint32_t kNoLogFlush = 2;

std::string Failure(const char* what) { return std::string(what) + ": " + std::strerror(errno); }

}  // namespace

int RunCommand(const std::string& command) {
  return std::system((command + " >/dev/null 2>&1").c_str());
}

Tmpfs::Tmpfs(int megabytes) {
  const std::string options = "size=" + std::to_string(megabytes) + "m";
  if (::mount("tmpfs", path().c_str(), "tmpfs", 0, options.c_str()) != 0) {
    problem_ = Failure("no tmpfs can be mounted");
  }
}

Tmpfs::~Tmpfs() {
  if (problem_.empty()) {
    ::umount2(path().c_str(), MNT_DETACH);
  }
}

PowerDisk::PowerDisk(int megabytes) {
  const std::string image = directory_.path() + "/image";
  if (RunCommand("truncate -s " + std::to_string(megabytes) + "M " + image) != 0 ||
      RunCommand("mkfs.ext4 -q " + image) != 0 || RunCommand("mkdir " + path()) != 0) {
    problem_ = "no ext4 image can be made (is e2fsprogs installed?)";
    return;
  }
  problem_ = PowerOn();
}

PowerDisk::~PowerDisk() {
  if (mounted_) {
    RunCommand("umount " + path());
  }
}

std::string PowerDisk::CutPower() {
  const int fd = ::open(path().c_str(), O_RDONLY | O_DIRECTORY);
  if (fd < 0) {
    return Failure("open the mount point");
  }
  uint32_t flags = kNoLogFlush;
  const int result = ::ioctl(fd, kExt4Shutdown, &flags);
  const std::string failure = result == 0 ? "" : Failure("EXT4_IOC_SHUTDOWN");
  ::close(fd);
  return failure;
}

std::string PowerDisk::PowerOn() {
  if (mounted_) {
    // The last file of the killed server may take a moment to close.
    for (int i = 0; i < 100 && ::umount(path().c_str()) != 0; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    mounted_ = false;
  }
  if (RunCommand("mount -o loop " + directory_.path() + "/image " + path()) != 0) {
    return "no loop device can be mounted (root and /dev/loop* are needed)";
  }
  mounted_ = true;
  return "";
}

}  // namespace alidade::testing
