#include "connection_acceptor.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <netdb.h>

#include "alidade/common/log.h"

namespace alidade {
namespace {

constexpr int kBacklog = 1024;
// Out of descriptors: wait this long for some to be closed before the next try (chosen).
constexpr int kRetryMs = 100;

std::string ErrorText(int error) { return std::system_category().message(error); }

void SetFlag(int fd, int level, int name) {
  const int on = 1;
  // Tuning only: a socket without it works too.
  (void)setsockopt(fd, level, name, &on, sizeof(on));
}

uint16_t BoundPort(int fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof(address);
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    return 0;
  }
  if (address.ss_family == AF_INET6) {
    return ntohs(reinterpret_cast<const sockaddr_in6*>(&address)->sin6_port);
  }
  return ntohs(reinterpret_cast<const sockaddr_in*>(&address)->sin_port);
}

// A bound, listening, non-blocking socket, or -1 with errno.
int ListenOn(const addrinfo& info) {
  const int fd =
      socket(info.ai_family, info.ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, info.ai_protocol);
  if (fd < 0) {
    return -1;
  }
  // SO_REUSEADDR lets a restart pass connections in TIME_WAIT. Without SO_REUSEPORT a second server
  // is refused.
  SetFlag(fd, SOL_SOCKET, SO_REUSEADDR);
  SetFlag(fd, IPPROTO_TCP, TCP_NODELAY);
  if (bind(fd, info.ai_addr, info.ai_addrlen) != 0 || listen(fd, kBacklog) != 0) {
    const int error = errno;
    close(fd);
    errno = error;
    return -1;
  }
  return fd;
}

}  // namespace

StatusOr<std::unique_ptr<ConnectionAcceptor>> ConnectionAcceptor::Listen(
    const AcceptorOptions& options) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int resolved =
      getaddrinfo(options.host.c_str(), std::to_string(options.port).c_str(), &hints, &found);
  if (resolved != 0) {
    return InvalidArgument(
        "cannot resolve the host \"{}\": {}", options.host, gai_strerror(resolved));
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> addresses(found, &freeaddrinfo);
  int fd = -1;
  int error = 0;
  for (const addrinfo* info = found; info != nullptr && fd < 0; info = info->ai_next) {
    fd = ListenOn(*info);
    error = fd < 0 ? errno : 0;
    if (error == EADDRINUSE) {
      break;  // never move on to another address when the asked one is taken
    }
  }
  if (fd < 0) {
    return FailedPrecondition("cannot listen on {}:{}: {}{}",
                              options.host,
                              options.port,
                              ErrorText(error),
                              error == EADDRINUSE ? " (is another server running?)" : "");
  }
  const int wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (wake_fd < 0) {
    error = errno;
    close(fd);
    return ResourceExhausted("cannot make an eventfd: {}", ErrorText(error));
  }
  return std::unique_ptr<ConnectionAcceptor>(
      new ConnectionAcceptor(options, fd, wake_fd, BoundPort(fd)));
}

ConnectionAcceptor::~ConnectionAcceptor() {
  Stop();
  close(wake_fd_);
}

void ConnectionAcceptor::Run(std::unique_ptr<Target> target) {
  target_ = std::move(target);
  thread_ = std::thread([this] { Loop(); });
}

void ConnectionAcceptor::Stop() {
  if (stopping_.exchange(true)) {
    return;
  }
  const uint64_t one = 1;
  // Fails only if the counter is full, and then the loop is awake anyway.
  (void)!write(wake_fd_, &one, sizeof(one));
  if (thread_.joinable()) {
    thread_.join();
  }
  close(listen_fd_);
}

void ConnectionAcceptor::Loop() {
  while (!stopping_.load()) {
    pollfd waiting[2] = {{listen_fd_, POLLIN, 0}, {wake_fd_, POLLIN, 0}};
    if (poll(waiting, 2, -1) < 0 && errno != EINTR) {
      ALIDADE_LOG_ERROR("the accept loop cannot poll: {}", ErrorText(errno));
    }
    if ((waiting[0].revents & POLLIN) != 0 && !stopping_.load()) {
      Accept();
    }
  }
}

void ConnectionAcceptor::Accept() {
  const int fd = accept4(listen_fd_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) {
    const int error = errno;
    if (error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM) {
      ALIDADE_LOG_WARN(
          "cannot accept a connection: {}; trying again in {} ms", ErrorText(error), kRetryMs);
      pollfd wake = {wake_fd_, POLLIN, 0};
      (void)poll(&wake, 1, kRetryMs);
    }
    return;  // everything else concerns that one connection
  }
  if (!Register(fd)) {
    refused_.fetch_add(1, std::memory_order_relaxed);
    close(fd);
    return;
  }
  SetFlag(fd, IPPROTO_TCP, TCP_NODELAY);
  Target::NewConnectionParameters parameters;
  parameters.listener_fd = listen_fd_;
  parameters.fd = fd;
  target_->HandleNewConnection(&parameters);
}

bool ConnectionAcceptor::Register(int fd) {
  struct stat info {};
  if (fstat(fd, &info) != 0) {
    return false;
  }
  const MutexLock lock(mutex_);
  // The same descriptor number again: gRPC closed the connection that had it.
  open_.erase(
      std::remove_if(open_.begin(), open_.end(), [fd](const Connection& c) { return c.fd == fd; }),
      open_.end());
  if (open_.size() >= options_.connections_max) {
    Sweep();
    if (open_.size() >= options_.connections_max) {
      return false;
    }
  }
  open_.push_back({fd, info.st_ino});
  return true;
}

void ConnectionAcceptor::Sweep() const {
  open_.erase(std::remove_if(open_.begin(),
                             open_.end(),
                             [](const Connection& c) {
                               struct stat info {};
                               return fstat(c.fd, &info) != 0 || info.st_ino != c.inode;
                             }),
              open_.end());
}

void ConnectionAcceptor::EndQuiet(std::chrono::milliseconds quiet) {
  const MutexLock lock(mutex_);
  Sweep();
  for (const Connection& connection : open_) {
    tcp_info info{};
    socklen_t size = sizeof(info);
    if (getsockopt(connection.fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 &&
        info.tcpi_unacked == 0 && info.tcpi_last_data_recv >= quiet.count() &&
        info.tcpi_last_data_sent >= quiet.count()) {
      (void)shutdown(connection.fd, SHUT_RDWR);  // gRPC closes it
    }
  }
}

uint32_t ConnectionAcceptor::connections() const {
  const MutexLock lock(mutex_);
  Sweep();
  return static_cast<uint32_t>(open_.size());
}

}  // namespace alidade
